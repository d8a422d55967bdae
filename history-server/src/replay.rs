//! Events to a model, in the way of Spark's own listeners.
//!
//! [`Replay::feed`] takes the bytes of a log as they come, [`Replay::snapshot`] tells what they amount to so far. How the bytes are
//! split makes no difference. Nothing here reads files or waits.

mod application;
mod connect;
mod cpus;
mod entries;
mod executors;
mod heartbeat;
mod jobs;
mod parallel;
mod plan;
mod retention;
mod services;
mod settings;
mod sql;
mod sql_metrics;
mod stages;
mod storage;
mod streaming;
mod tasks;
#[cfg(test)]
mod tests;
mod thrift;

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};

use crate::api::v1::types::{
    ApplicationEnvironmentInfo, ExecutorStageSummary, ExecutorSummary, ProcessSummary, ResourceProfileInfo,
    SpeculationStageSummary,
};
use crate::event::{Batch, Event};
use crate::model::problems::Problems;
use crate::model::tasks::TaskTables;
use crate::model::{Application, Attempt, Job, RddNode, Stage, StreamBlock};
pub use settings::Settings;

/// Stage and attempt.
type StageKey = (i32, i32);

/// A log that is being read.
#[derive(Clone, Debug)]
pub struct Replay {
    settings: Settings,
    /// The beginning of a line whose end has not come yet.
    carry: Vec<u8>,
    /// Whether the rest of an over-long line is being left out.
    skipping: bool,
    /// Lines read so far.
    lines: u64,
    problems: Problems,
    state: State,
}

/// What the events so far amount to. As in Spark, what is alive changes with every event, and is written down when it ends.
#[derive(Clone, Debug)]
struct State {
    retention: retention::Retention,
    spark_version: String,
    attempt: Option<Attempt>,
    environment: Option<ApplicationEnvironmentInfo>,
    cpus_per_task: cpus::Cpus,
    profiles: BTreeMap<i32, ResourceProfileInfo>,
    processes: BTreeMap<String, ProcessSummary>,
    tables: TaskTables,
    live_tasks: HashMap<i64, tasks::LiveTask>,
    live_stages: HashMap<StageKey, stages::LiveStage>,
    stages: BTreeMap<StageKey, Stage>,
    stage_executors: BTreeMap<StageKey, BTreeMap<String, ExecutorStageSummary>>,
    speculation: BTreeMap<StageKey, SpeculationStageSummary>,
    /// Jobs that run, with their place among `all_jobs`.
    live_jobs: BTreeMap<i32, usize>,
    all_jobs: jobs::LiveJobs,
    jobs: BTreeMap<i32, Job>,
    /// By code of the executor's id.
    live_executors: HashMap<u32, executors::LiveExecutor>,
    dead_executors: HashMap<u32, executors::LiveExecutor>,
    executors: BTreeMap<String, ExecutorSummary>,
    rdds: BTreeMap<i32, storage::LiveRdd>,
    stream_blocks: BTreeMap<(String, String), StreamBlock>,
    rdd_graphs: BTreeMap<i32, Vec<RddNode>>,
    sql: sql::Executions,
    services: services::Services,
}

impl Replay {
    /// The beginning of a log.
    pub fn new(settings: Settings) -> Self {
        let state = State::new(&settings);
        Self { settings, carry: Vec::new(), skipping: false, lines: 0, problems: Problems::default(), state }
    }

    /// Takes the next bytes of the log, which may end anywhere. Large pieces are read on several threads.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if !self.carry.is_empty() || self.skipping {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                return self.keep(rest);
            };
            self.keep(&rest[..end]);
            rest = &rest[end + 1..];
            self.end_of_carried_line();
        }
        let Some(end) = memchr::memrchr(b'\n', rest) else {
            return self.keep(rest);
        };
        self.lines(&rest[..=end]);
        self.keep(&rest[end + 1..]);
    }

    /// Keeps the beginning of a line, unless it gets too long.
    fn keep(&mut self, bytes: &[u8]) {
        if self.skipping {
            return;
        }
        if self.carry.len() + bytes.len() > self.settings.max_line_bytes {
            self.carry = Vec::new();
            self.skipping = true;
        } else {
            self.carry.extend_from_slice(bytes);
        }
    }

    fn end_of_carried_line(&mut self) {
        if std::mem::take(&mut self.skipping) {
            self.lines += 1;
            self.problems.long_lines += 1;
            return;
        }
        let carry = std::mem::take(&mut self.carry);
        let batch = Batch::read(&carry, self.settings.max_line_bytes);
        self.apply(batch);
    }

    /// Takes whole lines.
    fn lines(&mut self, bytes: &[u8]) {
        if self.settings.threads > 1 && bytes.len() > parallel::PIECE_BYTES * 2 {
            return self.lines_in_parallel(bytes);
        }
        for piece in parallel::pieces(bytes) {
            let batch = Batch::read(piece, self.settings.max_line_bytes);
            self.apply(batch);
        }
    }

    fn apply(&mut self, batch: Batch<'_>) {
        let Batch { events, task_ends, updates, lines, long_lines, bad_lines } = batch;
        self.problems.long_lines += long_lines;
        bad_lines.iter().for_each(|line| self.problems.bad_line(self.lines + line));
        self.lines += lines;
        for event in events {
            match event {
                Event::TaskEnd(at) => {
                    let end = &task_ends[at];
                    self.state.task_end(end, &updates[end.info.updates.clone()]);
                }
                Event::Unknown(name) => self.problems.unknown_event(&name),
                other => self.state.apply(other),
            }
        }
    }

    /// What could not be read so far.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// The application as the log tells it so far. `last_updated` is when the log last changed, in milliseconds since the epoch: until
    /// then tasks without an end have run. More may be fed afterwards.
    pub fn snapshot(&self, last_updated: i64) -> Application {
        self.clone().finish(last_updated)
    }

    /// The application as the whole log tells it; see [`Replay::snapshot`].
    pub fn finish(mut self, last_updated: i64) -> Application {
        if self.skipping {
            self.problems.long_lines += 1;
        } else if !self.carry.is_empty() {
            let carry = std::mem::take(&mut self.carry);
            let batch = Batch::read(&carry, self.settings.max_line_bytes);
            if batch.bad_lines.is_empty() {
                self.apply(batch);
            } else {
                self.problems.truncated = true;
            }
        }
        let mut application = self.state.finish(last_updated);
        application.problems = self.problems;
        application
    }
}

impl State {
    fn new(settings: &Settings) -> Self {
        Self {
            retention: retention::Retention::new(settings),
            spark_version: String::new(),
            attempt: None,
            environment: None,
            cpus_per_task: cpus::Cpus::ONE,
            profiles: BTreeMap::new(),
            processes: BTreeMap::new(),
            tables: TaskTables::default(),
            live_tasks: HashMap::new(),
            live_stages: HashMap::new(),
            stages: BTreeMap::new(),
            stage_executors: BTreeMap::new(),
            speculation: BTreeMap::new(),
            live_jobs: BTreeMap::new(),
            all_jobs: jobs::LiveJobs::default(),
            jobs: BTreeMap::new(),
            live_executors: HashMap::new(),
            dead_executors: HashMap::new(),
            executors: BTreeMap::new(),
            rdds: BTreeMap::new(),
            stream_blocks: BTreeMap::new(),
            rdd_graphs: BTreeMap::new(),
            services: services::Services::new(settings),
            sql: sql::Executions::new(settings.retained_executions),
        }
    }

    fn apply(&mut self, event: Event<'_>) {
        match event {
            Event::LogStart(event) => self.spark_version = event.spark_version.unwrap_or_default(),
            Event::ApplicationStart(event) => self.application_start(event),
            Event::ApplicationEnd(event) => self.application_end(event.time.0),
            Event::EnvironmentUpdate(event) => self.environment_update(*event),
            Event::ResourceProfileAdded(event) => self.resource_profile_added(event),
            Event::MiscellaneousProcessAdded(event) => self.process_added(event),
            Event::JobStart(event) => {
                self.sql.job_start(&event);
                self.services.job_start(&event);
                self.job_start(*event);
            }
            Event::JobEnd(event) => {
                self.job_end(&event);
                self.sql.job_end(&event);
            }
            Event::StageSubmitted(event) => {
                self.sql.stage_submitted(event.info.key());
                self.stage_submitted(*event);
            }
            Event::StageCompleted(event) => self.stage_completed(event.info),
            Event::TaskStart(event) => self.task_start(&event),
            Event::ExecutorAdded(event) => self.executor_added(*event),
            Event::ExecutorRemoved(event) => self.executor_removed(event),
            Event::BlockManagerAdded(event) => self.block_manager_added(&event),
            Event::UnpersistRdd(event) => self.unpersist_rdd(event.rdd_id.as_i32()),
            Event::ExecutorMetricsUpdate(event) => self.heartbeat(&event),
            Event::StageExecutorMetrics(event) => self.stage_executor_metrics(&event),
            Event::BlockUpdated(event) => self.block_updated(&event.info),
            Event::ExecutorExcluded { executor_id, excluded } => self.executor_excluded(&executor_id, excluded),
            Event::NodeExcluded { host, excluded } => self.node_excluded(&host, excluded),
            Event::ExecutorExcludedForStage { executor_id, stage } => {
                self.executor_excluded_for_stage(&executor_id, stage)
            }
            Event::NodeExcludedForStage { host, stage } => self.node_excluded_for_stage(&host, stage),
            Event::SqlStart(event) => {
                self.services.sql_start(&event);
                self.sql.start(*event);
            }
            Event::SqlEnd(event) => self.sql.end(event),
            Event::SqlAdaptiveUpdate(event) => self.sql.adaptive_update(*event),
            Event::SqlMetricUpdates(event) => self.sql.metric_updates(event),
            Event::SqlDriverUpdates(event) => self.sql.driver_updates(event),
            Event::Streaming(event) => self.services.streaming.apply(*event),
            Event::Connect(event) => self.services.connect.apply(event),
            Event::Thrift(event) => self.services.thrift.apply(event),
            Event::TaskEnd(_) | Event::Unknown(_) => {}
        }
    }
}
