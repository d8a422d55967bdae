//! The program's own log lines, on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::Telemetry;

/// Starts logging. Call once. A line that cannot be written, to a pipe that nobody reads any more for one, is lost without
/// another word: a server does not end for want of a reader.
pub(crate) fn start(config: &Telemetry) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)?;
    // Its complaints about lines that it cannot write go to standard error too, and panic there.
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let started = if config.json {
        lines.json().flatten_event(true).try_init()
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    };
    started.map_err(|e| anyhow::anyhow!("logging could not be started: {e}"))
}
