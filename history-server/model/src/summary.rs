//! Quantiles over the tasks and executors of a stage.

mod measure;
mod statistics;

use crate::application::Stage;
use crate::metric;
use crate::share_out::share_out;
use crate::stage_tasks::{StageTasks, Tasks};
use crate::types::{
    EXECUTOR_METRICS, ExecutorMetricsDistributions, ExecutorStageSummary, InputMetricDistributions,
    OutputMetricDistributions, PeakMetricsDistributions, ShufflePushReadMetricDistributions,
    ShuffleReadMetricDistributions, ShuffleWriteMetricDistributions, TaskMetricDistributions,
};
use measure::Measure;
use statistics::MeasuredTasks;

/// Quantiles over the tasks of a stage attempt; `None` where none has succeeded. `quantiles` must be ascending.
///
/// Worked out once for these tasks and quantiles; who asks again is given the same.
pub fn task_summary(tasks: &StageTasks, quantiles: &[f64]) -> Option<TaskMetricDistributions> {
    tasks.summaries.get_or_insert_with(quantiles, || {
        let summary = Summary::new(tasks.into(), quantiles)?;
        Some(summary.distributions(quantiles))
    })
}

/// The values of a measure at the quantiles, for each measure.
struct Summary(Vec<(Measure, Vec<f64>)>);

impl Summary {
    fn new(tasks: Tasks<'_>, quantiles: &[f64]) -> Option<Self> {
        let values = MeasuredTasks::new(tasks);
        let count = values.valid as i64;
        if count == 0 {
            return None;
        }
        let places: Vec<_> =
            quantiles.iter().map(|quantile| ((quantile * count as f64) as i64).min(count - 1)).collect();
        let measures = Measure::all();
        let found = share_out(measures.len(), tasks.table.len(), |at| values.at(measures[at], &places));
        Some(Self(measures.into_iter().zip(found).collect()))
    }

    fn at(&self, measure: Measure) -> Vec<f64> {
        self.0.iter().find(|(known, _)| *known == measure).map(|(_, values)| values.clone()).unwrap_or_default()
    }

    fn metric(&self, at: usize) -> Vec<f64> {
        self.at(Measure::Metric(at))
    }

    fn distributions(&self, quantiles: &[f64]) -> TaskMetricDistributions {
        TaskMetricDistributions {
            quantiles: quantiles.to_vec(),
            duration: self.at(Measure::Duration),
            executor_deserialize_time: self.metric(metric::EXECUTOR_DESERIALIZE_TIME),
            executor_deserialize_cpu_time: self.metric(metric::EXECUTOR_DESERIALIZE_CPU_TIME),
            executor_run_time: self.metric(metric::EXECUTOR_RUN_TIME),
            executor_cpu_time: self.metric(metric::EXECUTOR_CPU_TIME),
            result_size: self.metric(metric::RESULT_SIZE),
            jvm_gc_time: self.metric(metric::JVM_GC_TIME),
            result_serialization_time: self.metric(metric::RESULT_SERIALIZATION_TIME),
            getting_result_time: self.at(Measure::GettingResultTime),
            scheduler_delay: self.at(Measure::SchedulerDelay),
            peak_execution_memory: self.metric(metric::PEAK_EXECUTION_MEMORY),
            memory_bytes_spilled: self.metric(metric::MEMORY_BYTES_SPILLED),
            disk_bytes_spilled: self.metric(metric::DISK_BYTES_SPILLED),
            input_metrics: InputMetricDistributions {
                bytes_read: self.metric(metric::INPUT_BYTES_READ),
                records_read: self.metric(metric::INPUT_RECORDS_READ),
            },
            output_metrics: OutputMetricDistributions {
                bytes_written: self.metric(metric::OUTPUT_BYTES_WRITTEN),
                records_written: self.metric(metric::OUTPUT_RECORDS_WRITTEN),
            },
            shuffle_read_metrics: self.shuffle_read(),
            shuffle_write_metrics: ShuffleWriteMetricDistributions {
                write_bytes: self.metric(metric::SHUFFLE_BYTES_WRITTEN),
                write_records: self.metric(metric::SHUFFLE_RECORDS_WRITTEN),
                write_time: self.metric(metric::SHUFFLE_WRITE_TIME),
            },
        }
    }

    fn shuffle_read(&self) -> ShuffleReadMetricDistributions {
        ShuffleReadMetricDistributions {
            read_bytes: self.at(Measure::READ_BYTES),
            read_records: self.metric(metric::SHUFFLE_RECORDS_READ),
            remote_blocks_fetched: self.metric(metric::SHUFFLE_REMOTE_BLOCKS_FETCHED),
            local_blocks_fetched: self.metric(metric::SHUFFLE_LOCAL_BLOCKS_FETCHED),
            fetch_wait_time: self.metric(metric::SHUFFLE_FETCH_WAIT_TIME),
            remote_bytes_read: self.metric(metric::SHUFFLE_REMOTE_BYTES_READ),
            remote_bytes_read_to_disk: self.metric(metric::SHUFFLE_REMOTE_BYTES_READ_TO_DISK),
            total_blocks_fetched: self.at(Measure::BLOCKS_FETCHED),
            remote_reqs_duration: self.metric(metric::SHUFFLE_REMOTE_REQS_DURATION),
            shuffle_push_read_metrics_dist: ShufflePushReadMetricDistributions {
                corrupt_merged_block_chunks: self.metric(metric::SHUFFLE_CORRUPT_MERGED_BLOCK_CHUNKS),
                merged_fetch_fallback_count: self.metric(metric::SHUFFLE_MERGED_FETCH_FALLBACK_COUNT),
                remote_merged_blocks_fetched: self.metric(metric::SHUFFLE_MERGED_REMOTE_BLOCKS_FETCHED),
                local_merged_blocks_fetched: self.metric(metric::SHUFFLE_MERGED_LOCAL_BLOCKS_FETCHED),
                remote_merged_chunks_fetched: self.metric(metric::SHUFFLE_MERGED_REMOTE_CHUNKS_FETCHED),
                local_merged_chunks_fetched: self.metric(metric::SHUFFLE_MERGED_LOCAL_CHUNKS_FETCHED),
                remote_merged_bytes_read: self.metric(metric::SHUFFLE_MERGED_REMOTE_BYTES_READ),
                local_merged_bytes_read: self.metric(metric::SHUFFLE_MERGED_LOCAL_BYTES_READ),
                remote_merged_reqs_duration: self.metric(metric::SHUFFLE_MERGED_REMOTE_REQS_DURATION),
            },
        }
    }
}

/// Quantiles over the executors of a stage attempt; `None` where there are none. `quantiles` must be ascending.
pub fn executor_summary(stage: &Stage, quantiles: &[f64]) -> Option<ExecutorMetricsDistributions> {
    if stage.executors.is_empty() {
        return None;
    }
    let of = |value: fn(&ExecutorStageSummary) -> i64| {
        at_quantiles(stage.executors.values().map(|executor| value(executor) as f64).collect(), quantiles)
    };
    let peaks: Vec<_> = stage.executors.values().filter_map(|executor| executor.peak_memory_metrics).collect();
    let peak = |at: usize| at_quantiles(peaks.iter().map(|peaks| peaks.0[at] as f64).collect(), quantiles);
    Some(ExecutorMetricsDistributions {
        quantiles: quantiles.to_vec(),
        task_time: of(|executor| executor.task_time),
        failed_tasks: of(|executor| executor.failed_tasks.into()),
        succeeded_tasks: of(|executor| executor.succeeded_tasks.into()),
        killed_tasks: of(|executor| executor.killed_tasks.into()),
        input_bytes: of(|executor| executor.input_bytes),
        input_records: of(|executor| executor.input_records),
        output_bytes: of(|executor| executor.output_bytes),
        output_records: of(|executor| executor.output_records),
        shuffle_read: of(|executor| executor.shuffle_read),
        shuffle_read_records: of(|executor| executor.shuffle_read_records),
        shuffle_write: of(|executor| executor.shuffle_write),
        shuffle_write_records: of(|executor| executor.shuffle_write_records),
        memory_bytes_spilled: of(|executor| executor.memory_bytes_spilled),
        disk_bytes_spilled: of(|executor| executor.disk_bytes_spilled),
        peak_memory_metrics: PeakMetricsDistributions((0..EXECUTOR_METRICS.len()).map(peak).collect()),
    })
}

fn at_quantiles(mut values: Vec<f64>, quantiles: &[f64]) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let count = values.len() as i64;
    let place = |quantile: &f64| ((quantile * count as f64) as i64).min(count - 1).max(0);
    quantiles.iter().map(|quantile| values.get(place(quantile) as usize).copied().unwrap_or(0.0)).collect()
}
