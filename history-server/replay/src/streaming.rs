//! Structured Streaming, in the way of Spark's `StreamingQueryStatusListener`.

use chrono::DateTime;
use foldhash::{HashMap, HashMapExt};

use crate::event::core::Int;
use crate::event::streaming::{Progress, Source, Started, StateOperator, StreamingEvent, Terminated};
use crate::settings::Settings;
use history_model::StreamingQuery;
use history_model::series::Series;
use history_model::streaming::{self as model, LatestProgress, SourceOffsets, StreamingProgress};

/// The runs of streaming queries.
#[derive(Clone, Debug)]
pub(crate) struct Queries {
    /// In order of their starts. Those that were dropped are `None`.
    all: Vec<Option<StreamingQuery>>,
    by_run: HashMap<String, usize>,
    /// Those that ended, in order of their ends.
    ended: Vec<usize>,
    retained_queries: Option<usize>,
    retained_updates: Option<usize>,
}

/// Milliseconds since the epoch of a time as Spark writes it.
fn millis(time: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp_millis())
}

impl Queries {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            all: Vec::new(),
            by_run: HashMap::new(),
            ended: Vec::new(),
            retained_queries: settings.retained_streaming_queries,
            retained_updates: settings.retained_streaming_updates,
        }
    }

    pub(crate) fn apply(&mut self, event: StreamingEvent) {
        match event {
            StreamingEvent::Started(event) => self.started(event),
            StreamingEvent::Progress(event) => self.progress(event),
            StreamingEvent::Idle(event) => {
                let time = millis(&event.timestamp);
                if let Some(query) = self.known(&event.run_id) {
                    query.last_idle_time = time;
                }
            }
            StreamingEvent::Terminated(event) => self.terminated(event),
        }
    }

    /// Bytes of memory that what queries report takes, about.
    pub(crate) fn size_bytes(&self) -> usize {
        self.all.iter().flatten().map(|query| 4096 + query.progress.size_bytes()).sum()
    }

    fn known(&mut self, run_id: &str) -> Option<&mut StreamingQuery> {
        self.all[*self.by_run.get(run_id)?].as_mut()
    }

    /// The query of a run. One whose start the log does not hold is known by what it reports.
    fn query(&mut self, run_id: &str) -> Option<&mut StreamingQuery> {
        let at = match self.by_run.get(run_id) {
            Some(at) => *at,
            None => {
                let query = StreamingQuery { run_id: run_id.to_owned(), is_active: true, ..StreamingQuery::default() };
                self.by_run.insert(run_id.to_owned(), self.all.len());
                self.all.push(Some(query));
                self.all.len() - 1
            }
        };
        self.all[at].as_mut()
    }

    fn started(&mut self, event: Started) {
        let Some(query) = self.query(&event.run_id) else { return };
        query.id = event.id;
        query.name = event.name;
        query.job_tags = event.job_tags;
        query.start_time = event.timestamp.as_deref().and_then(millis).unwrap_or_default();
    }

    fn progress(&mut self, event: Progress) {
        let Some(time) = millis(&event.timestamp) else { return };
        let retained = self.retained_updates;
        let Some(query) = self.query(&event.run_id) else { return };
        if query.id.is_empty() {
            query.id.clone_from(&event.id);
            query.name.clone_from(&event.name);
        }
        // Before Spark 3.0 the start has no time.
        if query.start_time == 0 {
            query.start_time = time;
        }
        report(query, time, event);
        // Dropping rows costs as much as keeping them, so it is done to many at once.
        if let Some(limit) = retained.filter(|limit| query.progress.len() > 2 * limit + 64) {
            query.progress.keep_last(limit);
        }
    }

    fn terminated(&mut self, event: Terminated) {
        let Some(query) = self.known(&event.run_id) else { return };
        query.is_active = false;
        query.exception = event.exception;
        query.error_class = event.error_class_on_exception;
        let at = self.by_run[&event.run_id];
        if !self.ended.contains(&at) {
            self.ended.push(at);
        }
        if let Some(limit) = self.retained_queries.filter(|limit| self.ended.len() > *limit) {
            for at in self.ended.drain(..self.ended.len() - limit) {
                self.all[at] = None;
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<StreamingQuery> {
        let mut queries: Vec<_> = self.all.into_iter().flatten().collect();
        for query in &mut queries {
            if let Some(limit) = self.retained_updates {
                query.progress.keep_last(limit);
            }
            query.progress.settle();
        }
        queries.sort_by_key(|query| query.start_time);
        queries
    }
}

/// Adds a report to those of its query.
fn report(query: &mut StreamingQuery, time: i64, event: Progress) {
    let StreamingProgress { times, batch_ids, batch_durations, output_rows, phases, event_times, .. } =
        &mut query.progress;
    let row = times.len();
    let trigger = event.duration_ms.get("triggerExecution").copied().flatten();
    times.push(time);
    batch_ids.push(event.batch_id.0);
    batch_durations.push(event.batch_duration.or(trigger).unwrap_or_default().0);
    if let Some(rows) = event.sink.num_output_rows.filter(|rows| rows.0 >= 0) {
        output_rows.push(row, rows.0);
    }
    for (phase, duration) in event.duration_ms {
        phases.entry(phase).or_default().push(row, duration.unwrap_or_default().0);
    }
    for (name, time) in event.event_time {
        if let Some(time) = time.as_deref().and_then(millis) {
            event_times.entry(name).or_default().push(row, time);
        }
    }
    for (place, operator) in event.state_operators.into_iter().enumerate() {
        state(at(&mut query.progress.state_operators, place), row, operator);
    }
    let mut offsets = Vec::with_capacity(event.sources.len());
    for (place, source) in event.sources.into_iter().enumerate() {
        offsets.push(read(at(&mut query.progress.sources, place), row, source));
    }
    let observed_metrics = event.observed_metrics.0.filter(|metrics| metrics != "{}");
    query.latest = LatestProgress { offsets, sink: event.sink.description, observed_metrics };
}

/// The element of a place, which is at most the next one.
fn at<T: Default>(all: &mut Vec<T>, place: usize) -> &mut T {
    if place >= all.len() {
        all.resize_with(place + 1, T::default);
    }
    &mut all[place]
}

fn state(operator: &mut model::StateOperator, row: usize, event: StateOperator) {
    operator.name = event.operator_name;
    let values: [Option<Int>; model::STATE_METRICS.len()] = [
        event.num_rows_total,
        event.num_rows_updated,
        event.num_rows_removed,
        event.num_rows_dropped_by_watermark,
        event.memory_used_bytes,
        event.all_updates_time_ms,
        event.all_removals_time_ms,
        event.commit_time_ms,
        event.num_shuffle_partitions,
        event.num_state_store_instances,
    ];
    for (series, value) in operator.metrics.iter_mut().zip(values) {
        put(series, row, value);
    }
    for (name, value) in event.custom_metrics {
        put(operator.custom_metrics.entry(name).or_default(), row, value);
    }
}

fn put(series: &mut Series, row: usize, value: Option<Int>) {
    if let Some(value) = value {
        series.push(row, value.0);
    }
}

fn read(source: &mut model::Source, row: usize, event: Source) -> SourceOffsets {
    source.description = event.description;
    source.input_rows.push(row, event.num_input_rows.0);
    source.input_rates.push_double(row, event.input_rows_per_second.0);
    source.process_rates.push_double(row, event.processed_rows_per_second.0);
    for (name, value) in event.metrics {
        if let Some(value) = value.0.and_then(|text| text.parse().ok()) {
            source.metrics.entry(name).or_default().push_double(row, value);
        }
    }
    SourceOffsets { start: event.start_offset.0, end: event.end_offset.0, latest: event.latest_offset.0 }
}
