//! SQL executions.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use foldhash::{HashMap, HashMapExt};

use crate::event::core::{JobEnd, JobStart, property};
use crate::event::heartbeat::TaskProgress;
use crate::event::sql::{AdaptiveUpdate, DriverUpdates, ExecutionEnd, ExecutionStart, MetricUpdates};
use crate::event::task::Update;
use history_model::SqlExecution;
use history_model::order::immutable_order;
use history_model::plan::{PlanGraph, SqlMetric};
use history_model::types::JobExecutionStatus;

use crate::live::{Kept, StageKey};
use crate::plan::graph;
use crate::sql_metrics::{Aggregate, Kind, Kinds, Measured, StageMetrics};

/// The SQL executions of an application.
#[derive(Clone, Debug, Default)]
pub(crate) struct Executions {
    live: BTreeMap<i64, LiveExecution>,
    stored: BTreeMap<i64, SqlExecution>,
    graphs: BTreeMap<i64, PlanGraph>,
    /// Graphs of plans that adaptive execution has changed since.
    initial_graphs: BTreeMap<i64, PlanGraph>,
    /// Bytes of memory that what is stored and the graphs take, about.
    held_bytes: usize,
    /// What the tasks of each stage reported.
    stages: HashMap<i32, StageMetrics>,
    /// How many live executions each stage belongs to.
    owners: HashMap<i32, u32>,
    /// Which metrics there are in each execution, by its `kinds`.
    kinds: Vec<Kinds>,
    /// Places among `kinds` that are for another.
    free_kinds: Vec<usize>,
    /// The live executions that each job belongs to.
    of_job: HashMap<i32, BTreeSet<i64>>,
    /// How many [`StageMetrics`] there have been.
    generations: u32,
    /// What is written down, where that is limited.
    kept: Option<Kept<i64>>,
}

/// An execution that has not ended, or has jobs that have not.
#[derive(Clone, Debug, Default)]
struct LiveExecution {
    data: SqlExecution,
    driver_updates: Vec<Update>,
    values: Option<Measured>,
    end_events: usize,
    kinds: usize,
    /// Where in `data` each job stands.
    job_places: HashMap<i32, usize>,
    /// The stages in `data`.
    stages: HashSet<i32>,
    /// Whether it was written down before.
    is_written: bool,
}

impl LiveExecution {
    fn add_metrics(&mut self, metrics: Vec<SqlMetric>, kinds: &mut [Kinds]) {
        for metric in &metrics {
            kinds[self.kinds].insert(metric.accumulator_id, Kind::of(&metric.metric_type));
        }
        self.data.metrics.extend(metrics);
    }

    fn is_over(&self) -> bool {
        self.end_events > self.data.jobs.len()
    }

    fn set_job(&mut self, job: i32, status: JobExecutionStatus) {
        match self.job_places.get(&job) {
            Some(at) => self.data.jobs[*at].1 = status,
            None => {
                self.job_places.insert(job, self.data.jobs.len());
                self.data.jobs.push((job, status));
            }
        }
    }

    fn written(&self) -> SqlExecution {
        let mut data = self.data.clone();
        let Measured { texts, numbers, stages } = self.values.clone().unwrap_or_default();
        (data.metric_values, data.metric_numbers, data.metric_stages) = (texts, numbers, stages);
        data
    }
}

/// The metrics of a plan, each accumulator once: the last node that has it names it.
fn plan_metrics(graph: &PlanGraph) -> Vec<SqlMetric> {
    let mut metrics: Vec<SqlMetric> = Vec::new();
    let mut places: HashMap<i64, usize> = HashMap::new();
    for metric in graph.all_nodes().flat_map(|node| &node.metrics) {
        match places.get(&metric.accumulator_id) {
            Some(at) => metrics[*at] = metric.clone(),
            None => {
                places.insert(metric.accumulator_id, metrics.len());
                metrics.push(metric.clone());
            }
        }
    }
    metrics
}

impl Executions {
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self { kept: limit.map(Kept::new), ..Self::default() }
    }

    /// Bytes of memory that all this takes, about.
    pub(crate) fn size_bytes(&self) -> usize {
        let metrics: usize = self.stages.values().map(StageMetrics::size_bytes).sum();
        let kinds: usize = self.kinds.iter().map(|kinds| kinds.capacity() * 24).sum();
        let live: usize = self.live.values().map(|live| live.data.size_bytes() + live.driver_updates.len() * 16).sum();
        metrics + kinds + live + self.held_bytes
    }

    /// The log has been read: nothing goes any more.
    pub(crate) fn end_retention(&mut self) {
        self.kept = None;
    }

    /// Writes a live execution down. The first time, those go that ended first and are too many.
    fn write(&mut self, id: i64) {
        let Some(execution) = self.live.get_mut(&id) else { return };
        let first = !std::mem::replace(&mut execution.is_written, true);
        // While it lives it is written again: only that it is there matters so far.
        if execution.is_over() {
            let written = execution.written();
            self.held_bytes += written.size_bytes();
            if let Some(before) = self.stored.insert(id, written) {
                self.held_bytes = self.held_bytes.saturating_sub(before.size_bytes());
            }
        }
        let ended = execution.data.completion_time.filter(|time| *time >= 0);
        let Some(kept) = &mut self.kept else { return };
        kept.write(id, ended);
        if first {
            for id in kept.take(kept.over()) {
                let gone = self.stored.remove(&id).map_or(0, |execution| execution.size_bytes());
                let graphs = [self.graphs.remove(&id), self.initial_graphs.remove(&id)];
                let graphs: usize = graphs.iter().flatten().map(PlanGraph::size_bytes).sum();
                self.held_bytes = self.held_bytes.saturating_sub(gone + graphs);
            }
        }
    }

    fn execution(&mut self, id: i64) -> &mut LiveExecution {
        let (all, free) = (&mut self.kinds, &mut self.free_kinds);
        self.live.entry(id).or_insert_with(|| {
            let kinds = free.pop().unwrap_or_else(|| {
                all.push(Kinds::default());
                all.len() - 1
            });
            let data = SqlExecution { id, submission_time: -1, ..SqlExecution::default() };
            LiveExecution { data, kinds, ..LiveExecution::default() }
        })
    }

    fn add_metrics(&mut self, id: i64, metrics: Vec<SqlMetric>) {
        self.execution(id);
        if let Some(execution) = self.live.get_mut(&id) {
            execution.add_metrics(metrics, &mut self.kinds);
        }
    }

    fn set_graph(&mut self, id: i64, graph: PlanGraph) {
        self.held_bytes += graph.size_bytes();
        if let Some(before) = self.graphs.insert(id, graph) {
            self.held_bytes = self.held_bytes.saturating_sub(before.size_bytes());
        }
    }

    pub(crate) fn start(&mut self, event: ExecutionStart) {
        let Some(graph) = graph(&event.plan) else { return };
        let metrics = plan_metrics(&graph);
        self.set_graph(event.id, graph);
        self.add_metrics(event.id, metrics);
        let data = &mut self.execution(event.id).data;
        data.root_id = event.root_id.unwrap_or(event.id);
        data.query_id = event.query_id;
        data.description = event.description;
        data.details = event.details;
        data.plan_text = event.plan_text;
        data.modified_configs = event.modified_configs;
        data.job_group = event.job_group;
        data.job_tags = event.job_tags;
        data.submission_time = event.time;
        self.update(event.id);
    }

    pub(crate) fn adaptive_update(&mut self, event: AdaptiveUpdate) {
        let Some(graph) = graph(&event.plan) else { return };
        let metrics = plan_metrics(&graph);
        self.held_bytes += graph.size_bytes();
        if let Some(before) = self.graphs.insert(event.id, graph) {
            match self.initial_graphs.entry(event.id) {
                Entry::Vacant(initial) => {
                    initial.insert(before);
                }
                Entry::Occupied(_) => self.held_bytes = self.held_bytes.saturating_sub(before.size_bytes()),
            }
        }
        self.add_metrics(event.id, metrics);
        self.execution(event.id).data.plan_text = event.plan_text;
        self.update(event.id);
    }

    pub(crate) fn metric_updates(&mut self, event: MetricUpdates) {
        self.add_metrics(event.execution_id.0, event.sql_plan_metrics);
        self.update(event.execution_id.0);
    }

    pub(crate) fn driver_updates(&mut self, event: DriverUpdates) {
        if let Some(execution) = self.live.get_mut(&event.execution_id.0) {
            let updates = event.accum_updates.iter().map(|(id, value)| Update { id: id.0, value: value.0 });
            execution.driver_updates.extend(updates);
            self.update(event.execution_id.0);
        }
    }

    pub(crate) fn end(&mut self, event: ExecutionEnd) {
        let id = event.execution_id.0;
        let Some(execution) = self.live.get_mut(&id) else { return };
        execution.data.completion_time = Some(event.time.0);
        execution.data.error_message = event.error_message;
        self.update(id);
        let values = self.aggregate(id);
        self.forget_stages(id);
        let Some(execution) = self.live.get_mut(&id) else { return };
        execution.values = values;
        execution.end_events += 1;
        self.update_in_any_case(id);
    }

    pub(crate) fn job_start(&mut self, event: &JobStart) {
        let id = property(event.properties.as_ref(), "spark.sql.execution.id");
        let Some(Ok(id)) = id.map(str::parse::<i64>) else { return };
        if !self.live.contains_key(&id) {
            self.revive(id);
        }
        let kinds = self.execution(id).kinds;
        let named = event.stage_ids.iter().map(|id| (id.as_i32(), 0));
        let stages: Vec<_> = match &event.stages {
            Some(infos) => infos.iter().map(|info| (info.id.as_i32(), info.num_tasks.as_i32())).collect(),
            None => named.collect(),
        };
        if !self.kinds[kinds].is_empty() {
            for (stage, num_tasks) in &stages {
                self.generations += 1;
                self.stages.insert(*stage, StageMetrics::new((*stage, 0), *num_tasks, kinds, self.generations));
            }
        }
        self.of_job.entry(event.id.as_i32()).or_default().insert(id);
        let execution = self.execution(id);
        execution.set_job(event.id.as_i32(), JobExecutionStatus::Running);
        let mut new: Vec<_> = stages.iter().map(|(stage, _)| *stage).collect();
        new.retain(|stage| execution.stages.insert(*stage));
        execution.data.stages.extend(&new);
        for stage in new {
            *self.owners.entry(stage).or_default() += 1;
        }
        self.update_in_any_case(id);
    }

    /// An execution that had ended gets another job: as in Spark, its driver metrics and its error are forgotten.
    fn revive(&mut self, id: i64) {
        let Some(stored) = self.stored.get(&id).cloned() else { return };
        let SqlExecution { metrics, metric_values: texts, metric_numbers: numbers, metric_stages: stages, .. } =
            stored.clone();
        let measured = Measured { texts, numbers, stages };
        let execution = self.execution(id);
        execution.data = SqlExecution { metrics: Vec::new(), error_message: None, ..stored };
        execution.values = Some(measured);
        execution.end_events = execution.data.jobs.len() + 1;
        let stages = execution.data.stages.clone();
        execution.stages = stages.iter().copied().collect();
        let jobs: Vec<_> = execution.data.jobs.iter().map(|(job, _)| *job).collect();
        execution.job_places = jobs.iter().enumerate().map(|(at, job)| (*job, at)).collect();
        for job in jobs {
            self.of_job.entry(job).or_default().insert(id);
        }
        self.add_metrics(id, metrics);
        for stage in stages {
            *self.owners.entry(stage).or_default() += 1;
        }
    }

    pub(crate) fn job_end(&mut self, event: &JobEnd) {
        let job = event.id.as_i32();
        let succeeded = event.result.result == "JobSucceeded";
        let status = if succeeded { JobExecutionStatus::Succeeded } else { JobExecutionStatus::Failed };
        for id in self.of_job.get(&job).cloned().unwrap_or_default() {
            if let Some(execution) = self.live.get_mut(&id) {
                execution.set_job(job, status);
                execution.end_events += 1;
            }
            self.update(id);
        }
    }

    pub(crate) fn stage_submitted(&mut self, (stage, attempt): StageKey) {
        if !self.owners.contains_key(&stage) {
            return;
        }
        if let Some(metrics) = self.stages.get_mut(&stage).filter(|metrics| metrics.key.1 != attempt) {
            self.generations += 1;
            *metrics = StageMetrics::new((stage, attempt), metrics.num_tasks, metrics.kinds, self.generations);
        }
    }

    /// Which metrics a task that is started now counts for, as a number; 0 for none.
    pub(crate) fn task_start(&self, stage: StageKey) -> u32 {
        self.stages.get(&stage.0).filter(|metrics| metrics.key == stage).map_or(0, |metrics| metrics.generation)
    }

    /// What a heartbeat says of a task; `live` is the place and the generation of one that has not ended.
    pub(crate) fn task_progress(&mut self, task: &TaskProgress, live: Option<(i32, u32)>) {
        let Some(metrics) = self.stages.get_mut(&task.stage.0).filter(|metrics| metrics.key == task.stage) else {
            return;
        };
        let index = live.filter(|(_, generation)| *generation == metrics.generation).map(|(index, _)| index);
        metrics.progress(&self.kinds[metrics.kinds], task.task_id, index, &task.updates);
    }

    pub(crate) fn task_end(&mut self, stage: StageKey, task_id: i64, index: i32, updates: &[Update], succeeded: bool) {
        if !self.owners.contains_key(&stage.0) {
            return;
        }
        if let Some(metrics) = self.stages.get_mut(&stage.0).filter(|metrics| metrics.key == stage) {
            metrics.task_end(&self.kinds[metrics.kinds], task_id, index, updates, succeeded);
        }
    }

    /// Writes an execution down: once, for it may go at once and is not to come back.
    fn update_in_any_case(&mut self, id: i64) {
        if self.live.get(&id).is_some_and(LiveExecution::is_over) {
            self.update(id);
        } else {
            self.write(id);
        }
    }

    /// Writes an execution down for good when nothing more can come.
    fn update(&mut self, id: i64) {
        if !self.live.get(&id).is_some_and(LiveExecution::is_over) {
            return;
        }
        self.write(id);
        self.forget_stages(id);
        let Some(execution) = self.live.remove(&id) else { return };
        for (job, _) in &execution.data.jobs {
            if let Some(executions) = self.of_job.get_mut(job) {
                executions.remove(&id);
                if executions.is_empty() {
                    self.of_job.remove(job);
                }
            }
        }
        for stage in &execution.data.stages {
            if let Some(owners) = self.owners.get_mut(stage) {
                *owners -= 1;
                if *owners == 0 {
                    self.owners.remove(stage);
                }
            }
        }
        // A stage may be another execution's, too.
        let mut left = execution.data.stages.iter().filter_map(|stage| self.stages.get(stage));
        if left.all(|metrics| metrics.kinds != execution.kinds) {
            self.kinds[execution.kinds] = Kinds::default();
            self.free_kinds.push(execution.kinds);
        }
    }

    /// Drops what tasks reported for stages that no other live execution has.
    fn forget_stages(&mut self, id: i64) {
        for stage in self.live.get(&id).into_iter().flat_map(|execution| &execution.data.stages) {
            if self.owners.get(stage).is_none_or(|owners| *owners <= 1) {
                self.stages.remove(stage);
            }
        }
    }

    fn aggregate(&self, id: i64) -> Option<Measured> {
        let execution = self.live.get(&id)?;
        if execution.values.is_some() {
            return execution.values.clone();
        }
        let hashes = &execution.data.stages;
        let stages = immutable_order(hashes).into_iter().filter_map(|at| self.stages.get(&hashes[at]));
        Some(Aggregate::new(&execution.data.metrics, stages).values(&execution.driver_updates))
    }

    pub(crate) fn finish(&mut self) {
        let ids: Vec<_> = self.live.keys().copied().collect();
        for id in ids {
            let values = self.aggregate(id);
            if let Some(execution) = self.live.get_mut(&id) {
                execution.values = values;
                self.stored.insert(id, execution.written());
            }
            self.write(id);
        }
    }

    /// How much there is of each thing that is kept.
    #[cfg(test)]
    pub(crate) fn sizes(&self) -> [usize; 6] {
        let (last, initial) = (self.graphs.len(), self.initial_graphs.len());
        [self.live.len(), self.stored.len(), last, initial, self.stages.len(), self.kinds.len()]
    }

    pub(crate) fn into_executions(mut self) -> Vec<SqlExecution> {
        let mut executions: Vec<_> = self.stored.into_values().collect();
        for execution in &mut executions {
            execution.graph = self.graphs.remove(&execution.id);
            let initial = self.initial_graphs.remove(&execution.id);
            execution.initial_graph = initial.filter(|initial| Some(initial) != execution.graph.as_ref());
            let ids: Vec<_> = execution.jobs.iter().map(|(id, _)| *id).collect();
            execution.jobs = immutable_order(&ids).into_iter().map(|at| execution.jobs[at]).collect();
        }
        executions
    }
}
