//! Stages.

use std::collections::BTreeMap;

use super::{AccumulableInfo, Date, ExecutorMetrics, ExecutorMetricsDistributions, TaskMap, TaskMetricDistributions};
use serde::{Deserialize, Serialize};

/// One attempt of a stage. Times are milliseconds, CPU and shuffle write times nanoseconds, sizes bytes; sums over its tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StageData {
    /// How it stands.
    pub status: StageStatus,
    /// The stage's id.
    pub stage_id: i32,
    /// Which attempt, from 0.
    pub attempt_id: i32,
    /// Num tasks.
    pub num_tasks: i32,
    /// Num active tasks.
    pub num_active_tasks: i32,
    /// Num complete tasks.
    pub num_complete_tasks: i32,
    /// Num failed tasks.
    pub num_failed_tasks: i32,
    /// Num killed tasks.
    pub num_killed_tasks: i32,
    /// Num completed indices.
    pub num_completed_indices: i32,
    /// When it was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_time: Option<Date>,
    /// When its first task started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_task_launched_time: Option<Date>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Date>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// Executor deserialize time.
    pub executor_deserialize_time: i64,
    /// Executor deserialize cpu time.
    pub executor_deserialize_cpu_time: i64,
    /// Executor run time.
    pub executor_run_time: i64,
    /// Executor cpu time.
    pub executor_cpu_time: i64,
    /// Result size.
    pub result_size: i64,
    /// Jvm gc time.
    pub jvm_gc_time: i64,
    /// Result serialization time.
    pub result_serialization_time: i64,
    /// Memory bytes spilled.
    pub memory_bytes_spilled: i64,
    /// Disk bytes spilled.
    pub disk_bytes_spilled: i64,
    /// Peak execution memory.
    pub peak_execution_memory: i64,
    /// Input bytes.
    pub input_bytes: i64,
    /// Input records.
    pub input_records: i64,
    /// Output bytes.
    pub output_bytes: i64,
    /// Output records.
    pub output_records: i64,
    /// Shuffle remote blocks fetched.
    pub shuffle_remote_blocks_fetched: i64,
    /// Shuffle local blocks fetched.
    pub shuffle_local_blocks_fetched: i64,
    /// Shuffle fetch wait time.
    pub shuffle_fetch_wait_time: i64,
    /// Shuffle remote bytes read.
    pub shuffle_remote_bytes_read: i64,
    /// Shuffle remote bytes read to disk.
    pub shuffle_remote_bytes_read_to_disk: i64,
    /// Shuffle local bytes read.
    pub shuffle_local_bytes_read: i64,
    /// Shuffle read bytes.
    pub shuffle_read_bytes: i64,
    /// Shuffle read records.
    pub shuffle_read_records: i64,
    /// Shuffle corrupt merged block chunks.
    pub shuffle_corrupt_merged_block_chunks: i64,
    /// Shuffle merged fetch fallback count.
    pub shuffle_merged_fetch_fallback_count: i64,
    /// Shuffle merged remote blocks fetched.
    pub shuffle_merged_remote_blocks_fetched: i64,
    /// Shuffle merged local blocks fetched.
    pub shuffle_merged_local_blocks_fetched: i64,
    /// Shuffle merged remote chunks fetched.
    pub shuffle_merged_remote_chunks_fetched: i64,
    /// Shuffle merged local chunks fetched.
    pub shuffle_merged_local_chunks_fetched: i64,
    /// Shuffle merged remote bytes read.
    pub shuffle_merged_remote_bytes_read: i64,
    /// Shuffle merged local bytes read.
    pub shuffle_merged_local_bytes_read: i64,
    /// Shuffle remote reqs duration.
    pub shuffle_remote_reqs_duration: i64,
    /// Shuffle merged remote reqs duration.
    pub shuffle_merged_remote_reqs_duration: i64,
    /// Shuffle write bytes.
    pub shuffle_write_bytes: i64,
    /// Shuffle write time.
    pub shuffle_write_time: i64,
    /// Shuffle write records.
    pub shuffle_write_records: i64,
    /// The action or transformation that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the application said that its job does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The call stack that made it.
    pub details: String,
    /// The pool that it ran in.
    pub scheduling_pool: String,
    /// The RDDs that it computes.
    pub rdd_ids: Vec<i32>,
    /// Named accumulators of the application.
    pub accumulator_updates: Vec<AccumulableInfo>,
    /// Its tasks by id, where asked for.
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub tasks: Option<TaskMap>,
    /// Its executors by id, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_summary: Option<BTreeMap<String, ExecutorStageSummary>>,
    /// Its speculative tasks, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speculation_summary: Option<SpeculationStageSummary>,
    /// Reason to number of tasks killed for it.
    pub killed_tasks_summary: BTreeMap<String, i32>,
    /// The profile that it ran with.
    pub resource_profile_id: i32,
    /// Highest values seen on its executors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_executor_metrics: Option<ExecutorMetrics>,
    /// Quantiles over its tasks, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_metrics_distributions: Option<TaskMetricDistributions>,
    /// Quantiles over its executors, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_metrics_distributions: Option<ExecutorMetricsDistributions>,
    /// Whether its shuffle was pushed.
    pub is_shuffle_push_enabled: bool,
    /// Servers that merged pushed blocks.
    pub shuffle_mergers_count: i32,
}

/// What one executor did for one stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutorStageSummary {
    /// Task time.
    pub task_time: i64,
    /// Failed tasks.
    pub failed_tasks: i32,
    /// Succeeded tasks.
    pub succeeded_tasks: i32,
    /// Killed tasks.
    pub killed_tasks: i32,
    /// Input bytes.
    pub input_bytes: i64,
    /// Input records.
    pub input_records: i64,
    /// Output bytes.
    pub output_bytes: i64,
    /// Output records.
    pub output_records: i64,
    /// Shuffle read.
    pub shuffle_read: i64,
    /// Shuffle read records.
    pub shuffle_read_records: i64,
    /// Shuffle write.
    pub shuffle_write: i64,
    /// Shuffle write records.
    pub shuffle_write_records: i64,
    /// Memory bytes spilled.
    pub memory_bytes_spilled: i64,
    /// Disk bytes spilled.
    pub disk_bytes_spilled: i64,
    /// The old name of `is_excluded_for_stage`.
    pub is_blacklisted_for_stage: bool,
    /// Highest values seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_metrics: Option<ExecutorMetrics>,
    /// Whether the stage stopped scheduling on it.
    pub is_excluded_for_stage: bool,
}

/// Speculative tasks of a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SpeculationStageSummary {
    /// Num tasks.
    pub num_tasks: i32,
    /// Num active tasks.
    pub num_active_tasks: i32,
    /// Num completed tasks.
    pub num_completed_tasks: i32,
    /// Num failed tasks.
    pub num_failed_tasks: i32,
    /// Num killed tasks.
    pub num_killed_tasks: i32,
}

/// How a stage stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StageStatus {
    /// It was submitted and has not ended.
    Active,
    /// It has ended well.
    Complete,
    /// It has failed.
    Failed,
    /// A job needs it, and it was not submitted yet.
    #[default]
    Pending,
    /// A job needed it, and its output was there already.
    Skipped,
}
