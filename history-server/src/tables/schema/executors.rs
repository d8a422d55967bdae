//! Executors, what happened to them, and what they held.

use std::collections::BTreeMap;

use super::super::content::Content;
use super::super::sheet::{Owner, Sheet};
use history_model::Application;
use history_model::types::{ExecutorSummary, MemoryMetrics, RDDDataDistribution, RDDPartitionInfo, RDDStorageInfo};

/// An executor with what is told of it otherwise than it is kept.
pub(in super::super) struct ExecutorRow<'a> {
    executor: &'a ExecutorSummary,
    /// The links of the event log.
    logs: &'a BTreeMap<String, String>,
    /// The addresses of each resource, with commas between.
    resources: BTreeMap<String, String>,
}

pub(super) fn executor_rows<'a>(content: &Content<'a>) -> Vec<ExecutorRow<'a>> {
    let of = |executor: &'a ExecutorSummary| ExecutorRow {
        executor,
        logs: content.logged_links.get(&executor.id).unwrap_or(&executor.executor_logs),
        resources: executor.resources.iter().map(|(name, one)| (name.clone(), one.addresses.join(","))).collect(),
    };
    content.model.executors.iter().map(of).collect()
}

macro_rules! fields {
    ($table:expr, $($kind:ident $($field:ident)+;)+) => {
        $table $($(.$kind(stringify!($field), |row| row.executor.$field))+)+
    };
}

pub(super) fn executors<'a>(owner: &Owner<'a>, rows: &'a [ExecutorRow<'a>]) -> Sheet<'a> {
    let memory =
        |of: fn(&MemoryMetrics) -> i64| move |row: &'a ExecutorRow<'a>| row.executor.memory_metrics.as_ref().map(of);
    let table = owner
        .table(rows)
        .text("executor_id", |row| &row.executor.id)
        .maybe_text("host_port", |row| row.executor.host_port.as_deref())
        .flag("is_active", |row| row.executor.is_active)
        .flag("is_excluded", |row| row.executor.is_excluded)
        .time("add_time", |row| row.executor.add_time.0)
        .maybe_time("remove_time", |row| row.executor.remove_time.map(|at| at.0))
        .maybe_text("remove_reason", |row| row.executor.remove_reason.as_deref());
    let table = fields! { table,
        int32 total_cores max_tasks active_tasks failed_tasks completed_tasks total_tasks rdd_blocks
            resource_profile_id;
        int64 total_duration total_gc_time total_input_bytes total_shuffle_read total_shuffle_write max_memory
            memory_used disk_used;
    };
    table
        .maybe_int64("used_on_heap_storage_memory", memory(|all| all.used_on_heap_storage_memory))
        .maybe_int64("used_off_heap_storage_memory", memory(|all| all.used_off_heap_storage_memory))
        .maybe_int64("total_on_heap_storage_memory", memory(|all| all.total_on_heap_storage_memory))
        .maybe_int64("total_off_heap_storage_memory", memory(|all| all.total_off_heap_storage_memory))
        .numbers("excluded_in_stages", |row| row.executor.excluded_in_stages.iter().copied())
        .named_texts("attributes", |row| &row.executor.attributes)
        .named_texts("resources", |row| &row.resources)
        .named_texts("executor_logs", |row| row.logs)
        .peaks(|row| row.executor.peak_memory_metrics.as_ref())
        .named("executors")
}

pub(super) fn executor_events<'a>(owner: &Owner<'a>, model: &'a Application) -> Sheet<'a> {
    owner
        .table(&model.executor_events)
        .maybe_time("time", |event| event.time)
        .text("event", |event| event.kind.name())
        .maybe_text("executor_id", |event| event.executor_id.as_deref())
        .maybe_text("host", |event| event.host.as_deref())
        .maybe_int32("port", |event| event.port)
        .maybe_text("reason", |event| event.reason.as_deref())
        .maybe_int32("stage_id", |event| event.stage.map(|stage| stage.0))
        .maybe_int32("stage_attempt_id", |event| event.stage.map(|stage| stage.1))
        .maybe_int32("failures", |event| event.failures)
        .maybe_int32("total_cores", |event| event.cores)
        .maybe_int64("max_memory", |event| event.max_memory)
        .maybe_int64("max_on_heap_memory", |event| event.max_on_heap_memory)
        .maybe_int64("max_off_heap_memory", |event| event.max_off_heap_memory)
        .named("executor_events")
}

pub(super) fn rdds<'a>(owner: &Owner<'a>, model: &'a Application) -> Sheet<'a> {
    owner
        .table(&model.rdds)
        .int32("rdd_id", |rdd| rdd.id)
        .maybe_text("name", |rdd| rdd.name.as_deref())
        .int32("num_partitions", |rdd| rdd.num_partitions)
        .int32("num_cached_partitions", |rdd| rdd.num_cached_partitions)
        .text("storage_level", |rdd| &rdd.storage_level)
        .int64("memory_used", |rdd| rdd.memory_used)
        .int64("disk_used", |rdd| rdd.disk_used)
        .named("rdds")
}

/// What belongs to an RDD, with the RDD.
fn of_rdds<T>(model: &Application, of: fn(&RDDStorageInfo) -> Option<&Vec<T>>) -> Vec<(i32, &T)> {
    model.rdds.iter().flat_map(|rdd| of(rdd).into_iter().flatten().map(|one| (rdd.id, one))).collect()
}

pub(super) fn blocks(model: &Application) -> Vec<(i32, &RDDPartitionInfo)> {
    of_rdds(model, |rdd| rdd.partitions.as_ref())
}

pub(super) fn rdd_blocks<'a>(owner: &Owner<'a>, rows: &'a [(i32, &'a RDDPartitionInfo)]) -> Sheet<'a> {
    owner
        .table(rows)
        .int32("rdd_id", |(rdd, _)| *rdd)
        .text("block_name", |(_, block)| &block.block_name)
        .text("storage_level", |(_, block)| &block.storage_level)
        .int64("memory_used", |(_, block)| block.memory_used)
        .int64("disk_used", |(_, block)| block.disk_used)
        .texts("executors", |(_, block)| &block.executors)
        .named("rdd_blocks")
}

pub(super) fn distributions(model: &Application) -> Vec<(i32, &RDDDataDistribution)> {
    of_rdds(model, |rdd| rdd.data_distribution.as_ref())
}

pub(super) fn rdd_executors<'a>(owner: &Owner<'a>, rows: &'a [(i32, &'a RDDDataDistribution)]) -> Sheet<'a> {
    owner
        .table(rows)
        .int32("rdd_id", |(rdd, _)| *rdd)
        .maybe_text("address", |(_, held)| held.address.as_deref())
        .int64("memory_used", |(_, held)| held.memory_used)
        .int64("memory_remaining", |(_, held)| held.memory_remaining)
        .int64("disk_used", |(_, held)| held.disk_used)
        .maybe_int64("on_heap_memory_used", |(_, held)| held.on_heap_memory_used)
        .maybe_int64("off_heap_memory_used", |(_, held)| held.off_heap_memory_used)
        .maybe_int64("on_heap_memory_remaining", |(_, held)| held.on_heap_memory_remaining)
        .maybe_int64("off_heap_memory_remaining", |(_, held)| held.off_heap_memory_remaining)
        .named("rdd_executors")
}

pub(super) fn stream_blocks<'a>(owner: &Owner<'a>, model: &'a Application) -> Sheet<'a> {
    owner
        .table(&model.stream_blocks)
        .text("block_name", |block| &block.name)
        .text("executor_id", |block| &block.executor_id)
        .text("host_port", |block| &block.host_port)
        .text("storage_level", |block| &block.storage_level)
        .flag("use_memory", |block| block.use_memory)
        .flag("use_disk", |block| block.use_disk)
        .flag("deserialized", |block| block.deserialized)
        .int64("memory_size", |block| block.memory_size)
        .int64("disk_size", |block| block.disk_size)
        .named("stream_blocks")
}
