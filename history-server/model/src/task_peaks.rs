//! What the executors of a stage's tasks measured while those ran.

use crate::column::Column;
use crate::types::{EXECUTOR_METRICS, ExecutorMetrics};

const COUNT: usize = EXECUTOR_METRICS.len();

/// The highest values of the executor metrics while each task of a stage attempt ran: memory in bytes, times in milliseconds. Spark
/// measures with every heartbeat, or as often as `spark.executor.metrics.pollingInterval` says: most tasks end before that, and are
/// not here.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPeaks {
    task_ids: Column,
    peaks: Box<[Column; COUNT]>,
}

impl Default for TaskPeaks {
    fn default() -> Self {
        Self { task_ids: Column::default(), peaks: Box::new(std::array::from_fn(|_| Column::default())) }
    }
}

impl TaskPeaks {
    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.task_ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.task_ids.is_empty()
    }

    /// Adds a task.
    pub fn push(&mut self, task_id: i64, peaks: &ExecutorMetrics) {
        self.task_ids.push(task_id);
        for (column, value) in self.peaks.iter_mut().zip(peaks.0) {
            column.push(value);
        }
    }

    /// The task of a row.
    pub fn task_id(&self, row: usize) -> i64 {
        self.task_ids.get(row)
    }

    /// A metric of a row, by its place among [`EXECUTOR_METRICS`].
    pub fn peak(&self, row: usize, metric: usize) -> i64 {
        self.peaks[metric].get(row)
    }

    /// All metrics of a row.
    pub fn peaks(&self, row: usize) -> ExecutorMetrics {
        ExecutorMetrics(std::array::from_fn(|metric| self.peak(row, metric)))
    }

    /// The same for some of the tasks.
    #[must_use]
    pub fn of(&self, kept: impl Fn(i64) -> bool) -> Self {
        let mut copy = Self::default();
        for row in (0..self.len()).filter(|row| kept(self.task_id(*row))) {
            copy.push(self.task_id(row), &self.peaks(row));
        }
        copy
    }

    /// Bytes of memory that it takes.
    pub fn size_bytes(&self) -> usize {
        self.task_ids.size_bytes() + self.peaks.iter().map(Column::size_bytes).sum::<usize>()
    }
}
