//! Plans to graphs, in the way in which Spark draws them.

use std::hash::BuildHasher as _;

use foldhash::HashMap;
use foldhash::fast::FixedState;

use crate::event::sql::Plan;
use history_model::plan::{PlanGraph, PlanNode};
use history_model::types::SparkPlanGraphEdge;

/// Draws a plan; `None` where an operator lacks what it stands for, on which Spark gives up, too.
pub(crate) fn graph(plan: &Plan) -> Option<PlanGraph> {
    let mut drawing = Drawing::default();
    drawing.draw(plan, None, None)?;
    Some(drawing.graph)
}

#[derive(Default)]
struct Drawing<'a> {
    graph: PlanGraph,
    next_id: i64,
    /// Exchanges and sub-queries drawn so far, which may be used again: by what they look like.
    exchanges: HashMap<u64, Vec<(&'a Plan, i64)>>,
}

/// What two operators have in common that Spark takes for the same. Few others do.
fn likeness(plan: &Plan) -> u64 {
    let children = plan.children.iter().map(likeness);
    let seed = FixedState::default().hash_one((&plan.text, &plan.name, plan.children.len()));
    children.fold(seed, |hash, child| FixedState::default().hash_one((hash, child)))
}

/// Whether Spark takes two operators for the same.
fn same(left: &Plan, right: &Plan) -> bool {
    left.text == right.text
        && left.name == right.name
        && left.children.len() == right.children.len()
        && left.children.iter().zip(&right.children).all(|(left, right)| same(left, right))
}

impl<'a> Drawing<'a> {
    fn drawn(&self, plan: &Plan) -> Option<i64> {
        let alike = self.exchanges.get(&likeness(plan))?;
        alike.iter().rev().find(|(exchange, _)| same(exchange, plan)).map(|(_, id)| *id)
    }

    fn link(&mut self, from_id: i64, to_id: i64) {
        self.graph.edges.push(SparkPlanGraphEdge { from_id, to_id });
    }

    /// Draws an operator under its parent, within a cluster if one is given by its place.
    fn draw(&mut self, plan: &'a Plan, parent: Option<i64>, cluster: Option<usize>) -> Option<()> {
        match plan.name.as_str() {
            name if name.starts_with("WholeStageCodegen") => {
                let at = self.graph.nodes.len();
                let node = PlanNode { cluster: Some(Vec::new()), ..self.node(plan) };
                self.graph.nodes.push(node);
                self.draw(plan.children.first()?, parent, Some(at))
            }
            "InputAdapter" | "TableCacheQueryStage" | "ResultQueryStage" => {
                self.draw(plan.children.first()?, parent, None)
            }
            "BroadcastQueryStage" | "ShuffleQueryStage" => {
                let child = plan.children.first()?;
                match self.drawn(child) {
                    Some(id) => {
                        self.link(id, parent?);
                        Some(())
                    }
                    None => self.draw(child, parent, None),
                }
            }
            "Subquery" if cluster.is_some() => self.draw(plan, parent, None),
            "Subquery" if self.drawn(plan).is_some() => {
                let edge = SparkPlanGraphEdge { from_id: self.drawn(plan)?, to_id: parent? };
                if !self.graph.edges.contains(&edge) {
                    self.graph.edges.push(edge);
                }
                Some(())
            }
            "ReusedSubquery" => self.draw(plan.children.first()?, parent, cluster),
            "ReusedExchange" if self.drawn(plan.children.first()?).is_some() => {
                let id = self.drawn(plan.children.first()?)?;
                self.link(id, parent?);
                Some(())
            }
            _ => self.draw_operator(plan, parent, cluster),
        }
    }

    fn draw_operator(&mut self, plan: &'a Plan, parent: Option<i64>, cluster: Option<usize>) -> Option<()> {
        let node = self.node(plan);
        let id = node.id;
        match cluster.and_then(|at| self.graph.nodes.get_mut(at)?.cluster.as_mut()) {
            Some(members) => members.push(node),
            None => self.graph.nodes.push(node),
        }
        if plan.name.contains("Exchange") || plan.name == "Subquery" {
            self.exchanges.entry(likeness(plan)).or_default().push((plan, id));
        }
        if let Some(parent) = parent {
            self.link(id, parent);
        }
        plan.children.iter().try_for_each(|child| self.draw(child, Some(id), cluster))
    }

    fn node(&mut self, plan: &Plan) -> PlanNode {
        let id = self.next_id;
        self.next_id += 1;
        PlanNode {
            id,
            name: plan.name.clone(),
            description: plan.text.clone(),
            metadata: plan.metadata.clone(),
            metrics: plan.metrics.clone(),
            cluster: None,
        }
    }
}
