//! What is asked of the tasks of a stage attempt.

#[cfg(doc)]
use crate::metric;
use crate::tasks::TaskColumn;

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
