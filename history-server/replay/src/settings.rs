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
    /// `spark.sql.streaming.ui.retainedQueries`: how many streaming queries are kept that have ended.
    pub retained_streaming_queries: Option<usize>,
    /// `spark.sql.streaming.ui.retainedProgressUpdates`: how many reports of a streaming query are kept.
    pub retained_streaming_updates: Option<usize>,
    /// `spark.sql.thriftserver.ui.retainedSessions`: how many sessions of the Thrift server are kept.
    pub retained_thrift_sessions: Option<usize>,
    /// `spark.sql.thriftserver.ui.retainedStatements`: how many statements of the Thrift server are kept.
    pub retained_thrift_statements: Option<usize>,
    /// `spark.sql.connect.ui.retainedSessions`: how many sessions of Spark Connect are kept.
    pub retained_connect_sessions: Option<usize>,
    /// `spark.sql.connect.ui.retainedStatements`: how many operations of Spark Connect are kept.
    pub retained_connect_statements: Option<usize>,
    /// Lines longer than this many bytes are left out.
    pub max_line_bytes: usize,
    /// How much memory the replay of one log may take, about. A log that needs more is read as far as that goes. One that still grows
    /// takes as much again while it is looked at.
    pub memory_bytes: usize,
    /// How many bytes of lines a thread reads at a time, about.
    pub piece_bytes: usize,
    /// How many threads read large pieces of a log.
    pub threads: usize,
}

impl Settings {
    /// The limits on streaming queries and on what clients of servers did.
    pub fn service_limits(&self) -> [&Option<usize>; 6] {
        [
            &self.retained_streaming_queries,
            &self.retained_streaming_updates,
            &self.retained_thrift_sessions,
            &self.retained_thrift_statements,
            &self.retained_connect_sessions,
            &self.retained_connect_statements,
        ]
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retained_jobs: None,
            retained_stages: None,
            retained_tasks: None,
            retained_dead_executors: None,
            retained_executions: None,
            retained_streaming_queries: None,
            retained_streaming_updates: None,
            retained_thrift_sessions: None,
            retained_thrift_statements: None,
            retained_connect_sessions: None,
            retained_connect_statements: None,
            max_line_bytes: 256 << 20,
            memory_bytes: 2 << 30,
            piece_bytes: 1 << 20,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}
