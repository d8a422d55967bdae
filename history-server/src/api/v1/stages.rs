//! Stages, with what is given on demand.

use history_model::types::{StageData, TaskMap};
use history_model::{Stage, StageTasks, executor_summary, task_summary};

/// What is given besides a stage itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Details {
    /// Tasks, executors and speculation.
    pub(super) details: bool,
    /// Only tasks of these statuses; all if empty.
    pub(super) task_statuses: Vec<&'static str>,
    /// Quantiles over tasks and executors.
    pub(super) summaries: bool,
    /// Which quantiles, ascending.
    pub(super) quantiles: Vec<f64>,
}

/// A stage attempt with the details asked for, but for the tasks themselves; some of them need its tasks, if it has any.
pub(super) fn stage_data(stage: &Stage, tasks: Option<&StageTasks>, details: &Details) -> StageData {
    let mut data = stage.data.clone();
    if details.details {
        data.tasks = Some(TaskMap);
        data.executor_summary = Some(stage.executors.clone());
        data.speculation_summary = stage.speculation.clone();
    }
    if details.summaries {
        data.task_metrics_distributions = tasks.and_then(|tasks| task_summary(tasks, &details.quantiles));
        data.executor_metrics_distributions = executor_summary(stage, &details.quantiles);
    }
    data
}

/// Whether a stage has tasks of one of these statuses.
pub(super) fn has_tasks(stage: &StageData, statuses: &[&str]) -> bool {
    let known = [stage.num_failed_tasks, stage.num_killed_tasks, stage.num_active_tasks, stage.num_complete_tasks];
    let known = known.into_iter().fold(0i32, i32::wrapping_add);
    statuses.iter().any(|status| match *status {
        "FAILED" => stage.num_failed_tasks > 0,
        "KILLED" => stage.num_killed_tasks > 0,
        "RUNNING" => stage.num_active_tasks > 0,
        "SUCCESS" => stage.num_complete_tasks > 0,
        "" => false,
        _ => stage.num_tasks.wrapping_sub(known) > 0,
    })
}
