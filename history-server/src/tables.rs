//! Replayed applications as they are kept: once, by whichever replica replays first, for all.
//!
//! ```text
//! history/<app>/<attempt>/model.zst                 what pages need, all but tasks: zstd of two lines of JSON
//! history/<app>/<attempt>/tasks.parquet             … and the tables below
//! ```
//!
//! `<app>` and `<attempt>` are ids with everything but letters, digits, `-`, `_` and `.` percent-encoded; the attempt of an
//! application that has no attempt ids is `default`. The model is written last and says which log it is of and in which
//! format it is: when the log has changed or the format has, the application is replayed and written again.
//!
//! The tables are for everybody: `spark.read.parquet("…/history/*/*/tasks.parquet")` is every task of every application.
//! All begin with `app_id` (text) and `app_attempt_id` (text, null without attempts). Times are UTC timestamps in
//! milliseconds, durations milliseconds unless said otherwise, sizes bytes. Names are those of the REST API in
//! `snake_case`; a value that a log does not tell is null.
//!
//! | table | a row is | columns besides the application's |
//! | --- | --- | --- |
//! | `tasks` | a task attempt | `stage_id`, `stage_attempt_id`, `task_id`, `index`, `attempt`, `partition_id`, `launch_time`, `result_fetch_start`, `duration`, `executor_id`, `host`, `status`, `locality`, `speculative`, `error_message`, `has_metrics`, then the task's metrics, null where it reported none: [`history_model::metric::NAMES`] (CPU and shuffle write times in nanoseconds) |
//! | `task_accumulators` | what a task added to a named accumulator | `stage_id`, `stage_attempt_id`, `task_id`, `task_row` (the task's place among those of its stage attempt), `accumulator_id`, `name`, `update`, `value` |
//! | `stages` | a stage attempt | `stage_id`, `stage_attempt_id`, `status`, times, counts of tasks and sums of their metrics, as `stages` of the REST API |
//! | `jobs` | a job | `job_id`, `status`, `sql_execution_id`, times and counts, as `jobs` of the REST API |
//! | `executors` | an executor, or the driver | `executor_id`, `host_port`, `is_active`, times, cores, counts and totals, as `allexecutors` of the REST API |
//! | `sql_executions` | a SQL execution | `execution_id`, `root_execution_id`, `status`, times, `num_jobs`, `query_id`, `description`, `details`, `plan_text`, `error_message` |
//! | `sql_metrics` | a metric of an operator of an execution's last plan | `execution_id`, `node_id`, `node_name`, `accumulator_id`, `metric`, `metric_type`, `value` (as Spark shows it) |
//! | `streaming_queries` | a run of a streaming query | `query_id`, `run_id`, `name`, `status`, `start_time`, `last_progress_time`, `num_progress`, `sink`, `exception`, `error_class` |
//! | `streaming_progress` | a report of a streaming query | `query_id`, `run_id`, `name`, `batch_id`, `timestamp`, `batch_duration`, `num_input_rows`, `input_rows_per_second`, `processed_rows_per_second`, `num_output_rows`, `watermark`, `min_event_time`, `avg_event_time`, `max_event_time`; of all operators with state together `state_rows_total`, `state_rows_updated`, `state_rows_removed`, `rows_dropped_by_watermark`, `state_memory_used_bytes`; milliseconds of the phases `trigger_execution` (which holds the others), `latest_offset`, `wal_commit`, `get_batch`, `query_planning`, `add_batch`, `commit_batch`, `commit_offsets` |
//! | `streaming_metrics` | any number of a report | `query_id`, `run_id`, `batch_id`, `timestamp`, `kind` (`phase`, `state_operator` or `source`), `index` and `owner` (which operator or source, and its name), `metric` (Spark's name), `value` |
//! | `connect_sessions` | a session of Spark Connect | `session_id`, `user_id`, `start_time`, `finish_time`, `total_execution` |
//! | `connect_operations` | an operation of Spark Connect | `operation_id`, `job_tag`, `session_id`, `user_id`, `user_name`, `statement`, `state`, `outcome` (`FINISHED`, `FAILED` or `CANCELED`, which the state `CLOSED` does not tell), `start_time`, `analyzed_time`, `ready_time`, `finish_time`, `close_time`, `detail` (why it failed), `produced_rows`; `job_ids`, `sql_execution_ids` and `session_tags` with commas between |
//! | `thrift_sessions` | a session of the Thrift (JDBC/ODBC) server | `session_id`, `user_name`, `ip`, `start_time`, `finish_time`, `total_execution` |
//! | `thrift_statements` | a statement of the Thrift server | `statement_id`, `session_id`, `group_id`, `user_name`, `statement`, `state`, `outcome` (also `TIMEDOUT`), `start_time`, `finish_time`, `close_time`, `plan`, `detail` (why it failed); `job_ids` and `sql_execution_ids` with commas between |
//!
//! The tables of streaming, Connect and Thrift are there only for applications that have rows for them: few do, and an empty object
//! for each of the others would cost a write and a place in every listing. A reader of all applications that finds none at all says
//! that there is no such path.

mod column;
mod decode;
mod read;
mod recent;
mod rows;
mod schema;
mod services;
mod streaming;
mod write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use storage::{Key, ObjectPath};
use uuid::Uuid;

use crate::event_log::{EventLog, Problem};
use crate::log_url::Links;
use history_model::Application;
use history_replay::Settings;
pub(crate) use read::{Loaded, StoredTasks, load};
pub(crate) use recent::RecentStages;
use rows::StageRows;
pub(crate) use write::{Content, save};

/// Changes whenever what is stored does, or what a replay makes of the same log.
const FORMAT: u32 = 3;

/// Which log a stored application is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) log: String,
    pub(crate) fingerprint: u64,
    /// What the replay kept, as words: a server with other limits keeps other things.
    pub(crate) settings: String,
}

impl Identity {
    pub(crate) fn new(log: &EventLog, settings: &Settings) -> Self {
        let Settings { retained_jobs, retained_stages, retained_tasks, retained_dead_executors, .. } = settings;
        let limits = [retained_jobs, retained_stages, retained_tasks, retained_dead_executors];
        let limits = limits.into_iter().chain([&settings.retained_executions]).chain(settings.service_limits());
        let limits: Vec<String> =
            limits.map(|limit| limit.map_or_else(String::new, |limit| limit.to_string())).collect();
        Self {
            log: log.name.clone(),
            fingerprint: log.fingerprint(),
            settings: format!("{} {} {}", limits.join(","), settings.max_line_bytes, settings.memory_bytes),
        }
    }
}

/// The first line of `model.zst`: what decides whether to read the rest.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct StoredHead {
    format: u32,
    identity: Identity,
    /// Which writing this is of: all its tables have the same, and no others.
    generation: Uuid,
}

/// The rest.
#[derive(Serialize, Deserialize)]
struct Stored<A, S> {
    problems: Vec<Problem>,
    /// Links to executors' logs that differ from those in the model: those of the event log.
    logged_links: Links,
    /// The texts of the tasks' tables, in order of their codes.
    strings: S,
    stages: Vec<StageRows>,
    model: A,
}

type StoredModel = Stored<Application, Vec<Box<str>>>;

/// A table of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Tasks,
    TaskAccumulators,
    Stages,
    Jobs,
    Executors,
    SqlExecutions,
    SqlMetrics,
    StreamingQueries,
    StreamingProgress,
    StreamingMetrics,
    ConnectSessions,
    ConnectOperations,
    ThriftSessions,
    ThriftStatements,
}

impl Table {
    const ALL: [Self; 14] = [
        Self::Tasks,
        Self::TaskAccumulators,
        Self::Stages,
        Self::Jobs,
        Self::Executors,
        Self::SqlExecutions,
        Self::SqlMetrics,
        Self::StreamingQueries,
        Self::StreamingProgress,
        Self::StreamingMetrics,
        Self::ConnectSessions,
        Self::ConnectOperations,
        Self::ThriftSessions,
        Self::ThriftStatements,
    ];

    fn file(self) -> &'static str {
        match self {
            Self::Tasks => "tasks.parquet",
            Self::TaskAccumulators => "task_accumulators.parquet",
            Self::Stages => "stages.parquet",
            Self::Jobs => "jobs.parquet",
            Self::Executors => "executors.parquet",
            Self::SqlExecutions => "sql_executions.parquet",
            Self::SqlMetrics => "sql_metrics.parquet",
            Self::StreamingQueries => "streaming_queries.parquet",
            Self::StreamingProgress => "streaming_progress.parquet",
            Self::StreamingMetrics => "streaming_metrics.parquet",
            Self::ConnectSessions => "connect_sessions.parquet",
            Self::ConnectOperations => "connect_operations.parquet",
            Self::ThriftSessions => "thrift_sessions.parquet",
            Self::ThriftStatements => "thrift_statements.parquet",
        }
    }

    /// Whether it is written only where it has rows.
    fn is_rare(self) -> bool {
        match self {
            Self::StreamingQueries | Self::StreamingProgress | Self::StreamingMetrics => true,
            Self::ConnectSessions | Self::ConnectOperations => true,
            Self::ThriftSessions | Self::ThriftStatements => true,
            Self::Tasks | Self::TaskAccumulators | Self::Stages | Self::Jobs | Self::Executors => false,
            Self::SqlExecutions | Self::SqlMetrics => false,
        }
    }
}

/// Where an application's stored form is.
#[derive(Clone, Debug)]
pub(crate) struct Folder(ObjectPath);

impl Folder {
    /// # Errors
    /// [`storage::Error::InvalidPath`] for an id that is too long.
    pub(crate) fn new(app_id: &str, attempt_id: Option<&str>) -> storage::Result<Self> {
        const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
        let part = |id: &str| {
            let text = utf8_percent_encode(id, KEPT).to_string();
            // A name that begins with a dot is hidden from Spark, and `.` or `..` are no names.
            if let Some(rest) = text.strip_prefix('.') { format!("%2E{rest}") } else { text }
        };
        let attempt = attempt_id.map_or_else(|| "default".to_owned(), part);
        Ok(Self(Key::History(ObjectPath::parse(&format!("{}/{attempt}", part(app_id)))?).path()))
    }

    fn model(&self) -> storage::Result<ObjectPath> {
        self.0.join("model.zst")
    }

    fn table(&self, table: Table) -> storage::Result<ObjectPath> {
        self.0.join(table.file())
    }

    /// Removes everything of the application.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn remove(&self, store: &storage::Store) -> storage::Result<()> {
        // First the model: without it nothing else is looked at.
        store.delete(&self.model()?).await?;
        for object in store.list_folder(&self.0).await?.objects {
            store.delete(&object.path).await?;
        }
        Ok(())
    }
}
