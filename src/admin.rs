//! `/livez`, `/readyz` and `/metrics`, on a port of their own.

use std::fmt::Write as _;
use std::iter;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::sync::oneshot;

use crate::http::{self, Bound, Connections, Patience, Server, Stop, Told};
use crate::version;

/// How many may ask at the same time.
const CONNECTIONS: usize = 24;
/// How long those who ask at the end may take to read the answer.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// One number of `/metrics`.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    /// What tells it from others of its name, or says what it is of.
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    pub(crate) value: u64,
}

impl Metric {
    pub(crate) fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Counter, labels: Vec::new(), value }
    }

    pub(crate) fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Gauge, labels: Vec::new(), value }
    }

    /// With one more label; of several of one name, which follow one another, each has another value.
    pub(crate) fn of(mut self, label: &'static str, value: &'static str) -> Self {
        self.labels.push((label, value));
        self
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
    notes: std::sync::OnceLock<Vec<Check>>,
    /// Why it was not ready when the log was told last, without numbers, which change all the time.
    told: Mutex<String>,
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
        self.tell("");
    }

    /// What has to change before this process can work.
    pub(crate) fn waits_for(&self, what: String) {
        self.tell(&what);
        self.set(Readiness::WaitsFor(what));
    }

    /// No traffic any more.
    pub(crate) fn stopping(&self) {
        self.set(Readiness::Stopping);
    }

    fn set(&self, state: Readiness) {
        *self.inner.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Tells the log why this process is not ready, or, by nothing, that it is again: once for each change, however often it is asked.
    fn tell(&self, why: &str) {
        let shape: String = why.chars().filter(|c| !c.is_ascii_digit()).collect();
        let mut told = self.inner.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == shape {
            return;
        }
        match why {
            "" => tracing::info!("ready again"),
            why => tracing::warn!("not ready: {why}"),
        }
        *told = shape;
    }

    /// Says where the numbers come from. Only the first call counts.
    pub(crate) fn set_metrics(&self, metrics: Vec<ReadMetrics>) {
        let _ = self.inner.metrics.set(metrics);
    }

    /// Says who is asked whether it does its job. Only the first call counts.
    pub(crate) fn set_checks(&self, checks: Vec<Check>) {
        let _ = self.inner.checks.set(checks);
    }

    /// Says who is asked for what is to be known though it keeps nobody away. Only the first call counts.
    pub(crate) fn set_notes(&self, notes: Vec<Check>) {
        let _ = self.inner.notes.set(notes);
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

async fn readyz(State(admin): State<Admin>) -> Response {
    let unready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, Extension(Told), format!("{why}\n")).into_response();
    match &*admin.inner.state.lock().unwrap_or_else(PoisonError::into_inner) {
        Readiness::Ready => {}
        Readiness::Starting => return unready("starting"),
        Readiness::WaitsFor(what) => return unready(what),
        Readiness::Stopping => return unready("stopping"),
    }
    let troubles: Vec<_> = admin.inner.checks.get().into_iter().flatten().flat_map(|check| check()).collect();
    admin.tell(&troubles.join("; "));
    if !troubles.is_empty() {
        return unready(&troubles.join("\n"));
    }
    let notes = admin.inner.notes.get().into_iter().flatten().flat_map(|note| note());
    iter::once("ok".to_owned()).chain(notes).map(|line| line + "\n").collect::<String>().into_response()
}

/// Which program this is, as Prometheus' own exporters tell it.
fn build_info() -> Metric {
    const HELP: &str = "Always 1: the version and the commit of this process";
    Metric::gauge("hearth_build_info", HELP, 1).of("version", version::NUMBER).of("revision", version::COMMIT)
}

/// The text format 0.0.4 that Prometheus scrapes.
async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let (mut text, mut described) = (String::new(), "");
    let roles = admin.inner.metrics.get().into_iter().flatten().flat_map(|read| read());
    for metric in iter::once(build_info()).chain(roles) {
        let Metric { name, help, kind, labels, value } = metric;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String does not fail.
        if std::mem::replace(&mut described, name) != name {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        }
        let labels = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect::<Vec<_>>().join(",");
        let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
        let _ = writeln!(text, "{name}{labels} {value}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
