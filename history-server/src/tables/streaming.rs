//! The tables of streaming queries: what is in which column.

use super::column::{Cell, Column, Kind};
use super::sheet::{Owner, Sheet};
use history_model::StreamingQuery;
use history_model::series::Series;
use history_model::streaming::{STATE_METRICS, StateMetric, StreamingProgress};

/// Phases of a batch that have a column of their own: what Spark calls them, and the column.
const PHASES: [(&str, &str); 8] = [
    ("triggerExecution", "trigger_execution"),
    ("latestOffset", "latest_offset"),
    ("walCommit", "wal_commit"),
    ("getBatch", "get_batch"),
    ("queryPlanning", "query_planning"),
    ("addBatch", "add_batch"),
    ("commitBatch", "commit_batch"),
    ("commitOffsets", "commit_offsets"),
];

/// Numbers of state that have a column of their own.
const STATE: [(StateMetric, &str); 5] = [
    (StateMetric::RowsTotal, "state_rows_total"),
    (StateMetric::RowsUpdated, "state_rows_updated"),
    (StateMetric::RowsRemoved, "state_rows_removed"),
    (StateMetric::RowsDroppedByWatermark, "rows_dropped_by_watermark"),
    (StateMetric::MemoryUsedBytes, "state_memory_used_bytes"),
];

const EVENT_TIMES: [(&str, &str); 3] =
    [("min", "min_event_time"), ("avg", "avg_event_time"), ("max", "max_event_time")];

pub(super) fn queries<'a>(owner: &Owner<'a>, queries: &'a [StreamingQuery]) -> Sheet<'a> {
    let mut columns = owner.columns();
    columns.push(Column::new("query_id", Kind::Text, move |row| Cell::Text(&queries[row].id)));
    columns.push(Column::new("run_id", Kind::Text, move |row| Cell::Text(&queries[row].run_id)));
    columns.push(Column::optional("name", Kind::Text, move |row| Cell::text(queries[row].name.as_deref())));
    columns.push(Column::new("status", Kind::Text, move |row| Cell::Text(queries[row].status())));
    columns.push(Column::new("start_time", Kind::Time, move |row| Cell::Int(queries[row].start_time)));
    let last = move |row: usize| {
        let progress = &queries[row].progress;
        Cell::int(progress.len().checked_sub(1).map(|last| progress.time(last)))
    };
    columns.push(Column::optional("last_progress_time", Kind::Time, last));
    columns.push(Column::new("num_progress", Kind::Int64, move |row| Cell::Int(queries[row].progress.len() as i64)));
    columns.push(Column::optional("sink", Kind::Text, move |row| Cell::text(queries[row].latest.sink.as_deref())));
    columns.push(Column::optional("exception", Kind::Text, move |row| Cell::text(queries[row].exception.as_deref())));
    columns
        .push(Column::optional("error_class", Kind::Text, move |row| Cell::text(queries[row].error_class.as_deref())));
    Sheet::new("streaming_queries", queries.len(), columns)
}

/// The reports of all queries as one run of rows.
pub(super) struct ProgressRows<'a> {
    queries: &'a [StreamingQuery],
    /// Where each query's rows end.
    ends: Vec<usize>,
}

impl<'a> ProgressRows<'a> {
    pub(super) fn new(queries: &'a [StreamingQuery]) -> Self {
        let mut count = 0;
        let ends = queries.iter().map(|query| {
            count += query.progress.len();
            count
        });
        Self { queries, ends: ends.collect() }
    }

    pub(super) fn count(&self) -> usize {
        self.ends.last().copied().unwrap_or_default()
    }

    fn at(&self, row: usize) -> (&'a StreamingQuery, usize) {
        let query = self.ends.partition_point(|end| *end <= row);
        let start = query.checked_sub(1).map_or(0, |before| self.ends[before]);
        (&self.queries[query], row - start)
    }
}

/// A number that only some reports have.
type Optional<'a> = Box<dyn Fn(&StreamingProgress, usize) -> Option<i64> + 'a>;

pub(super) fn progress<'a>(owner: &Owner<'a>, rows: &'a ProgressRows<'a>) -> Sheet<'a> {
    type Number = fn(&StreamingProgress, usize) -> i64;
    let mut columns = owner.columns();
    columns.push(Column::new("query_id", Kind::Text, move |row| Cell::Text(&rows.at(row).0.id)));
    columns.push(Column::new("run_id", Kind::Text, move |row| Cell::Text(&rows.at(row).0.run_id)));
    columns.push(Column::optional("name", Kind::Text, move |row| Cell::text(rows.at(row).0.name.as_deref())));
    let mut number = |name, kind, of: Number| {
        columns.push(Column::new(name, kind, move |row| {
            let (query, row) = rows.at(row);
            Cell::Int(of(&query.progress, row))
        }));
    };
    number("batch_id", Kind::Int64, StreamingProgress::batch_id);
    number("timestamp", Kind::Time, StreamingProgress::time);
    number("batch_duration", Kind::Int64, StreamingProgress::batch_duration);
    number("num_input_rows", Kind::Int64, StreamingProgress::input_rows);
    type Rate = fn(&StreamingProgress, usize) -> f64;
    let rates: [(_, Rate); 2] = [
        ("input_rows_per_second", StreamingProgress::input_rate),
        ("processed_rows_per_second", StreamingProgress::process_rate),
    ];
    for (name, of) in rates {
        columns.push(Column::new(name, Kind::Double, move |row| {
            let (query, row) = rows.at(row);
            Cell::Double(of(&query.progress, row))
        }));
    }
    let mut optional = |name, kind, of: Optional<'a>| {
        columns.push(Column::optional(name, kind, move |row| {
            let (query, row) = rows.at(row);
            Cell::int(of(&query.progress, row))
        }));
    };
    optional("num_output_rows", Kind::Int64, Box::new(StreamingProgress::output_rows));
    optional("watermark", Kind::Time, Box::new(StreamingProgress::watermark));
    for (name, column) in EVENT_TIMES {
        optional(column, Kind::Time, Box::new(move |progress, row| progress.event_times.get(name)?.get(row)));
    }
    for (metric, column) in STATE {
        optional(column, Kind::Int64, Box::new(move |progress, row| progress.state(metric, row)));
    }
    for (name, column) in PHASES {
        optional(column, Kind::Int64, Box::new(move |progress, row| progress.phases.get(name)?.get(row)));
    }
    Sheet::new("streaming_progress", rows.count(), columns)
}

/// A number of a query's reports.
struct Metric<'a> {
    query: &'a StreamingQuery,
    kind: &'static str,
    /// Which state operator or source, and what it is called.
    owner: Option<(usize, &'a str)>,
    name: &'a str,
    is_double: bool,
    series: &'a Series,
}

/// All numbers of all reports as one run of rows.
pub(super) struct MetricRows<'a> {
    metrics: Vec<Metric<'a>>,
    /// Where each metric's rows end.
    ends: Vec<usize>,
}

impl<'a> MetricRows<'a> {
    pub(super) fn new(queries: &'a [StreamingQuery]) -> Self {
        let mut rows = Self { metrics: Vec::new(), ends: Vec::new() };
        for query in queries {
            for (name, series) in &query.progress.phases {
                rows.add(Metric { query, kind: "phase", owner: None, name, is_double: false, series });
            }
            for (place, operator) in query.progress.state_operators.iter().enumerate() {
                let owner = Some((place, operator.name.as_str()));
                let metrics = STATE_METRICS.into_iter().zip(&operator.metrics);
                let custom = operator.custom_metrics.iter().map(|(name, series)| (name.as_str(), series));
                for (name, series) in metrics.chain(custom) {
                    rows.add(Metric { query, kind: "state_operator", owner, name, is_double: false, series });
                }
            }
            for (place, source) in query.progress.sources.iter().enumerate() {
                let owner = Some((place, source.description.as_str()));
                rows.add(Metric {
                    query,
                    kind: "source",
                    owner,
                    name: "numInputRows",
                    is_double: false,
                    series: &source.input_rows,
                });
                let rates =
                    [("inputRowsPerSecond", &source.input_rates), ("processedRowsPerSecond", &source.process_rates)];
                let metrics = source.metrics.iter().map(|(name, series)| (name.as_str(), series));
                for (name, series) in rates.into_iter().chain(metrics) {
                    rows.add(Metric { query, kind: "source", owner, name, is_double: true, series });
                }
            }
        }
        rows
    }

    fn add(&mut self, metric: Metric<'a>) {
        self.ends.push(self.count() + metric.series.len());
        self.metrics.push(metric);
    }

    pub(super) fn count(&self) -> usize {
        self.ends.last().copied().unwrap_or_default()
    }

    /// The metric of a row, the report that it is of, and its value.
    fn at(&self, row: usize) -> (&Metric<'a>, usize, f64) {
        let at = self.ends.partition_point(|end| *end <= row);
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        let metric = &self.metrics[at];
        let (report, value) = metric.series.nth(row - start);
        (metric, report, if metric.is_double { f64::from_bits(value as u64) } else { value as f64 })
    }
}

pub(super) fn metrics<'a>(owner: &Owner<'a>, rows: &'a MetricRows<'a>) -> Sheet<'a> {
    let mut columns = owner.columns();
    columns.push(Column::new("query_id", Kind::Text, move |row| Cell::Text(&rows.at(row).0.query.id)));
    columns.push(Column::new("run_id", Kind::Text, move |row| Cell::Text(&rows.at(row).0.query.run_id)));
    columns.push(Column::new("batch_id", Kind::Int64, move |row| {
        let (metric, report, _) = rows.at(row);
        Cell::Int(metric.query.progress.batch_id(report))
    }));
    columns.push(Column::new("timestamp", Kind::Time, move |row| {
        let (metric, report, _) = rows.at(row);
        Cell::Int(metric.query.progress.time(report))
    }));
    columns.push(Column::new("kind", Kind::Text, move |row| Cell::Text(rows.at(row).0.kind)));
    columns.push(Column::optional("index", Kind::Int32, move |row| {
        Cell::int(rows.at(row).0.owner.map(|(place, _)| place as i64))
    }));
    columns
        .push(Column::optional("owner", Kind::Text, move |row| Cell::text(rows.at(row).0.owner.map(|(_, name)| name))));
    columns.push(Column::new("metric", Kind::Text, move |row| Cell::Text(rows.at(row).0.name)));
    columns.push(Column::optional("value", Kind::Double, move |row| {
        Cell::double(Some(rows.at(row).2).filter(|value| value.is_finite()))
    }));
    Sheet::new("streaming_metrics", rows.count(), columns)
}
