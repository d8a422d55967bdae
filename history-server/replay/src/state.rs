//! What the events so far amount to.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt};
use history_model::tasks::TaskTables;
use history_model::timeline::ExecutorEvent;
use history_model::types::{
    ApplicationEnvironmentInfo, ExecutorStageSummary, ExecutorSummary, ProcessSummary, ResourceProfileInfo,
    SpeculationStageSummary,
};
use history_model::{Attempt, Job, RddNode, Stage, StreamBlock};

use crate::cpus::Cpus;
use crate::live::{LiveExecutor, LiveJobs, LiveRdd, LiveStage, LiveTask, Retention, StageKey};
use crate::other_events::OtherEvents;
use crate::settings::Settings;
use crate::{services, sql};

/// What the events so far amount to. As in Spark, what is alive changes with every event, and is written down when it ends.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) retention: Retention,
    pub(crate) spark_version: String,
    pub(crate) attempt: Option<Attempt>,
    pub(crate) environment: Option<ApplicationEnvironmentInfo>,
    pub(crate) cpus_per_task: Cpus,
    pub(crate) profiles: BTreeMap<i32, ResourceProfileInfo>,
    pub(crate) processes: BTreeMap<String, ProcessSummary>,
    pub(crate) tables: TaskTables,
    pub(crate) live_tasks: HashMap<i64, LiveTask>,
    pub(crate) live_stages: HashMap<StageKey, LiveStage>,
    pub(crate) stages: BTreeMap<StageKey, Stage>,
    pub(crate) stage_executors: BTreeMap<StageKey, BTreeMap<String, ExecutorStageSummary>>,
    pub(crate) speculation: BTreeMap<StageKey, SpeculationStageSummary>,
    /// Jobs that run, with their place among `all_jobs`.
    pub(crate) live_jobs: BTreeMap<i32, usize>,
    pub(crate) all_jobs: LiveJobs,
    pub(crate) jobs: BTreeMap<i32, Job>,
    /// By code of the executor's id.
    pub(crate) live_executors: HashMap<u32, LiveExecutor>,
    pub(crate) dead_executors: HashMap<u32, LiveExecutor>,
    /// When each of them went, with its code.
    pub(crate) deaths: BTreeSet<(i64, u32)>,
    pub(crate) executors: BTreeMap<String, ExecutorSummary>,
    pub(crate) executor_events: Vec<ExecutorEvent>,
    pub(crate) rdds: BTreeMap<i32, LiveRdd>,
    /// The RDDs that have had blocks on an executor, by its code.
    pub(crate) cached_on: HashMap<u32, BTreeSet<i32>>,
    pub(crate) stream_blocks: BTreeMap<(String, String), StreamBlock>,
    pub(crate) rdd_graphs: BTreeMap<i32, Vec<RddNode>>,
    pub(crate) other_events: OtherEvents,
    pub(crate) sql: sql::Executions,
    pub(crate) services: services::Services,
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            retention: Retention::new(settings),
            spark_version: String::new(),
            attempt: None,
            environment: None,
            cpus_per_task: Cpus::ONE,
            profiles: BTreeMap::new(),
            processes: BTreeMap::new(),
            tables: TaskTables::default(),
            live_tasks: HashMap::new(),
            live_stages: HashMap::new(),
            stages: BTreeMap::new(),
            stage_executors: BTreeMap::new(),
            speculation: BTreeMap::new(),
            live_jobs: BTreeMap::new(),
            all_jobs: LiveJobs::default(),
            jobs: BTreeMap::new(),
            live_executors: HashMap::new(),
            dead_executors: HashMap::new(),
            deaths: BTreeSet::new(),
            executors: BTreeMap::new(),
            executor_events: Vec::new(),
            other_events: OtherEvents::default(),
            rdds: BTreeMap::new(),
            cached_on: HashMap::new(),
            stream_blocks: BTreeMap::new(),
            rdd_graphs: BTreeMap::new(),
            services: services::Services::new(settings),
            sql: sql::Executions::new(settings.retained_executions),
        }
    }
}
