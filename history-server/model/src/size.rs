//! About how much memory a model takes: columns and texts exactly, the rest by what such things take on average.

use crate::application::{Application, Job, RddNode, SqlExecution, Stage};
use crate::other_events::OtherEvent;
use crate::plan::{PlanGraph, PlanNode, SqlMetric};
use crate::timeline::ExecutorEvent;
use crate::types::ApplicationEnvironmentInfo;

/// What is held of each besides its texts, in bytes.
const EXECUTOR: usize = 3072;
const EXECUTOR_OF_STAGE: usize = 1024;
const PARTITION: usize = 400;
const STREAMING_QUERY: usize = 4096;
const NUMBERS_OF_METRIC: usize = 96;

/// What a text takes, with what holds it.
fn text(text: &str) -> usize {
    text.len() + 48
}

fn some_text(some: Option<&String>) -> usize {
    some.map_or(0, |some| text(some))
}

impl Application {
    /// Bytes of memory that it takes, about.
    pub fn size_bytes(&self) -> u64 {
        let tables = self.tasks.stages.values();
        let tasks: usize = tables.map(|table| table.size_bytes() + table.accumulables.len() * 96).sum();
        let sql: usize = self.sql.iter().map(SqlExecution::size_bytes).sum();
        let graphs: usize = self.rdd_graphs.values().flatten().map(RddNode::size_bytes).sum();
        let partitions: usize = self.rdds.iter().flat_map(|rdd| &rdd.partitions).map(Vec::len).sum();
        let environment: usize = self.environment.iter().map(ApplicationEnvironmentInfo::size_bytes).sum();
        let stages: usize = self.stages.iter().map(Stage::size_bytes).sum();
        let jobs: usize = self.jobs.iter().map(Job::size_bytes).sum();
        let events: usize = self.executor_events.iter().map(ExecutorEvent::size_bytes).sum();
        let others: usize = self.other_events.iter().map(OtherEvent::size_bytes).sum();
        let peaks: usize = self.tasks.peaks.values().map(|peaks| peaks.size_bytes()).sum();
        let rest = events
            + others
            + peaks
            + self.executors.len() * EXECUTOR
            + self.rdds.len() * EXECUTOR
            + partitions * PARTITION;
        let queries = self.streaming.iter().map(|query| STREAMING_QUERY + query.progress.size_bytes());
        let services = queries.sum::<usize>() + self.connect.size_bytes() + self.thrift.size_bytes();
        let all =
            tasks + self.tasks.strings.size_bytes() + sql + graphs + environment + stages + jobs + rest + services;
        (all + 64 * 1024) as u64
    }
}

impl ApplicationEnvironmentInfo {
    fn size_bytes(&self) -> usize {
        let Self { spark_properties, hadoop_properties, system_properties, .. } = self;
        let all = [spark_properties, hadoop_properties, system_properties];
        let all = all.into_iter().chain([&self.metrics_properties, &self.classpath_entries]).flatten();
        all.map(|(name, value)| text(name) + text(value)).sum()
    }
}

impl Job {
    /// Bytes of memory that it takes, about.
    pub fn size_bytes(&self) -> usize {
        let data = &self.data;
        768 + text(&data.name)
            + some_text(data.description.as_ref())
            + (data.stage_ids.len() + self.skipped_stages.len()) * 16
    }
}

impl Stage {
    /// Bytes of memory that it takes, about.
    pub fn size_bytes(&self) -> usize {
        let data = &self.data;
        let texts = text(&data.details) + some_text(data.name.as_ref()) + some_text(data.description.as_ref());
        let lists = (data.rdd_ids.len() + self.job_ids.len()) * 16 + data.accumulator_updates.len() * 192;
        3072 + texts + lists + self.executors.len() * EXECUTOR_OF_STAGE
    }
}

impl RddNode {
    /// Bytes of memory that it takes, about.
    pub fn size_bytes(&self) -> usize {
        let texts = some_text(self.name.as_ref()) + some_text(self.scope.as_ref());
        192 + texts + text(&self.callsite) + text(&self.deterministic_level) + self.parent_ids.len() * 4
    }
}

impl SqlExecution {
    /// Bytes of memory that it takes, about.
    pub fn size_bytes(&self) -> usize {
        let metrics: usize = self.metrics.iter().map(SqlMetric::size_bytes).sum();
        let values: usize = self.metric_values.values().map(|value| 24 + text(value)).sum();
        let configs: usize = self.modified_configs.iter().map(|(name, value)| 32 + text(name) + text(value)).sum();
        let said = [&self.plan_text, &self.description, &self.details, &self.error_message];
        let said: usize = said.into_iter().map(|said| some_text(said.as_ref())).sum();
        let graph: usize = self.graph.iter().chain(&self.initial_graph).map(PlanGraph::size_bytes).sum();
        let numbers = self.metric_numbers.len() * NUMBERS_OF_METRIC;
        let stages: usize = self.metric_stages.values().map(|stages| 48 + stages.len() * 4).sum();
        1024 + graph + numbers + stages + metrics + values + configs + said + (self.jobs.len() + self.stages.len()) * 8
    }
}

impl PlanGraph {
    /// Bytes of memory that it takes, about.
    pub fn size_bytes(&self) -> usize {
        self.all_nodes().map(PlanNode::size_bytes).sum::<usize>() + self.edges.len() * 16
    }
}

impl PlanNode {
    fn size_bytes(&self) -> usize {
        let metrics: usize = self.metrics.iter().map(SqlMetric::size_bytes).sum();
        let metadata: usize = self.metadata.iter().map(|(name, value)| 32 + text(name) + text(value)).sum();
        128 + text(&self.name) + text(&self.description) + metrics + metadata
    }
}

impl SqlMetric {
    fn size_bytes(&self) -> usize {
        16 + text(&self.name) + text(&self.metric_type)
    }
}
