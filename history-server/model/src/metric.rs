//! The numbers that a task reports, by their place in [`TaskMetricValues`]: times in milliseconds (CPU and shuffle write times in
//! nanoseconds), sizes in bytes.

/// All numbers that a task reports.
pub type TaskMetricValues = [i64; COUNT];

/// How many there are.
pub const COUNT: usize = 34;

/// Executor deserialize time.
pub const EXECUTOR_DESERIALIZE_TIME: usize = 0;
/// Executor deserialize cpu time.
pub const EXECUTOR_DESERIALIZE_CPU_TIME: usize = 1;
/// Executor run time.
pub const EXECUTOR_RUN_TIME: usize = 2;
/// Executor cpu time.
pub const EXECUTOR_CPU_TIME: usize = 3;
/// Result size.
pub const RESULT_SIZE: usize = 4;
/// Jvm gc time.
pub const JVM_GC_TIME: usize = 5;
/// Result serialization time.
pub const RESULT_SERIALIZATION_TIME: usize = 6;
/// Memory bytes spilled.
pub const MEMORY_BYTES_SPILLED: usize = 7;
/// Disk bytes spilled.
pub const DISK_BYTES_SPILLED: usize = 8;
/// Peak execution memory.
pub const PEAK_EXECUTION_MEMORY: usize = 9;
/// Input bytes read.
pub const INPUT_BYTES_READ: usize = 10;
/// Input records read.
pub const INPUT_RECORDS_READ: usize = 11;
/// Output bytes written.
pub const OUTPUT_BYTES_WRITTEN: usize = 12;
/// Output records written.
pub const OUTPUT_RECORDS_WRITTEN: usize = 13;
/// Shuffle remote blocks fetched.
pub const SHUFFLE_REMOTE_BLOCKS_FETCHED: usize = 14;
/// Shuffle local blocks fetched.
pub const SHUFFLE_LOCAL_BLOCKS_FETCHED: usize = 15;
/// Shuffle fetch wait time.
pub const SHUFFLE_FETCH_WAIT_TIME: usize = 16;
/// Shuffle remote bytes read.
pub const SHUFFLE_REMOTE_BYTES_READ: usize = 17;
/// Shuffle remote bytes read to disk.
pub const SHUFFLE_REMOTE_BYTES_READ_TO_DISK: usize = 18;
/// Shuffle local bytes read.
pub const SHUFFLE_LOCAL_BYTES_READ: usize = 19;
/// Shuffle records read.
pub const SHUFFLE_RECORDS_READ: usize = 20;
/// Shuffle corrupt merged block chunks.
pub const SHUFFLE_CORRUPT_MERGED_BLOCK_CHUNKS: usize = 21;
/// Shuffle merged fetch fallback count.
pub const SHUFFLE_MERGED_FETCH_FALLBACK_COUNT: usize = 22;
/// Shuffle merged remote blocks fetched.
pub const SHUFFLE_MERGED_REMOTE_BLOCKS_FETCHED: usize = 23;
/// Shuffle merged local blocks fetched.
pub const SHUFFLE_MERGED_LOCAL_BLOCKS_FETCHED: usize = 24;
/// Shuffle merged remote chunks fetched.
pub const SHUFFLE_MERGED_REMOTE_CHUNKS_FETCHED: usize = 25;
/// Shuffle merged local chunks fetched.
pub const SHUFFLE_MERGED_LOCAL_CHUNKS_FETCHED: usize = 26;
/// Shuffle merged remote bytes read.
pub const SHUFFLE_MERGED_REMOTE_BYTES_READ: usize = 27;
/// Shuffle merged local bytes read.
pub const SHUFFLE_MERGED_LOCAL_BYTES_READ: usize = 28;
/// Shuffle remote reqs duration.
pub const SHUFFLE_REMOTE_REQS_DURATION: usize = 29;
/// Shuffle merged remote reqs duration.
pub const SHUFFLE_MERGED_REMOTE_REQS_DURATION: usize = 30;
/// Shuffle bytes written.
pub const SHUFFLE_BYTES_WRITTEN: usize = 31;
/// Shuffle write time.
pub const SHUFFLE_WRITE_TIME: usize = 32;
/// Shuffle records written.
pub const SHUFFLE_RECORDS_WRITTEN: usize = 33;

/// The name of each, as columns of tables are called.
pub const NAMES: [&str; COUNT] = [
    "executor_deserialize_time",
    "executor_deserialize_cpu_time",
    "executor_run_time",
    "executor_cpu_time",
    "result_size",
    "jvm_gc_time",
    "result_serialization_time",
    "memory_bytes_spilled",
    "disk_bytes_spilled",
    "peak_execution_memory",
    "input_bytes_read",
    "input_records_read",
    "output_bytes_written",
    "output_records_written",
    "shuffle_remote_blocks_fetched",
    "shuffle_local_blocks_fetched",
    "shuffle_fetch_wait_time",
    "shuffle_remote_bytes_read",
    "shuffle_remote_bytes_read_to_disk",
    "shuffle_local_bytes_read",
    "shuffle_records_read",
    "shuffle_corrupt_merged_block_chunks",
    "shuffle_merged_fetch_fallback_count",
    "shuffle_merged_remote_blocks_fetched",
    "shuffle_merged_local_blocks_fetched",
    "shuffle_merged_remote_chunks_fetched",
    "shuffle_merged_local_chunks_fetched",
    "shuffle_merged_remote_bytes_read",
    "shuffle_merged_local_bytes_read",
    "shuffle_remote_reqs_duration",
    "shuffle_merged_remote_reqs_duration",
    "shuffle_bytes_written",
    "shuffle_write_time",
    "shuffle_records_written",
];
