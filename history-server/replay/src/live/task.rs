//! Tasks while they run.

use history_model::metric::TaskMetricValues;
use history_model::tasks::{TaskColumn, TaskRow};

use super::StageKey;

/// A task that has not ended. Nearly every task is one for a moment, so it is small: the row is only made of one that the
/// log leaves running.
#[derive(Clone, Debug)]
pub(crate) struct LiveTask {
    pub(crate) stage: StageKey,
    pub(crate) id: i64,
    pub(crate) launch_time: i64,
    pub(crate) getting_result_time: i64,
    pub(crate) finish_time: i64,
    pub(crate) index: i32,
    pub(crate) attempt: i32,
    pub(crate) partition_id: i32,
    /// Codes of texts.
    pub(crate) executor: u32,
    pub(crate) host: u32,
    pub(crate) status: u32,
    pub(crate) locality: u32,
    pub(crate) speculative: bool,
    /// Which of its stage's SQL metrics it counts for; see [`crate::sql::Executions::task_start`].
    pub(crate) sql_generation: u32,
    /// The metrics that a heartbeat told last.
    pub(crate) told: Option<Box<TaskMetricValues>>,
}

impl LiveTask {
    /// As a row; the duration is only right where it has ended.
    pub(crate) fn row(&self) -> TaskRow {
        let mut row = TaskRow { metrics: self.told.as_deref().copied(), ..TaskRow::default() };
        row.set(TaskColumn::TaskId, self.id);
        row.set(TaskColumn::Index, self.index.into());
        row.set(TaskColumn::Attempt, self.attempt.into());
        row.set(TaskColumn::PartitionId, self.partition_id.into());
        row.set(TaskColumn::LaunchTime, self.launch_time);
        let fetch_start = if self.getting_result_time != 0 { self.getting_result_time } else { -1 };
        row.set(TaskColumn::ResultFetchStart, fetch_start);
        row.set(TaskColumn::Duration, self.finish_time.wrapping_sub(self.launch_time));
        row.set(TaskColumn::Executor, self.executor.into());
        row.set(TaskColumn::Host, self.host.into());
        row.set(TaskColumn::Status, self.status.into());
        row.set(TaskColumn::Locality, self.locality.into());
        row.set(TaskColumn::Speculative, self.speculative.into());
        row
    }
}
