//! SQL executions.

use std::collections::BTreeMap;

use history_model::SqlExecution;
use history_model::plan::{PlanGraph, PlanNode};
use history_model::types::{Date, ExecutionData, JobExecutionStatus, Metric, Node};

use crate::redaction::Redaction;

const CODEGEN: &str = "WholeStageCodegen";

/// Milliseconds that an execution took, or has taken.
pub fn duration(execution: &SqlExecution, now: i64) -> i64 {
    execution.completion_time.unwrap_or(now).wrapping_sub(execution.submission_time)
}

/// An execution as the REST API shows it, with its plan's nodes and the plan's text where so asked; `None` where its plan is
/// unknown. `now` is the present, in milliseconds since the epoch. Of what was configured for it the driver has masked what it takes
/// for secret, and Spark's server shows the rest; here the server's own pattern counts, too.
pub fn execution_data(
    execution: &SqlExecution,
    redaction: &Redaction,
    details: bool,
    plan_text: bool,
    now: i64,
) -> Option<ExecutionData> {
    let graph = execution.graph.as_ref()?;
    let jobs = |wanted| execution.jobs.iter().filter(move |(_, status)| *status == wanted).map(|(id, _)| *id).collect();
    Some(ExecutionData {
        id: execution.id,
        status: execution.status().to_owned(),
        description: execution.description.clone(),
        plan_description: if plan_text { execution.plan_text.clone() } else { Some(String::new()) },
        submission_time: Date(execution.submission_time),
        duration: duration(execution, now),
        running_job_ids: jobs(JobExecutionStatus::Running),
        success_job_ids: jobs(JobExecutionStatus::Succeeded),
        failed_job_ids: jobs(JobExecutionStatus::Failed),
        nodes: if details { nodes(graph, &execution.metric_values) } else { Vec::new() },
        edges: if details { graph.edges.clone() } else { Vec::new() },
        query_id: execution.query_id.clone(),
        error_message: execution.error_message.clone(),
        root_execution_id: execution.root_id,
        modified_configs: modified_configs(execution, redaction),
    })
}

/// What was configured for an execution, secrets masked.
pub fn modified_configs(execution: &SqlExecution, redaction: &Redaction) -> BTreeMap<String, String> {
    let shown = |(name, value): (&String, &String)| (name.clone(), redaction.shown(name, value.clone()));
    execution.modified_configs.iter().map(shown).collect()
}

/// Blanks as Java's `trim` takes them off.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

fn nodes(graph: &PlanGraph, values: &BTreeMap<i64, String>) -> Vec<Node> {
    let stages = codegen_stages(graph);
    let mut nodes: Vec<_> = graph
        .all_nodes()
        .map(|node| Node {
            node_id: node.id,
            node_name: trim(&node.name).to_owned(),
            whole_stage_codegen_id: stages.get(&node.id).copied(),
            metrics: metrics(node, values),
            desc: node.description.clone(),
        })
        .collect();
    nodes.sort_by_key(|node| node.node_id);
    nodes.reverse();
    nodes
}

fn metrics(node: &PlanNode, values: &BTreeMap<i64, String>) -> Vec<Metric> {
    let shown = |metric: &history_model::plan::SqlMetric| {
        let value = values.get(&metric.accumulator_id)?;
        let value = value.strip_prefix('\n').unwrap_or(value);
        Some(Metric { name: trim(&metric.name).to_owned(), value: value.to_owned() })
    };
    node.metrics.iter().filter_map(shown).collect()
}

/// The number of the generated stage of each operator that is part of one.
fn codegen_stages(graph: &PlanGraph) -> BTreeMap<i64, i64> {
    let mut stages = BTreeMap::new();
    for node in &graph.nodes {
        let Some(members) = node.cluster.as_ref().filter(|_| trim(&node.name).starts_with(CODEGEN)) else { continue };
        let number = trim(&node.name).get(CODEGEN.len() + 2..).and_then(|rest| rest.get(..rest.len().checked_sub(1)?));
        for member in members {
            match number.and_then(|number| number.parse().ok()) {
                Some(number) => stages.insert(member.id, number),
                None => stages.remove(&member.id),
            };
        }
    }
    stages
}
