//! The numbers that a task reports, and those of its executor.

use super::scan::{Result, Scan};
use history_model::metric::{self, TaskMetricValues};
use history_model::types::{EXECUTOR_METRICS, ExecutorMetrics};

/// Reads executor metrics; what is missing counts as 0.
pub(crate) fn executor_metrics(scan: &mut Scan<'_>) -> Result<ExecutorMetrics> {
    let mut metrics = ExecutorMetrics([0; EXECUTOR_METRICS.len()]);
    if !scan.null() {
        scan.object(&EXECUTOR_METRIC_KEYS, |scan, key| {
            metrics.0[key] = scan.optional_int()?.unwrap_or(0);
            Ok(())
        })?;
    }
    Ok(metrics)
}

const EXECUTOR_METRIC_KEYS: [&[u8]; EXECUTOR_METRICS.len()] = [
    b"\"JVMHeapMemory\":",
    b"\"JVMOffHeapMemory\":",
    b"\"OnHeapExecutionMemory\":",
    b"\"OffHeapExecutionMemory\":",
    b"\"OnHeapStorageMemory\":",
    b"\"OffHeapStorageMemory\":",
    b"\"OnHeapUnifiedMemory\":",
    b"\"OffHeapUnifiedMemory\":",
    b"\"DirectPoolMemory\":",
    b"\"MappedPoolMemory\":",
    b"\"ProcessTreeJVMVMemory\":",
    b"\"ProcessTreeJVMRSSMemory\":",
    b"\"ProcessTreePythonVMemory\":",
    b"\"ProcessTreePythonRSSMemory\":",
    b"\"ProcessTreeOtherVMemory\":",
    b"\"ProcessTreeOtherRSSMemory\":",
    b"\"MinorGCCount\":",
    b"\"MinorGCTime\":",
    b"\"MajorGCCount\":",
    b"\"MajorGCTime\":",
    b"\"TotalGCTime\":",
    b"\"ConcurrentGCCount\":",
    b"\"ConcurrentGCTime\":",
];

#[derive(Clone, Copy)]
enum Slot {
    Number(usize),
    Group(&'static [&'static [u8]], &'static [Self]),
    Ignored,
}

macro_rules! keys {
    ($name:ident, $slots:ident: $($key:literal => $slot:expr),* $(,)?) => {
        const $name: &[&[u8]] = &[$($key),*];
        const $slots: &[Slot] = &[$($slot),*];
    };
}

keys! { METRIC_KEYS, METRIC_SLOTS:
    b"\"Executor Deserialize Time\":" => Slot::Number(metric::EXECUTOR_DESERIALIZE_TIME),
    b"\"Executor Deserialize CPU Time\":" => Slot::Number(metric::EXECUTOR_DESERIALIZE_CPU_TIME),
    b"\"Executor Run Time\":" => Slot::Number(metric::EXECUTOR_RUN_TIME),
    b"\"Executor CPU Time\":" => Slot::Number(metric::EXECUTOR_CPU_TIME),
    b"\"Peak Execution Memory\":" => Slot::Number(metric::PEAK_EXECUTION_MEMORY),
    b"\"Peak On Heap Execution Memory\":" => Slot::Ignored,
    b"\"Peak Off Heap Execution Memory\":" => Slot::Ignored,
    b"\"Result Size\":" => Slot::Number(metric::RESULT_SIZE),
    b"\"JVM GC Time\":" => Slot::Number(metric::JVM_GC_TIME),
    b"\"Result Serialization Time\":" => Slot::Number(metric::RESULT_SERIALIZATION_TIME),
    b"\"Memory Bytes Spilled\":" => Slot::Number(metric::MEMORY_BYTES_SPILLED),
    b"\"Disk Bytes Spilled\":" => Slot::Number(metric::DISK_BYTES_SPILLED),
    b"\"Shuffle Read Metrics\":" => Slot::Group(READ_KEYS, READ_SLOTS),
    b"\"Shuffle Write Metrics\":" => Slot::Group(WRITE_KEYS, WRITE_SLOTS),
    b"\"Input Metrics\":" => Slot::Group(INPUT_KEYS, INPUT_SLOTS),
    b"\"Output Metrics\":" => Slot::Group(OUTPUT_KEYS, OUTPUT_SLOTS),
    b"\"Updated Blocks\":" => Slot::Ignored,
}

keys! { READ_KEYS, READ_SLOTS:
    b"\"Remote Blocks Fetched\":" => Slot::Number(metric::SHUFFLE_REMOTE_BLOCKS_FETCHED),
    b"\"Local Blocks Fetched\":" => Slot::Number(metric::SHUFFLE_LOCAL_BLOCKS_FETCHED),
    b"\"Fetch Wait Time\":" => Slot::Number(metric::SHUFFLE_FETCH_WAIT_TIME),
    b"\"Remote Bytes Read\":" => Slot::Number(metric::SHUFFLE_REMOTE_BYTES_READ),
    b"\"Remote Bytes Read To Disk\":" => Slot::Number(metric::SHUFFLE_REMOTE_BYTES_READ_TO_DISK),
    b"\"Local Bytes Read\":" => Slot::Number(metric::SHUFFLE_LOCAL_BYTES_READ),
    b"\"Total Records Read\":" => Slot::Number(metric::SHUFFLE_RECORDS_READ),
    b"\"Remote Requests Duration\":" => Slot::Number(metric::SHUFFLE_REMOTE_REQS_DURATION),
    b"\"Push Based Shuffle\":" => Slot::Group(PUSH_KEYS, PUSH_SLOTS),
    // How Spark 3.3 to 4.0 named what they read, though not what they wrote.
    b"\"Shuffle Push Read Metrics\":" => Slot::Group(PUSH_KEYS, PUSH_SLOTS),
}

keys! { PUSH_KEYS, PUSH_SLOTS:
    b"\"Corrupt Merged Block Chunks\":" => Slot::Number(metric::SHUFFLE_CORRUPT_MERGED_BLOCK_CHUNKS),
    b"\"Merged Fetch Fallback Count\":" => Slot::Number(metric::SHUFFLE_MERGED_FETCH_FALLBACK_COUNT),
    b"\"Merged Remote Blocks Fetched\":" => Slot::Number(metric::SHUFFLE_MERGED_REMOTE_BLOCKS_FETCHED),
    b"\"Merged Local Blocks Fetched\":" => Slot::Number(metric::SHUFFLE_MERGED_LOCAL_BLOCKS_FETCHED),
    b"\"Merged Remote Chunks Fetched\":" => Slot::Number(metric::SHUFFLE_MERGED_REMOTE_CHUNKS_FETCHED),
    b"\"Merged Local Chunks Fetched\":" => Slot::Number(metric::SHUFFLE_MERGED_LOCAL_CHUNKS_FETCHED),
    b"\"Merged Remote Bytes Read\":" => Slot::Number(metric::SHUFFLE_MERGED_REMOTE_BYTES_READ),
    b"\"Merged Local Bytes Read\":" => Slot::Number(metric::SHUFFLE_MERGED_LOCAL_BYTES_READ),
    b"\"Merged Remote Requests Duration\":" => Slot::Number(metric::SHUFFLE_MERGED_REMOTE_REQS_DURATION),
    b"\"Merged Fallback Count\":" => Slot::Number(metric::SHUFFLE_MERGED_FETCH_FALLBACK_COUNT),
}

keys! { WRITE_KEYS, WRITE_SLOTS:
    b"\"Shuffle Bytes Written\":" => Slot::Number(metric::SHUFFLE_BYTES_WRITTEN),
    b"\"Shuffle Write Time\":" => Slot::Number(metric::SHUFFLE_WRITE_TIME),
    b"\"Shuffle Records Written\":" => Slot::Number(metric::SHUFFLE_RECORDS_WRITTEN),
}

keys! { INPUT_KEYS, INPUT_SLOTS:
    b"\"Bytes Read\":" => Slot::Number(metric::INPUT_BYTES_READ),
    b"\"Records Read\":" => Slot::Number(metric::INPUT_RECORDS_READ),
}

keys! { OUTPUT_KEYS, OUTPUT_SLOTS:
    b"\"Bytes Written\":" => Slot::Number(metric::OUTPUT_BYTES_WRITTEN),
    b"\"Records Written\":" => Slot::Number(metric::OUTPUT_RECORDS_WRITTEN),
}

/// Reads task metrics; what is missing counts as 0.
pub(crate) fn task_metrics(scan: &mut Scan<'_>) -> Result<TaskMetricValues> {
    let mut metrics = [0; metric::COUNT];
    if !scan.null() {
        metric_group(scan, METRIC_KEYS, METRIC_SLOTS, &mut metrics)?;
    }
    Ok(metrics)
}

fn metric_group(
    scan: &mut Scan<'_>,
    keys: &'static [&'static [u8]],
    slots: &'static [Slot],
    metrics: &mut TaskMetricValues,
) -> Result<()> {
    scan.object(keys, |scan, key| {
        if scan.null() {
            return Ok(());
        }
        match slots[key] {
            Slot::Ignored => scan.skip_value()?,
            Slot::Number(at) => metrics[at] = scan.int()?,
            Slot::Group(keys, slots) => metric_group(scan, keys, slots, metrics)?,
        }
        Ok(())
    })
}
