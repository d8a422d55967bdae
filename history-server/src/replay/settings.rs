//! How a log is replayed.

/// How a log is replayed. Spark's limits on what is retained are off by default: nothing is dropped for being old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `spark.ui.retainedJobs`: how many jobs are kept.
    pub retained_jobs: Option<usize>,
    /// `spark.ui.retainedStages`: how many stage attempts are kept.
    pub retained_stages: Option<usize>,
    /// `spark.ui.retainedTasks`: how many tasks of a stage attempt are kept.
    pub retained_tasks: Option<usize>,
    /// `spark.ui.retainedDeadExecutors`: how many executors are kept that are gone.
    pub retained_dead_executors: Option<usize>,
    /// `spark.sql.ui.retainedExecutions`: how many SQL executions are kept.
    pub retained_executions: Option<usize>,
    /// Lines longer than this many bytes are left out.
    pub max_line_bytes: usize,
    /// How many threads read large pieces of a log.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retained_jobs: None,
            retained_stages: None,
            retained_tasks: None,
            retained_dead_executors: None,
            retained_executions: None,
            max_line_bytes: 256 << 20,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}
