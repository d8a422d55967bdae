//! Structured Streaming: queries, and what they reported after each batch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::column::Column;
use super::series::Series;

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
            _ if self.is_active => now - self.start_time,
            Some(last) => self.progress.time(last) - self.start_time,
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

/// A query's reports, in columns: a row each, in order of time. Times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamingProgress {
    pub(crate) times: Column,
    pub(crate) batch_ids: Column,
    pub(crate) batch_durations: Column,
    pub(crate) output_rows: Series,
    /// Milliseconds by phase of a batch: `addBatch`, `triggerExecution` and so on. The latter holds all others.
    pub phases: BTreeMap<String, Series>,
    /// Event times, as times: `watermark`, and `min`, `avg` and `max` where the batch had rows.
    pub event_times: BTreeMap<String, Series>,
    /// The operators that keep state, in Spark's order.
    pub state_operators: Vec<StateOperator>,
    /// The sources, in Spark's order.
    pub sources: Vec<Source>,
}

/// An operator that keeps state. By row: what it reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateOperator {
    /// The operator's name; none before Spark 3.1.
    pub name: String,
    /// The numbers that all operators have, by [`StateMetric`].
    pub metrics: [Series; STATE_METRICS.len()],
    /// Those of its kind of state store, by name.
    pub custom_metrics: BTreeMap<String, Series>,
}

/// A number that every operator with state reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateMetric {
    /// Rows of state.
    RowsTotal,
    /// Rows of state that were added or changed.
    RowsUpdated,
    /// Rows of state that were removed.
    RowsRemoved,
    /// Rows that came too late to be taken.
    RowsDroppedByWatermark,
    /// Bytes of memory that the state took.
    MemoryUsedBytes,
    /// Milliseconds of all updates.
    AllUpdatesTime,
    /// Milliseconds of all removals.
    AllRemovalsTime,
    /// Milliseconds of writing the state.
    CommitTime,
    /// Shuffle partitions.
    ShufflePartitions,
    /// State stores.
    StateStoreInstances,
}

/// What Spark calls the numbers of every operator with state, in order of [`StateMetric`].
pub const STATE_METRICS: [&str; StateMetric::StateStoreInstances as usize + 1] = [
    "numRowsTotal",
    "numRowsUpdated",
    "numRowsRemoved",
    "numRowsDroppedByWatermark",
    "memoryUsedBytes",
    "allUpdatesTimeMs",
    "allRemovalsTimeMs",
    "commitTimeMs",
    "numShufflePartitions",
    "numStateStoreInstances",
];

/// A source. By row: what it reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// The source, in words.
    pub description: String,
    /// Rows that it gave.
    pub input_rows: Series,
    /// Rows a second that arrived; see [`Series::get_double`].
    pub input_rates: Series,
    /// Rows a second that were processed; see [`Series::get_double`].
    pub process_rates: Series,
    /// Numbers of its kind of source, by name; see [`Series::get_double`].
    pub metrics: BTreeMap<String, Series>,
}

impl StreamingProgress {
    /// The number of reports.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// When the batch of a row was triggered.
    pub fn time(&self, row: usize) -> i64 {
        self.times.get(row)
    }

    /// The id of a row's batch; a batch without data has that of the next one.
    pub fn batch_id(&self, row: usize) -> i64 {
        self.batch_ids.get(row)
    }

    /// Milliseconds that a row's batch took.
    pub fn batch_duration(&self, row: usize) -> i64 {
        self.batch_durations.get(row)
    }

    /// Rows that a row's batch took from all sources.
    pub fn input_rows(&self, row: usize) -> i64 {
        self.sources.iter().filter_map(|source| source.input_rows.get(row)).fold(0, i64::wrapping_add)
    }

    /// Rows a second that arrived at all sources; 0 where Spark could not tell.
    pub fn input_rate(&self, row: usize) -> f64 {
        finite(self.sources.iter().filter_map(|source| source.input_rates.get_double(row)).sum())
    }

    /// Rows a second that were processed from all sources; 0 where Spark could not tell.
    pub fn process_rate(&self, row: usize) -> f64 {
        finite(self.sources.iter().filter_map(|source| source.process_rates.get_double(row)).sum())
    }

    /// Rows that a row's batch wrote, where the sink tells.
    pub fn output_rows(&self, row: usize) -> Option<i64> {
        self.output_rows.get(row)
    }

    /// The watermark that a row's batch used; `None` without one.
    pub fn watermark(&self, row: usize) -> Option<i64> {
        self.event_times.get("watermark")?.get(row).filter(|time| *time > 0)
    }

    /// A number of all operators with state together; `None` where the query has none.
    pub fn state(&self, metric: StateMetric, row: usize) -> Option<i64> {
        let mut values = self.state_operators.iter().filter_map(|operator| operator.metrics[metric as usize].get(row));
        let first = values.next()?;
        Some(values.fold(first, i64::wrapping_add))
    }

    /// A number of a kind of state store, of all operators with state together; `None` where none has it.
    pub fn custom_state(&self, name: &str, row: usize) -> Option<i64> {
        let mut values = self.state_operators.iter().filter_map(|operator| operator.custom_metrics.get(name)?.get(row));
        let first = values.next()?;
        Some(values.fold(first, i64::wrapping_add))
    }

    /// Bytes of memory that this takes.
    pub fn size_bytes(&self) -> usize {
        let fixed = [&self.times, &self.batch_ids, &self.batch_durations].map(Column::size_bytes).iter().sum::<usize>();
        let mut bytes = fixed;
        self.each(|series| bytes += series.size_bytes() + 128);
        bytes
    }

    fn average(&self, of: impl Fn(&Self, usize) -> f64) -> Option<f64> {
        let sum: f64 = (0..self.len()).map(|row| of(self, row)).sum();
        (!self.is_empty()).then(|| sum / self.len() as f64)
    }

    fn each(&self, mut look: impl FnMut(&Series)) {
        look(&self.output_rows);
        self.phases.values().chain(self.event_times.values()).for_each(&mut look);
        for operator in &self.state_operators {
            operator.metrics.iter().chain(operator.custom_metrics.values()).for_each(&mut look);
        }
        for source in &self.sources {
            [&source.input_rows, &source.input_rates, &source.process_rates].into_iter().for_each(&mut look);
            source.metrics.values().for_each(&mut look);
        }
    }

    /// A table of these rows, in this order.
    fn select(&self, rows: &[u32]) -> Self {
        let column = |column: &Column| rows.iter().map(|row| column.get(*row as usize)).collect();
        let named = |all: &BTreeMap<String, Series>| -> BTreeMap<String, Series> {
            let selected = all.iter().map(|(name, series)| (name.clone(), series.select(rows)));
            selected.filter(|(_, series)| !series.is_empty()).collect()
        };
        Self {
            times: column(&self.times),
            batch_ids: column(&self.batch_ids),
            batch_durations: column(&self.batch_durations),
            output_rows: self.output_rows.select(rows),
            phases: named(&self.phases),
            event_times: named(&self.event_times),
            state_operators: (self.state_operators.iter())
                .map(|operator| StateOperator {
                    name: operator.name.clone(),
                    metrics: operator.metrics.each_ref().map(|series| series.select(rows)),
                    custom_metrics: named(&operator.custom_metrics),
                })
                .collect(),
            sources: (self.sources.iter())
                .map(|source| Source {
                    description: source.description.clone(),
                    input_rows: source.input_rows.select(rows),
                    input_rates: source.input_rates.select(rows),
                    process_rates: source.process_rates.select(rows),
                    metrics: named(&source.metrics),
                })
                .collect(),
        }
    }

    /// Keeps the rows that came last.
    pub(crate) fn keep_last(&mut self, limit: usize) {
        if self.len() > limit {
            let rows: Vec<_> = (self.len() - limit..self.len()).map(|row| row as u32).collect();
            *self = self.select(&rows);
        }
    }

    /// Puts the rows in order of time, and of two for the same batch and time keeps the later one, as Spark does.
    pub(crate) fn settle(&mut self) {
        let key = |row: usize| (self.times.get(row), self.batch_ids.get(row));
        if (1..self.len()).all(|row| key(row - 1).0 < key(row).0) {
            return;
        }
        let mut last: BTreeMap<(i64, i64), u32> = BTreeMap::new();
        for row in 0..self.len() {
            last.insert(key(row), row as u32);
        }
        let rows: Vec<_> = last.into_values().collect();
        *self = self.select(&rows);
    }
}

fn finite(rate: f64) -> f64 {
    if rate.is_finite() { rate } else { 0.0 }
}
