//! Tasks: rows of a table in an order, as the REST API shows them.

use std::collections::BTreeMap;

use super::types::{
    AccumulableInfo, Date, InputMetrics, OutputMetrics, ShufflePushReadMetrics, ShuffleReadMetrics,
    ShuffleWriteMetrics, TaskData, TaskMetrics,
};
use crate::model::Application;
use crate::model::metric::{self, TaskMetricValues};
use crate::model::order::java_cmp;
use crate::model::strings::Strings;
use crate::model::tasks::{TaskColumn, TaskTable};
use crate::opened::StageTasks;

/// What tasks are sorted by; ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskSort {
    /// By id.
    Id,
    /// By a column that holds numbers.
    Column(TaskColumn),
    /// By a column that holds codes of texts.
    Text(TaskColumn),
    /// By a metric, by the constants of [`metric`]; as in Spark, tasks that did not succeed come first.
    Metric(usize),
    /// By the sum of two metrics.
    Sum(usize, usize),
    /// By milliseconds lost to scheduling.
    SchedulerDelay,
    /// By milliseconds spent on fetching the result.
    GettingResultTime,
    /// By name and value of the first named accumulator.
    Accumulators,
}

/// Which tasks, in which order.
#[derive(Clone, Debug)]
pub struct TaskQuery<'a> {
    /// What they are sorted by.
    pub sort: TaskSort,
    /// Lowest first.
    pub ascending: bool,
    /// Only tasks of these statuses; all if empty.
    pub statuses: &'a [&'a str],
    /// How many are left out at the start.
    pub offset: usize,
    /// How many are shown at most.
    pub length: usize,
}

/// A table with what its codes stand for.
#[derive(Clone, Copy)]
pub(super) struct Tasks<'a> {
    pub(super) strings: &'a Strings,
    pub(super) table: &'a TaskTable,
}

impl<'a> From<&'a StageTasks> for Tasks<'a> {
    fn from(tasks: &'a StageTasks) -> Self {
        Self { strings: &tasks.strings, table: &tasks.table }
    }
}

/// The tasks of a stage attempt that a query asks for. `app` is whose they are; `now` is the present, in milliseconds since the epoch.
pub fn task_list(app: &Application, tasks: &StageTasks, query: &TaskQuery<'_>, now: i64) -> Vec<TaskData> {
    let tasks = Tasks::from(tasks);
    let mut logs = BTreeMap::new();
    tasks.rows(query).into_iter().map(|row| tasks.data(app, row, now, &mut logs)).collect()
}

/// Executor logs by the code of the executor's id.
type Logs<'a> = BTreeMap<i64, Option<&'a BTreeMap<String, String>>>;

impl<'a> Tasks<'a> {
    fn text(self, column: TaskColumn, row: usize) -> &'a str {
        self.strings.get(self.table.get(column, row) as u32)
    }

    pub(super) fn status(self, row: usize) -> &'a str {
        self.text(TaskColumn::Status, row)
    }

    /// The code of the status of tasks that succeeded.
    pub(super) fn success(self) -> i64 {
        self.strings.code("SUCCESS").map_or(-1, i64::from)
    }

    /// The rows that a query asks for.
    fn rows(self, query: &TaskQuery<'_>) -> Vec<usize> {
        let strings = self.strings;
        let wanted: Vec<_> = query.statuses.iter().filter_map(|status| strings.code(status)).map(i64::from).collect();
        let of_status =
            |row: &usize| query.statuses.is_empty() || wanted.contains(&self.table.get(TaskColumn::Status, *row));
        let key = self.keys(query.sort);
        let sign = if query.ascending { 1 } else { -1 };
        let place = |row: usize| {
            let id = self.table.get(TaskColumn::TaskId, row);
            (i128::from(key(row)) * sign, i128::from(id) * sign)
        };
        let rows = (0..self.table.len()).filter(of_status);
        let end = query.offset.saturating_add(query.length);
        let mut chosen = if end < self.table.len() / 16 { lowest(rows, end, &place) } else { rows.collect() };
        chosen.sort_by_cached_key(|row| place(*row));
        chosen.into_iter().skip(query.offset).take(query.length).collect()
    }

    fn keys(self, sort: TaskSort) -> Box<dyn Fn(usize) -> i64 + 'a> {
        let table = self.table;
        match sort {
            TaskSort::Id => Box::new(|_| 0),
            TaskSort::Column(column) => Box::new(move |row| table.get(column, row)),
            TaskSort::Text(column) => {
                let ranks = self.text_ranks();
                // An error's code is one higher, and 0 where there is none, which is the lowest text, too.
                let shift = i64::from(column == TaskColumn::Error);
                Box::new(move |row| match table.get(column, row) - shift {
                    -1 => -1,
                    code => ranks.get(code as usize).copied().unwrap_or(0),
                })
            }
            TaskSort::Metric(at) => Box::new(move |row| self.indexed(at, row)),
            TaskSort::Sum(left, right) => Box::new(move |row| self.indexed_sum(left, right, row)),
            TaskSort::SchedulerDelay => Box::new(move |row| self.scheduler_delay(row)),
            TaskSort::GettingResultTime => Box::new(move |row| self.getting_result_time(row)),
            TaskSort::Accumulators => {
                let ranks = self.accumulator_ranks();
                Box::new(move |row| ranks.get(row).copied().unwrap_or(0))
            }
        }
    }

    /// The place of each text among all, by code.
    fn text_ranks(self) -> Vec<i64> {
        let strings = self.strings;
        let mut codes: Vec<_> = (0..strings.len() as u32).collect();
        codes.sort_by(|left, right| java_cmp(strings.get(*left), strings.get(*right)));
        let mut ranks = vec![0; codes.len()];
        codes.iter().enumerate().for_each(|(rank, code)| ranks[*code as usize] = rank as i64);
        ranks
    }

    fn accumulator_ranks(self) -> Vec<i64> {
        let strings = self.strings;
        let texts: Vec<_> = (0..self.table.len())
            .map(|row| self.table.accumulables_of(row).first())
            .map(|first| {
                first.map_or(String::new(), |first| {
                    let name = first.name.map_or("null", |name| strings.get(name));
                    format!("{name}:{}", first.value.as_deref().unwrap_or("null"))
                })
            })
            .collect();
        let mut sorted: Vec<_> = texts.iter().collect();
        sorted.sort_by(|left, right| java_cmp(left, right));
        sorted.dedup();
        let rank = |text: &String| sorted.binary_search_by(|known| java_cmp(known, text)).map_or(0, |at| at as i64);
        texts.iter().map(rank).collect()
    }

    /// A metric as Spark's store orders it: below zero for tasks that did not succeed.
    pub(super) fn indexed(self, metric: usize, row: usize) -> i64 {
        if self.table.get(TaskColumn::HasMetrics, row) == 0 {
            return -1;
        }
        let value = self.table.metric(metric).get(row);
        if self.status(row) == "SUCCESS" { value } else { -value - 1 }
    }

    fn indexed_sum(self, left: usize, right: usize, row: usize) -> i64 {
        if self.table.get(TaskColumn::HasMetrics, row) == 0 {
            return -1;
        }
        self.indexed(left, row) + self.indexed(right, row)
    }

    /// Milliseconds lost to scheduling; -1 where the task reported nothing.
    pub(super) fn scheduler_delay(self, row: usize) -> i64 {
        if self.table.get(TaskColumn::HasMetrics, row) == 0 {
            return -1;
        }
        let metric = |at| self.table.metric(at).get(row);
        let duration = self.table.get(TaskColumn::Duration, row);
        let busy = metric(metric::EXECUTOR_RUN_TIME)
            + metric(metric::EXECUTOR_DESERIALIZE_TIME)
            + metric(metric::RESULT_SERIALIZATION_TIME);
        (duration - busy - self.fetch_time(row, duration, 0)).max(0)
    }

    /// Milliseconds spent on fetching the result; -1 where the task reported nothing.
    pub(super) fn getting_result_time(self, row: usize) -> i64 {
        if self.table.get(TaskColumn::HasMetrics, row) == 0 {
            return -1;
        }
        self.fetch_time(row, self.table.get(TaskColumn::Duration, row), 0)
    }

    fn fetch_time(self, row: usize, duration: i64, now: i64) -> i64 {
        let start = self.table.get(TaskColumn::ResultFetchStart, row);
        if start <= 0 {
            0
        } else if duration > 0 {
            self.table.get(TaskColumn::LaunchTime, row) + duration - start
        } else {
            now - start
        }
    }

    fn data(self, app: &'a Application, row: usize, now: i64, logs: &mut Logs<'a>) -> TaskData {
        let get = |column| self.table.get(column, row);
        let executor_id = self.text(TaskColumn::Executor, row);
        let executor_logs =
            *logs.entry(get(TaskColumn::Executor)).or_insert_with(|| Some(&app.executor(executor_id)?.executor_logs));
        let (duration, status) = (get(TaskColumn::Duration), self.status(row));
        let metrics = self.table.metrics_of(row);
        let finished = matches!(status, "FAILED" | "KILLED" | "SUCCESS");
        let has_delay = finished && metrics.is_some() && duration > 0;
        let fetch_start = get(TaskColumn::ResultFetchStart);
        TaskData {
            task_id: get(TaskColumn::TaskId),
            index: get(TaskColumn::Index) as i32,
            attempt: get(TaskColumn::Attempt) as i32,
            partition_id: get(TaskColumn::PartitionId) as i32,
            launch_time: Date(get(TaskColumn::LaunchTime)),
            result_fetch_start: Some(Date(fetch_start)).filter(|_| fetch_start > 0),
            duration: Some(duration).filter(|duration| *duration > 0),
            executor_id: executor_id.to_owned(),
            host: self.text(TaskColumn::Host, row).to_owned(),
            status: status.to_owned(),
            task_locality: self.text(TaskColumn::Locality, row).to_owned(),
            speculative: get(TaskColumn::Speculative) == 1,
            accumulator_updates: self.accumulator_updates(row),
            error_message: Some(get(TaskColumn::Error))
                .filter(|code| *code > 0)
                .map(|code| self.strings.get((code - 1) as u32).to_owned()),
            task_metrics: metrics.as_ref().map(task_metrics),
            executor_logs: executor_logs.cloned().unwrap_or_default(),
            scheduler_delay: if has_delay { self.scheduler_delay(row) } else { 0 },
            getting_result_time: self.fetch_time(row, if duration > 0 { duration } else { -1 }, now),
        }
    }

    fn accumulator_updates(self, row: usize) -> Vec<AccumulableInfo> {
        let strings = self.strings;
        let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let info = |found: &crate::model::tasks::TaskAccumulable| AccumulableInfo {
            id: found.id,
            name: found.name.map(|name| strings.get(name).to_owned()),
            update: owned(&found.update),
            value: owned(&found.value),
        };
        self.table.accumulables_of(row).iter().map(info).collect()
    }
}

/// The rows with the lowest places, this many, in no order.
fn lowest(rows: impl Iterator<Item = usize>, count: usize, place: &impl Fn(usize) -> (i128, i128)) -> Vec<usize> {
    let mut heap = std::collections::BinaryHeap::with_capacity(count + 1);
    for row in rows {
        let found = place(row);
        if heap.len() < count {
            heap.push((found, row));
        } else if heap.peek().is_some_and(|(highest, _)| found < *highest) {
            heap.pop();
            heap.push((found, row));
        }
    }
    heap.into_iter().map(|(_, row)| row).collect()
}

fn task_metrics(values: &TaskMetricValues) -> TaskMetrics {
    TaskMetrics {
        executor_deserialize_time: values[metric::EXECUTOR_DESERIALIZE_TIME],
        executor_deserialize_cpu_time: values[metric::EXECUTOR_DESERIALIZE_CPU_TIME],
        executor_run_time: values[metric::EXECUTOR_RUN_TIME],
        executor_cpu_time: values[metric::EXECUTOR_CPU_TIME],
        result_size: values[metric::RESULT_SIZE],
        jvm_gc_time: values[metric::JVM_GC_TIME],
        result_serialization_time: values[metric::RESULT_SERIALIZATION_TIME],
        memory_bytes_spilled: values[metric::MEMORY_BYTES_SPILLED],
        disk_bytes_spilled: values[metric::DISK_BYTES_SPILLED],
        peak_execution_memory: values[metric::PEAK_EXECUTION_MEMORY],
        input_metrics: InputMetrics {
            bytes_read: values[metric::INPUT_BYTES_READ],
            records_read: values[metric::INPUT_RECORDS_READ],
        },
        output_metrics: OutputMetrics {
            bytes_written: values[metric::OUTPUT_BYTES_WRITTEN],
            records_written: values[metric::OUTPUT_RECORDS_WRITTEN],
        },
        shuffle_read_metrics: shuffle_read_metrics(values),
        shuffle_write_metrics: ShuffleWriteMetrics {
            bytes_written: values[metric::SHUFFLE_BYTES_WRITTEN],
            write_time: values[metric::SHUFFLE_WRITE_TIME],
            records_written: values[metric::SHUFFLE_RECORDS_WRITTEN],
        },
    }
}

fn shuffle_read_metrics(values: &TaskMetricValues) -> ShuffleReadMetrics {
    ShuffleReadMetrics {
        remote_blocks_fetched: values[metric::SHUFFLE_REMOTE_BLOCKS_FETCHED],
        local_blocks_fetched: values[metric::SHUFFLE_LOCAL_BLOCKS_FETCHED],
        fetch_wait_time: values[metric::SHUFFLE_FETCH_WAIT_TIME],
        remote_bytes_read: values[metric::SHUFFLE_REMOTE_BYTES_READ],
        remote_bytes_read_to_disk: values[metric::SHUFFLE_REMOTE_BYTES_READ_TO_DISK],
        local_bytes_read: values[metric::SHUFFLE_LOCAL_BYTES_READ],
        records_read: values[metric::SHUFFLE_RECORDS_READ],
        remote_reqs_duration: values[metric::SHUFFLE_REMOTE_REQS_DURATION],
        shuffle_push_read_metrics: ShufflePushReadMetrics {
            corrupt_merged_block_chunks: values[metric::SHUFFLE_CORRUPT_MERGED_BLOCK_CHUNKS],
            merged_fetch_fallback_count: values[metric::SHUFFLE_MERGED_FETCH_FALLBACK_COUNT],
            remote_merged_blocks_fetched: values[metric::SHUFFLE_MERGED_REMOTE_BLOCKS_FETCHED],
            local_merged_blocks_fetched: values[metric::SHUFFLE_MERGED_LOCAL_BLOCKS_FETCHED],
            remote_merged_chunks_fetched: values[metric::SHUFFLE_MERGED_REMOTE_CHUNKS_FETCHED],
            local_merged_chunks_fetched: values[metric::SHUFFLE_MERGED_LOCAL_CHUNKS_FETCHED],
            remote_merged_bytes_read: values[metric::SHUFFLE_MERGED_REMOTE_BYTES_READ],
            local_merged_bytes_read: values[metric::SHUFFLE_MERGED_LOCAL_BYTES_READ],
            remote_merged_reqs_duration: values[metric::SHUFFLE_MERGED_REMOTE_REQS_DURATION],
        },
    }
}
