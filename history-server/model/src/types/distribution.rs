//! Quantiles over the tasks and executors of a stage.

use super::PeakMetricsDistributions;
use serde::{Deserialize, Serialize};

/// Quantiles over the tasks of a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskMetricDistributions {
    /// Which quantiles, ascending.
    pub quantiles: Vec<f64>,
    /// Duration.
    pub duration: Vec<f64>,
    /// Executor deserialize time.
    pub executor_deserialize_time: Vec<f64>,
    /// Executor deserialize cpu time.
    pub executor_deserialize_cpu_time: Vec<f64>,
    /// Executor run time.
    pub executor_run_time: Vec<f64>,
    /// Executor cpu time.
    pub executor_cpu_time: Vec<f64>,
    /// Result size.
    pub result_size: Vec<f64>,
    /// Jvm gc time.
    pub jvm_gc_time: Vec<f64>,
    /// Result serialization time.
    pub result_serialization_time: Vec<f64>,
    /// Getting result time.
    pub getting_result_time: Vec<f64>,
    /// Scheduler delay.
    pub scheduler_delay: Vec<f64>,
    /// Peak execution memory.
    pub peak_execution_memory: Vec<f64>,
    /// Memory bytes spilled.
    pub memory_bytes_spilled: Vec<f64>,
    /// Disk bytes spilled.
    pub disk_bytes_spilled: Vec<f64>,
    /// What tasks read.
    pub input_metrics: InputMetricDistributions,
    /// What tasks wrote.
    pub output_metrics: OutputMetricDistributions,
    /// What tasks read of shuffles.
    pub shuffle_read_metrics: ShuffleReadMetricDistributions,
    /// What tasks wrote for shuffles.
    pub shuffle_write_metrics: ShuffleWriteMetricDistributions,
}

/// What tasks read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InputMetricDistributions {
    /// Bytes read.
    pub bytes_read: Vec<f64>,
    /// Records read.
    pub records_read: Vec<f64>,
}

/// What tasks wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutputMetricDistributions {
    /// Bytes written.
    pub bytes_written: Vec<f64>,
    /// Records written.
    pub records_written: Vec<f64>,
}

/// What tasks read of shuffles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShuffleReadMetricDistributions {
    /// Read bytes.
    pub read_bytes: Vec<f64>,
    /// Read records.
    pub read_records: Vec<f64>,
    /// Remote blocks fetched.
    pub remote_blocks_fetched: Vec<f64>,
    /// Local blocks fetched.
    pub local_blocks_fetched: Vec<f64>,
    /// Fetch wait time.
    pub fetch_wait_time: Vec<f64>,
    /// Remote bytes read.
    pub remote_bytes_read: Vec<f64>,
    /// Remote bytes read to disk.
    pub remote_bytes_read_to_disk: Vec<f64>,
    /// Total blocks fetched.
    pub total_blocks_fetched: Vec<f64>,
    /// Remote reqs duration.
    pub remote_reqs_duration: Vec<f64>,
    /// What of it was merged by push-based shuffle.
    pub shuffle_push_read_metrics_dist: ShufflePushReadMetricDistributions,
}

/// What tasks read of merged shuffle blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShufflePushReadMetricDistributions {
    /// Corrupt merged block chunks.
    pub corrupt_merged_block_chunks: Vec<f64>,
    /// Merged fetch fallback count.
    pub merged_fetch_fallback_count: Vec<f64>,
    /// Remote merged blocks fetched.
    pub remote_merged_blocks_fetched: Vec<f64>,
    /// Local merged blocks fetched.
    pub local_merged_blocks_fetched: Vec<f64>,
    /// Remote merged chunks fetched.
    pub remote_merged_chunks_fetched: Vec<f64>,
    /// Local merged chunks fetched.
    pub local_merged_chunks_fetched: Vec<f64>,
    /// Remote merged bytes read.
    pub remote_merged_bytes_read: Vec<f64>,
    /// Local merged bytes read.
    pub local_merged_bytes_read: Vec<f64>,
    /// Remote merged reqs duration.
    pub remote_merged_reqs_duration: Vec<f64>,
}

/// What tasks wrote for shuffles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShuffleWriteMetricDistributions {
    /// Write bytes.
    pub write_bytes: Vec<f64>,
    /// Write records.
    pub write_records: Vec<f64>,
    /// Write time.
    pub write_time: Vec<f64>,
}

/// Quantiles over the executors of a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutorMetricsDistributions {
    /// Which quantiles, ascending.
    pub quantiles: Vec<f64>,
    /// Task time.
    pub task_time: Vec<f64>,
    /// Failed tasks.
    pub failed_tasks: Vec<f64>,
    /// Succeeded tasks.
    pub succeeded_tasks: Vec<f64>,
    /// Killed tasks.
    pub killed_tasks: Vec<f64>,
    /// Input bytes.
    pub input_bytes: Vec<f64>,
    /// Input records.
    pub input_records: Vec<f64>,
    /// Output bytes.
    pub output_bytes: Vec<f64>,
    /// Output records.
    pub output_records: Vec<f64>,
    /// Shuffle read.
    pub shuffle_read: Vec<f64>,
    /// Shuffle read records.
    pub shuffle_read_records: Vec<f64>,
    /// Shuffle write.
    pub shuffle_write: Vec<f64>,
    /// Shuffle write records.
    pub shuffle_write_records: Vec<f64>,
    /// Memory bytes spilled.
    pub memory_bytes_spilled: Vec<f64>,
    /// Disk bytes spilled.
    pub disk_bytes_spilled: Vec<f64>,
    /// Quantiles of each executor metric.
    pub peak_memory_metrics: PeakMetricsDistributions,
}
