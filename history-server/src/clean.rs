//! Deleting old event logs, off by default.
//!
//! The rules are Spark's: a log goes when it has not changed for the maximal age, finished or not, and one that names no
//! application when it has been known for as long; and while there are more logs than the maximal number, those that have
//! ended go, the oldest first. What was kept of them under `history/` goes with them.

use std::time::Duration;

/// When event logs are deleted.
#[derive(Clone, Debug)]
pub struct CleanConfig {
    /// The pause between two cleanings (`spark.history.fs.cleaner.interval`).
    pub interval: Duration,
    /// Logs that have not changed for this long go (`spark.history.fs.cleaner.maxAge`).
    pub max_age: Duration,
    /// While there are more logs than this, the oldest completed ones go (`spark.history.fs.cleaner.maxNum`).
    pub max_logs: usize,
}

impl Default for CleanConfig {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self { interval: DAY, max_age: 7 * DAY, max_logs: usize::MAX }
    }
}
