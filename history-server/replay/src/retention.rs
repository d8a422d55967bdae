//! What is dropped where the settings limit what is kept.
//!
//! Done while the log is read, as Spark's history server does it, because the order matters: what is dropped today cannot go
//! tomorrow, and something may come back. What counts is what Spark has written down by then, which of a log is less than what
//! is alive: jobs, stages and executors are written when they end, and few of them before. Nothing goes any more once the log
//! has been read to its end, when everything that is still alive is written down too.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::sync::Arc;

use foldhash::HashSet;
use history_model::tasks::{TaskColumn, TaskRow};
use history_model::types::StageStatus;

use crate::live::{LiveExecutorStage, Retention, StageKey, excess};
use crate::state::State;

/// Fewer rows are not worth a new table.
const MIN_DROPPED: usize = 256;

impl State {
    /// A job was written down; `ended` is its time, if it has one. Older ones go where `check` says so.
    pub(crate) fn job_written(&mut self, id: i32, ended: Option<i64>, check: bool) {
        let Some(kept) = &mut self.retention.jobs else { return };
        kept.write(id, ended.filter(|time| *time >= 0));
        if check {
            let count = kept.excess(kept.all.len());
            for id in kept.take(count) {
                self.jobs.remove(&id);
            }
        }
    }

    /// The same for a stage attempt. Skipped ones have no time and go first.
    pub(crate) fn stage_written(&mut self, key: StageKey, status: StageStatus, ended: Option<i64>, check: bool) {
        let Some(kept) = &mut self.retention.stages else { return };
        let may_go = !matches!(status, StageStatus::Active | StageStatus::Pending);
        kept.write(key, may_go.then(|| ended.unwrap_or(-1)));
        if check {
            let count = kept.excess(kept.all.len());
            kept.take(count).into_iter().for_each(|key| self.forget_stage(key));
        }
    }

    fn forget_stage(&mut self, key: StageKey) {
        self.stages.remove(&key);
        self.stage_executors.remove(&key);
        self.tables.stages.remove(&key);
        self.tables.peaks.remove(&key);
        self.retention.tasks.remove(&key);
        // It may still have tasks that run.
        if let Some(live) = self.live_stages.get_mut(&key) {
            live.executors.values_mut().for_each(LiveExecutorStage::forget);
        }
        let attempts = (key.0, i32::MIN)..=(key.0, i32::MAX);
        if self.retention.stages.as_ref().is_some_and(|kept| kept.all.range(attempts).next().is_none()) {
            self.rdd_graphs.remove(&key.0);
        }
    }

    /// The same for an executor. Of those that are gone, the lowest ids go first.
    pub(crate) fn executor_written(&mut self, id: &str, is_active: bool, check: bool) {
        let active = self.live_executors.len();
        let Some(kept) = &mut self.retention.executors else { return };
        kept.write(id.to_owned(), (!is_active).then_some(0));
        if check {
            // Spark takes for gone what is written down and does not make up for one that is there.
            let count = kept.excess(kept.all.len().saturating_sub(active));
            for id in kept.take(count) {
                self.executors.remove(&id);
            }
        }
    }

    /// A task has ended and is the last row of its stage's table.
    pub(crate) fn task_written(&mut self, key: StageKey, row: &TaskRow) {
        if self.retention.tasks_of_stage.is_none() {
            return;
        }
        let at = self.tables.stages.get(&key).map_or(0, |table| table.len().saturating_sub(1)) as u32;
        let ended = row.get(TaskColumn::LaunchTime).wrapping_add(row.get(TaskColumn::Duration));
        let tasks = self.retention.tasks.entry(key).or_default();
        tasks.oldest.push(Reverse((ended, row.get(TaskColumn::TaskId), at)));
    }

    /// A task was started. As in Spark, those that run count, and when they alone are too many, they count no more.
    pub(crate) fn limit_tasks(&mut self, key: StageKey) {
        let Some(limit) = self.retention.tasks_of_stage else { return };
        let Some(stage) = self.live_stages.get_mut(&key) else { return };
        stage.counted_tasks += 1;
        let count = excess(stage.counted_tasks, limit);
        stage.counted_tasks -= count;
        if count == 0 {
            return;
        }
        let Some(tasks) = self.retention.tasks.get_mut(&key) else { return };
        let gone = std::iter::from_fn(|| tasks.oldest.pop()).take(count).map(|Reverse((_, _, row))| row);
        tasks.dropped.extend(gone);
        if tasks.dropped.len() >= MIN_DROPPED && tasks.dropped.len() >= tasks.oldest.len() {
            self.drop_rows(key);
        }
    }

    /// Takes the rows that are gone out of the table.
    fn drop_rows(&mut self, key: StageKey) {
        let (Some(tasks), Some(table)) = (self.retention.tasks.get_mut(&key), self.tables.stages.get_mut(&key)) else {
            return;
        };
        let mut dropped = std::mem::take(&mut tasks.dropped);
        dropped.sort_unstable();
        *table = Arc::new(table.without(&dropped));
        let moved = |row: u32| row - dropped.partition_point(|gone| *gone < row) as u32;
        let oldest = std::mem::take(&mut tasks.oldest).into_vec();
        tasks.oldest = oldest.into_iter().map(|Reverse((ended, id, row))| Reverse((ended, id, moved(row)))).collect();
    }

    /// Takes out what executors measured for tasks that are gone.
    fn drop_peaks(&mut self, key: StageKey) {
        let (Some(table), Some(peaks)) = (self.tables.stages.get(&key), self.tables.peaks.get_mut(&key)) else {
            return;
        };
        let left: HashSet<_> = table.column(TaskColumn::TaskId).iter().collect();
        *peaks = Arc::new(peaks.of(|id| left.contains(&id)));
    }

    /// The log has been read: nothing goes any more.
    pub(crate) fn end_retention(&mut self) {
        let keys: Vec<_> = self.retention.tasks.keys().copied().collect();
        keys.into_iter().for_each(|key| {
            self.drop_rows(key);
            self.drop_peaks(key);
        });
        self.retention = Retention::default();
        self.sql.end_retention();
    }
}
