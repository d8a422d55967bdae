//! Structured Streaming: queries, and what they reported after each batch.

mod progress;

use serde::{Deserialize, Serialize};

pub use progress::{STATE_METRICS, Source, StateMetric, StateOperator, StreamingProgress};

/// One run of a streaming query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamingQuery {
    /// The query's id, which stays the same when it is started again from its checkpoint.
    pub id: String,
    /// The id of this run.
    pub run_id: String,
    /// The query's name, where it was given one.
    pub name: Option<String>,
    /// When it was started, in milliseconds since the epoch.
    pub start_time: i64,
    /// The tags of its jobs, from Spark 4.0 on.
    pub job_tags: Vec<String>,
    /// Whether the log does not tell of its end.
    pub is_active: bool,
    /// Why it failed, if it did.
    pub exception: Option<String>,
    /// The class of that error, from Spark 3.5 on.
    pub error_class: Option<String>,
    /// When it last waited for new data, in milliseconds since the epoch; from Spark 3.5 on.
    pub last_idle_time: Option<i64>,
    /// What it reported, in order of time.
    pub progress: StreamingProgress,
    /// Texts of the last report.
    pub latest: LatestProgress,
}

impl StreamingQuery {
    /// `RUNNING`, `FINISHED` or `FAILED`.
    pub fn status(&self) -> &'static str {
        match (self.is_active, &self.exception) {
            (true, _) => "RUNNING",
            (false, None) => "FINISHED",
            (false, Some(_)) => "FAILED",
        }
    }

    /// Milliseconds that it ran: until `now` while it is active, otherwise until its last report.
    pub fn duration(&self, now: i64) -> i64 {
        match self.progress.len().checked_sub(1) {
            _ if self.is_active => now.wrapping_sub(self.start_time),
            Some(last) => self.progress.time(last).wrapping_sub(self.start_time),
            None => 0,
        }
    }

    /// The mean of the reports' rows a second that arrived; `None` without a report.
    pub fn average_input_rate(&self) -> Option<f64> {
        self.progress.average(StreamingProgress::input_rate)
    }

    /// The mean of the reports' rows a second that were processed; `None` without a report.
    pub fn average_process_rate(&self) -> Option<f64> {
        self.progress.average(StreamingProgress::process_rate)
    }
}

/// What of a query's last report is text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LatestProgress {
    /// Where in each source it stands.
    pub offsets: Vec<SourceOffsets>,
    /// The sink, in words.
    pub sink: Option<String>,
    /// Metrics that the query's author defined, as the JSON of the log.
    pub observed_metrics: Option<String>,
}

/// Where in a source a query stands, as the source writes it: JSON, mostly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceOffsets {
    /// Where its last batch began.
    pub start: Option<String>,
    /// Where its last batch ended.
    pub end: Option<String>,
    /// The newest that the source had.
    pub latest: Option<String>,
}
