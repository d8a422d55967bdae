//! Tasks while they run.

use history_model::tasks::TaskRow;

use super::StageKey;

/// A task that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct LiveTask {
    pub(crate) stage: StageKey,
    /// With the metrics that a heartbeat told last.
    pub(crate) row: TaskRow,
    /// Which of its stage's SQL metrics it counts for; see [`crate::sql::Executions::task_start`].
    pub(crate) sql_generation: u32,
}
