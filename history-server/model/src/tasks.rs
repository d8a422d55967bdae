//! Tasks, in columns, a table for each stage attempt.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::column::Column;
use crate::metric::{self, TaskMetricValues};
use crate::strings::Strings;
use crate::task_peaks::TaskPeaks;

/// The tasks of an application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskTables {
    /// Texts that rows name by code: executors, hosts, statuses, localities, errors and names of accumulators.
    pub strings: Strings,
    /// A table for each stage attempt, by stage and attempt. Shared with what was made of a growing log before, until it changes.
    pub stages: BTreeMap<(i32, i32), Arc<TaskTable>>,
    /// What executors measured while tasks ran, by stage and attempt: of those few that were running when that was done. Shared as
    /// the tables are.
    pub peaks: BTreeMap<(i32, i32), Arc<TaskPeaks>>,
}

/// The columns of a [`TaskTable`], metrics apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskColumn {
    /// The task's id.
    TaskId,
    /// Its place in the stage.
    Index,
    /// Which attempt, from 0.
    Attempt,
    /// The partition that it computes; -1 where unknown.
    PartitionId,
    /// When it was started, in milliseconds since the epoch.
    LaunchTime,
    /// When the driver began to fetch its result; -1 if it did not.
    ResultFetchStart,
    /// Milliseconds that it took, or has taken.
    Duration,
    /// Code of the executor's id.
    Executor,
    /// Code of the host.
    Host,
    /// Code of the status.
    Status,
    /// Code of the locality.
    Locality,
    /// 1 for a speculative copy.
    Speculative,
    /// Code of the error message plus 1; 0 for none.
    Error,
    /// 1 where metrics were reported.
    HasMetrics,
}

const FIXED: usize = TaskColumn::HasMetrics as usize + 1;

/// The names of the columns, metrics apart, in order.
pub const COLUMN_NAMES: [&str; FIXED] = [
    "task_id",
    "index",
    "attempt",
    "partition_id",
    "launch_time",
    "result_fetch_start",
    "duration",
    "executor_id",
    "host",
    "status",
    "locality",
    "speculative",
    "error_message",
    "has_metrics",
];

/// The task attempts of one stage attempt, in order of their ends; those still running come last.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskTable {
    len: usize,
    fixed: [Column; FIXED],
    metrics: Box<[Column; metric::COUNT]>,
    /// Named accumulators of the application, by row.
    pub accumulables: Vec<TaskAccumulable>,
}

/// What a task did to a named accumulator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskAccumulable {
    /// The task's row.
    pub row: u32,
    /// The accumulator's id.
    pub id: i64,
    /// Code of its name.
    pub name: Option<u32>,
    /// What the task added.
    pub update: Option<Box<str>>,
    /// Its value after that.
    pub value: Option<Box<str>>,
}

/// One row, to be added to a table.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskRow {
    /// The columns, by [`TaskColumn`].
    pub fixed: [i64; FIXED],
    /// What the task measured, if it reported anything.
    pub metrics: Option<TaskMetricValues>,
}

impl TaskRow {
    /// Sets a column.
    pub fn set(&mut self, column: TaskColumn, value: i64) {
        self.fixed[column as usize] = value;
    }

    /// The value of a column.
    pub fn get(&self, column: TaskColumn) -> i64 {
        self.fixed[column as usize]
    }
}

impl Default for TaskTable {
    fn default() -> Self {
        Self {
            len: 0,
            fixed: Default::default(),
            metrics: Box::new(std::array::from_fn(|_| Column::default())),
            accumulables: Vec::new(),
        }
    }
}

impl TaskTable {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a row.
    pub fn push(&mut self, row: &TaskRow) {
        let mut fixed = row.fixed;
        fixed[TaskColumn::HasMetrics as usize] = i64::from(row.metrics.is_some());
        for (column, value) in self.fixed.iter_mut().zip(fixed) {
            column.push(value);
        }
        let metrics = row.metrics.unwrap_or([0; metric::COUNT]);
        for (column, value) in self.metrics.iter_mut().zip(metrics) {
            column.push(value);
        }
        self.len += 1;
    }

    /// A table without some of the rows, which are given in order.
    #[must_use]
    pub fn without(&self, rows: &[u32]) -> Self {
        let mut gone = rows.iter().copied().peekable();
        let kept: Vec<_> = (0..self.len as u32).filter(|row| gone.next_if_eq(row).is_none()).collect();
        let column = |column: &Column| {
            let mut copy = Column::default();
            kept.iter().for_each(|row| copy.push(column.get(*row as usize)));
            copy
        };
        let mut accumulables = Vec::new();
        for (new, row) in kept.iter().enumerate() {
            let of_row = self.accumulables_of(*row as usize).iter().cloned();
            accumulables.extend(of_row.map(|found| TaskAccumulable { row: new as u32, ..found }));
        }
        Self {
            len: kept.len(),
            fixed: std::array::from_fn(|at| column(&self.fixed[at])),
            metrics: Box::new(std::array::from_fn(|at| column(&self.metrics[at]))),
            accumulables,
        }
    }

    /// Builds a table of whole columns: the fixed ones by [`TaskColumn`], then the metrics by their constants.
    ///
    /// # Errors
    ///
    /// The number of columns, where it is wrong or their lengths differ.
    pub fn from_columns(columns: Vec<Column>, accumulables: Vec<TaskAccumulable>) -> Result<Self, usize> {
        let count = columns.len();
        let len = columns.first().map_or(0, Column::len);
        if columns.iter().any(|column| column.len() != len) {
            return Err(count);
        }
        let mut columns = columns.into_iter();
        let fixed: Vec<_> = columns.by_ref().take(FIXED).collect();
        let metrics: Vec<_> = columns.collect();
        Ok(Self {
            len,
            fixed: fixed.try_into().map_err(|_| count)?,
            metrics: Box::new(metrics.try_into().map_err(|_| count)?),
            accumulables,
        })
    }

    /// A column.
    pub fn column(&self, column: TaskColumn) -> &Column {
        &self.fixed[column as usize]
    }

    /// The column of a metric, by the constants of [`metric`]; 0 where the task reported none.
    pub fn metric(&self, metric: usize) -> &Column {
        &self.metrics[metric]
    }

    /// All columns: the fixed ones, then the metrics.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.fixed.iter().chain(self.metrics.iter())
    }

    /// One value.
    #[inline]
    pub fn get(&self, column: TaskColumn, row: usize) -> i64 {
        self.fixed[column as usize].get(row)
    }

    /// What the task of a row measured, if it reported anything.
    pub fn metrics_of(&self, row: usize) -> Option<TaskMetricValues> {
        (self.get(TaskColumn::HasMetrics, row) == 1)
            .then(|| std::array::from_fn(|metric| self.metrics[metric].get(row)))
    }

    /// The named accumulators of a row.
    pub fn accumulables_of(&self, row: usize) -> &[TaskAccumulable] {
        let from = self.accumulables.partition_point(|found| (found.row as usize) < row);
        let to = self.accumulables.partition_point(|found| found.row as usize <= row);
        &self.accumulables[from..to]
    }

    /// Bytes of memory that the columns take.
    pub fn size_bytes(&self) -> usize {
        self.columns().map(Column::size_bytes).sum()
    }

    /// Gives back memory that was set aside for growth.
    pub fn shrink(&mut self) {
        self.fixed.iter_mut().chain(self.metrics.iter_mut()).for_each(Column::shrink);
        self.accumulables.shrink_to_fit();
    }
}
