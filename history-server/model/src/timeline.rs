//! What happened to executors, and when.

use serde::{Deserialize, Serialize};

/// Something that happened to an executor, to its block manager or to a node, in the order of the log. Times are milliseconds since
/// the epoch, memory is bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecutorEvent {
    /// What happened.
    pub kind: ExecutorEventKind,
    /// When; `None` where the log does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<i64>,
    /// The executor, or `driver`; `None` where it happened to a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_id: Option<String>,
    /// The host, where the log says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The port of the block manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// Why an executor was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The stage attempt that does not schedule there any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<(i32, i32)>,
    /// What made Spark exclude it: how many tasks failed there, or how many of a node's executors were excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<i32>,
    /// The executor's cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<i32>,
    /// Storage memory of a block manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<i64>,
    /// What of it is on the heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_on_heap_memory: Option<i64>,
    /// What of it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_off_heap_memory: Option<i64>,
}

/// What can happen to an executor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutorEventKind {
    /// It registered.
    #[default]
    Added,
    /// It is gone.
    Removed,
    /// Its block manager registered.
    BlockManagerAdded,
    /// Its block manager is gone.
    BlockManagerRemoved,
    /// Spark stopped scheduling on it.
    Excluded,
    /// … and took that back.
    Unexcluded,
    /// A stage stopped scheduling on it.
    ExcludedForStage,
    /// Spark stopped scheduling on a node.
    NodeExcluded,
    /// … and took that back.
    NodeUnexcluded,
    /// A stage stopped scheduling on a node.
    NodeExcludedForStage,
}

impl ExecutorEventKind {
    /// The name that it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Removed => "REMOVED",
            Self::BlockManagerAdded => "BLOCK_MANAGER_ADDED",
            Self::BlockManagerRemoved => "BLOCK_MANAGER_REMOVED",
            Self::Excluded => "EXCLUDED",
            Self::Unexcluded => "UNEXCLUDED",
            Self::ExcludedForStage => "EXCLUDED_FOR_STAGE",
            Self::NodeExcluded => "NODE_EXCLUDED",
            Self::NodeUnexcluded => "NODE_UNEXCLUDED",
            Self::NodeExcludedForStage => "NODE_EXCLUDED_FOR_STAGE",
        }
    }
}

impl ExecutorEvent {
    /// Bytes of memory that it takes, about.
    pub fn size_bytes(&self) -> usize {
        let texts = [&self.executor_id, &self.host, &self.reason];
        size_of::<Self>() + texts.into_iter().flatten().map(|text| text.len() + 16).sum::<usize>()
    }
}
