//! Quantiles over the tasks and executors of a stage.

mod measure;
mod statistics;

use crate::application::Stage;
use crate::metric;
use crate::share_out::share_out;
use crate::stage_tasks::{StageTasks, Tasks};
use crate::types::{
    EXECUTOR_METRICS, ExecutorMetricsDistributions, ExecutorStageSummary, PeakMetricsDistributions,
    TaskMetricDistributions,
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
}

macro_rules! distributions {
    ($($place:literal $name:ident $column:ident $group:ident $key:literal $accumulator:literal [$($rest:ident).+] $stage:ident
        $([$($quantiles:ident).+])?;)+) => {
        impl Summary {
            fn distributions(&self, quantiles: &[f64]) -> TaskMetricDistributions {
                let mut all = TaskMetricDistributions { quantiles: quantiles.to_vec(), ..TaskMetricDistributions::default() };
                all.duration = self.at(Measure::Duration);
                all.getting_result_time = self.at(Measure::GettingResultTime);
                all.scheduler_delay = self.at(Measure::SchedulerDelay);
                all.shuffle_read_metrics.read_bytes = self.at(Measure::READ_BYTES);
                all.shuffle_read_metrics.total_blocks_fetched = self.at(Measure::BLOCKS_FETCHED);
                $($(all.$($quantiles).+ = self.at(Measure::Metric(metric::$name));)?)+
                all
            }
        }
    };
}

crate::task_metrics!(distributions);

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
