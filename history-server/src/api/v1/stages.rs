//! Stages, with what is given on demand.

use std::sync::Arc;

use crate::opened::OpenApplication;
use history_model::Stage;
use history_model::StageTasks;
use history_model::types::{StageData, TaskMap};
use history_model::{TaskList, TaskQuery, TaskSort};
use history_model::{executor_summary, task_summary};

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
    opened: &Arc<OpenApplication>,
    stage: &Stage,
    tasks: Option<&StageTasks>,
    details: &StageDetails<'_>,
    now: i64,
) -> StageData {
    let mut data = stage.data.clone();
    if details.details {
        data.tasks = Some(task_map(opened, tasks, details.task_statuses, now));
        data.executor_summary = Some(stage.executors.clone());
        data.speculation_summary = stage.speculation.clone();
    }
    if details.summaries {
        data.task_metrics_distributions = tasks.and_then(|tasks| task_summary(tasks, details.quantiles));
        data.executor_metrics_distributions = executor_summary(stage, details.quantiles);
    }
    data
}

fn task_map(opened: &Arc<OpenApplication>, tasks: Option<&StageTasks>, statuses: &[&str], now: i64) -> TaskMap {
    let (opened, tasks) = (Arc::clone(opened), tasks.cloned());
    let statuses: Vec<_> = statuses.iter().map(|status| (*status).to_owned()).collect();
    TaskMap::new(move |visit| {
        let Some(tasks) = &tasks else { return };
        let statuses: Vec<_> = statuses.iter().map(String::as_str).collect();
        let query =
            TaskQuery { sort: TaskSort::Id, ascending: true, statuses: &statuses, offset: 0, length: usize::MAX };
        let listed = TaskList::new(&opened.model, tasks, &query, now);
        let mut listed = listed.iter().peekable();
        while let Some(task) = listed.next() {
            // A broken log may end a task twice: the last word counts.
            let again = listed.peek().is_some_and(|next| next.task_id == task.task_id);
            if !again && !visit(task) {
                break;
            }
        }
    })
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
