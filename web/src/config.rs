//! What handlers share.

use std::sync::Arc;

use history_server::History;
use log_collector::Logs;

/// What the pages are made from, and how they present themselves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The applications.
    pub history: History,
    /// Where shipped logs are read.
    pub logs: Logs,
    /// The server's name, at the head of every page.
    pub title: String,
    /// The path under which a reverse proxy shows this server, such as `/spark-history`; empty when it has its own host. A proxy that
    /// sends `X-Forwarded-Prefix` (or Knox's `X-Forwarded-Context`) has its way instead.
    pub public_prefix: String,
}

/// What handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Web(pub(crate) Arc<Config>);

impl Web {
    pub(crate) fn history(&self) -> &History {
        &self.0.history
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.0.logs
    }

    pub(crate) fn title(&self) -> &str {
        &self.0.title
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.0.public_prefix
    }
}
