//! Heartbeats: what tasks have done so far, and what executors measured.

#[cfg(test)]
mod tests;

use crate::event::heartbeat::{Heartbeat, TaskProgress};

use crate::state::State;
use crate::tasks::difference;

impl State {
    pub(crate) fn heartbeat(&mut self, event: &Heartbeat) {
        let executor = self.tables.strings.intern(&event.executor_id);
        for task in &event.tasks {
            self.task_progress(executor, task);
        }
        for (stage, peaks) in &event.peaks {
            self.raise_executor_peaks(executor, peaks);
            self.raise_stage_peaks(*stage, executor, peaks);
        }
    }

    fn task_progress(&mut self, executor: u32, task: &TaskProgress) {
        let Some(live) = self.live_tasks.get_mut(&task.task_id) else {
            self.sql.task_progress(task, None);
            return;
        };
        self.sql.task_progress(task, Some((live.index, live.sql_generation)));
        let told = live.told.replace(Box::new(task.metrics));
        let new = told.map_or(task.metrics, |told| difference(&task.metrics, &told));
        if let Some(stage) = self.live_stages.get_mut(&task.stage) {
            stage.metrics.add(&new);
            stage.executor(executor).metrics.add(&new);
        }
    }
}
