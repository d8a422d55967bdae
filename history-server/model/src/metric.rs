//! The numbers that a task reports, by their place in [`TaskMetricValues`]: times in milliseconds (CPU and shuffle write times in
//! nanoseconds), sizes in bytes.
//!
//! They are spelled out in [`task_metrics!`](crate::task_metrics), and nowhere else but where the types of the REST API are declared:
//! what reads them from an event log, adds them up, answers, stores them and makes quantiles of them is made of that list.

use crate::types::StageData;

/// Calls a macro with a line for each number that a task reports, in the order of an event log:
///
/// `PLACE NAME column group "key" "accumulator" [field of the REST API] sum_of_a_stage [field of quantiles];`
///
/// The place is the one in [`TaskMetricValues`], and the order in which columns are stored. The key
/// is that of the group's object in an event log, the accumulator what heartbeats call it behind `internal.metrics.`. Of one of them
/// the REST API gives no quantiles.
#[macro_export]
macro_rules! task_metrics {
    ($with:ident) => {
        $with! {
            0 EXECUTOR_DESERIALIZE_TIME executor_deserialize_time task "Executor Deserialize Time" "executorDeserializeTime"
                [executor_deserialize_time] executor_deserialize_time [executor_deserialize_time];
            1 EXECUTOR_DESERIALIZE_CPU_TIME executor_deserialize_cpu_time task "Executor Deserialize CPU Time"
                "executorDeserializeCpuTime" [executor_deserialize_cpu_time] executor_deserialize_cpu_time
                [executor_deserialize_cpu_time];
            2 EXECUTOR_RUN_TIME executor_run_time task "Executor Run Time" "executorRunTime"
                [executor_run_time] executor_run_time [executor_run_time];
            3 EXECUTOR_CPU_TIME executor_cpu_time task "Executor CPU Time" "executorCpuTime"
                [executor_cpu_time] executor_cpu_time [executor_cpu_time];
            9 PEAK_EXECUTION_MEMORY peak_execution_memory task "Peak Execution Memory" "peakExecutionMemory"
                [peak_execution_memory] peak_execution_memory [peak_execution_memory];
            4 RESULT_SIZE result_size task "Result Size" "resultSize" [result_size] result_size [result_size];
            5 JVM_GC_TIME jvm_gc_time task "JVM GC Time" "jvmGCTime" [jvm_gc_time] jvm_gc_time [jvm_gc_time];
            6 RESULT_SERIALIZATION_TIME result_serialization_time task "Result Serialization Time" "resultSerializationTime"
                [result_serialization_time] result_serialization_time [result_serialization_time];
            7 MEMORY_BYTES_SPILLED memory_bytes_spilled task "Memory Bytes Spilled" "memoryBytesSpilled"
                [memory_bytes_spilled] memory_bytes_spilled [memory_bytes_spilled];
            8 DISK_BYTES_SPILLED disk_bytes_spilled task "Disk Bytes Spilled" "diskBytesSpilled"
                [disk_bytes_spilled] disk_bytes_spilled [disk_bytes_spilled];
            14 SHUFFLE_REMOTE_BLOCKS_FETCHED shuffle_remote_blocks_fetched read "Remote Blocks Fetched"
                "shuffle.read.remoteBlocksFetched" [shuffle_read_metrics.remote_blocks_fetched]
                shuffle_remote_blocks_fetched [shuffle_read_metrics.remote_blocks_fetched];
            15 SHUFFLE_LOCAL_BLOCKS_FETCHED shuffle_local_blocks_fetched read "Local Blocks Fetched"
                "shuffle.read.localBlocksFetched" [shuffle_read_metrics.local_blocks_fetched]
                shuffle_local_blocks_fetched [shuffle_read_metrics.local_blocks_fetched];
            16 SHUFFLE_FETCH_WAIT_TIME shuffle_fetch_wait_time read "Fetch Wait Time" "shuffle.read.fetchWaitTime"
                [shuffle_read_metrics.fetch_wait_time] shuffle_fetch_wait_time [shuffle_read_metrics.fetch_wait_time];
            17 SHUFFLE_REMOTE_BYTES_READ shuffle_remote_bytes_read read "Remote Bytes Read" "shuffle.read.remoteBytesRead"
                [shuffle_read_metrics.remote_bytes_read] shuffle_remote_bytes_read [shuffle_read_metrics.remote_bytes_read];
            18 SHUFFLE_REMOTE_BYTES_READ_TO_DISK shuffle_remote_bytes_read_to_disk read "Remote Bytes Read To Disk"
                "shuffle.read.remoteBytesReadToDisk" [shuffle_read_metrics.remote_bytes_read_to_disk]
                shuffle_remote_bytes_read_to_disk [shuffle_read_metrics.remote_bytes_read_to_disk];
            19 SHUFFLE_LOCAL_BYTES_READ shuffle_local_bytes_read read "Local Bytes Read" "shuffle.read.localBytesRead"
                [shuffle_read_metrics.local_bytes_read] shuffle_local_bytes_read;
            20 SHUFFLE_RECORDS_READ shuffle_records_read read "Total Records Read" "shuffle.read.recordsRead"
                [shuffle_read_metrics.records_read] shuffle_read_records [shuffle_read_metrics.read_records];
            29 SHUFFLE_REMOTE_REQS_DURATION shuffle_remote_reqs_duration read "Remote Requests Duration"
                "shuffle.read.remoteReqsDuration" [shuffle_read_metrics.remote_reqs_duration]
                shuffle_remote_reqs_duration [shuffle_read_metrics.remote_reqs_duration];
            21 SHUFFLE_CORRUPT_MERGED_BLOCK_CHUNKS shuffle_corrupt_merged_block_chunks push "Corrupt Merged Block Chunks"
                "shuffle.push.read.corruptMergedBlockChunks"
                [shuffle_read_metrics.shuffle_push_read_metrics.corrupt_merged_block_chunks] shuffle_corrupt_merged_block_chunks
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.corrupt_merged_block_chunks];
            22 SHUFFLE_MERGED_FETCH_FALLBACK_COUNT shuffle_merged_fetch_fallback_count push "Merged Fetch Fallback Count"
                "shuffle.push.read.mergedFetchFallbackCount"
                [shuffle_read_metrics.shuffle_push_read_metrics.merged_fetch_fallback_count] shuffle_merged_fetch_fallback_count
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.merged_fetch_fallback_count];
            23 SHUFFLE_MERGED_REMOTE_BLOCKS_FETCHED shuffle_merged_remote_blocks_fetched push "Merged Remote Blocks Fetched"
                "shuffle.push.read.remoteMergedBlocksFetched"
                [shuffle_read_metrics.shuffle_push_read_metrics.remote_merged_blocks_fetched] shuffle_merged_remote_blocks_fetched
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.remote_merged_blocks_fetched];
            24 SHUFFLE_MERGED_LOCAL_BLOCKS_FETCHED shuffle_merged_local_blocks_fetched push "Merged Local Blocks Fetched"
                "shuffle.push.read.localMergedBlocksFetched"
                [shuffle_read_metrics.shuffle_push_read_metrics.local_merged_blocks_fetched] shuffle_merged_local_blocks_fetched
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.local_merged_blocks_fetched];
            25 SHUFFLE_MERGED_REMOTE_CHUNKS_FETCHED shuffle_merged_remote_chunks_fetched push "Merged Remote Chunks Fetched"
                "shuffle.push.read.remoteMergedChunksFetched"
                [shuffle_read_metrics.shuffle_push_read_metrics.remote_merged_chunks_fetched] shuffle_merged_remote_chunks_fetched
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.remote_merged_chunks_fetched];
            26 SHUFFLE_MERGED_LOCAL_CHUNKS_FETCHED shuffle_merged_local_chunks_fetched push "Merged Local Chunks Fetched"
                "shuffle.push.read.localMergedChunksFetched"
                [shuffle_read_metrics.shuffle_push_read_metrics.local_merged_chunks_fetched] shuffle_merged_local_chunks_fetched
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.local_merged_chunks_fetched];
            27 SHUFFLE_MERGED_REMOTE_BYTES_READ shuffle_merged_remote_bytes_read push "Merged Remote Bytes Read"
                "shuffle.push.read.remoteMergedBytesRead"
                [shuffle_read_metrics.shuffle_push_read_metrics.remote_merged_bytes_read] shuffle_merged_remote_bytes_read
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.remote_merged_bytes_read];
            28 SHUFFLE_MERGED_LOCAL_BYTES_READ shuffle_merged_local_bytes_read push "Merged Local Bytes Read"
                "shuffle.push.read.localMergedBytesRead"
                [shuffle_read_metrics.shuffle_push_read_metrics.local_merged_bytes_read] shuffle_merged_local_bytes_read
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.local_merged_bytes_read];
            30 SHUFFLE_MERGED_REMOTE_REQS_DURATION shuffle_merged_remote_reqs_duration push "Merged Remote Requests Duration"
                "shuffle.push.read.remoteMergedReqsDuration"
                [shuffle_read_metrics.shuffle_push_read_metrics.remote_merged_reqs_duration] shuffle_merged_remote_reqs_duration
                [shuffle_read_metrics.shuffle_push_read_metrics_dist.remote_merged_reqs_duration];
            31 SHUFFLE_BYTES_WRITTEN shuffle_bytes_written write "Shuffle Bytes Written" "shuffle.write.bytesWritten"
                [shuffle_write_metrics.bytes_written] shuffle_write_bytes [shuffle_write_metrics.write_bytes];
            32 SHUFFLE_WRITE_TIME shuffle_write_time write "Shuffle Write Time" "shuffle.write.writeTime"
                [shuffle_write_metrics.write_time] shuffle_write_time [shuffle_write_metrics.write_time];
            33 SHUFFLE_RECORDS_WRITTEN shuffle_records_written write "Shuffle Records Written" "shuffle.write.recordsWritten"
                [shuffle_write_metrics.records_written] shuffle_write_records [shuffle_write_metrics.write_records];
            10 INPUT_BYTES_READ input_bytes_read input "Bytes Read" "input.bytesRead"
                [input_metrics.bytes_read] input_bytes [input_metrics.bytes_read];
            11 INPUT_RECORDS_READ input_records_read input "Records Read" "input.recordsRead"
                [input_metrics.records_read] input_records [input_metrics.records_read];
            12 OUTPUT_BYTES_WRITTEN output_bytes_written output "Bytes Written" "output.bytesWritten"
                [output_metrics.bytes_written] output_bytes [output_metrics.bytes_written];
            13 OUTPUT_RECORDS_WRITTEN output_records_written output "Records Written" "output.recordsWritten"
                [output_metrics.records_written] output_records [output_metrics.records_written];
        }
    };
}

/// All numbers that a task reports.
pub type TaskMetricValues = [i64; COUNT];

macro_rules! places {
    ($($place:literal $name:ident $column:ident $group:ident $key:literal $accumulator:literal [$($rest:ident).+] $stage:ident
        $([$($quantiles:ident).+])?;)+) => {
        /// How many there are.
        pub const COUNT: usize = [$($place),+].len();

        $(#[doc = concat!("`", $key, "` of an event log, or `internal.metrics.", $accumulator, "`.")]
        pub const $name: usize = $place;)+

        /// The name of each, as columns of tables are called.
        pub const NAMES: [&str; COUNT] = {
            let mut names = [""; COUNT];
            $(assert!(names[$place].is_empty(), "two metrics have one place");
            names[$place] = stringify!($column);)+
            names
        };

        /// The sums of each over the tasks of a stage: what the REST API calls them, and where they are.
        pub const SUMS: [(&str, fn(&StageData) -> i64); COUNT] = {
            let mut sums: [(&str, fn(&StageData) -> i64); COUNT] = [("", |_| 0); COUNT];
            $(sums[$place] = (stringify!($stage), |stage| stage.$stage);)+
            sums
        };
    };
}

task_metrics!(places);
