//! Executors and other processes.

use std::collections::BTreeMap;

use super::{Date, ExecutorMetrics};
use serde::{Deserialize, Serialize};

/// One executor, the driver included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutorSummary {
    /// The executor's id, or `driver`.
    pub id: String,
    /// Where its block manager listened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<String>,
    /// Whether it was still there when the log ended.
    pub is_active: bool,
    /// Cached blocks.
    pub rdd_blocks: i32,
    /// Bytes of storage memory in use.
    pub memory_used: i64,
    /// Bytes of disk in use for cached blocks.
    pub disk_used: i64,
    /// Cores.
    pub total_cores: i32,
    /// Tasks that can run at once.
    pub max_tasks: i32,
    /// Tasks running.
    pub active_tasks: i32,
    /// Tasks that failed.
    pub failed_tasks: i32,
    /// Tasks that succeeded.
    pub completed_tasks: i32,
    /// Tasks started.
    pub total_tasks: i32,
    /// Milliseconds of all tasks.
    pub total_duration: i64,
    /// Milliseconds of garbage collection.
    #[serde(rename = "totalGCTime")]
    pub total_gc_time: i64,
    /// Bytes read.
    pub total_input_bytes: i64,
    /// Bytes of shuffle read.
    pub total_shuffle_read: i64,
    /// Bytes of shuffle written.
    pub total_shuffle_write: i64,
    /// The old name of `is_excluded`.
    pub is_blacklisted: bool,
    /// Bytes of storage memory there are.
    pub max_memory: i64,
    /// When it was added.
    pub add_time: Date,
    /// When it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_time: Option<Date>,
    /// Why it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_reason: Option<String>,
    /// Log name to address.
    pub executor_logs: BTreeMap<String, String>,
    /// Storage memory on and off heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_metrics: Option<MemoryMetrics>,
    /// The old name of `excluded_in_stages`.
    pub blacklisted_in_stages: Vec<i32>,
    /// Highest values seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_metrics: Option<ExecutorMetrics>,
    /// Attributes for log addresses.
    pub attributes: BTreeMap<String, String>,
    /// Addresses of resources such as GPUs.
    pub resources: BTreeMap<String, ResourceInformation>,
    /// The profile that it was made for.
    pub resource_profile_id: i32,
    /// Whether Spark stopped scheduling on it.
    pub is_excluded: bool,
    /// Stages that do not schedule on it, ascending.
    pub excluded_in_stages: Vec<i32>,
}

/// Storage memory of an executor, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryMetrics {
    /// Used on heap.
    pub used_on_heap_storage_memory: i64,
    /// Used off heap.
    pub used_off_heap_storage_memory: i64,
    /// Available on heap.
    pub total_on_heap_storage_memory: i64,
    /// Available off heap.
    pub total_off_heap_storage_memory: i64,
}

/// The addresses of one resource on an executor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceInformation {
    /// The resource.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<String>,
}

/// A process beside driver and executors, such as YARN's application master.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessSummary {
    /// The process's id.
    pub id: String,
    /// Where it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<String>,
    /// Whether it was still there when the log ended.
    pub is_active: bool,
    /// Cores.
    pub total_cores: i32,
    /// When it was added.
    pub add_time: Date,
    /// When it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_time: Option<Date>,
    /// Log name to address.
    pub process_logs: BTreeMap<String, String>,
}
