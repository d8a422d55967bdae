//! Why an application failed: the stage, the task, and what its executor wrote at that moment.

use history_server::StageTasks;
use history_server::api::v1::types::{JobExecutionStatus, StageStatus};
use history_server::model::Stage;
use history_server::model::tasks::TaskColumn;

use crate::app::App;
use crate::cell::TextLink;
use crate::error::Error;
use crate::pages::stages::Reason;
use crate::task::{Task, Tasks};

/// Of a stage with more tasks they are not looked through for the one that failed.
const MAX_TASKS: i32 = 500_000;

/// Why the last job that failed did.
pub(super) async fn of(app: &App) -> Result<Option<Reason>, Error> {
    let Some(stage) = failed_stage(app) else { return Ok(None) };
    let reason = Reason::of_stage(app, stage);
    if stage.data.num_tasks > MAX_TASKS {
        return Ok(Some(reason));
    }
    let tasks = app.stage_tasks(stage).await?;
    let Some(task) = tasks.as_ref().and_then(failed_task) else { return Ok(Some(reason)) };
    let logs = app.logs_of(task.executor()).await.task_links(&app.links, app.model(), task);
    let named = |link: TextLink| TextLink {
        text: format!("{} of executor {} at that moment", link.text, task.executor()),
        href: link.href,
    };
    let note = if logs.links.is_empty() { logs.hint } else { String::new() };
    Ok(Some(reason.with_logs(logs.links.into_iter().map(named), note)))
}

/// The stage with which the last failed job began to fail.
fn failed_stage(app: &App) -> Option<&Stage> {
    let failed = app.model().jobs.iter().rfind(|job| job.data.status == JobExecutionStatus::Failed)?;
    let attempts = failed.data.stage_ids.iter().flat_map(|id| app.model().stage_attempts(*id));
    attempts.filter(|stage| stage.data.status == StageStatus::Failed).min_by_key(|stage| stage.data.completion_time)
}

/// The task whose failure was one too many: of those that failed, the last.
fn failed_task(tasks: &StageTasks) -> Option<Task<'_>> {
    let ended = |task: &Task<'_>| task.launched().saturating_add(task.elapsed());
    Tasks::new(tasks).with_status(&["FAILED"]).max_by_key(|task| (ended(task), task.get(TaskColumn::TaskId)))
}
