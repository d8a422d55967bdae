//! Cached RDDs, and what executors hold of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use history_model::order::{java_hash, mutable_map_order};
use history_model::types::{RDDDataDistribution, RDDPartitionInfo, RDDStorageInfo};

use super::executor::{LiveExecutor, LiveExecutorView};
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
    pub(crate) partitions: BTreeMap<Arc<str>, (u64, RDDPartitionInfo)>,
    /// The blocks that each executor holds.
    holders: HashMap<String, BTreeSet<Arc<str>>>,
    /// By executor, with a running number that keeps their order.
    pub(crate) distributions: HashMap<String, (u64, Distribution)>,
    next: u64,
}

/// What an executor holds of an RDD.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Distribution {
    pub(crate) memory_used: i64,
    pub(crate) disk_used: i64,
    pub(crate) on_heap_used: i64,
    pub(crate) off_heap_used: i64,
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

    /// How many partitions it has, and on how many executors.
    pub(crate) fn part_count(&self) -> usize {
        self.partitions.len() + self.distributions.len()
    }

    fn set_partition(&mut self, block: &Arc<str>, executors: Vec<String>, memory_used: i64, disk_used: i64) {
        let level = StorageLevel {
            use_disk: disk_used > 0,
            use_memory: memory_used > 0,
            use_off_heap: self.level.use_off_heap,
            deserialized: memory_used > 0 && self.level.deserialized,
            replication: Int(executors.len() as i64),
        };
        let next = &mut self.next;
        let (_, partition) = self.partitions.entry(Arc::clone(block)).or_insert_with(|| {
            *next += 1;
            (*next, RDDPartitionInfo::default())
        });
        *partition = RDDPartitionInfo {
            block_name: block.to_string(),
            storage_level: level.description(),
            memory_used,
            disk_used,
            executors,
        };
    }

    /// As it is shown; `view` is an executor as it was when last a block of it changed.
    pub(crate) fn into_info<'a>(self, view: impl Fn(&str) -> Option<&'a LiveExecutorView>) -> RDDStorageInfo {
        let mut held: Vec<_> = self.distributions.iter().collect();
        held.sort_unstable_by_key(|(_, (place, _))| *place);
        let hashes: Vec<_> = held.iter().map(|(executor, _)| java_hash(executor)).collect();
        let shown = |at: usize| Some(held[at].1.1.shown(view(held[at].0)?));
        let distributions: Vec<_> = mutable_map_order(&hashes).into_iter().filter_map(shown).collect();
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

impl Distribution {
    /// As it is shown, on an executor that was like this.
    fn shown(&self, executor: &LiveExecutorView) -> RDDDataDistribution {
        let memory = executor.memory.as_ref();
        RDDDataDistribution {
            address: executor.address.clone(),
            memory_used: self.memory_used,
            memory_remaining: executor.memory_remaining,
            disk_used: self.disk_used,
            on_heap_memory_used: memory.map(|_| self.on_heap_used),
            off_heap_memory_used: memory.map(|_| self.off_heap_used),
            on_heap_memory_remaining: memory
                .map(|memory| memory.total_on_heap_storage_memory.wrapping_sub(memory.used_on_heap_storage_memory)),
            off_heap_memory_remaining: memory
                .map(|memory| memory.total_off_heap_storage_memory.wrapping_sub(memory.used_off_heap_storage_memory)),
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
        let known = self.partitions.get_key_value(info.block_id.as_str());
        let block = known.map_or_else(|| Arc::from(info.block_id.as_str()), |(block, _)| Arc::clone(block));
        let current = known.map(|(_, (_, partition))| partition.clone()).unwrap_or_default();
        let mut holders = current.executors;
        let mut blocks_delta = 0;
        if !info.storage_level.is_valid() {
            blocks_delta = -1;
            holders.retain(|holder| holder != executor_id);
            if let Some(held) = self.holders.get_mut(executor_id) {
                held.remove(&block);
            }
        } else if !holders.contains(executor_id) {
            blocks_delta = 1;
            holders.push(executor_id.clone());
            self.holders.entry(executor_id.clone()).or_default().insert(Arc::clone(&block));
        }
        if holders.is_empty() {
            self.partitions.remove(&block);
        } else {
            let (memory, disk) = (add(current.memory_used, deltas.memory), add(current.disk_used, deltas.disk));
            self.set_partition(&block, holders, memory, disk);
        }
        if let Some(executor) = executor {
            if executor.summary.rdd_blocks + blocks_delta > 0 {
                self.distribute(executor, info.storage_level.off_heap(), deltas);
            } else {
                self.distributions.remove(executor_id);
            }
        }
        self.memory_used = add(self.memory_used, deltas.memory);
        self.disk_used = add(self.disk_used, deltas.disk);
        blocks_delta
    }

    fn distribute(&mut self, executor: &LiveExecutor, off_heap: bool, deltas: Deltas) {
        let next = &mut self.next;
        let (_, held) = self.distributions.entry(executor.summary.id.clone()).or_insert_with(|| {
            *next += 1;
            (*next, Distribution::default())
        });
        held.memory_used = add(held.memory_used, deltas.memory);
        held.disk_used = add(held.disk_used, deltas.disk);
        if executor.memory.is_some() {
            let used = if off_heap { &mut held.off_heap_used } else { &mut held.on_heap_used };
            *used = add(*used, deltas.memory);
        }
    }

    /// The executors that hold blocks of it, or are shown to.
    pub(crate) fn executors(&self) -> impl Iterator<Item = &String> {
        self.holders.keys().chain(self.distributions.keys())
    }

    /// Takes an executor out that is gone, with its blocks.
    pub(crate) fn forget(&mut self, executor: &str) {
        self.distributions.remove(executor);
        for block in self.holders.remove(executor).unwrap_or_default() {
            let Some((_, partition)) = self.partitions.get(&block) else { continue };
            let partition = partition.clone();
            let holders = partition.executors.len() as i64;
            let (memory, disk) = (partition.memory_used / holders, partition.disk_used / holders);
            self.memory_used = add(self.memory_used, memory.wrapping_neg());
            self.disk_used = add(self.disk_used, disk.wrapping_neg());
            if holders == 1 {
                self.partitions.remove(&block);
            } else {
                let others = partition.executors.into_iter().filter(|holder| holder != executor).collect();
                let (memory, disk) =
                    (add(partition.memory_used, memory.wrapping_neg()), add(partition.disk_used, disk.wrapping_neg()));
                self.set_partition(&block, others, memory, disk);
            }
        }
    }
}
