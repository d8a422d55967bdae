//! `/livez`, `/readyz` and `/metrics`, on a port of their own.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::oneshot;

use crate::http::{self, Bound, Connections, Patience, Server, Stop};

/// How many may ask at the same time.
const CONNECTIONS: usize = 24;
/// How long those who ask at the end may take to read the answer.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// One number of `/metrics`.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    /// What tells it from others of its name.
    pub(crate) label: Option<(&'static str, &'static str)>,
    pub(crate) value: u64,
}

impl Metric {
    pub(crate) fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Counter, label: None, value }
    }

    pub(crate) fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Gauge, label: None, value }
    }

    /// One of several of its name, which follow one another.
    pub(crate) fn of(self, label: &'static str, value: &'static str) -> Self {
        Self { label: Some((label, value)), ..self }
    }
}

/// Whether a number only grows.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Counter,
    Gauge,
}

/// Reads one role's numbers.
pub(crate) type ReadMetrics = Box<dyn Fn() -> Vec<Metric> + Send + Sync>;

/// Says what keeps a role from its job, a sentence for each trouble.
pub(crate) type Check = Box<dyn Fn() -> Vec<String> + Send + Sync>;

/// What the admin port knows of the process.
#[derive(Clone, Default)]
pub(crate) struct Admin {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<Readiness>,
    metrics: std::sync::OnceLock<Vec<ReadMetrics>>,
    checks: std::sync::OnceLock<Vec<Check>>,
}

/// Whether traffic should come here.
#[derive(Default)]
enum Readiness {
    #[default]
    Starting,
    WaitsFor(String),
    Ready,
    Stopping,
}

impl Admin {
    /// All is there: traffic may come.
    pub(crate) fn ready(&self) {
        self.set(Readiness::Ready);
    }

    /// What has to change before this process can work.
    pub(crate) fn waits_for(&self, what: String) {
        self.set(Readiness::WaitsFor(what));
    }

    /// No traffic any more.
    pub(crate) fn stopping(&self) {
        self.set(Readiness::Stopping);
    }

    fn set(&self, state: Readiness) {
        *self.inner.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Says where the numbers come from. Only the first call counts.
    pub(crate) fn set_metrics(&self, metrics: Vec<ReadMetrics>) {
        let _ = self.inner.metrics.set(metrics);
    }

    /// Says who is asked whether it does its job. Only the first call counts.
    pub(crate) fn set_checks(&self, checks: Vec<Check>) {
        let _ = self.inner.checks.set(checks);
    }

    /// The admin port's routes.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/livez", get(|| async { "ok\n" }))
            .route("/metrics", get(metrics))
            .route("/readyz", get(readyz))
            .with_state(self.clone())
    }
}

/// The admin port, on a thread of its own: it answers whatever the servers are busy with.
pub(crate) struct AdminPort {
    stop: Stop,
    ended: oneshot::Receiver<()>,
}

impl AdminPort {
    /// Serves at `socket` until closed.
    pub(crate) fn open(socket: Bound, admin: &Admin, patience: Patience) -> anyhow::Result<Self> {
        let stop = Stop::default();
        let connections = Connections::new(CONNECTIONS);
        let server = Server { router: admin.router(), connections, patience, tls: None, is_stream: |_, _| false };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let socket = socket.leave_runtime()?;
        let (tell, ended) = oneshot::channel();
        let until = stop.clone();
        let serve = move || {
            let served = runtime.block_on(async { http::serve(socket.enter_runtime()?, server, until).await });
            if let Err(error) = served {
                tracing::error!(%error, "the admin port ended");
            }
            // Nobody may be waiting any more.
            let _ = tell.send(());
        };
        std::thread::Builder::new().name("admin".to_owned()).spawn(serve).context("no thread for the admin port")?;
        Ok(Self { stop, ended })
    }

    /// Lets requests under way end, for a moment.
    pub(crate) async fn close(self) {
        self.stop.drain.cancel();
        // What it says is how it ended, which does not matter any more.
        let _ = tokio::time::timeout(LAST_ANSWERS, self.ended).await;
        self.stop.cut.cancel();
    }
}

async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    let unready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    match &*admin.inner.state.lock().unwrap_or_else(PoisonError::into_inner) {
        Readiness::Ready => {}
        Readiness::Starting => return unready("starting"),
        Readiness::WaitsFor(what) => return unready(what),
        Readiness::Stopping => return unready("stopping"),
    }
    let troubles: Vec<_> = admin.inner.checks.get().into_iter().flatten().flat_map(|check| check()).collect();
    if troubles.is_empty() { (StatusCode::OK, "ok\n".to_owned()) } else { unready(&troubles.join("\n")) }
}

/// The text format 0.0.4 that Prometheus scrapes.
async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let (mut text, mut described) = (String::new(), "");
    for metric in admin.inner.metrics.get().into_iter().flatten().flat_map(|read| read()) {
        let Metric { name, help, kind, label, value } = metric;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String does not fail.
        if std::mem::replace(&mut described, name) != name {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        }
        let label = label.map(|(label, value)| format!("{{{label}=\"{value}\"}}")).unwrap_or_default();
        let _ = writeln!(text, "{name}{label} {value}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
