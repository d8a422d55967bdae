//! Plans of SQL executions as graphs.

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
