//! Builds the history server and its pages.

use std::time::Duration;

use axum::Router;
use history_server::event_log::LogSource;
use history_server::{AccessConfig, CleanConfig, Config, Figures, History, ReplaySettings};
use log_collector::Logs;
use storage::{Key, ObjectPath, Store};
use tokio_util::sync::CancellationToken;

use crate::admin::{Check, Metric, ReadMetrics};
use crate::config;
use crate::store::Place;

/// The history server over `store`, not running yet.
pub(crate) fn build(config: &config::History, access: &config::Access, store: &Store) -> anyhow::Result<History> {
    let mut sources = Vec::new();
    for place in &config.event_logs {
        sources.push(LogSource::new(Store::open(&place.url)?, place.name.clone()));
    }
    if sources.is_empty() {
        let folder = Key::EventLog(ObjectPath::root()).path();
        sources.push(LogSource::new(store.below(&folder)?, None));
    }
    let mut settings = Config::new(sources, config.keeps.then(|| store.clone()));
    settings.scan_interval = config.scan_interval;
    settings.cache_bytes = config.cache_bytes;
    settings.replay_ahead = config.replay_ahead;
    settings.replay = ReplaySettings {
        retained_jobs: config.retained.jobs,
        retained_stages: config.retained.stages,
        retained_tasks: config.retained.tasks,
        retained_dead_executors: config.retained.dead_executors,
        retained_executions: config.retained.executions,
        retained_streaming_queries: config.retained.streaming_queries,
        retained_streaming_updates: config.retained.streaming_updates,
        retained_thrift_sessions: config.retained.thrift_sessions,
        retained_thrift_statements: config.retained.thrift_statements,
        retained_connect_sessions: config.retained.connect_sessions,
        retained_connect_statements: config.retained.connect_statements,
        max_line_bytes: config.max_line_bytes,
        memory_bytes: config.replay_memory_bytes,
        ..settings.replay
    };
    settings.executor_log_url = config.executor_log_url.clone();
    settings.executor_log_url_of_incomplete = config.executor_log_url_of_incomplete;
    settings.redaction = config.redaction.clone();
    settings.clean = clean(&config.clean);
    settings.access = AccessConfig {
        enabled: config.acls,
        admins: access.admin_users.clone(),
        admin_groups: access.admin_groups.clone(),
        ..AccessConfig::default()
    };
    Ok(History::new(settings))
}

/// What a history server cannot do without.
pub(crate) fn places(config: &config::History, store: &Store) -> anyhow::Result<Vec<Place>> {
    if config.event_logs.is_empty() {
        let folder = Key::EventLog(ObjectPath::root()).path();
        return Ok(vec![Place { store: store.below(&folder)?, is_written: false, setting: "--store" }]);
    }
    let open = |place: &config::EventLogs| {
        Ok(Place { store: Store::open(&place.url)?, is_written: false, setting: "--event-logs" })
    };
    config.event_logs.iter().map(open).collect()
}

fn clean(config: &config::Clean) -> Option<CleanConfig> {
    if config.max_age.is_none() && config.max_logs.is_none() {
        return None;
    }
    Some(CleanConfig {
        interval: config.interval,
        max_age: config.max_age.unwrap_or(Duration::MAX),
        max_logs: config.max_logs.unwrap_or(usize::MAX),
    })
}

/// Pages and REST API in one. They want to be told who asks.
pub(crate) fn router(config: &config::History, history: &History, store: &Store) -> Router {
    let pages = web::Config {
        history: history.clone(),
        logs: Logs::new(store.clone()),
        title: config.title.clone(),
        public_prefix: config.public_prefix.clone(),
    };
    history_server::api::router(history.clone()).merge(web::router(pages))
}

/// Keeps the list of applications up to date until `stop`.
pub(crate) async fn scan(history: History, stop: CancellationToken) -> anyhow::Result<()> {
    history.run(stop).await;
    Ok(())
}

/// What keeps the history server from its job: a place of event logs that could never be listed. One that was listed before is still
/// shown as it was known, with a word on it.
pub(crate) fn check(history: &History) -> Check {
    let history = history.clone();
    Box::new(move || {
        let failures = history.scan_failures().into_iter().filter(|failure| !failure.was_listed);
        failures
            .map(|failure| format!("event logs in {} cannot be listed: {}", failure.place, failure.reason))
            .collect()
    })
}

/// The history server's numbers.
pub(crate) fn metrics(history: &History) -> ReadMetrics {
    let history = history.clone();
    Box::new(move || {
        let figures = history.figures();
        let mut metrics = list_metrics(&figures);
        metrics.extend(replay_metrics(&figures));
        metrics
    })
}

fn list_metrics(figures: &Figures) -> Vec<Metric> {
    vec![
        Metric::counter("hearth_history_scans_total", "Scans of all event log folders", figures.scans),
        Metric::counter(
            "hearth_history_scan_failures_total",
            "Folders or logs that could not be read",
            figures.scan_failures,
        ),
        Metric::gauge(
            "hearth_history_unreachable_places",
            "Places of event logs that could not be listed at the last scan",
            figures.unreachable_places,
        ),
        Metric::gauge("hearth_history_last_scan_microseconds", "How long the last scan took", figures.last_scan_micros),
        Metric::gauge(
            "hearth_history_last_scan_milliseconds",
            "When the last scan ended, since the epoch",
            figures.last_scan_millis.unsigned_abs(),
        ),
        Metric::counter("hearth_history_logs_read_total", "Logs read for the list", figures.logs_read),
        Metric::gauge("hearth_history_logs_pending", "Logs that wait to be read for the list", figures.logs_pending),
        Metric::gauge("hearth_history_bad_folders", "Rolling logs whose files leave a gap", figures.bad_folders),
        Metric::gauge("hearth_history_logs", "Event logs known", figures.logs),
        Metric::gauge("hearth_history_applications", "Applications listed", figures.applications),
    ]
}

fn replay_metrics(figures: &Figures) -> Vec<Metric> {
    vec![
        Metric::counter("hearth_history_opens_total", "Applications asked for", figures.opens),
        Metric::counter("hearth_history_cache_hits_total", "Applications answered from memory", figures.cache_hits),
        Metric::counter("hearth_history_replays_total", "Logs replayed", figures.replays),
        Metric::counter("hearth_history_replay_failures_total", "Replays that failed", figures.replay_failures),
        Metric::counter(
            "hearth_history_replay_faults_total",
            "Lines and logs at which this program failed and showed what came before",
            figures.replay_faults,
        ),
        Metric::counter("hearth_history_replay_microseconds_total", "How long replays took", figures.replay_micros),
        Metric::counter("hearth_history_replay_bytes_total", "How much text replays read", figures.replay_bytes),
        Metric::counter(
            "hearth_history_stored_opens_total",
            "Applications opened from their stored form",
            figures.stored_opens,
        ),
        Metric::counter(
            "hearth_history_stored_writes_total",
            "Applications put into their stored form",
            figures.stored_writes,
        ),
        Metric::counter(
            "hearth_history_stored_skips_total",
            "Applications not put into their stored form because too many waited",
            figures.stored_skips,
        ),
        Metric::counter("hearth_history_cleaned_total", "Logs deleted for their age or number", figures.cleaned),
        Metric::gauge("hearth_history_cached_applications", "Applications held in memory", figures.cached),
        Metric::gauge("hearth_history_cached_bytes", "How much memory they take, about", figures.cached_bytes),
        Metric::gauge("hearth_history_loading_applications", "Applications being loaded", figures.loading),
    ]
}
