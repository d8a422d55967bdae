//! Tasks: the events that there are most of.

use std::sync::Arc;

use crate::event::Reason;
use crate::event::task::{TaskEnd, TaskInfo, TaskStart, Update};
use history_model::metric::{self, TaskMetricValues};
use history_model::strings::Strings;
use history_model::tasks::{TaskAccumulable, TaskColumn};
use history_model::types::{SpeculationStageSummary, StageStatus};

use crate::live::{LiveTask, StageKey};
use crate::state::State;

/// How an end counts.
struct Delta {
    completed: i32,
    failed: i32,
    killed: i32,
    active: i32,
}

impl Delta {
    fn of(reason: &Reason) -> Self {
        let (completed, failed, killed, active) = match reason {
            Reason::Success => (1, 0, 0, 1),
            Reason::Killed(_) | Reason::CommitDenied(_) => (0, 0, 1, 1),
            // It was started long ago, and has ended once before.
            Reason::Resubmitted => (0, 1, 0, 0),
            Reason::Failed(_) => (0, 1, 0, 1),
        };
        Self { completed, failed, killed, active }
    }
}

fn status(info: &TaskInfo<'_>) -> &'static str {
    match info {
        TaskInfo { finish_time: 0, getting_result_time: 0, .. } => "RUNNING",
        TaskInfo { finish_time: 0, .. } => "GET RESULT",
        TaskInfo { failed: true, .. } => "FAILED",
        TaskInfo { killed: true, .. } => "KILLED",
        _ => "SUCCESS",
    }
}

/// The code of a text that most likely has this one.
fn code(strings: &mut Strings, text: &str, likely: Option<u32>) -> u32 {
    likely.filter(|likely| strings.get(*likely) == text).unwrap_or_else(|| strings.intern(text))
}

impl State {
    /// A task as its event tells it; `before` is the same task as it started, or one like it.
    fn live_task(&mut self, stage: StageKey, info: &TaskInfo<'_>, before: Option<&LiveTask>) -> LiveTask {
        let strings = &mut self.tables.strings;
        LiveTask {
            stage,
            id: info.task_id,
            launch_time: info.launch_time,
            getting_result_time: info.getting_result_time,
            finish_time: info.finish_time,
            index: info.index,
            attempt: info.attempt,
            partition_id: info.partition_id,
            executor: code(strings, &info.executor_id, before.map(|before| before.executor)),
            host: code(strings, &info.host, before.map(|before| before.host)),
            status: strings.intern(status(info)),
            locality: code(strings, &info.locality, before.map(|before| before.locality)),
            speculative: info.speculative,
            sql_generation: 0,
            told: None,
        }
    }

    pub(crate) fn task_start(&mut self, event: &TaskStart<'_>) {
        let key = (event.stage_id, event.stage_attempt);
        let task = LiveTask { sql_generation: self.sql.task_start(key), ..self.live_task(key, &event.info, None) };
        let (executor, locality) = (task.executor, task.locality);
        self.live_tasks.insert(event.info.task_id, task);
        if let Some(stage) = self.live_stages.get_mut(&key) {
            if event.info.speculative {
                let speculation = stage.speculation.get_or_insert_default();
                speculation.num_active_tasks += 1;
                speculation.num_tasks += 1;
            }
            stage.active_tasks += 1;
            let launch = event.info.launch_time;
            stage.first_launch_time = Some(stage.first_launch_time.map_or(launch, |first| first.min(launch)));
            match stage.localities.iter_mut().find(|(code, _)| *code == locality) {
                Some((_, count)) => *count += 1,
                None => stage.localities.push((locality, 1)),
            }
            stage.executors.entry(executor).or_default().active_tasks += 1;
            for at in &stage.jobs {
                self.all_jobs[*at].data.num_active_tasks += 1;
            }
            self.limit_tasks(key);
        }
        if let Some(executor) = self.live_executors.get_mut(&executor) {
            executor.summary.active_tasks += 1;
            executor.summary.total_tasks += 1;
        }
    }

    pub(crate) fn task_end(&mut self, event: &TaskEnd<'_>, updates: &[Update]) {
        let key = (event.stage_id, event.stage_attempt);
        let info = &event.info;
        let succeeded = info.finish_time != 0 && !info.failed && !info.killed;
        let task = self.live_tasks.remove(&info.task_id);
        let executor = match &task {
            Some(task) => self.write_task(key, event, task),
            None => self.tables.strings.intern(&info.executor_id),
        };
        let delta = Delta::of(&event.reason);
        // What heartbeats told of it is counted already.
        let rest = task.as_ref().and_then(|task| task.told.as_deref()).map(|told| difference(&event.metrics, told));
        let measured = task.is_some().then(|| rest.as_ref().unwrap_or(&event.metrics));
        self.stage_task_end(key, event, executor, &delta, measured);
        self.executor_task_end(event, executor, &delta);
        self.sql.task_end(key, info.task_id, info.index, updates, succeeded);
    }

    /// Adds the task to its stage's table, and gives its executor's code.
    fn write_task(&mut self, key: StageKey, event: &TaskEnd<'_>, started: &LiveTask) -> u32 {
        let ended = self.live_task(key, &event.info, Some(started));
        let mut row = ended.row();
        let strings = &mut self.tables.strings;
        let error = event.reason.message().map_or(0, |message| i64::from(strings.intern(message)) + 1);
        row.set(TaskColumn::Error, error);
        row.metrics = Some(event.metrics);
        let table = Arc::make_mut(self.tables.stages.entry(key).or_default());
        for found in &event.info.accumulables {
            table.accumulables.push(TaskAccumulable {
                row: table.len() as u32,
                id: found.id,
                name: found.name.as_ref().map(|name| strings.intern(name)),
                update: found.update.as_ref().map(|text| text.as_ref().into()),
                value: found.value.as_ref().map(|text| text.as_ref().into()),
            });
        }
        table.push(&row);
        if event.executor_metrics.0.iter().any(|peak| *peak > 0) {
            Arc::make_mut(self.tables.peaks.entry(key).or_default()).push(event.info.task_id, &event.executor_metrics);
        }
        self.task_written(key, &row);
        ended.executor
    }

    fn stage_task_end(
        &mut self,
        key: StageKey,
        event: &TaskEnd<'_>,
        executor: u32,
        delta: &Delta,
        measured: Option<&TaskMetricValues>,
    ) {
        let Some(stage) = self.live_stages.get_mut(&key) else { return };
        let info = &event.info;
        if let Some(measured) = measured {
            stage.metrics.add(measured);
        }
        stage.active_tasks -= delta.active;
        stage.completed_tasks += delta.completed;
        stage.failed_tasks += delta.failed;
        stage.killed_tasks += delta.killed;
        if delta.completed > 0 {
            stage.completed_indices.insert(info.index);
        }
        let killed = event.reason.message().filter(|_| delta.killed > 0);
        if let Some(reason) = killed {
            *stage.killed_summary.entry(reason.to_owned()).or_default() += 1;
        }
        stage.peaks.raise_to(&event.executor_metrics);
        let ended = matches!(stage.status, StageStatus::Complete | StageStatus::Failed);
        let remove = stage.active_tasks == 0 && ended;
        let jobs = std::mem::take(&mut stage.jobs);
        let summary = stage.executor(executor);
        summary.active_tasks -= delta.active;
        summary.peaks.raise_to(&event.executor_metrics);
        if info.finish_time != 0 {
            // One that is run again was counted when it ended first.
            if event.reason != Reason::Resubmitted {
                summary.task_time = summary.task_time.wrapping_add(info.finish_time.wrapping_sub(info.launch_time));
            }
            summary.succeeded_tasks += delta.completed;
            summary.failed_tasks += delta.failed;
            summary.killed_tasks += delta.killed;
            if let Some(measured) = measured {
                summary.metrics.add(measured);
            }
            if summary.active_tasks == 0 && ended {
                summary.write();
            }
            if info.speculative {
                count_speculative(stage.speculation.get_or_insert_default(), delta);
            }
        }
        self.jobs_task_end(&jobs, event, delta, remove);
        if let Some(stage) = self.live_stages.get_mut(&key) {
            stage.jobs = jobs;
        }
        if remove {
            self.write_stage(key);
        }
    }

    fn jobs_task_end(&mut self, jobs: &[usize], event: &TaskEnd<'_>, delta: &Delta, write: bool) {
        for at in jobs {
            let job = &mut self.all_jobs[*at];
            job.data.num_active_tasks -= delta.active;
            job.data.num_completed_tasks += delta.completed;
            job.data.num_failed_tasks += delta.failed;
            job.data.num_killed_tasks += delta.killed;
            if delta.completed > 0 {
                job.index_completed(event.stage_id, event.info.index);
            }
            if let Some(reason) = event.reason.message().filter(|_| delta.killed > 0) {
                *job.data.killed_tasks_summary.entry(reason.to_owned()).or_default() += 1;
            }
            if write {
                self.write_job(*at, false);
            }
        }
    }

    fn executor_task_end(&mut self, event: &TaskEnd<'_>, executor: u32, delta: &Delta) {
        let Some(executor) = self.live_executors.get_mut(&executor) else { return };
        let (info, metrics) = (&event.info, &event.metrics);
        let summary = &mut executor.summary;
        summary.active_tasks -= delta.active;
        summary.completed_tasks += delta.completed;
        summary.failed_tasks += delta.failed;
        if info.finish_time == 0 {
            return;
        }
        executor.peaks.raise_to(&event.executor_metrics);
        if event.reason != Reason::Resubmitted {
            let add = |sum: &mut i64, value: i64| *sum = sum.wrapping_add(value);
            add(&mut summary.total_duration, info.finish_time.wrapping_sub(info.launch_time));
            add(&mut summary.total_gc_time, metrics[metric::JVM_GC_TIME]);
            add(&mut summary.total_input_bytes, metrics[metric::INPUT_BYTES_READ]);
            add(&mut summary.total_shuffle_read, metrics[metric::SHUFFLE_LOCAL_BYTES_READ]);
            add(&mut summary.total_shuffle_read, metrics[metric::SHUFFLE_REMOTE_BYTES_READ]);
            add(&mut summary.total_shuffle_write, metrics[metric::SHUFFLE_BYTES_WRITTEN]);
        }
        if executor.summary.active_tasks == 0 && executor.first_write() {
            self.executor_written(&info.executor_id, true, true);
        }
    }

    /// Adds the tasks that still run, by id.
    pub(crate) fn finish_tasks(&mut self, last_updated: i64) {
        let mut running: Vec<_> = std::mem::take(&mut self.live_tasks).into_values().collect();
        running.sort_unstable_by_key(|task| task.id);
        for task in running {
            let mut row = task.row();
            if self.tables.strings.get(task.status) == "RUNNING" {
                row.set(TaskColumn::Duration, last_updated.wrapping_sub(task.launch_time));
            }
            Arc::make_mut(self.tables.stages.entry(task.stage).or_default()).push(&row);
        }
    }
}

fn count_speculative(speculation: &mut SpeculationStageSummary, delta: &Delta) {
    speculation.num_active_tasks -= delta.active;
    speculation.num_completed_tasks += delta.completed;
    speculation.num_failed_tasks += delta.failed;
    speculation.num_killed_tasks += delta.killed;
}

/// What a task has measured since `before`.
pub(crate) fn difference(now: &TaskMetricValues, before: &TaskMetricValues) -> TaskMetricValues {
    std::array::from_fn(|at| now[at].wrapping_sub(before[at]))
}
