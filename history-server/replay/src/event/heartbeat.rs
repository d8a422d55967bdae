//! What an executor says now and then of the tasks that it runs, and of itself.
//!
//! Spark writes these events where `spark.eventLog.logStageExecutorMetrics` is set, and then only the driver's: in local mode
//! that is the executor, too.

use std::borrow::Cow;

use super::scan::{Malformed, Result, Scan};
use super::task::Update;
use super::task_metrics::executor_metrics;
use history_model::metric::{self, TaskMetricValues};
use history_model::types::{EXECUTOR_METRICS, ExecutorMetrics};

/// An executor lives, and says what it has done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heartbeat {
    pub(crate) executor_id: String,
    pub(crate) tasks: Vec<TaskProgress>,
    /// The highest values since the last time, by stage and attempt; -1 and -1 where it is not known for which.
    pub(crate) peaks: Vec<((i32, i32), ExecutorMetrics)>,
}

/// What a task has done so far.
#[derive(Clone, Debug)]
pub(crate) struct TaskProgress {
    pub(crate) task_id: i64,
    pub(crate) stage: (i32, i32),
    /// What is not told counts as 0.
    pub(crate) metrics: TaskMetricValues,
    /// The numbers that SQL metrics are made of.
    pub(crate) updates: Vec<Update>,
}

const KEYS: [&[u8]; 3] = [b"\"Executor ID\":", b"\"Metrics Updated\":", b"\"Executor Metrics Updated\":"];

impl Heartbeat {
    pub(crate) fn read(line: &[u8]) -> Result<Self> {
        let (mut beat, mut executor_id) = (Self::default(), None);
        let mut scan = Scan::new(line);
        scan.object(&KEYS, |scan, key| {
            match key {
                0 => executor_id = scan.optional_string()?.map(Cow::into_owned),
                _ if scan.null() => {}
                1 => scan.array(|scan| TaskProgress::read(scan).map(|task| beat.tasks.push(task)))?,
                _ => scan.array(|scan| peaks(scan).map(|peaks| beat.peaks.push(peaks)))?,
            }
            Ok(())
        })?;
        beat.executor_id = executor_id.ok_or(Malformed)?;
        if scan.at_end() { Ok(beat) } else { Err(Malformed) }
    }
}

fn peaks(scan: &mut Scan<'_>) -> Result<((i32, i32), ExecutorMetrics)> {
    const KEYS: [&[u8]; 3] = [b"\"Stage ID\":", b"\"Stage Attempt ID\":", b"\"Executor Metrics\":"];
    let (mut stage, mut metrics) = ((0, 0), ExecutorMetrics([0; EXECUTOR_METRICS.len()]));
    scan.object(&KEYS, |scan, key| {
        match key {
            0 => stage.0 = scan.int()? as i32,
            1 => stage.1 = scan.int()? as i32,
            _ => metrics = executor_metrics(scan)?,
        }
        Ok(())
    })?;
    Ok((stage, metrics))
}

impl TaskProgress {
    fn read(scan: &mut Scan<'_>) -> Result<Self> {
        const KEYS: [&[u8]; 4] =
            [b"\"Task ID\":", b"\"Stage ID\":", b"\"Stage Attempt ID\":", b"\"Accumulator Updates\":"];
        let mut task = Self { task_id: 0, stage: (0, 0), metrics: [0; metric::COUNT], updates: Vec::new() };
        scan.object(&KEYS, |scan, key| {
            match key {
                0 => task.task_id = scan.int()?,
                1 => task.stage.0 = scan.int()? as i32,
                2 => task.stage.1 = scan.int()? as i32,
                _ if scan.null() => {}
                _ => scan.array(|scan| task.accumulator(scan))?,
            }
            Ok(())
        })?;
        Ok(task)
    }

    fn accumulator(&mut self, scan: &mut Scan<'_>) -> Result<()> {
        const KEYS: [&[u8]; 3] = [b"\"ID\":", b"\"Name\":", b"\"Update\":"];
        let (mut id, mut name, mut update) = (0, None, None);
        scan.object(&KEYS, |scan, key| {
            match key {
                0 => id = scan.int()?,
                1 => name = scan.optional_string()?,
                _ if scan.null() => {}
                _ => update = Some(scan.text()?),
            }
            Ok(())
        })?;
        let value = update.and_then(|text| text.parse().ok());
        match (name.as_deref().and_then(|name| name.strip_prefix("internal.metrics.")), value) {
            (Some(name), Some(value)) => {
                if let Some(at) = metric_of(name) {
                    self.metrics[at] = value;
                }
            }
            (None, Some(value)) => self.updates.push(Update { id, value }),
            (_, None) => {}
        }
        Ok(())
    }
}

macro_rules! accumulators {
    ($($place:literal $name:ident $column:ident $group:ident $key:literal $accumulator:literal [$($rest:ident).+] $stage:ident
        $([$($quantiles:ident).+])?;)+) => {
        /// Which metric an accumulator of Spark's own stands for, by its name behind `internal.metrics.`.
        fn metric_of(name: &str) -> Option<usize> {
            match name {
                $($accumulator => Some(metric::$name),)+
                _ => None,
            }
        }
    };
}

history_model::task_metrics!(accumulators);
