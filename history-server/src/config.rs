use std::time::Duration;

use storage::Store;

use crate::access::AccessConfig;
use crate::clean::CleanConfig;
use crate::event_log::LogSource;
use crate::redaction::Redaction;
use history_replay::Settings;

/// What a history server is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where event logs are.
    pub event_logs: Vec<LogSource>,
    /// Where the list and replayed applications are kept, under `history/`. Without it a restart begins anew.
    pub store: Option<Store>,
    /// The pause between two scans.
    pub scan_interval: Duration,
    /// How long a growing log is shown as it was read last, before it is looked at again; and how long an id that no log
    /// was found for is not looked for again.
    pub refresh_interval: Duration,
    /// What a replay keeps, and how long a line of an event log may be.
    pub replay: Settings,
    /// How much memory replayed applications may take, about. The one asked for last is always kept.
    pub cache_bytes: u64,
    /// How many logs are read for the list at once, and how many are replayed at once.
    pub replay_threads: usize,
    /// Replay applications whose logs were finished no longer ago than this before anyone asks, so that their first page is fast
    /// too.
    pub replay_ahead: Option<Duration>,
    /// Who may see what.
    pub access: AccessConfig,
    /// Which values are shown masked.
    pub redaction: Redaction,
    /// Which logs are deleted for their age or number. None are by default.
    pub clean: Option<CleanConfig>,
    /// Where executors' logs are, by Spark's rules for patterns (`spark.history.custom.executor.log.url`).
    pub executor_log_url: Option<String>,
    /// Use that pattern for applications that are still running, too.
    pub executor_log_url_of_incomplete: bool,
}

impl Config {
    /// The defaults: logs of `event_logs`, kept in `store`.
    #[must_use]
    pub fn new(event_logs: Vec<LogSource>, store: Option<Store>) -> Self {
        Self {
            event_logs,
            store,
            scan_interval: Duration::from_secs(10),
            refresh_interval: Duration::from_secs(1),
            replay: Settings::default(),
            cache_bytes: 1024 * 1024 * 1024,
            replay_threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            replay_ahead: None,
            access: AccessConfig::default(),
            redaction: Redaction::default(),
            clean: None,
            executor_log_url: None,
            executor_log_url_of_incomplete: true,
        }
    }
}
