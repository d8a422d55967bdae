//! Tasks: the events that there are most of.

use std::sync::Arc;

use crate::event::Reason;
use crate::event::task::{TaskEnd, TaskInfo, TaskStart, Update};
use history_model::metric::{self, TaskMetricValues};
use history_model::tasks::{TaskAccumulable, TaskColumn, TaskRow};
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

impl State {
    /// A task as a row; the duration is missing where it runs.
    fn row(&mut self, info: &TaskInfo<'_>) -> TaskRow {
        let strings = &mut self.tables.strings;
        let mut row = TaskRow::default();
        row.set(TaskColumn::TaskId, info.task_id);
        row.set(TaskColumn::Index, info.index.into());
        row.set(TaskColumn::Attempt, info.attempt.into());
        row.set(TaskColumn::PartitionId, info.partition_id.into());
        row.set(TaskColumn::LaunchTime, info.launch_time);
        let fetch_start = if info.getting_result_time != 0 { info.getting_result_time } else { -1 };
        row.set(TaskColumn::ResultFetchStart, fetch_start);
        row.set(TaskColumn::Duration, info.finish_time.wrapping_sub(info.launch_time));
        row.set(TaskColumn::Executor, strings.intern(&info.executor_id).into());
        row.set(TaskColumn::Host, strings.intern(&info.host).into());
        row.set(TaskColumn::Status, strings.intern(status(info)).into());
        row.set(TaskColumn::Locality, strings.intern(&info.locality).into());
        row.set(TaskColumn::Speculative, info.speculative.into());
        row
    }

    pub(crate) fn task_start(&mut self, event: &TaskStart<'_>) {
        let key = (event.stage_id, event.stage_attempt);
        let row = self.row(&event.info);
        let sql_generation = self.sql.task_start(key);
        self.live_tasks.insert(event.info.task_id, LiveTask { stage: key, row, sql_generation });
        let executor = row.get(TaskColumn::Executor) as u32;
        if let Some(stage) = self.live_stages.get_mut(&key) {
            if event.info.speculative {
                let speculation = stage.speculation.get_or_insert_default();
                speculation.num_active_tasks += 1;
                speculation.num_tasks += 1;
            }
            stage.active_tasks += 1;
            let launch = event.info.launch_time;
            stage.first_launch_time = Some(stage.first_launch_time.map_or(launch, |first| first.min(launch)));
            let locality = row.get(TaskColumn::Locality) as u32;
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
        let executor =
            if task.is_some() { self.write_task(key, event) } else { self.tables.strings.intern(&info.executor_id) };
        let delta = Delta::of(&event.reason);
        // What heartbeats told of it is counted already.
        let rest = task.as_ref().and_then(|task| task.row.metrics).map(|told| difference(&event.metrics, &told));
        let measured = task.is_some().then(|| rest.as_ref().unwrap_or(&event.metrics));
        self.stage_task_end(key, event, executor, &delta, measured);
        self.executor_task_end(event, executor, &delta);
        self.sql.task_end(key, info.task_id, info.index, updates, succeeded);
    }

    /// Adds the task to its stage's table, and gives its executor's code.
    fn write_task(&mut self, key: StageKey, event: &TaskEnd<'_>) -> u32 {
        let mut row = self.row(&event.info);
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
        self.task_written(key, &row);
        row.get(TaskColumn::Executor) as u32
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
        let jobs = stage.jobs.clone();
        let summary = stage.executor(executor);
        summary.active_tasks -= delta.active;
        summary.peaks.raise_to(&event.executor_metrics);
        if info.finish_time != 0 {
            // One that is run again was counted when it ended first.
            if event.reason != Reason::Resubmitted {
                summary.task_time += info.finish_time.wrapping_sub(info.launch_time);
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
            summary.total_duration += info.finish_time.wrapping_sub(info.launch_time);
            summary.total_gc_time += metrics[metric::JVM_GC_TIME];
            summary.total_input_bytes += metrics[metric::INPUT_BYTES_READ];
            summary.total_shuffle_read +=
                metrics[metric::SHUFFLE_LOCAL_BYTES_READ] + metrics[metric::SHUFFLE_REMOTE_BYTES_READ];
            summary.total_shuffle_write += metrics[metric::SHUFFLE_BYTES_WRITTEN];
        }
        if executor.summary.active_tasks == 0 && executor.first_write() {
            self.executor_written(&info.executor_id, true, true);
        }
    }

    /// Adds the tasks that still run, by id.
    pub(crate) fn finish_tasks(&mut self, last_updated: i64) {
        let mut running: Vec<_> = std::mem::take(&mut self.live_tasks).into_values().collect();
        running.sort_unstable_by_key(|task| task.row.get(TaskColumn::TaskId));
        for LiveTask { stage, mut row, .. } in running {
            let launch = row.get(TaskColumn::LaunchTime);
            if self.tables.strings.get(row.get(TaskColumn::Status) as u32) == "RUNNING" {
                row.set(TaskColumn::Duration, last_updated.wrapping_sub(launch));
            }
            Arc::make_mut(self.tables.stages.entry(stage).or_default()).push(&row);
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
