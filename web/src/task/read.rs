//! What pages show of tasks, read for many of them at a time.

use std::ops::Range;

use history_server::model::metric;
use history_server::model::tasks::TaskColumn;
use history_server::model::{ROWS_AT_ONCE, column::Column};

use super::{Task, Tasks};

/// Where the value of a measure is.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    /// A metric.
    Of(usize),
    /// The sum of two.
    Sum(usize, usize),
    SchedulerDelay,
    GettingResult,
}

impl Value {
    pub(crate) fn of(self, task: Task<'_>) -> i64 {
        match self {
            Self::Of(metric) => task.metric(metric),
            Self::Sum(left, right) => task.metric(left).wrapping_add(task.metric(right)),
            Self::SchedulerDelay => task.scheduler_delay(),
            Self::GettingResult => task.getting_result(),
        }
    }

    /// Whether any task has something.
    pub(crate) fn is_any(self, tasks: Tasks<'_>) -> bool {
        // A column that is not the same everywhere is not zero everywhere.
        let has = |metric: usize| tasks.table().metric(metric).constant() != Some(0);
        match self {
            Self::Of(metric) => has(metric),
            Self::Sum(left, right) => has(left) || has(right),
            Self::SchedulerDelay | Self::GettingResult => {
                let mut values = [0; ROWS_AT_ONCE];
                tasks.portions().any(|rows| {
                    let values = &mut values[..rows.len()];
                    self.read(tasks, rows.start, values);
                    values.iter().any(|value| *value != 0)
                })
            }
        }
    }

    /// Reads those of the rows from `start` on: at most [`ROWS_AT_ONCE`].
    pub(crate) fn read(self, tasks: Tasks<'_>, start: usize, out: &mut [i64]) {
        match self {
            Self::Of(metric) => tasks.table().metric(metric).read(start, out),
            Self::Sum(left, right) => {
                tasks.table().metric(left).read(start, out);
                combine(tasks.table().metric(right), start, out, i64::wrapping_add);
            }
            Self::GettingResult => read_getting_result(tasks, start, out),
            Self::SchedulerDelay => {
                let mut fetched = [0; ROWS_AT_ONCE];
                let fetched = &mut fetched[..out.len()];
                read_getting_result(tasks, start, fetched);
                read_scheduler_delay(tasks, start, fetched, out);
            }
        }
    }
}

/// Does something with each value and what a column has in its row.
fn combine(column: &Column, start: usize, values: &mut [i64], with: impl Fn(i64, i64) -> i64) {
    let mut buffer = [0; ROWS_AT_ONCE];
    let buffer = &mut buffer[..values.len()];
    column.read(start, buffer);
    values.iter_mut().zip(&*buffer).for_each(|(value, other)| *value = with(*value, *other));
}

/// What [`Task::getting_result`] says of each.
fn read_getting_result(tasks: Tasks<'_>, start: usize, out: &mut [i64]) {
    let table = tasks.table();
    let fetched = table.column(TaskColumn::ResultFetchStart);
    if fetched.constant().is_some_and(|at| at <= 0) {
        return out.fill(0);
    }
    table.column(TaskColumn::LaunchTime).read(start, out);
    combine(table.column(TaskColumn::Duration), start, out, i64::wrapping_add);
    combine(fetched, start, out, |end, at| if at > 0 { end.wrapping_sub(at).max(0) } else { 0 });
}

/// What [`Task::scheduler_delay`] says of each.
fn read_scheduler_delay(tasks: Tasks<'_>, start: usize, fetched: &[i64], out: &mut [i64]) {
    const USED: [usize; 3] =
        [metric::EXECUTOR_RUN_TIME, metric::EXECUTOR_DESERIALIZE_TIME, metric::RESULT_SERIALIZATION_TIME];
    let table = tasks.table();
    table.column(TaskColumn::Duration).read(start, out);
    for used in USED {
        combine(table.metric(used), start, out, i64::wrapping_sub);
    }
    out.iter_mut().zip(fetched).for_each(|(delay, fetched)| *delay = delay.wrapping_sub(*fetched).max(0));
    let reported = table.column(TaskColumn::HasMetrics);
    if reported.constant() != Some(1) {
        combine(reported, start, out, |delay, reported| if reported == 1 { delay } else { 0 });
    }
    let (status, running) = (table.column(TaskColumn::Status), tasks.code("RUNNING"));
    if status.constant().is_none_or(|code| code == running) {
        combine(status, start, out, |delay, code| if code == running { 0 } else { delay });
    }
}

/// What [`Task::duration`] says of the rows from `start` on.
pub(crate) fn read_duration(tasks: Tasks<'_>, start: usize, out: &mut [i64]) {
    tasks.table().metric(metric::EXECUTOR_RUN_TIME).read(start, out);
    if out.iter().any(|run| *run <= 0) {
        combine(tasks.table().column(TaskColumn::Duration), start, out, |run, all| if run > 0 { run } else { all });
    }
}

/// When tasks ran, and what their time went to, in milliseconds: what [`Task::parts`] says of each, part by part.
pub(crate) struct Times {
    pub(crate) executor: [i64; ROWS_AT_ONCE],
    pub(crate) start: [i64; ROWS_AT_ONCE],
    pub(crate) end: [i64; ROWS_AT_ONCE],
    pub(crate) parts: [[i64; ROWS_AT_ONCE]; 7],
}

impl Default for Times {
    fn default() -> Self {
        let none = [0; ROWS_AT_ONCE];
        Self { executor: none, start: none, end: none, parts: [none; 7] }
    }
}

impl Times {
    /// Reads those of some rows, at most [`ROWS_AT_ONCE`]; tasks that still run do so up to `now`.
    pub(crate) fn read(&mut self, tasks: Tasks<'_>, rows: Range<usize>, now: i64) {
        let (table, start, len) = (tasks.table(), rows.start, rows.len());
        table.column(TaskColumn::Executor).read(start, &mut self.executor[..len]);
        self.read_ends(tasks, rows, now);
        let [delay, deserialize, read, run, write, serialize, fetch] = &mut self.parts;
        Value::GettingResult.read(tasks, start, &mut fetch[..len]);
        read_scheduler_delay(tasks, start, &fetch[..len], &mut delay[..len]);
        let metrics: [(usize, &mut [i64; ROWS_AT_ONCE]); 5] = [
            (metric::EXECUTOR_DESERIALIZE_TIME, deserialize),
            (metric::SHUFFLE_FETCH_WAIT_TIME, read),
            (metric::SHUFFLE_WRITE_TIME, write),
            (metric::RESULT_SERIALIZATION_TIME, serialize),
            (metric::EXECUTOR_RUN_TIME, run),
        ];
        for (metric, out) in metrics {
            table.metric(metric).read(start, &mut out[..len]);
        }
        if table.metric(metric::SHUFFLE_WRITE_TIME).constant() != Some(0) {
            write[..len].iter_mut().for_each(|nanos| *nanos /= 1_000_000);
        }
        for ((run, read), write) in run[..len].iter_mut().zip(&read[..len]).zip(&write[..len]) {
            *run = run.saturating_sub(*read).saturating_sub(*write).max(0);
        }
    }

    /// Reads when they began and ended.
    pub(crate) fn read_ends(&mut self, tasks: Tasks<'_>, rows: Range<usize>, now: i64) {
        let (table, len) = (tasks.table(), rows.len());
        let (start, end) = (&mut self.start[..len], &mut self.end[..len]);
        table.column(TaskColumn::LaunchTime).read(rows.start, start);
        table.column(TaskColumn::Duration).read(rows.start, end);
        end.iter_mut().zip(&*start).for_each(|(end, start)| *end = start.saturating_add(*end));
        let (status, running) = (table.column(TaskColumn::Status), tasks.code("RUNNING"));
        if status.constant().is_none_or(|code| code == running) {
            combine(status, rows.start, end, |end, code| if code == running { i64::MIN } else { end });
            end.iter_mut().zip(&*start).filter(|(end, _)| **end == i64::MIN).for_each(|(end, start)| {
                *end = now.max(*start);
            });
        }
    }
}
