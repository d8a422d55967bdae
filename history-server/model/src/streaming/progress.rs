//! What a streaming query reported after each batch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::column::Column;
use crate::series::Series;

/// A query's reports, in columns: a row each, in order of time. Times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamingProgress {
    /// When it was reported.
    pub times: Column,
    /// The batch.
    pub batch_ids: Column,
    /// Milliseconds that the batch took.
    pub batch_durations: Column,
    /// Rows that the batch wrote.
    pub output_rows: Series,
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

    pub(super) fn average(&self, of: impl Fn(&Self, usize) -> f64) -> Option<f64> {
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
    pub fn keep_last(&mut self, limit: usize) {
        if self.len() > limit {
            let rows: Vec<_> = (self.len() - limit..self.len()).map(|row| row as u32).collect();
            *self = self.select(&rows);
        }
    }

    /// Puts the rows in order of time, and of two for the same batch and time keeps the later one, as Spark does.
    pub fn settle(&mut self) {
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
