//! SQL executions, their plans and what those counted.

use std::collections::BTreeMap;

use super::super::sheet::{Owner, Sheet};
use crate::redaction::Redaction;
use history_model::plan::{MetricTask, MetricValue, PlanGraph, PlanNode, SqlMetric};
use history_model::types::SparkPlanGraphEdge;
use history_model::{Application, SqlExecution};

/// An execution, and what was configured for it as it may be shown.
pub(in super::super) struct ExecutionRow<'a> {
    sql: &'a SqlExecution,
    modified_configs: BTreeMap<String, String>,
}

pub(super) fn executions<'a>(model: &'a Application, redaction: &Redaction) -> Vec<ExecutionRow<'a>> {
    let shown = |(name, value): (&String, &String)| (name.clone(), redaction.shown(name, value.clone()));
    let row = |sql: &'a SqlExecution| ExecutionRow {
        sql,
        modified_configs: sql.modified_configs.iter().map(shown).collect(),
    };
    model.sql.iter().map(row).collect()
}

pub(super) fn sql_executions<'a>(owner: &Owner<'a>, rows: &'a [ExecutionRow<'a>]) -> Sheet<'a> {
    owner
        .table(rows)
        .int64("execution_id", |row| row.sql.id)
        .int64("root_execution_id", |row| row.sql.root_id)
        .text("status", |row| row.sql.status())
        .time("submission_time", |row| row.sql.submission_time)
        .maybe_time("completion_time", |row| row.sql.completion_time)
        .int32("num_jobs", |row| row.sql.jobs.len() as i32)
        .numbers("job_ids", |row| row.sql.jobs.iter().map(|(job, _)| *job))
        .numbers("stage_ids", |row| row.sql.stages.iter().copied())
        .maybe_text("query_id", |row| row.sql.query_id.as_deref())
        .maybe_text("description", |row| row.sql.description.as_deref())
        .maybe_text("details", |row| row.sql.details.as_deref())
        .maybe_text("plan_text", |row| row.sql.plan_text.as_deref())
        .maybe_text("error_message", |row| row.sql.error_message.as_deref())
        .maybe_text("job_group", |row| row.sql.job_group.as_deref())
        .texts("job_tags", |row| &row.sql.job_tags)
        .named_texts("modified_configs", |row| &row.modified_configs)
        .named("sql_executions")
}

/// Which of an execution's plans something is of.
type OfPlan = (i64, &'static str);

/// The plans of all executions: the one that each was started with where adaptive execution has changed it, and the last.
fn plans(model: &Application) -> impl Iterator<Item = (OfPlan, &PlanGraph)> {
    model.sql.iter().flat_map(|sql| {
        let initial = sql.initial_graph.iter().map(|graph| ((sql.id, "initial"), graph));
        initial.chain(sql.graph.iter().map(|graph| ((sql.id, "final"), graph)))
    })
}

/// A node of a plan, and the cluster that it is in.
pub(in super::super) struct NodeRow<'a> {
    plan: OfPlan,
    node: &'a PlanNode,
    cluster_id: Option<i64>,
}

pub(super) fn nodes(model: &Application) -> Vec<NodeRow<'_>> {
    let mut rows = Vec::new();
    for (plan, graph) in plans(model) {
        for node in &graph.nodes {
            rows.push(NodeRow { plan, node, cluster_id: None });
            let members = node.cluster.iter().flatten();
            rows.extend(members.map(|member| NodeRow { plan, node: member, cluster_id: Some(node.id) }));
        }
    }
    rows
}

pub(super) fn sql_nodes<'a>(owner: &Owner<'a>, rows: &'a [NodeRow<'a>]) -> Sheet<'a> {
    owner
        .table(rows)
        .int64("execution_id", |row| row.plan.0)
        .text("plan", |row| row.plan.1)
        .int64("node_id", |row| row.node.id)
        .text("node_name", |row| &row.node.name)
        .text("description", |row| &row.node.description)
        .flag("is_cluster", |row| row.node.cluster.is_some())
        .maybe_int64("cluster_id", |row| row.cluster_id)
        .named_texts("metadata", |row| &row.node.metadata)
        .large_numbers("accumulator_ids", |row| row.node.metrics.iter().map(|metric| metric.accumulator_id))
        .named("sql_nodes")
}

pub(super) fn edges(model: &Application) -> Vec<(OfPlan, SparkPlanGraphEdge)> {
    plans(model).flat_map(|(plan, graph)| graph.edges.iter().map(move |edge| (plan, *edge))).collect()
}

pub(super) fn sql_edges<'a>(owner: &Owner<'a>, rows: &'a [(OfPlan, SparkPlanGraphEdge)]) -> Sheet<'a> {
    owner
        .table(rows)
        .int64("execution_id", |(plan, _)| plan.0)
        .text("plan", |(plan, _)| plan.1)
        .int64("from_id", |(_, edge)| edge.from_id)
        .int64("to_id", |(_, edge)| edge.to_id)
        .named("sql_edges")
}

/// A metric of a node of an execution's last plan.
pub(in super::super) struct MetricRow<'a> {
    sql: &'a SqlExecution,
    node: &'a PlanNode,
    metric: &'a SqlMetric,
    value: Option<&'a MetricValue>,
}

pub(super) fn metrics(model: &Application) -> Vec<MetricRow<'_>> {
    let mut rows = Vec::new();
    for sql in &model.sql {
        for node in sql.graph.iter().flat_map(|graph| graph.all_nodes()) {
            rows.extend(node.metrics.iter().map(|metric| {
                let value = sql.metric_numbers.get(&metric.accumulator_id);
                MetricRow { sql, node, metric, value }
            }));
        }
    }
    rows
}

pub(super) fn sql_metrics<'a>(owner: &Owner<'a>, rows: &'a [MetricRow<'a>]) -> Sheet<'a> {
    let number = |of: fn(&MetricValue) -> i64| move |row: &'a MetricRow<'a>| row.value.map(of);
    let of_values =
        |of: fn(&MetricValue) -> i64| move |row: &'a MetricRow<'a>| row.value.filter(|value| value.count > 0).map(of);
    let task = |row: &'a MetricRow<'a>| -> Option<&'a MetricTask> { row.value?.max_task.as_ref() };
    owner
        .table(rows)
        .int64("execution_id", |row| row.sql.id)
        .int64("node_id", |row| row.node.id)
        .text("node_name", |row| &row.node.name)
        .int64("accumulator_id", |row| row.metric.accumulator_id)
        .text("metric", |row| &row.metric.name)
        .text("metric_type", |row| &row.metric.metric_type)
        .maybe_text("value", |row| row.sql.metric_values.get(&row.metric.accumulator_id).map(String::as_str))
        .maybe_int64("count", number(|value| value.count))
        .maybe_int64("sum", number(|value| value.sum))
        .maybe_int64("min", of_values(|value| value.min))
        .maybe_int64("median", of_values(|value| value.median))
        .maybe_int64("max", of_values(|value| value.max))
        .maybe_int32("max_stage_id", move |row| task(row).map(|task| task.stage_id))
        .maybe_int32("max_stage_attempt_id", move |row| task(row).map(|task| task.stage_attempt_id))
        .maybe_int64("max_task_id", move |row| task(row).map(|task| task.task_id))
        .numbers("stage_ids", |row| {
            row.sql.metric_stages.get(&row.metric.accumulator_id).into_iter().flatten().copied()
        })
        .named("sql_metrics")
}
