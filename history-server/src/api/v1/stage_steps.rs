//! Stages with their tasks, printed some at a time: of tasks only those of one stage are held.

use std::sync::Arc;

use futures::future::BoxFuture;
use history_model::StageTasks;

use super::answer::{Steps, print};
use super::error::Refusal;
use super::stages::{Details, stage_data};
use super::task_rows::{TaskEntries, TaskRows, Wanted};
use crate::access::Viewer;
use crate::api::json;
use crate::history::History;
use crate::opened::OpenApplication;

/// An application, and the way to it: what was kept of it may turn out to be another's.
pub(super) struct Opened {
    pub(super) application: Arc<OpenApplication>,
    pub(super) history: History,
    pub(super) viewer: Viewer,
}

impl Opened {
    /// The tasks of a stage attempt. As long as nothing was sent, `may_reopen`, the log is replayed where the stored tasks are of
    /// another writing than the model.
    pub(super) async fn tasks(&mut self, stage: (i32, i32), may_reopen: bool) -> Result<Option<StageTasks>, Refusal> {
        let refused = |error: &crate::error::Error, app: &str| Refusal::of(error, app);
        let mut read = self.application.stage_tasks(stage.0, stage.1).await;
        if read.is_err() && may_reopen {
            let (app, attempt) = (self.application.app_id.clone(), self.application.attempt_id.clone());
            let opened = self.history.open(&app, attempt.as_deref(), &self.viewer).await;
            self.application = opened.map_err(|error| refused(&error, &app))?;
            read = self.application.stage_tasks(stage.0, stage.1).await;
        }
        read.map_err(|error| refused(&error, &self.application.app_id))
    }
}

/// Stages, in an array or one alone.
pub(super) struct StageSteps {
    opened: Opened,
    /// Which, by stage and attempt.
    stages: std::vec::IntoIter<(i32, i32)>,
    details: Details,
    in_array: bool,
    now: i64,
    is_first: bool,
    /// The tasks of the stage that comes next, once they are there.
    next: Option<((i32, i32), Option<StageTasks>)>,
    /// Of the stage that is being printed: its tasks, and what comes behind them.
    open: Option<(TaskEntries, Vec<u8>)>,
}

impl StageSteps {
    pub(super) fn array(opened: Opened, stages: Vec<(i32, i32)>, details: Details, now: i64) -> Box<dyn Steps> {
        Box::new(Self::new(opened, stages, details, now, true))
    }

    pub(super) fn one(opened: Opened, stage: (i32, i32), details: Details, now: i64) -> Box<dyn Steps> {
        Box::new(Self::new(opened, vec![stage], details, now, false))
    }

    fn new(opened: Opened, stages: Vec<(i32, i32)>, details: Details, now: i64, in_array: bool) -> Self {
        let stages = stages.into_iter();
        Self { opened, stages, details, in_array, now, is_first: true, next: None, open: None }
    }

    fn needs_tasks(&self) -> bool {
        self.details.details || self.details.summaries
    }

    /// Prints a stage up to its tasks.
    fn begin(&mut self, key: (i32, i32), tasks: Option<StageTasks>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let application = &self.opened.application;
        let Some(stage) = application.model.stage(key.0, key.1) else { return Ok(()) };
        if self.in_array {
            out.extend_from_slice(json::between_items(self.is_first));
        }
        self.is_first = false;
        let from = out.len();
        print(out, &stage_data(stage, tasks.as_ref(), &self.details))?;
        // The tasks stand where an empty object is.
        let place = tasks.filter(|_| self.details.details).and_then(|tasks| {
            let at = memchr::memmem::find(&out[from..], EMPTY_TASKS)?;
            Some((tasks, from + at + EMPTY_TASKS.len() - b" }".len()))
        });
        if let Some((tasks, at)) = place {
            let rest = out.split_off(at);
            let wanted = Wanted::by_id(&self.details.task_statuses);
            let rows = TaskRows::new(Arc::clone(application), tasks, wanted, self.now);
            self.open = Some((TaskEntries::new(rows, 2), rest));
        }
        Ok(())
    }
}

/// How a stage is printed that has no tasks. Line feeds within texts are escaped, so that nothing else looks like this.
const EMPTY_TASKS: &[u8] = b"\n  \"tasks\" : { }";

impl Steps for StageSteps {
    fn needs(&self) -> bool {
        self.needs_tasks() && self.open.is_none() && self.next.is_none() && self.stages.len() > 0
    }

    fn get(&mut self) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async {
            if let Some(stage) = self.stages.next() {
                self.next = Some((stage, self.opened.tasks(stage, self.is_first).await?));
            }
            Ok(())
        })
    }

    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        if let Some((entries, _)) = &mut self.open {
            let more = entries.step(out)?;
            if more {
                return Ok(true);
            }
            let has_entries = !entries.is_empty();
            if let Some((_, rest)) = self.open.take() {
                // The brace of an object that has entries stands on a line of its own.
                let rest = if has_entries { rest.strip_prefix(b" ").unwrap_or(&rest) } else { &rest };
                out.extend_from_slice(if has_entries { b"\n  " } else { b"" });
                out.extend_from_slice(rest);
            }
        } else if let Some((key, tasks)) = self.next.take() {
            self.begin(key, tasks, out)?;
        } else if !self.needs_tasks()
            && let Some(key) = self.stages.next()
        {
            self.begin(key, None, out)?;
        }
        let more = self.open.is_some() || self.stages.len() > 0;
        if !more && self.in_array {
            out.extend_from_slice(json::end_of_array(self.is_first));
        }
        Ok(more)
    }
}

/// What follows from the tasks of one stage attempt.
pub(super) struct OfTasks<F, S> {
    opened: Opened,
    stage: (i32, i32),
    begin: Option<F>,
    steps: Option<S>,
    tasks: Option<Option<StageTasks>>,
}

impl<F, S> OfTasks<F, S>
where
    F: FnOnce(Arc<OpenApplication>, Option<StageTasks>, &mut Vec<u8>) -> Result<Option<S>, Refusal> + Send + 'static,
    S: Steps,
{
    /// `begin` prints what it can at once, and says what else is to be printed.
    pub(super) fn boxed(opened: Opened, stage: (i32, i32), begin: F) -> Box<dyn Steps> {
        Box::new(Self { opened, stage, begin: Some(begin), steps: None, tasks: None })
    }
}

impl<F, S> Steps for OfTasks<F, S>
where
    F: FnOnce(Arc<OpenApplication>, Option<StageTasks>, &mut Vec<u8>) -> Result<Option<S>, Refusal> + Send + 'static,
    S: Steps,
{
    fn needs(&self) -> bool {
        self.begin.is_some() && self.tasks.is_none()
    }

    fn get(&mut self) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async {
            self.tasks = Some(self.opened.tasks(self.stage, true).await?);
            Ok(())
        })
    }

    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        if let Some(begin) = self.begin.take() {
            let tasks = self.tasks.take().flatten();
            self.steps = begin(Arc::clone(&self.opened.application), tasks, out)?;
            return Ok(self.steps.is_some());
        }
        self.steps.as_mut().map_or(Ok(false), |steps| steps.step(out))
    }
}
