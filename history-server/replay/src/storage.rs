//! Cached RDDs and the blocks of stream receivers.

use history_model::StreamBlock;

use crate::event::core::{BlockUpdatedInfo, StageInfo};
use crate::live::{Deltas, LiveExecutorView, LiveRdd, add};
use crate::state::State;

impl State {
    /// Notes the RDDs of a submitted stage that are to be cached.
    pub(crate) fn rdds_of(&mut self, info: &StageInfo) {
        for rdd in info.rdds.iter().filter(|rdd| rdd.storage_level.is_valid()) {
            self.rdds.entry(rdd.id.as_i32()).or_insert_with(|| LiveRdd::new(rdd));
        }
    }

    pub(crate) fn block_updated(&mut self, info: &BlockUpdatedInfo) {
        let sign = |kept: bool| if kept { 1 } else { -1 };
        let deltas = Deltas {
            memory: info.memory_size.0.wrapping_mul(sign(info.storage_level.use_memory)),
            disk: info.disk_size.0.wrapping_mul(sign(info.storage_level.use_disk)),
        };
        if let Some(id) = rdd_of_block(&info.block_id) {
            self.rdd_block_updated(info, id, deltas);
        } else if is_stream_block(&info.block_id) {
            self.stream_block_updated(info);
        } else if is_broadcast_block(&info.block_id) {
            let code = self.tables.strings.intern(&info.block_manager.executor_id);
            if let Some(executor) = self.live_executors.get_mut(&code) {
                executor.use_storage(info.storage_level.off_heap(), deltas);
            }
        }
    }

    fn rdd_block_updated(&mut self, info: &BlockUpdatedInfo, rdd_id: i32, deltas: Deltas) {
        let (executor_id, level) = (&info.block_manager.executor_id, info.storage_level);
        let code = self.tables.strings.intern(executor_id);
        let mut executor = self.live_executors.remove(&code);
        if let Some(executor) = &mut executor {
            executor.use_storage(level.off_heap(), deltas);
        }
        let mut blocks_delta = 0;
        if let Some(rdd) = self.rdds.get_mut(&rdd_id) {
            blocks_delta = rdd.block_updated(info, deltas, executor.as_ref());
            self.cached_on.entry(code).or_default().insert(rdd_id);
            if let Some(executor) = &mut executor {
                executor.view = Some(LiveExecutorView::of(executor));
            }
        }
        if let Some(mut executor) = executor {
            executor.summary.rdd_blocks += blocks_delta;
            self.live_executors.insert(code, executor);
        }
    }

    fn stream_block_updated(&mut self, info: &BlockUpdatedInfo) {
        let key = (info.block_id.clone(), info.block_manager.executor_id.clone());
        let level = info.storage_level;
        if !level.is_valid() {
            self.stream_blocks.remove(&key);
            return;
        }
        let block = StreamBlock {
            name: key.0.clone(),
            executor_id: key.1.clone(),
            host_port: format!("{}:{}", info.block_manager.host, info.block_manager.port.0),
            storage_level: level.description(),
            use_memory: level.use_memory,
            use_disk: level.use_disk,
            deserialized: level.deserialized,
            memory_size: info.memory_size.0,
            disk_size: info.disk_size.0,
        };
        self.stream_blocks.insert(key, block);
    }

    pub(crate) fn unpersist_rdd(&mut self, id: i32) {
        let Some(rdd) = self.rdds.remove(&id) else { return };
        for executor in rdd.executors() {
            if let Some(cached) = self.tables.strings.code(executor).and_then(|code| self.cached_on.get_mut(&code)) {
                cached.remove(&id);
            }
        }
        for (_, partition) in rdd.partitions.values() {
            for executor in &partition.executors {
                if let Some(executor) =
                    self.tables.strings.code(executor).and_then(|code| self.live_executors.get_mut(&code))
                {
                    executor.summary.rdd_blocks -= 1;
                }
            }
        }
        for (executor, (_, held)) in &rdd.distributions {
            let code = self.tables.strings.code(executor);
            let Some(executor) = code.and_then(|code| self.live_executors.get_mut(&code)) else { continue };
            if let Some(memory) = &mut executor.memory {
                if rdd.level.off_heap() {
                    memory.used_off_heap_storage_memory =
                        add(memory.used_off_heap_storage_memory, held.off_heap_used.wrapping_neg());
                } else {
                    memory.used_on_heap_storage_memory =
                        add(memory.used_on_heap_storage_memory, held.on_heap_used.wrapping_neg());
                }
            }
            executor.summary.memory_used = add(executor.summary.memory_used, held.memory_used.wrapping_neg());
            executor.summary.disk_used = add(executor.summary.disk_used, held.disk_used.wrapping_neg());
        }
    }

    /// Takes an executor that is gone out of all RDDs.
    pub(crate) fn forget_blocks_of(&mut self, id: &str, code: u32) {
        for rdd in self.cached_on.remove(&code).unwrap_or_default() {
            if let Some(rdd) = self.rdds.get_mut(&rdd) {
                rdd.forget(id);
            }
        }
    }
}

/// The RDD of a block `rdd_<id>_<partition>`.
fn rdd_of_block(block: &str) -> Option<i32> {
    let (id, partition) = block.strip_prefix("rdd_")?.split_once('_')?;
    partition.parse::<i32>().ok()?;
    id.parse().ok()
}

fn is_stream_block(block: &str) -> bool {
    let ids = block.strip_prefix("input-").and_then(|ids| ids.split_once('-'));
    ids.is_some_and(|(stream, id)| stream.parse::<i32>().is_ok() && id.parse::<i64>().is_ok())
}

fn is_broadcast_block(block: &str) -> bool {
    let rest = block.strip_prefix("broadcast_").unwrap_or_default();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0
}
