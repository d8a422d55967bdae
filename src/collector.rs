//! Builds the log collector.

use anyhow::Context as _;
use log_collector::{Behind, Collector, Config, PodIdentity, Retention, Selection, Snapshot};
use storage::Store;
use tokio_util::sync::CancellationToken;

use crate::admin::{Check, Metric, ReadMetrics};
use crate::config;

/// The collector, if there is anything to collect; and what it collects, in words.
pub(crate) fn build(config: &config::Config, store: &Store) -> Option<(Collector, String)> {
    let part = config.collector.as_ref()?;
    let folders: Vec<_> = part
        .pod_logs
        .iter()
        .chain(&part.event_log_dirs)
        .chain(&part.kubelet_dir)
        .chain(&part.api_logs)
        .map(|dir| dir.display().to_string())
        .collect();
    if folders.is_empty() {
        return None;
    }
    let pod_identity = match part.pod_identity {
        config::PodIdentity::Kubernetes
            if part.pod_logs.is_some() || part.kubelet_dir.is_some() || part.api_logs.is_some() =>
        {
            PodIdentity::Kubernetes { kubeconfig: None, node: part.node_name.clone() }
        }
        _ => PodIdentity::Names,
    };
    let settings = Config {
        pod_logs: part.pod_logs.clone(),
        api_logs: part.api_logs.clone(),
        event_log_dirs: part.event_log_dirs.clone(),
        kubelet_pods: part.kubelet_dir.as_ref().map(|folder| folder.join("pods")),
        event_log_volume: part.event_log_volume.clone(),
        pod_identity,
        selection: Selection {
            selector: part.pod_selector.clone(),
            application_label: part.application_label.clone(),
            main_only: part.main_containers_only,
        },
        namespaces: part.namespaces.clone(),
        flush_interval: part.flush_interval,
        pin_dir: part.pin_dir.clone(),
        spill_dir: part.spill_dir.clone(),
        max_spilled_bytes: part.max_spilled_bytes,
        drain_timeout: config.drain_timeout,
        retention: Retention {
            max_age: part.logs_max_age,
            max_bytes: part.logs_max_bytes,
            interval: part.logs_clean_interval,
            ..Retention::default()
        },
        ..Config::default()
    };
    Some((Collector::new(store.clone(), settings), folders.join(", ")))
}

/// Collects until `stop`, then ships what is there.
pub(crate) async fn run(collector: Collector, stop: CancellationToken) -> anyhow::Result<()> {
    collector.run(stop).await.context("the log collector cannot start")
}

/// Whether the collector does its job.
pub(crate) fn check(collector: &Collector) -> Check {
    let health = collector.health();
    Box::new(move || health.troubles().into_iter().map(|trouble| format!("log collector: {trouble}")).collect())
}

/// How a number is made, what it is called, what it says, and where it is taken from.
type Row = (fn(&'static str, &'static str, u64) -> Metric, &'static str, &'static str, fn(&Snapshot) -> u64);

const ROWS: [Row; 20] = [
    (Metric::counter, "hearth_log_collector_read_bytes_total", "Bytes of log files read", |now| now.read_bytes),
    (Metric::counter, "hearth_log_collector_shipped_bytes_total", "Bytes of log files safe in the store", |now| {
        now.shipped_bytes
    }),
    (Metric::counter, "hearth_log_collector_written_bytes_total", "Bytes sent to the store", |now| now.written_bytes),
    (Metric::counter, "hearth_log_collector_objects_total", "Objects written", |now| now.objects),
    (Metric::counter, "hearth_log_collector_store_errors_total", "Failures of the store, each tried again", |now| {
        now.store_errors
    }),
    (
        Metric::counter,
        "hearth_log_collector_store_refusals_total",
        "Those of them that no waiting mends, such as a missing right",
        |now| now.store_refusals,
    ),
    (Metric::counter, "hearth_log_collector_read_errors_total", "Log files or folders that could not be read", |now| {
        now.read_errors
    }),
    (Metric::counter, "hearth_log_collector_malformed_lines_total", "Lines not in the runtime's format", |now| {
        now.malformed_lines
    }),
    (
        Metric::counter,
        "hearth_log_collector_gaps_total",
        "Times that lines were gone before they could be read",
        |now| now.gaps,
    ),
    (
        Metric::counter,
        "hearth_log_collector_lost_bytes_total",
        "Bytes of log files that were gone before they could be read, as far as known",
        |now| now.lost_bytes,
    ),
    (
        Metric::counter,
        "hearth_log_collector_superseded_total",
        "Times that another collector was found to ship the same log, and was let go first",
        |now| now.superseded,
    ),
    (Metric::gauge, "hearth_log_collector_open_files", "Log files of containers that are open", |now| now.open_files),
    (Metric::gauge, "hearth_log_collector_unopened_files", "Log files that wait to be opened", |now| {
        now.unopened_files
    }),
    (
        Metric::gauge,
        "hearth_log_collector_spilled_bytes",
        "Bytes in copies of log files, made while the store was away",
        |now| now.spilled_bytes,
    ),
    (Metric::gauge, "hearth_log_collector_unspilled_bytes", "Bytes of those files that there was no room for", |now| {
        now.unspilled_bytes
    }),
    (
        Metric::counter,
        "hearth_log_collector_panics_total",
        "Times that the work on one log broke off by a fault of this program, and began again",
        |now| now.panics,
    ),
    (
        Metric::counter,
        "hearth_log_collector_strangers_total",
        "Containers found to be none of Spark's, and left alone",
        |now| now.strangers,
    ),
    (
        Metric::gauge,
        "hearth_log_collector_undecided_containers",
        "Containers held until it is known whose they are",
        |now| now.undecided,
    ),
    (Metric::gauge, "hearth_log_collector_containers", "Containers and event logs followed now", |now| now.containers),
    (Metric::gauge, "hearth_log_collector_buffered_bytes", "Memory that holds lines", |now| now.buffered_bytes),
];

/// What a number is called, what it says, and where it is taken from.
type BehindRow = (&'static str, &'static str, fn(Behind) -> u64);

/// How far behind the logs of each kind are.
fn behind(now: &Snapshot) -> Vec<Metric> {
    let kinds = [("pods", now.pods_behind), ("event-logs", now.events_behind)];
    const ROWS: [BehindRow; 3] = [
        ("hearth_log_collector_followed_logs", "Logs followed now", |behind| behind.logs),
        ("hearth_log_collector_lag_bytes", "Bytes in log files not safe in the store yet", |behind| behind.bytes),
        ("hearth_log_collector_lag_seconds", "For how long the oldest of them have been there, about", |behind| {
            behind.longest.as_secs()
        }),
    ];
    let of_row = |(name, help, value): BehindRow| {
        kinds.map(|(kind, behind)| Metric::gauge(name, help, value(behind)).of("source", kind))
    };
    ROWS.into_iter().flat_map(of_row).collect()
}

/// The collector's numbers.
pub(crate) fn metrics(collector: &Collector) -> ReadMetrics {
    let metrics = collector.metrics();
    Box::new(move || {
        let now = metrics.snapshot();
        let rows = ROWS.iter().map(|&(make, name, help, value)| make(name, help, value(&now)));
        rows.chain(behind(&now)).collect()
    })
}
