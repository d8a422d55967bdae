//! Cached RDDs, and what executors hold of them.

use std::collections::BTreeMap;

use history_model::order::{java_hash, mutable_map_order};
use history_model::types::{MemoryMetrics, RDDDataDistribution, RDDPartitionInfo, RDDStorageInfo};

use super::executor::LiveExecutor;
use crate::event::core::{BlockUpdatedInfo, Int, RddInfo, StorageLevel};

/// An RDD that is to be cached.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveRdd {
    id: i32,
    name: Option<String>,
    num_partitions: i32,
    pub(crate) level: StorageLevel,
    pub(crate) memory_used: i64,
    pub(crate) disk_used: i64,
    /// By name of the block, with a running number that keeps their order.
    pub(crate) partitions: BTreeMap<String, (u64, RDDPartitionInfo)>,
    next_partition: u64,
    /// By executor, in order of appearance.
    pub(crate) distributions: Vec<Distribution>,
}

/// What an executor holds of an RDD.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    pub(crate) executor: String,
    pub(crate) memory_used: i64,
    pub(crate) disk_used: i64,
    pub(crate) on_heap_used: i64,
    pub(crate) off_heap_used: i64,
    /// As it was last worked out; what is left of the executor's memory may have changed since.
    pub(crate) last: Option<RDDDataDistribution>,
}

impl StorageLevel {
    pub(crate) fn off_heap(&self) -> bool {
        self.use_off_heap.unwrap_or(false)
    }

    /// Whether something is kept at all.
    pub(crate) fn is_valid(&self) -> bool {
        (self.use_memory || self.use_disk) && self.replication.0 > 0
    }

    /// In Spark's words.
    pub(crate) fn description(&self) -> String {
        let mut words = String::new();
        if self.use_disk {
            words.push_str("Disk ");
        }
        if self.use_memory {
            words.push_str(if self.off_heap() { "Memory (off heap) " } else { "Memory " });
        }
        words.push_str(if self.deserialized { "Deserialized " } else { "Serialized " });
        format!("{words}{}x Replicated", self.replication.0)
    }
}

/// A sum that does not fall below zero.
pub(crate) fn add(sum: i64, delta: i64) -> i64 {
    sum.wrapping_add(delta).max(0)
}

impl LiveRdd {
    pub(crate) fn new(info: &RddInfo) -> Self {
        Self {
            id: info.id.as_i32(),
            name: info.name.clone(),
            num_partitions: info.num_partitions.as_i32(),
            level: info.storage_level,
            ..Self::default()
        }
    }

    pub(crate) fn distribution(&mut self, executor: &str) -> Option<&mut Distribution> {
        self.distributions.iter_mut().find(|distribution| distribution.executor == executor)
    }

    fn set_partition(&mut self, block: &str, executors: Vec<String>, memory_used: i64, disk_used: i64) {
        let level = StorageLevel {
            use_disk: disk_used > 0,
            use_memory: memory_used > 0,
            use_off_heap: self.level.use_off_heap,
            deserialized: memory_used > 0 && self.level.deserialized,
            replication: Int(executors.len() as i64),
        };
        let next = &mut self.next_partition;
        let (_, partition) = self.partitions.entry(block.to_owned()).or_insert_with(|| {
            *next += 1;
            (*next, RDDPartitionInfo::default())
        });
        *partition = RDDPartitionInfo {
            block_name: block.to_owned(),
            storage_level: level.description(),
            memory_used,
            disk_used,
            executors,
        };
    }

    /// Works out what changed since the last time.
    pub(crate) fn update(&mut self, executors: impl Fn(&str) -> Option<LiveExecutorView>) {
        for distribution in self.distributions.iter_mut().filter(|distribution| distribution.last.is_none()) {
            if let Some(executor) = executors(&distribution.executor) {
                distribution.last = Some(executor.distribution(distribution));
            }
        }
    }

    pub(crate) fn into_info(self) -> RDDStorageInfo {
        let hashes: Vec<_> = self.distributions.iter().map(|distribution| java_hash(&distribution.executor)).collect();
        let order = mutable_map_order(&hashes);
        let distributions: Vec<_> = order.into_iter().filter_map(|at| self.distributions[at].last.clone()).collect();
        let num_cached_partitions = self.partitions.len() as i32;
        let mut partitions: Vec<_> = self.partitions.into_values().collect();
        partitions.sort_unstable_by_key(|(place, _)| *place);
        RDDStorageInfo {
            id: self.id,
            name: self.name,
            num_partitions: self.num_partitions,
            num_cached_partitions,
            storage_level: self.level.description(),
            memory_used: self.memory_used,
            disk_used: self.disk_used,
            data_distribution: Some(distributions).filter(|all| !all.is_empty()),
            partitions: Some(partitions.into_iter().map(|(_, partition)| partition).collect()),
        }
    }
}

/// What of an executor an RDD's distribution shows.
pub(crate) struct LiveExecutorView {
    address: Option<String>,
    memory_remaining: i64,
    memory: Option<MemoryMetrics>,
}

impl LiveExecutorView {
    pub(crate) fn of(executor: &LiveExecutor) -> Self {
        Self {
            address: executor.address(),
            memory_remaining: executor.summary.max_memory - executor.summary.memory_used,
            memory: executor.memory.clone(),
        }
    }

    fn distribution(&self, of: &Distribution) -> RDDDataDistribution {
        let memory = self.memory.as_ref();
        RDDDataDistribution {
            address: self.address.clone(),
            memory_used: of.memory_used,
            memory_remaining: self.memory_remaining,
            disk_used: of.disk_used,
            on_heap_memory_used: memory.map(|_| of.on_heap_used),
            off_heap_memory_used: memory.map(|_| of.off_heap_used),
            on_heap_memory_remaining: memory
                .map(|memory| memory.total_on_heap_storage_memory - memory.used_on_heap_storage_memory),
            off_heap_memory_remaining: memory
                .map(|memory| memory.total_off_heap_storage_memory - memory.used_off_heap_storage_memory),
        }
    }
}

/// How much a block adds, or takes where it is gone.
#[derive(Clone, Copy)]
pub(crate) struct Deltas {
    pub(crate) memory: i64,
    pub(crate) disk: i64,
}

impl LiveExecutor {
    pub(crate) fn use_storage(&mut self, off_heap: bool, delta: Deltas) {
        if let Some(memory) = &mut self.memory {
            let used = if off_heap {
                &mut memory.used_off_heap_storage_memory
            } else {
                &mut memory.used_on_heap_storage_memory
            };
            *used = add(*used, delta.memory);
        }
        self.summary.memory_used = add(self.summary.memory_used, delta.memory);
        self.summary.disk_used = add(self.summary.disk_used, delta.disk);
    }
}

impl LiveRdd {
    /// Counts a block in or out, and says by how much the executor's number of blocks changes.
    pub(crate) fn block_updated(
        &mut self,
        info: &BlockUpdatedInfo,
        deltas: Deltas,
        executor: Option<&LiveExecutor>,
    ) -> i32 {
        let executor_id = &info.block_manager.executor_id;
        let current = self.partitions.get(&info.block_id).map(|(_, partition)| partition.clone()).unwrap_or_default();
        let mut holders = current.executors;
        let mut blocks_delta = 0;
        if !info.storage_level.is_valid() {
            blocks_delta = -1;
            holders.retain(|holder| holder != executor_id);
        } else if !holders.contains(executor_id) {
            blocks_delta = 1;
            holders.push(executor_id.clone());
        }
        if holders.is_empty() {
            self.partitions.remove(&info.block_id);
        } else {
            let (memory, disk) = (add(current.memory_used, deltas.memory), add(current.disk_used, deltas.disk));
            self.set_partition(&info.block_id, holders, memory, disk);
        }
        if let Some(executor) = executor {
            if executor.summary.rdd_blocks + blocks_delta > 0 {
                self.distribute(executor, info.storage_level.off_heap(), deltas);
            } else {
                self.distributions.retain(|distribution| distribution.executor != *executor_id);
            }
        }
        self.memory_used = add(self.memory_used, deltas.memory);
        self.disk_used = add(self.disk_used, deltas.disk);
        blocks_delta
    }

    fn distribute(&mut self, executor: &LiveExecutor, off_heap: bool, deltas: Deltas) {
        let id = &executor.summary.id;
        if self.distribution(id).is_none() {
            self.distributions.push(Distribution {
                executor: id.clone(),
                memory_used: 0,
                disk_used: 0,
                on_heap_used: 0,
                off_heap_used: 0,
                last: None,
            });
        }
        let Some(held) = self.distribution(id) else { return };
        held.memory_used = add(held.memory_used, deltas.memory);
        held.disk_used = add(held.disk_used, deltas.disk);
        if executor.memory.is_some() {
            let used = if off_heap { &mut held.off_heap_used } else { &mut held.on_heap_used };
            *used = add(*used, deltas.memory);
        }
        held.last = None;
    }

    pub(crate) fn forget_partitions_of(&mut self, executor: &str) {
        let blocks: Vec<_> = self
            .partitions
            .values()
            .filter(|(_, partition)| partition.executors.iter().any(|holder| holder == executor))
            .map(|(_, partition)| partition.clone())
            .collect();
        for partition in blocks {
            let holders = partition.executors.len() as i64;
            let (memory, disk) = (partition.memory_used / holders, partition.disk_used / holders);
            self.memory_used = add(self.memory_used, -memory);
            self.disk_used = add(self.disk_used, -disk);
            if holders == 1 {
                self.partitions.remove(&partition.block_name);
            } else {
                let others = partition.executors.into_iter().filter(|holder| holder != executor).collect();
                let (memory, disk) = (add(partition.memory_used, -memory), add(partition.disk_used, -disk));
                self.set_partition(&partition.block_name, others, memory, disk);
            }
        }
    }
}
