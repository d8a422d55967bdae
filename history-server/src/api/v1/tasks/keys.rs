//! What tasks are sorted by, for many rows at a time.

use super::{TaskSort, Tasks};
use crate::model::column::Column;
use crate::model::metric;
use crate::model::order::java_cmp;
use crate::model::tasks::TaskColumn;

/// How many rows are worked on at a time: few enough for the processor's nearest cache.
pub(in crate::api::v1) const CHUNK: usize = 1024;

/// The key of every row.
pub(super) enum Keys<'a> {
    Column(&'a Column),
    /// By the place of its text: the codes, what is taken from them, and the places by code.
    Ranked(&'a Column, i64, Vec<i64>),
    Metric(Tasks<'a>, usize),
    Sum(Tasks<'a>, usize, usize),
    SchedulerDelay(Tasks<'a>),
    GettingResultTime(Tasks<'a>),
    Rows(Vec<i64>),
}

impl<'a> Keys<'a> {
    pub(super) fn new(tasks: Tasks<'a>, sort: TaskSort) -> Self {
        match sort {
            TaskSort::Id => Self::Column(tasks.table.column(TaskColumn::TaskId)),
            TaskSort::Column(column) => Self::Column(tasks.table.column(column)),
            // An error's code is one higher, and 0 where there is none, which is the lowest text, too.
            TaskSort::Text(column) => {
                Self::Ranked(tasks.table.column(column), i64::from(column == TaskColumn::Error), text_ranks(tasks))
            }
            TaskSort::Metric(at) => Self::Metric(tasks, at),
            TaskSort::Sum(left, right) => Self::Sum(tasks, left, right),
            TaskSort::SchedulerDelay => Self::SchedulerDelay(tasks),
            TaskSort::GettingResultTime => Self::GettingResultTime(tasks),
            TaskSort::Accumulators => Self::Rows(accumulator_ranks(tasks)),
        }
    }

    /// The keys from row `start` on; at most [`CHUNK`] of them.
    pub(super) fn read(&self, start: usize, out: &mut [i64]) {
        match self {
            Self::Column(column) => column.read(start, out),
            Self::Ranked(column, shift, ranks) => {
                column.read(start, out);
                for key in out {
                    let code = *key - shift;
                    *key = usize::try_from(code).map_or(code, |code| ranks.get(code).copied().unwrap_or(0));
                }
            }
            Self::Metric(tasks, at) => tasks.read_indexed(&[*at], start, out),
            Self::Sum(tasks, left, right) => tasks.read_indexed(&[*left, *right], start, out),
            Self::SchedulerDelay(tasks) => tasks.read_scheduler_delay(start, out),
            Self::GettingResultTime(tasks) => tasks.read_getting_result_time(start, out),
            Self::Rows(keys) => out.copy_from_slice(&keys[start..start + out.len()]),
        }
    }
}

/// The place of each text among all, by code.
fn text_ranks(tasks: Tasks<'_>) -> Vec<i64> {
    let strings = tasks.strings;
    let mut codes: Vec<_> = (0..strings.len() as u32).collect();
    codes.sort_by(|left, right| java_cmp(strings.get(*left), strings.get(*right)));
    let mut ranks = vec![0; codes.len()];
    codes.iter().enumerate().for_each(|(rank, code)| ranks[*code as usize] = rank as i64);
    ranks
}

fn accumulator_ranks(tasks: Tasks<'_>) -> Vec<i64> {
    let strings = tasks.strings;
    let mut ranks = vec![0; tasks.table.len()];
    let mut texts: Vec<(u32, String)> = Vec::new();
    for first in tasks.table.accumulables.chunk_by(|left, right| left.row == right.row).filter_map(|row| row.first()) {
        let name = first.name.map_or("null", |name| strings.get(name));
        texts.push((first.row, format!("{name}:{}", first.value.as_deref().unwrap_or("null"))));
    }
    // A task without accumulators comes before all others: its text is empty.
    texts.sort_unstable_by(|(_, left), (_, right)| java_cmp(left, right));
    let mut rank = 0;
    let mut last: Option<&str> = None;
    for (row, text) in &texts {
        rank += i64::from(last != Some(text));
        last = Some(text);
        if let Some(place) = ranks.get_mut(*row as usize) {
            *place = rank;
        }
    }
    ranks
}

impl Tasks<'_> {
    /// Whether all tasks succeeded and reported metrics.
    pub(in crate::api::v1) fn all_valid(self) -> bool {
        let constant = |column| self.table.column(column).constant();
        constant(TaskColumn::HasMetrics) == Some(1) && constant(TaskColumn::Status) == Some(self.success())
    }

    /// Sums of metrics as Spark's store orders them: below zero for tasks that did not succeed.
    fn read_indexed(self, metrics: &[usize], start: usize, out: &mut [i64]) {
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
    pub(in crate::api::v1) fn read_scheduler_delay(self, start: usize, out: &mut [i64]) {
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
    pub(in crate::api::v1) fn read_getting_result_time(self, start: usize, out: &mut [i64]) {
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
