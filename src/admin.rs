//! `/livez`, `/readyz` and `/metrics`, on a port of their own.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

/// One number of `/metrics`.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    pub(crate) value: u64,
}

impl Metric {
    pub(crate) fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Counter, value }
    }

    pub(crate) fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Gauge, value }
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
    ready: AtomicBool,
    metrics: std::sync::OnceLock<Vec<ReadMetrics>>,
    checks: std::sync::OnceLock<Vec<Check>>,
}

impl Admin {
    /// Says whether traffic should come here.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.inner.ready.store(ready, Ordering::Release);
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

async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    if !admin.inner.ready.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n".to_owned());
    }
    let troubles: Vec<_> = admin.inner.checks.get().into_iter().flatten().flat_map(|check| check()).collect();
    match troubles.is_empty() {
        true => (StatusCode::OK, "ok\n".to_owned()),
        false => (StatusCode::SERVICE_UNAVAILABLE, troubles.join("\n") + "\n"),
    }
}

/// The text format 0.0.4 that Prometheus scrapes.
async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let mut text = String::new();
    for metric in admin.inner.metrics.get().into_iter().flatten().flat_map(|read| read()) {
        let Metric { name, help, kind, value } = metric;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
