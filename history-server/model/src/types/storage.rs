//! Cached RDDs.

use serde::{Deserialize, Serialize};

/// A cached RDD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RDDStorageInfo {
    /// The RDD's id.
    pub id: i32,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its partitions.
    pub num_partitions: i32,
    /// How many of them are cached.
    pub num_cached_partitions: i32,
    /// How it is cached, in words.
    pub storage_level: String,
    /// Bytes of memory.
    pub memory_used: i64,
    /// Bytes of disk.
    pub disk_used: i64,
    /// Its executors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_distribution: Option<Vec<RDDDataDistribution>>,
    /// Its blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Vec<RDDPartitionInfo>>,
}

/// What one executor holds of an RDD, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RDDDataDistribution {
    /// The executor's host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Memory used.
    pub memory_used: i64,
    /// Memory left.
    pub memory_remaining: i64,
    /// Disk used.
    pub disk_used: i64,
    /// Memory used on heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_heap_memory_used: Option<i64>,
    /// Memory used off heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_heap_memory_used: Option<i64>,
    /// Memory left on heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_heap_memory_remaining: Option<i64>,
    /// Memory left off heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_heap_memory_remaining: Option<i64>,
}

/// One cached block of an RDD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RDDPartitionInfo {
    /// The block.
    pub block_name: String,
    /// How it is cached, in words.
    pub storage_level: String,
    /// Bytes of memory.
    pub memory_used: i64,
    /// Bytes of disk.
    pub disk_used: i64,
    /// Executors that hold it.
    pub executors: Vec<String>,
}
