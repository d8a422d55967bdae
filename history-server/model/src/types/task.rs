//! Tasks and what they measured.

use std::collections::BTreeMap;

use super::{AccumulableInfo, Date};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

/// One attempt of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskData {
    /// The task's id, unique in the application.
    pub task_id: i64,
    /// Its place in the stage.
    pub index: i32,
    /// Which attempt, from 0.
    pub attempt: i32,
    /// The partition that it computes; -1 before Spark 3.3.
    pub partition_id: i32,
    /// When it was started.
    pub launch_time: Date,
    /// When the driver began to fetch its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_fetch_start: Option<Date>,
    /// Milliseconds that it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// The executor that ran it.
    pub executor_id: String,
    /// The host that ran it.
    pub host: String,
    /// `RUNNING`, `GET RESULT`, `SUCCESS`, `FAILED` or `KILLED`.
    pub status: String,
    /// How near to its data it ran.
    pub task_locality: String,
    /// Whether it is a speculative copy.
    pub speculative: bool,
    /// Named accumulators that it updated.
    pub accumulator_updates: Vec<AccumulableInfo>,
    /// Why it failed or was killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// What it measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_metrics: Option<TaskMetrics>,
    /// Its executor's logs.
    pub executor_logs: BTreeMap<String, String>,
    /// Milliseconds lost to scheduling.
    pub scheduler_delay: i64,
    /// Milliseconds spent on fetching the result.
    pub getting_result_time: i64,
}

/// What a task measured. Times are milliseconds, CPU and shuffle write times nanoseconds, sizes bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskMetrics {
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
    /// What it read.
    pub input_metrics: InputMetrics,
    /// What it wrote.
    pub output_metrics: OutputMetrics,
    /// What it read of shuffles.
    pub shuffle_read_metrics: ShuffleReadMetrics,
    /// What it wrote for shuffles.
    pub shuffle_write_metrics: ShuffleWriteMetrics,
}

/// What a task read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InputMetrics {
    /// Bytes read.
    pub bytes_read: i64,
    /// Records read.
    pub records_read: i64,
}

/// What a task wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutputMetrics {
    /// Bytes written.
    pub bytes_written: i64,
    /// Records written.
    pub records_written: i64,
}

/// What a task read of shuffles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShuffleReadMetrics {
    /// Remote blocks fetched.
    pub remote_blocks_fetched: i64,
    /// Local blocks fetched.
    pub local_blocks_fetched: i64,
    /// Fetch wait time.
    pub fetch_wait_time: i64,
    /// Remote bytes read.
    pub remote_bytes_read: i64,
    /// Remote bytes read to disk.
    pub remote_bytes_read_to_disk: i64,
    /// Local bytes read.
    pub local_bytes_read: i64,
    /// Records read.
    pub records_read: i64,
    /// Remote reqs duration.
    pub remote_reqs_duration: i64,
    /// What of it was merged by push-based shuffle.
    pub shuffle_push_read_metrics: ShufflePushReadMetrics,
}

/// What a task read of merged shuffle blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShufflePushReadMetrics {
    /// Corrupt merged block chunks.
    pub corrupt_merged_block_chunks: i64,
    /// Merged fetch fallback count.
    pub merged_fetch_fallback_count: i64,
    /// Remote merged blocks fetched.
    pub remote_merged_blocks_fetched: i64,
    /// Local merged blocks fetched.
    pub local_merged_blocks_fetched: i64,
    /// Remote merged chunks fetched.
    pub remote_merged_chunks_fetched: i64,
    /// Local merged chunks fetched.
    pub local_merged_chunks_fetched: i64,
    /// Remote merged bytes read.
    pub remote_merged_bytes_read: i64,
    /// Local merged bytes read.
    pub local_merged_bytes_read: i64,
    /// Remote merged reqs duration.
    pub remote_merged_reqs_duration: i64,
}

/// What a task wrote for shuffles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShuffleWriteMetrics {
    /// Bytes written.
    pub bytes_written: i64,
    /// Write time.
    pub write_time: i64,
    /// Records written.
    pub records_written: i64,
}

/// Where the tasks of a stage stand. They are printed apart: nobody has room for those of a large stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskMap;

impl Serialize for TaskMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}
