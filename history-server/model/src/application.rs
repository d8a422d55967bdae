//! One run of an application.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::connect::ConnectServer;
use crate::other_events::OtherEvent;
use crate::plan::{MetricValue, PlanGraph, SqlMetric};
use crate::problems::Problems;
use crate::streaming::StreamingQuery;
use crate::tasks::TaskTables;
use crate::thrift::ThriftServer;
use crate::timeline::ExecutorEvent;
use crate::types::{
    ApplicationEnvironmentInfo, ExecutorStageSummary, ExecutorSummary, JobData, JobExecutionStatus, ProcessSummary,
    RDDStorageInfo, ResourceProfileInfo, SpeculationStageSummary, StageData,
};

/// One run of an application, as far as its event log tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Application {
    /// Who it is; `None` where the log does not say.
    pub attempt: Option<Attempt>,
    /// Its environment as logged: neither sorted nor masked, and without resource profiles.
    pub environment: Option<ApplicationEnvironmentInfo>,
    /// Its resource profiles, by id.
    pub resource_profiles: Vec<ResourceProfileInfo>,
    /// Its jobs, by id.
    pub jobs: Vec<Job>,
    /// Its stage attempts, by stage and attempt.
    pub stages: Vec<Stage>,
    /// Its executors, the driver included, by id as text.
    pub executors: Vec<ExecutorSummary>,
    /// What happened to executors, in order of the log.
    pub executor_events: Vec<ExecutorEvent>,
    /// Its other processes, by id as text.
    pub processes: Vec<ProcessSummary>,
    /// RDDs that it had marked for caching when the log ended, by id.
    pub rdds: Vec<RDDStorageInfo>,
    /// Blocks of stream receivers, by name and executor.
    pub stream_blocks: Vec<StreamBlock>,
    /// Its SQL executions, by id.
    pub sql: Vec<SqlExecution>,
    /// Runs of its streaming queries, by start time.
    pub streaming: Vec<StreamingQuery>,
    /// What it did as a Spark Connect server.
    pub connect: ConnectServer,
    /// What it did as a Thrift (JDBC/ODBC) server.
    pub thrift: ThriftServer,
    /// The RDDs of each stage, as the last job that needed it named them.
    pub rdd_graphs: BTreeMap<i32, Vec<RddNode>>,
    /// Its tasks; kept apart from the rest where the model is stored.
    #[serde(skip)]
    pub tasks: TaskTables,
    /// Events that nobody here reads, as they are, in order; kept apart from the rest where the model is stored.
    #[serde(skip)]
    pub other_events: Vec<OtherEvent>,
    /// What of the log could not be read.
    pub problems: Problems,
}

/// Who an application is, and when it ran. Times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// The application's id.
    pub app_id: String,
    /// Which attempt, where the cluster manager counts them.
    pub attempt_id: Option<String>,
    /// The application's name.
    pub name: String,
    /// The user that it ran as.
    pub user: String,
    /// The version of Spark that wrote the log.
    pub spark_version: String,
    /// When it started.
    pub start_time: i64,
    /// When it ended, if the log says so.
    pub end_time: Option<i64>,
    /// What the driver ended with, where its Spark (4.0 or later) says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// A job, and what its REST form does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    /// The REST form.
    pub data: JobData,
    /// Stages whose output was there already.
    pub skipped_stages: BTreeSet<i32>,
    /// The SQL execution that it belongs to.
    pub sql_execution_id: Option<i64>,
}

/// A stage attempt, and what its short REST form does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stage {
    /// The REST form, without what is given on demand only.
    pub data: StageData,
    /// The jobs that need it.
    pub job_ids: BTreeSet<i32>,
    /// The stages whose output it reads.
    pub parent_ids: Vec<i32>,
    /// Tasks by locality.
    pub locality: BTreeMap<String, i64>,
    /// What each executor did for it, by executor id.
    pub executors: BTreeMap<String, ExecutorStageSummary>,
    /// Its speculative tasks, where there were any.
    pub speculation: Option<SpeculationStageSummary>,
}

/// A SQL execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SqlExecution {
    /// The execution's id.
    pub id: i64,
    /// The execution that started it, or itself.
    pub root_id: i64,
    /// A UUID for the query, from Spark 4.2 on.
    pub query_id: Option<String>,
    /// The query's text or call site.
    pub description: Option<String>,
    /// The long call site.
    pub details: Option<String>,
    /// The physical plan, as text.
    pub plan_text: Option<String>,
    /// Configuration that was changed for it.
    pub modified_configs: BTreeMap<String, String>,
    /// When it started.
    pub submission_time: i64,
    /// When it ended.
    pub completion_time: Option<i64>,
    /// Why it failed; empty where it is known to have succeeded.
    pub error_message: Option<String>,
    /// Its jobs and how they stand, in Spark's order.
    pub jobs: Vec<(i32, JobExecutionStatus)>,
    /// Its stages, in Spark's order.
    pub stages: Vec<i32>,
    /// All metrics that its plans ever named.
    pub metrics: Vec<SqlMetric>,
    /// The metrics' values as text, by accumulator id.
    pub metric_values: BTreeMap<i64, String>,
    /// The metrics' values as numbers, by accumulator id.
    pub metric_numbers: BTreeMap<i64, MetricValue>,
    /// The stages whose tasks reported each metric, by accumulator id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metric_stages: BTreeMap<i64, Vec<i32>>,
    /// The job group that it was started in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_group: Option<String>,
    /// The tags that its jobs have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub job_tags: Vec<String>,
    /// The plan's graph, as adaptive execution changed it last; absent where the log does not hold the start of the execution.
    pub graph: Option<PlanGraph>,
    /// The graph of the plan that it was started with, where adaptive execution has changed it since.
    pub initial_graph: Option<PlanGraph>,
}

impl SqlExecution {
    /// `RUNNING`, `COMPLETED` or `FAILED`.
    pub fn status(&self) -> &'static str {
        let a_job_failed = || self.jobs.iter().any(|(_, status)| *status == JobExecutionStatus::Failed);
        match (&self.error_message, self.completion_time) {
            (Some(message), _) if message.is_empty() => "COMPLETED",
            (Some(_), _) => "FAILED",
            (None, None) => "RUNNING",
            // Before Spark 3.4 the log does not tell how an execution ended.
            (None, Some(_)) if a_job_failed() => "FAILED",
            (None, Some(_)) => "COMPLETED",
        }
    }
}

/// An RDD as a stage's graph shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RddNode {
    /// The RDD's id.
    pub id: i32,
    /// Its name.
    pub name: Option<String>,
    /// The operation that made it: Spark's JSON of scope ids and names, innermost first.
    pub scope: Option<String>,
    /// Where in the program it was made.
    pub callsite: String,
    /// The RDDs that it is computed from.
    pub parent_ids: Vec<i32>,
    /// Whether it is kept in memory or on disk.
    pub is_cached: bool,
    /// Whether all its tasks run at once.
    pub is_barrier: bool,
    /// `DETERMINATE`, `UNORDERED` or `INDETERMINATE`.
    pub deterministic_level: String,
    /// Its partitions.
    pub num_partitions: i32,
}

/// A block that a stream receiver stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamBlock {
    /// The block's name.
    pub name: String,
    /// The executor that holds it.
    pub executor_id: String,
    /// Where that executor listened.
    pub host_port: String,
    /// How it is kept, in words.
    pub storage_level: String,
    /// Whether it is in memory.
    pub use_memory: bool,
    /// Whether it is on disk.
    pub use_disk: bool,
    /// Whether it is kept as objects.
    pub deserialized: bool,
    /// Bytes of memory.
    pub memory_size: i64,
    /// Bytes of disk.
    pub disk_size: i64,
}

impl Application {
    /// The job of this id.
    pub fn job(&self, id: i32) -> Option<&Job> {
        self.jobs.binary_search_by_key(&id, |job| job.data.job_id).ok().map(|at| &self.jobs[at])
    }

    /// All attempts of a stage.
    pub fn stage_attempts(&self, stage_id: i32) -> &[Stage] {
        let from = self.stages.partition_point(|stage| stage.data.stage_id < stage_id);
        let to = self.stages.partition_point(|stage| stage.data.stage_id <= stage_id);
        &self.stages[from..to]
    }

    /// One attempt of a stage.
    pub fn stage(&self, stage_id: i32, attempt_id: i32) -> Option<&Stage> {
        self.stage_attempts(stage_id).iter().find(|stage| stage.data.attempt_id == attempt_id)
    }

    /// The executor of this id.
    pub fn executor(&self, id: &str) -> Option<&ExecutorSummary> {
        self.executors.iter().find(|executor| executor.id == id)
    }

    /// The RDD of this id.
    pub fn rdd(&self, id: i32) -> Option<&RDDStorageInfo> {
        self.rdds.iter().find(|rdd| rdd.id == id)
    }

    /// The SQL execution of this id.
    pub fn sql_execution(&self, id: i64) -> Option<&SqlExecution> {
        self.sql.binary_search_by_key(&id, |execution| execution.id).ok().map(|at| &self.sql[at])
    }
}
