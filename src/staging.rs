//! Builds and runs the staging server.

use std::sync::Arc;
use std::time::Duration;

use access::Rules;
use axum::http::{Method, Uri};
use staging_server::{ByPath, Config, KubernetesDrivers, Lifetimes, Limits, Owning, Staging, Sweeps};
use storage::Store;
use tokio_util::sync::CancellationToken;

use crate::admin::{Check, Metric, ReadMetrics};
use crate::config;
use crate::store::Place;

pub(crate) fn build(config: &config::Staging, store: &Store, rules: Rules) -> Staging {
    let settings = Config {
        public_url: config.public_url.clone(),
        rules,
        max_upload_bytes: config.max_upload_bytes,
        limits: Limits {
            uploads: config.max_uploads,
            namespace_uploads: config.max_namespace_uploads,
            namespace_uploads_per_second: config.max_namespace_upload_rate,
            namespace_bytes: config.max_namespace_bytes,
        },
        lifetimes: lifetimes(config),
        owning: config
            .upload_owners
            .then(|| Owning { drivers: Arc::new(KubernetesDrivers::new()), grace: config.owner_grace }),
        sweeps: sweeps(config),
        ..Config::default()
    };
    Staging::new(store.clone(), settings)
}

fn lifetimes(config: &config::Staging) -> Lifetimes {
    let by_path = |default: ByPath, said: &[config::PathTime]| {
        let all = said.iter().rev().find(|(path, _)| path.is_root()).map_or(default, |(_, time)| ByPath::of_all(*time));
        let below = said.iter().filter(|(path, _)| !path.is_root());
        below.fold(all, |times, (path, time)| times.with(path.clone(), *time))
    };
    let default = Lifetimes::default();
    Lifetimes {
        first_use: by_path(default.first_use, &config.first_use_timeout),
        since_use: by_path(default.since_use, &config.lifetime),
    }
}

fn sweeps(config: &config::Staging) -> Sweeps {
    let default = Sweeps::default();
    Sweeps { interval: config.sweep_interval.unwrap_or(default.interval), grace: config.sweep_grace, ..default }
}

/// Removes uploads that are over until `stop`, unless this process is told not to. A sweep that is cut off is ended by the
/// next.
pub(crate) async fn sweep(interval: Option<Duration>, staging: Staging, stop: CancellationToken) -> anyhow::Result<()> {
    let sweeping = async {
        match interval {
            Some(_) => staging.sweeper().run().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        never = sweeping => match never {},
        () = stop.cancelled() => Ok(()),
    }
}

/// What keeps it from removing uploads: no reason to send nobody here.
pub(crate) fn notes(staging: &Staging) -> Check {
    let sweeper = staging.sweeper();
    Box::new(move || sweeper.trouble().map(|trouble| format!("staging server: {trouble}")).into_iter().collect())
}

/// What a staging server cannot do without.
pub(crate) fn place(store: &Store) -> Place {
    Place { store: store.clone(), is_written: true, setting: "--store" }
}

/// Whether a request writes an event log: as long as its application, and silent for as long as that has nothing to say.
pub(crate) fn is_stream(method: &Method, uri: &Uri) -> bool {
    matches!(*method, Method::PUT | Method::POST) && uri.path().starts_with("/webhdfs/v1/event-logs/")
}

/// The staging server's numbers.
pub(crate) fn metrics(staging: &Staging) -> ReadMetrics {
    let staging = staging.clone();
    Box::new(move || {
        let now = staging.sweeper().totals();
        let (under_way, refused) = staging.upload_numbers();
        let last = now.last.and_then(|at| u64::try_from(at.timestamp()).ok()).unwrap_or_default();
        const REMOVED: &str = "hearth_staging_removed_total";
        const HELP: &str = "Objects that sweeps of this process removed, by what they were";
        vec![
            Metric::gauge("hearth_staging_uploads", "Uploads under way; event logs are none", under_way),
            Metric::counter(
                "hearth_staging_uploads_refused_total",
                "Uploads that were more, or more bytes, than their namespace may have",
                refused,
            ),
            Metric::counter("hearth_staging_sweeps_total", "Sweeps of uploads that came to their end", now.sweeps),
            Metric::counter(
                "hearth_staging_sweep_failures_total",
                "Sweeps of uploads that did not: the log says why",
                now.failures,
            ),
            Metric::gauge(
                "hearth_staging_last_sweep_timestamp_seconds",
                "When the last sweep by this process ended, since 1970; 0 before that",
                last,
            ),
            Metric::gauge(
                "hearth_staging_owners_unknown",
                "1 while it cannot be asked which drivers live, so that no upload is removed: the log says why",
                u64::from(staging.sweeper().trouble().is_some()),
            ),
            Metric::counter(REMOVED, HELP, now.removed.uploads).of("kind", "upload"),
            Metric::counter(REMOVED, HELP, now.removed.blobs).of("kind", "content"),
            Metric::counter(REMOVED, HELP, now.removed.folders).of("kind", "folder"),
            Metric::counter(REMOVED, HELP, now.removed.leftovers).of("kind", "leftover"),
            Metric::counter(
                "hearth_staging_removed_bytes_total",
                "Bytes of content that sweeps of this process removed",
                now.removed.bytes,
            ),
        ]
    })
}
