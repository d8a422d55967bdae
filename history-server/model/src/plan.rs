//! Plans of SQL executions as graphs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::types::SparkPlanGraphEdge;

/// A metric that an operator counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SqlMetric {
    /// What it counts.
    pub name: String,
    /// The accumulator that carries it.
    pub accumulator_id: i64,
    /// How its values are added up and shown, such as `sum` or `timing`.
    pub metric_type: String,
}

/// What was reported for a metric of a plan, as numbers: bytes, milliseconds, nanoseconds or a count, by [`SqlMetric::metric_type`]. Of
/// each task its last report counts. What Spark leaves out of its text is left out here: values below zero, and of averages (which are
/// ten times what they stand for) those that are not above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricValue {
    /// How many values there are. Tasks that did not report a metric of their stage count with 0.
    pub count: i64,
    /// Their sum.
    pub sum: i64,
    /// The lowest; 0 where there are none, as for the other two.
    pub min: i64,
    /// The one in the middle; of an even number the higher one.
    pub median: i64,
    /// The highest.
    pub max: i64,
    /// The task that the highest comes from; `None` where it is the driver's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_task: Option<MetricTask>,
}

/// The task that a value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricTask {
    /// Its stage.
    pub stage_id: i32,
    /// Which attempt of that.
    pub stage_attempt_id: i32,
    /// The task's id.
    pub task_id: i64,
}

/// A plan as Spark draws it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanGraph {
    /// Operators, and clusters of operators that were compiled together.
    pub nodes: Vec<PlanNode>,
    /// From children to parents.
    pub edges: Vec<SparkPlanGraphEdge>,
}

/// An operator, or a cluster of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanNode {
    /// Its number in the graph.
    pub id: i64,
    /// The operator's name.
    pub name: String,
    /// The operator in words.
    pub description: String,
    /// What a source says of itself: its format, location, pushed filters and so on, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// What it counts.
    pub metrics: Vec<SqlMetric>,
    /// The operators of a cluster; `None` for an operator.
    pub cluster: Option<Vec<Self>>,
}

impl PlanGraph {
    /// Every operator and cluster, those of a cluster before the cluster itself.
    pub fn all_nodes(&self) -> impl Iterator<Item = &PlanNode> {
        self.nodes.iter().flat_map(|node| node.cluster.iter().flatten().chain([node]))
    }
}
