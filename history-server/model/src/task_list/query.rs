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

/// Makes `false` of each row that is not wanted, from the one of this number on.
pub type TellWanted<'a> = &'a dyn Fn(usize, &mut [bool]);

/// Which rows of a table, in an order that whoever asks knows.
#[derive(Clone, Copy)]
pub struct RowQuery<'a> {
    /// Fills in what the rows are sorted by, from the one of this number on. Rows are asked for in portions, several times and in no
    /// order; of at most [`ROWS_AT_ONCE`](crate::ROWS_AT_ONCE) at a time.
    pub keys: &'a dyn Fn(usize, &mut [i64]),
    /// Which rows; without it, all.
    pub wanted: Option<TellWanted<'a>>,
    /// Lowest first.
    pub ascending: bool,
    /// How many are left out at the start.
    pub offset: usize,
    /// How many are given at most.
    pub length: usize,
}

impl std::fmt::Debug for RowQuery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ascending, offset, length, .. } = self;
        f.debug_struct("RowQuery")
            .field("ascending", ascending)
            .field("offset", offset)
            .field("length", length)
            .finish()
    }
}
