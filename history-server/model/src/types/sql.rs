//! SQL executions.

use std::collections::BTreeMap;

use super::Date;
use serde::{Deserialize, Serialize};

/// One SQL execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutionData {
    /// The execution's id.
    pub id: i64,
    /// `RUNNING`, `COMPLETED` or `FAILED`.
    pub status: String,
    /// The query's text or call site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The physical plan, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_description: Option<String>,
    /// When it started.
    pub submission_time: Date,
    /// Milliseconds that it took, or has taken.
    pub duration: i64,
    /// Its jobs that run.
    pub running_job_ids: Vec<i32>,
    /// Its jobs that succeeded.
    pub success_job_ids: Vec<i32>,
    /// Its jobs that failed.
    pub failed_job_ids: Vec<i32>,
    /// The plan's nodes, by id descending.
    pub nodes: Vec<Node>,
    /// The plan's edges.
    pub edges: Vec<SparkPlanGraphEdge>,
    /// A UUID for the query, from Spark 4.2 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_id: Option<String>,
    /// Why it failed; empty where it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The execution that started this one, or itself.
    pub root_execution_id: i64,
    /// Configuration that was changed for it; the driver has masked its secrets.
    pub modified_configs: BTreeMap<String, String>,
}

/// One node of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Node {
    /// The node's id.
    pub node_id: i64,
    /// The operator.
    pub node_name: String,
    /// The generated stage that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole_stage_codegen_id: Option<i64>,
    /// Its metrics.
    pub metrics: Vec<Metric>,
    /// The operator in words.
    pub desc: String,
}

/// A metric of a plan's node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metric {
    /// The metric.
    pub name: String,
    /// Its value over all tasks, as text.
    pub value: String,
}

/// An edge of a plan, from a child to its parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SparkPlanGraphEdge {
    /// The child's node id.
    pub from_id: i64,
    /// The parent's node id.
    pub to_id: i64,
}
