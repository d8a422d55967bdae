//! Starts the roles, watches over them, and stops them.
//!
//! Start: sockets bound, addresses printed, then ready. Stop: SIGTERM or Ctrl-C, unready, requests and uploads under way
//! end within the drain time. A role that ends by itself ends the process, so that Kubernetes starts it again.

use std::io::Write as _;

use anyhow::{Context as _, anyhow};
use storage::Store;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::config::Config;
use crate::{collector, history, http, sample, staging};

type Task = anyhow::Result<()>;

/// Runs what `config` asks for until told to stop.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    // Listening for signals comes first: one that arrives during the start is not to be lost.
    let stop = stop_signal()?;
    let store = Store::open(&config.store)?;
    if config.sample {
        sample::add(&store).await.context("the sample application could not be put into the store")?;
    }
    let drained = CancellationToken::new();
    let mut roles = Roles { tasks: JoinSet::new(), stop: drained.clone(), lines: Vec::new(), admin: Admin::default() };
    roles.start(&config, &store).await?;
    roles.announce(&config)?;
    roles.admin.set_ready(true);

    let mut ended_early = None;
    tokio::select! {
        name = stop => tracing::info!(signal = name, "stopping"),
        Some(ended) = roles.tasks.join_next() => ended_early = Some(ended),
    }
    roles.admin.set_ready(false);
    drained.cancel();
    let drain = async { while roles.tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(config.drain_timeout, drain).await.is_err() {
        tracing::warn!(after = ?config.drain_timeout, "requests were still under way at the end of the drain time");
    }
    match ended_early {
        None => Ok(()),
        Some(Ok(Ok(()))) => Err(anyhow!("a server ended by itself")),
        Some(Ok(Err(error))) => Err(error),
        Some(Err(error)) => Err(error.into()),
    }
}

struct Roles {
    tasks: JoinSet<Task>,
    stop: CancellationToken,
    /// What is printed once everything is bound: a role and its address.
    lines: Vec<(&'static str, String)>,
    admin: Admin,
}

impl Roles {
    async fn start(&mut self, config: &Config, store: &Store) -> anyhow::Result<()> {
        let (mut metrics, mut checks) = (Vec::new(), Vec::new());
        // All sockets first, so that a taken port is told before anything else happens.
        let staging_socket = match &config.staging {
            Some(part) => Some((part, http::bind("staging server", part.listen).await?)),
            None => None,
        };
        let history_socket = match &config.history {
            Some(part) => Some((part, http::bind("history server", part.listen).await?)),
            None => None,
        };
        let admin_socket = match config.admin_listen {
            Some(address) => Some(http::bind("admin port", address).await?),
            None => None,
        };
        if let Some((part, socket)) = history_socket {
            self.lines.push(("history server", format!("http://{}", socket.address)));
            let history = history::build(part, store)?;
            metrics.push(history::metrics(&history));
            self.tasks.spawn(http::serve(socket, history::router(part, &history, store), self.stop.clone()));
            self.tasks.spawn(history::scan(history, self.stop.clone()));
        }
        if let Some((part, socket)) = staging_socket {
            self.lines.push(("staging server", format!("http://{}", socket.address)));
            self.tasks.spawn(staging::serve(staging::build(part, store), socket, self.stop.clone()));
        }
        if let Some((collector, folders)) = collector::build(config, store) {
            self.lines.push(("log collector", folders));
            metrics.push(collector::metrics(&collector));
            checks.push(collector::check(&collector));
            self.tasks.spawn(collector::run(collector, self.stop.clone()));
        } else if config.collector.is_some() {
            self.lines.push(("log collector", "nothing to collect: give --pod-logs or --event-log-dir".to_owned()));
        }
        if let Some(socket) = admin_socket {
            self.lines.push(("admin", format!("http://{}", socket.address)));
            self.tasks.spawn(http::serve(socket, self.admin.router(), self.stop.clone()));
        }
        self.admin.set_metrics(metrics);
        self.admin.set_checks(checks);
        Ok(())
    }

    fn announce(&mut self, config: &Config) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{:<15} {}", "store", config.store)?;
        for (role, text) in self.lines.drain(..) {
            writeln!(out, "{role:<15} {text}")?;
        }
        out.flush()
    }
}

/// A future that ends with the name of the signal that told us to stop.
fn stop_signal() -> anyhow::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
