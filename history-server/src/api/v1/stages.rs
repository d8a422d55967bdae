//! Stages, with what is given on demand.

use super::summary::{executor_summary, task_summary};
use super::tasks::{TaskQuery, TaskSort, task_list};
use super::types::StageData;
use crate::model::{Application, Stage};
use crate::opened::StageTasks;

/// What is given besides a stage itself.
#[derive(Clone, Debug, Default)]
pub struct StageDetails<'a> {
    /// Tasks, executors and speculation.
    pub details: bool,
    /// Only tasks of these statuses; all if empty.
    pub task_statuses: &'a [&'a str],
    /// Quantiles over tasks and executors.
    pub summaries: bool,
    /// Which quantiles, ascending.
    pub quantiles: &'a [f64],
}

/// A stage attempt with the details asked for, which need its tasks, if it has any. `now` is the present, in milliseconds since the epoch.
pub fn stage_data(
    app: &Application,
    stage: &Stage,
    tasks: Option<&StageTasks>,
    details: &StageDetails<'_>,
    now: i64,
) -> StageData {
    let mut data = stage.data.clone();
    if details.details {
        let query = TaskQuery {
            sort: TaskSort::Id,
            ascending: true,
            statuses: details.task_statuses,
            offset: 0,
            length: usize::MAX,
        };
        let listed = tasks.map(|tasks| task_list(app, tasks, &query, now)).unwrap_or_default();
        data.tasks = Some(listed.into_iter().map(|task| (task.task_id, task)).collect());
        data.executor_summary = Some(stage.executors.clone());
        data.speculation_summary = stage.speculation.clone();
    }
    if details.summaries {
        data.task_metrics_distributions = tasks.and_then(|tasks| task_summary(tasks, details.quantiles));
        data.executor_metrics_distributions = executor_summary(stage, details.quantiles);
    }
    data
}

/// Whether a stage has tasks of one of these statuses.
pub(super) fn has_tasks(stage: &StageData, statuses: &[&str]) -> bool {
    let known = stage.num_failed_tasks + stage.num_killed_tasks + stage.num_active_tasks + stage.num_complete_tasks;
    statuses.iter().any(|status| match *status {
        "FAILED" => stage.num_failed_tasks > 0,
        "KILLED" => stage.num_killed_tasks > 0,
        "RUNNING" => stage.num_active_tasks > 0,
        "SUCCESS" => stage.num_complete_tasks > 0,
        "" => false,
        _ => stage.num_tasks - known > 0,
    })
}
