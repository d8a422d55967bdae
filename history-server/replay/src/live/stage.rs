//! Stage attempts while they run.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt};
use history_model::metric::{self, TaskMetricValues};
use history_model::order::{mutable_map_order, scala_long_hash};
use history_model::types::{
    AccumulableInfo, Date, ExecutorMetrics, ExecutorStageSummary, SpeculationStageSummary, StageData, StageStatus,
};

use super::index_set::IndexSet;
use crate::event::core::{Accumulable, Int, StageInfo, Text};

/// The pool of stages that name none.
pub(crate) const DEFAULT_POOL: &str = "default";

/// A stage attempt that has not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveStage {
    pub(crate) info: StageInfo,
    /// Its jobs' places among all jobs.
    pub(crate) jobs: Vec<usize>,
    pub(crate) job_ids: BTreeSet<i32>,
    pub(crate) status: StageStatus,
    pub(crate) description: Option<String>,
    pub(crate) pool: String,
    pub(crate) active_tasks: i32,
    pub(crate) completed_tasks: i32,
    pub(crate) failed_tasks: i32,
    pub(crate) killed_tasks: i32,
    pub(crate) completed_indices: IndexSet,
    pub(crate) killed_summary: BTreeMap<String, i32>,
    pub(crate) first_launch_time: Option<i64>,
    /// Tasks by code of their locality.
    pub(crate) localities: Vec<(u32, i64)>,
    pub(crate) metrics: TaskMetrics,
    /// By code of the executor's id.
    pub(crate) executors: HashMap<u32, LiveExecutorStage>,
    pub(crate) excluded_executors: BTreeSet<u32>,
    pub(crate) peaks: ExecutorMetrics,
    pub(crate) speculation: Option<SpeculationStageSummary>,
    /// Its tasks that count against the limit on them; counted only where there is one.
    pub(crate) counted_tasks: usize,
    /// Whether it was written down before.
    pub(crate) is_written: bool,
}

/// Sums of task metrics.
#[derive(Clone, Debug)]
pub(crate) struct TaskMetrics(pub(crate) TaskMetricValues);

impl Default for TaskMetrics {
    fn default() -> Self {
        Self([0; metric::COUNT])
    }
}

impl TaskMetrics {
    pub(crate) fn add(&mut self, other: &TaskMetricValues) {
        for (sum, value) in self.0.iter_mut().zip(other) {
            *sum = sum.wrapping_add(*value);
        }
    }
}

/// What an executor does for a stage.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveExecutorStage {
    pub(crate) active_tasks: i32,
    pub(crate) task_time: i64,
    pub(crate) succeeded_tasks: i32,
    pub(crate) failed_tasks: i32,
    pub(crate) killed_tasks: i32,
    pub(crate) is_excluded: bool,
    pub(crate) metrics: TaskMetrics,
    pub(crate) peaks: ExecutorMetrics,
    /// Whether Spark has made a summary of it, and not only counted its tasks.
    pub(crate) exists: bool,
    /// As it was last written down.
    pub(crate) written: Option<ExecutorStageSummary>,
}

impl LiveExecutorStage {
    /// Takes it back that it was written down.
    pub(crate) fn forget(&mut self) {
        self.written = None;
    }

    /// Writes it down as it stands.
    pub(crate) fn write(&mut self) {
        let sum = |place: usize| self.metrics.0[place];
        self.written = Some(ExecutorStageSummary {
            task_time: self.task_time,
            failed_tasks: self.failed_tasks,
            succeeded_tasks: self.succeeded_tasks,
            killed_tasks: self.killed_tasks,
            input_bytes: sum(metric::INPUT_BYTES_READ),
            input_records: sum(metric::INPUT_RECORDS_READ),
            output_bytes: sum(metric::OUTPUT_BYTES_WRITTEN),
            output_records: sum(metric::OUTPUT_RECORDS_WRITTEN),
            shuffle_read: sum(metric::SHUFFLE_REMOTE_BYTES_READ).wrapping_add(sum(metric::SHUFFLE_LOCAL_BYTES_READ)),
            shuffle_read_records: sum(metric::SHUFFLE_RECORDS_READ),
            shuffle_write: sum(metric::SHUFFLE_BYTES_WRITTEN),
            shuffle_write_records: sum(metric::SHUFFLE_RECORDS_WRITTEN),
            memory_bytes_spilled: sum(metric::MEMORY_BYTES_SPILLED),
            disk_bytes_spilled: sum(metric::DISK_BYTES_SPILLED),
            is_blacklisted_for_stage: self.is_excluded,
            peak_memory_metrics: Some(self.peaks).filter(ExecutorMetrics::is_set),
            is_excluded_for_stage: self.is_excluded,
        });
    }
}

impl LiveStage {
    pub(crate) fn new(info: StageInfo) -> Self {
        Self { info, pool: DEFAULT_POOL.to_owned(), executors: HashMap::new(), ..Self::default() }
    }

    /// What an executor does for it.
    pub(crate) fn executor(&mut self, executor: u32) -> &mut LiveExecutorStage {
        let summary = self.executors.entry(executor).or_default();
        summary.exists = true;
        summary
    }

    pub(crate) fn data(&self) -> StageData {
        let info = &self.info;
        let (stage_id, attempt_id) = info.key();
        let date = |time: Option<Int>| time.map(|time| Date(time.0));
        let mut data = StageData {
            status: self.status,
            stage_id,
            attempt_id,
            num_tasks: info.num_tasks.as_i32(),
            num_active_tasks: self.active_tasks,
            num_complete_tasks: self.completed_tasks,
            num_failed_tasks: self.failed_tasks,
            num_killed_tasks: self.killed_tasks,
            num_completed_indices: self.completed_indices.len() as i32,
            submission_time: date(info.submission_time),
            first_task_launched_time: self.first_launch_time.map(Date),
            completion_time: date(info.completion_time),
            failure_reason: info.failure_reason.as_ref().map(|reason| reason.0.clone()),
            name: info.name.clone(),
            description: self.description.clone(),
            details: info.details.as_ref().map(|details| details.0.clone()).unwrap_or_default(),
            scheduling_pool: self.pool.clone(),
            rdd_ids: info.rdds.iter().map(|rdd| rdd.id.as_i32()).collect(),
            accumulator_updates: accumulator_updates(info.accumulables.as_deref().unwrap_or_default()),
            killed_tasks_summary: self.killed_summary.clone(),
            resource_profile_id: info.resource_profile_id.map_or(0, Int::as_i32),
            peak_executor_metrics: Some(self.peaks).filter(ExecutorMetrics::is_set),
            is_shuffle_push_enabled: info.shuffle_push_enabled.unwrap_or(false),
            shuffle_mergers_count: info.shuffle_mergers.map_or(0, Int::as_i32),
            ..StageData::default()
        };
        set_metrics(&mut data, &self.metrics.0);
        data
    }
}

/// The named accumulators in the order of Spark's map of all accumulables.
fn accumulator_updates(all: &[Accumulable]) -> Vec<AccumulableInfo> {
    let mut last: HashMap<i64, usize> = HashMap::new();
    let mut distinct: Vec<&Accumulable> = Vec::new();
    for found in all {
        match last.entry(found.id.0) {
            std::collections::hash_map::Entry::Occupied(at) => distinct[*at.get()] = found,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(distinct.len());
                distinct.push(found);
            }
        }
    }
    if !distinct.iter().any(|found| found.is_shown()) {
        return Vec::new();
    }
    let hashes: Vec<_> = distinct.iter().map(|found| scala_long_hash(found.id.0)).collect();
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.0.clone());
    mutable_map_order(&hashes)
        .into_iter()
        .map(|at| distinct[at])
        .filter(|found| found.is_shown())
        .map(|found| AccumulableInfo {
            id: found.id.0,
            name: text(&found.name),
            update: text(&found.update),
            value: text(&found.value),
        })
        .collect()
}

macro_rules! sums {
    ($($place:literal $name:ident $column:ident $group:ident $key:literal $accumulator:literal [$($rest:ident).+] $stage:ident
        $([$($quantiles:ident).+])?;)+) => {
        fn set_metrics(data: &mut StageData, sums: &TaskMetricValues) {
            $(data.$stage = sums[metric::$name];)+
            data.shuffle_read_bytes = data.shuffle_local_bytes_read.wrapping_add(data.shuffle_remote_bytes_read);
        }
    };
}

history_model::task_metrics!(sums);
