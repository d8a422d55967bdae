//! The tasks of one stage attempt, and what follows from their columns.

use std::sync::Arc;

use crate::metric;
use crate::strings::Strings;
use crate::summaries::Summaries;
use crate::tasks::{TaskColumn, TaskTable};

/// How many rows are worked on at a time: few enough for the processor's nearest cache.
pub const CHUNK: usize = 1024;

/// The tasks of one stage attempt.
#[derive(Clone, Debug)]
pub struct StageTasks {
    /// The texts that the table names by code.
    pub strings: Arc<Strings>,
    /// The rows.
    pub table: Arc<TaskTable>,
    /// What was worked out of them.
    pub summaries: Arc<Summaries>,
}

/// A table with what its codes stand for.
#[derive(Clone, Copy)]
pub(crate) struct Tasks<'a> {
    pub(crate) strings: &'a Strings,
    pub(crate) table: &'a TaskTable,
}

impl<'a> From<&'a StageTasks> for Tasks<'a> {
    fn from(tasks: &'a StageTasks) -> Self {
        Self { strings: &tasks.strings, table: &tasks.table }
    }
}

impl<'a> Tasks<'a> {
    pub(crate) fn text(self, column: TaskColumn, row: usize) -> &'a str {
        self.strings.get(self.table.get(column, row) as u32)
    }

    pub(crate) fn status(self, row: usize) -> &'a str {
        self.text(TaskColumn::Status, row)
    }

    /// The code of the status of tasks that succeeded.
    pub(crate) fn success(self) -> i64 {
        self.strings.code("SUCCESS").map_or(-1, i64::from)
    }

    /// Milliseconds lost to scheduling; -1 where the task reported nothing.
    pub(crate) fn scheduler_delay(self, row: usize) -> i64 {
        let mut delay = [0];
        self.read_scheduler_delay(row, &mut delay);
        delay[0]
    }

    pub(crate) fn fetch_time(self, row: usize, duration: i64, now: i64) -> i64 {
        let start = self.table.get(TaskColumn::ResultFetchStart, row);
        if start <= 0 {
            0
        } else if duration > 0 {
            self.table.get(TaskColumn::LaunchTime, row).wrapping_add(duration).wrapping_sub(start)
        } else {
            now.wrapping_sub(start)
        }
    }

    /// Whether all tasks succeeded and reported metrics.
    pub(crate) fn all_valid(self) -> bool {
        let constant = |column| self.table.column(column).constant();
        constant(TaskColumn::HasMetrics) == Some(1) && constant(TaskColumn::Status) == Some(self.success())
    }

    /// Sums of metrics as Spark's store orders them: below zero for tasks that did not succeed.
    pub(crate) fn read_indexed(self, metrics: &[usize], start: usize, out: &mut [i64]) {
        let (mut buffer, mut status, mut reported) = ([0; CHUNK], [0; CHUNK], [0; CHUNK]);
        let (buffer, status, reported) =
            (&mut buffer[..out.len()], &mut status[..out.len()], &mut reported[..out.len()]);
        let valid = self.all_valid();
        if !valid {
            self.table.column(TaskColumn::Status).read(start, status);
            self.table.column(TaskColumn::HasMetrics).read(start, reported);
        }
        let success = self.success();
        out.fill(0);
        for metric in metrics {
            self.table.metric(*metric).read(start, buffer);
            if valid {
                out.iter_mut().zip(&*buffer).for_each(|(key, value)| *key = key.wrapping_add(*value));
                continue;
            }
            for (key, (value, status)) in out.iter_mut().zip(buffer.iter().zip(&*status)) {
                *key = key.wrapping_add(if *status == success { *value } else { (-1i64).wrapping_sub(*value) });
            }
        }
        if !valid {
            out.iter_mut().zip(&*reported).filter(|(_, reported)| **reported == 0).for_each(|(key, _)| *key = -1);
        }
    }

    /// Milliseconds lost to scheduling; -1 where the task reported nothing.
    pub(crate) fn read_scheduler_delay(self, start: usize, out: &mut [i64]) {
        const BUSY: [usize; 3] =
            [metric::EXECUTOR_RUN_TIME, metric::EXECUTOR_DESERIALIZE_TIME, metric::RESULT_SERIALIZATION_TIME];
        self.read_fetch_time(start, out);
        let mut buffer = [0; CHUNK];
        let buffer = &mut buffer[..out.len()];
        for busy in BUSY {
            self.table.metric(busy).read(start, buffer);
            out.iter_mut().zip(&*buffer).for_each(|(key, value)| *key = key.wrapping_add(*value));
        }
        self.table.column(TaskColumn::Duration).read(start, buffer);
        out.iter_mut().zip(&*buffer).for_each(|(key, duration)| *key = duration.wrapping_sub(*key).max(0));
        self.mark_unreported(start, out);
    }

    /// Milliseconds spent on fetching the result; -1 where the task reported nothing.
    pub(crate) fn read_getting_result_time(self, start: usize, out: &mut [i64]) {
        self.read_fetch_time(start, out);
        self.mark_unreported(start, out);
    }

    fn read_fetch_time(self, start: usize, out: &mut [i64]) {
        let fetched = self.table.column(TaskColumn::ResultFetchStart);
        if fetched.constant().is_some_and(|start| start <= 0) {
            return out.fill(0);
        }
        for (row, key) in (start..).zip(out) {
            *key = self.fetch_time(row, self.table.get(TaskColumn::Duration, row), 0);
        }
    }

    fn mark_unreported(self, start: usize, out: &mut [i64]) {
        let reported = self.table.column(TaskColumn::HasMetrics);
        if reported.constant() != Some(1) {
            for (row, key) in (start..).zip(out) {
                if reported.get(row) == 0 {
                    *key = -1;
                }
            }
        }
    }
}
