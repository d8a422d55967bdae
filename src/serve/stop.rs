//! The end: unready while still serving, then no new connections, then what is under way, the admin port last.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::roles::Roles;
use crate::config::Config;
use crate::signals::{Signals, Told};

/// How long what has arrived may take to be stored after its connection was cut.
const LAST_WRITES: Duration = Duration::from_secs(10);
/// The pause between two looks whether streams are still under way.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Stops all roles.
///
/// # Errors
/// When a second signal came before the end.
pub(super) async fn stop(
    mut roles: Roles,
    config: &Config,
    mut signals: Signals,
    told: Option<Told>,
) -> anyhow::Result<()> {
    roles.admin.stopping();
    let second = tokio::select! {
        () = wind_down(&mut roles, config, told) => None,
        second = signals.next() => Some(second),
    };
    if let Some(port) = roles.admin_port.take() {
        port.close().await;
    }
    match second {
        None => Ok(()),
        Some(second) => bail!("stopped at once by a second signal, {}: {}", second.name(), under_way(&roles)),
    }
}

async fn wind_down(roles: &mut Roles, config: &Config, told: Option<Told>) {
    // Whoever sends SIGTERM may go on sending requests until it has noticed that this process is unready.
    if told == Some(Told::Terminate) && !config.shutdown_delay.is_zero() {
        tracing::info!(signal = "SIGTERM", "unready; requests are still taken for {:?}", config.shutdown_delay);
        sleep(config.shutdown_delay).await;
    }
    roles.stop.drain.cancel();
    let signal = told.map_or("none", Told::name);
    tracing::info!(
        signal,
        "stopping: {}, for at most {:?}; a second signal ends it at once",
        under_way(roles),
        config.drain_timeout
    );
    let began = Instant::now();
    if timeout(config.drain_timeout, all_ended(roles)).await.is_ok() {
        return;
    }
    tracing::warn!(after = ?config.drain_timeout, "cut off at the end of the drain time: {}", under_way(roles));
    roles.stop.cut.cancel();
    let connections = roles.connections.clone();
    let streams_ended = async move {
        while connections.census().streams > 0 {
            sleep(LOOK_AGAIN).await;
        }
    };
    match config.staging.as_ref().map(|staging| staging.event_log_drain_timeout) {
        Some(None) => streams_ended.await,
        Some(Some(limit)) => {
            let _ = timeout_at(began + limit, streams_ended).await;
        }
        None => {}
    }
    roles.stop.cut_streams.cancel();
    if timeout(LAST_WRITES, all_ended(roles)).await.is_err() {
        tracing::warn!("something was still being written when the time was over");
    }
}

async fn all_ended(roles: &mut Roles) {
    while roles.tasks.join_next().await.is_some() {}
}

fn under_way(roles: &Roles) -> String {
    let census = roles.connections.census();
    let requests = census.requests - census.streams;
    match (requests, census.streams) {
        (0, 0) => "no request is under way".to_owned(),
        (requests, 0) => format!("{requests} requests under way"),
        (0, streams) => format!("{streams} event logs under way"),
        (requests, streams) => format!("{requests} requests and {streams} event logs under way"),
    }
}
