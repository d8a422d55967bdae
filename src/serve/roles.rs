//! The servers of one process: how each is put together and started.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use staging_server::Staging;
use storage::Store;
use tokio::task::JoinSet;

use crate::access::Access;
use crate::admin::{Admin, AdminPort, Metric, ReadMetrics};
use crate::config::{Config, Http};
use crate::http::{Bound, Connections, Patience, Server, Stop, Tls};
use crate::store::Place;
use crate::{collector, history, http, staging, start_page};

/// How one of the things that run ends.
pub(super) type Task = anyhow::Result<()>;

/// All sockets, so that a taken port is told before anything else happens.
pub(super) struct Sockets {
    staging: Option<Bound>,
    history: Option<Bound>,
    admin: Option<Bound>,
}

impl Sockets {
    pub(super) async fn bind(config: &Config) -> anyhow::Result<Self> {
        let staging = match &config.staging {
            Some(part) => Some(http::bind("staging server", part.listen).await?),
            None => None,
        };
        let history = match &config.history {
            Some(part) => Some(http::bind("history server", part.listen).await?),
            None => None,
        };
        let admin = match config.admin_listen {
            Some(address) => Some(http::bind("admin port", address).await?),
            None => None,
        };
        Ok(Self { staging, history, admin })
    }

    pub(super) fn open_to_clients(&self) -> Vec<SocketAddr> {
        [&self.staging, &self.history].into_iter().flatten().map(|socket| socket.address).collect()
    }
}

/// What goes before every server that has clients.
pub(super) struct Doors {
    pub(super) access: Access,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Doors {
    fn url(&self, address: SocketAddr) -> String {
        format!("{}://{address}", if self.tls.is_some() { "https" } else { "http" })
    }
}

/// What runs, and what of it is told to others.
pub(super) struct Roles {
    pub(super) tasks: JoinSet<Task>,
    pub(super) stop: Stop,
    /// What is printed once everything is bound: a role and its address.
    lines: Vec<(&'static str, String)>,
    /// What has to be usable before this process is ready.
    pub(super) places: Vec<Place>,
    pub(super) admin: Admin,
    pub(super) admin_port: Option<AdminPort>,
    pub(super) connections: Connections,
}

impl Roles {
    /// Nothing yet, of what will share `connections`.
    pub(super) fn new(connections: Connections) -> Self {
        Self {
            tasks: JoinSet::new(),
            stop: Stop::default(),
            lines: Vec::new(),
            places: Vec::new(),
            admin: Admin::default(),
            admin_port: None,
            connections,
        }
    }

    /// Starts all that `config` asks for.
    pub(super) fn start(
        &mut self,
        config: &Config,
        store: &Store,
        sockets: Sockets,
        doors: &Doors,
    ) -> anyhow::Result<()> {
        let (mut metrics, mut checks, mut notes) = (vec![metrics(&self.connections)], Vec::new(), Vec::new());
        if let (Some(part), Some(socket)) = (&config.history, sockets.history) {
            self.lines.push(("history server", doors.url(socket.address)));
            let history = history::build(part, &config.access, store)?;
            metrics.push(history::metrics(&history));
            checks.push(history::check(&history));
            self.places.extend(history::places(part, store)?);
            let router = doors.access.around_known(history::router(part, &history, store));
            let server = self.server(router, config.http, doors);
            self.tasks.spawn(http::serve(socket, server, self.stop.clone()));
            self.tasks.spawn(history::scan(history, self.stop.drain.clone()));
        }
        if let (Some(part), Some(socket)) = (&config.staging, sockets.staging) {
            self.lines.push(("staging server", doors.url(socket.address)));
            let staging = staging::build(part, store, doors.access.rules.clone());
            self.places.push(staging::place(store));
            metrics.push(staging::metrics(&staging));
            notes.push(staging::notes(&staging));
            self.tasks.spawn(staging::sweep(part.sweep_interval, staging.clone(), self.stop.drain.clone()));
            let router = doors.access.around(staging.router().merge(start_page::router(part.public_url.clone())));
            let router = router.merge(doors.access.tokens());
            let mut server = self.server(router, config.http, doors);
            server.is_stream = staging::is_stream;
            self.tasks.spawn(serve_staging(staging, socket, server, self.stop.clone()));
        }
        if let Some((collector, folders)) = collector::build(config, store) {
            self.lines.push(("log collector", folders));
            metrics.push(collector::metrics(&collector));
            checks.push(collector::check(&collector));
            self.tasks.spawn(collector::run(collector, self.stop.drain.clone()));
        } else if config.collector.is_some() {
            self.lines.push(("log collector", "nothing to collect: give --pod-logs or --event-log-dir".to_owned()));
        }
        if let Some(socket) = sockets.admin {
            self.lines.push(("admin", format!("http://{}", socket.address)));
            self.admin_port = Some(AdminPort::open(socket, &self.admin, patience(config.http))?);
        }
        if let Some(tls) = doors.tls.clone() {
            let stop = self.stop.drain.clone();
            self.tasks.spawn(async move {
                tls.keep_fresh(stop).await;
                Ok(())
            });
        }
        self.admin.set_metrics(metrics);
        self.admin.set_checks(checks);
        self.admin.set_notes(notes);
        Ok(())
    }

    fn server(&self, router: axum::Router, http: Http, doors: &Doors) -> Server {
        let (connections, tls) = (self.connections.clone(), doors.tls.clone());
        Server { router, connections, patience: patience(http), tls, is_stream: |_, _| false }
    }

    /// Says where everything is. Nobody has to listen.
    pub(super) fn announce(&mut self, config: &Config) {
        let history = self.lines.iter().find(|(role, _)| *role == "history server").map(|(_, url)| url.clone());
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{:<15} {}", "store", config.store);
        for (role, text) in self.lines.drain(..) {
            let _ = writeln!(out, "{role:<15} {text}");
        }
        let _ = out.flush();
        if let (Some(notes), Some(url)) = (&config.spark_notes, history) {
            notes.iter().for_each(|note| tracing::warn!("{note}"));
            // In Spark's words: some wait for this line.
            let host =
                url.split("://").nth(1).and_then(|address| address.rsplit_once(':')).map_or("", |(host, _)| host);
            tracing::info!("Bound HistoryServerUI to {host}, and started at {url}");
        }
    }
}

fn patience(http: Http) -> Patience {
    Patience { header: http.header_timeout, idle: http.idle_timeout, stall: http.stall_timeout }
}

/// The numbers of all connections but the admin port's.
fn metrics(connections: &Connections) -> ReadMetrics {
    let connections = connections.clone();
    Box::new(move || {
        let census = connections.census();
        vec![
            Metric::gauge("hearth_http_connections", "Connections that are open", census.open),
            Metric::gauge(
                "hearth_http_requests_under_way",
                "Requests that have not been answered whole",
                census.requests,
            ),
            Metric::gauge(
                "hearth_http_event_log_streams",
                "Those of them that write an event log, and are as long as its application",
                census.streams,
            ),
            Metric::counter(
                "hearth_http_connections_evicted_total",
                "Connections that had said nothing, or half a request, and gave way to new ones",
                census.evicted,
            ),
        ]
    })
}

/// Serves until told to stop, then until what arrived of every upload is in the store.
async fn serve_staging(staging: Staging, socket: Bound, server: Server, stop: Stop) -> Task {
    http::serve(socket, server, stop).await?;
    staging.drain().await;
    Ok(())
}
