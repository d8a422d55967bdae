//! The plan of a query: operators, those that were compiled together in frames, what each measured, where the time went.

mod slowest;
pub(crate) mod value;

use std::collections::HashMap;

use history_server::model::SqlExecution;
use history_server::model::plan::{PlanGraph, PlanNode};

use super::Drawn;
use crate::draw::graph::{Arrow, Boxed, Drawing, Frame};
use crate::format;
use value::Value;

/// Metrics that are written into a box; all others are in its hint and in the table.
const MAX_LINES: usize = 4;

/// More operators are not drawn: the layout of a bigger plan would take too long, and nobody could read it.
const MAX_NODES: usize = 4_000;

/// How much of the query's time an operator took to have the n-th colour, in percent.
const HEAT_PERCENT: [f64; 4] = [3.0, 10.0, 25.0, 50.0];

/// Of the plan as it was at first, which is a second picture on its page, no more than so many.
const MAX_INITIAL_NODES: usize = 1_000;

/// The picture of a query's plan.
pub(crate) fn draw(execution: &SqlExecution) -> Option<Drawn> {
    let (drawing, has_times) = drawing(execution, execution.graph.as_ref()?, MAX_NODES, "plan-node")?;
    let mut drawn = Drawn::new("plan-graph", "Plan", drawing.draw()?);
    if has_times {
        drawn = drawn.legend(&[
            ("heat1", "3 % of the time that operators measured"),
            ("heat2", "10 %"),
            ("heat3", "25 %"),
            ("heat4", "half and more"),
            ("slow-key", "slowest path"),
        ]);
    }
    Some(drawn)
}

/// The picture of the plan with which a query was started, where it was adapted while it ran.
pub(crate) fn draw_initial(execution: &SqlExecution) -> Option<Drawn> {
    let graph = execution.initial_graph.as_ref()?;
    let (mut drawing, _) = drawing(execution, graph, MAX_INITIAL_NODES, "initial-node")?;
    drawing.name = "Plan with which the query was started: data flows downwards".to_owned();
    // The page's table is of the other plan.
    drawing.boxes.iter_mut().for_each(|one| one.href = String::new());
    let drawn = Drawn::new("initial-plan", "Plan before it was adapted", drawing.draw()?);
    Some(Drawn { is_open: false, ..drawn })
}

/// What there is to draw, and whether operators measured any time.
fn drawing(execution: &SqlExecution, graph: &PlanGraph, max_nodes: usize, id: &str) -> Option<(Drawing, bool)> {
    let nodes = operators(graph);
    if nodes.len() > max_nodes {
        return None;
    }
    let times: Vec<f64> = nodes.iter().map(|(node, _)| millis(execution, node)).collect();
    let total: f64 = times.iter().sum();
    let places: HashMap<i64, usize> = nodes.iter().enumerate().map(|(at, (node, _))| (node.id, at)).collect();
    let edge = |edge: &history_server::api::v1::types::SparkPlanGraphEdge| {
        Some((*places.get(&edge.from_id)?, *places.get(&edge.to_id)?))
    };
    let edges: Vec<(usize, usize)> = graph.edges.iter().filter_map(edge).collect();
    let slow = slowest::path(&times, &edges);
    let boxes = nodes.iter().zip(&times).map(|((node, frame), time)| Boxed {
        id: format!("{id}-{}", node.id),
        ..boxed(execution, node, *frame, share(*time, total))
    });
    let arrow = |(from, to): &(usize, usize)| Arrow {
        from: *from,
        to: *to,
        label: rows(execution, nodes[*from].0),
        class: if total > 0.0 && slow.contains(from) && slow.contains(to) { "slow" } else { "" },
    };
    let drawing = Drawing {
        name: "Plan of the query: data flows downwards".to_owned(),
        boxes: boxes.collect(),
        frames: frames(execution, graph),
        arrows: edges.iter().map(arrow).collect(),
    };
    Some((drawing, total > 0.0))
}

/// Operators alone, each with the frame that it stands in.
fn operators(graph: &PlanGraph) -> Vec<(&PlanNode, Option<usize>)> {
    let mut found = Vec::new();
    let mut frame = 0;
    for node in &graph.nodes {
        match &node.cluster {
            None => found.push((node, None)),
            Some(inner) => {
                found.extend(inner.iter().map(|node| (node, Some(frame))));
                frame += 1;
            }
        }
    }
    found
}

fn frames(execution: &SqlExecution, graph: &PlanGraph) -> Vec<Frame> {
    let frame = |node: &PlanNode| {
        let lines = lines(execution, node);
        let time = lines.first().map(|(_, value)| format!(", {}", value.total)).unwrap_or_default();
        Frame {
            title: format!("{}{time}", node.name),
            class: "codegen".to_owned(),
            hint: lines.iter().map(|(name, value)| format!("{name}: {}", value.total)).collect::<Vec<_>>().join("\n"),
            ..Frame::default()
        }
    };
    graph.nodes.iter().filter(|node| node.cluster.is_some()).map(frame).collect()
}

fn boxed(execution: &SqlExecution, node: &PlanNode, frame: Option<usize>, share: f64) -> Boxed {
    let lines = lines(execution, node);
    let heat = HEAT_PERCENT.iter().filter(|limit| share >= **limit).count();
    let mut shown: Vec<String> = Vec::new();
    if share >= 1.0 {
        shown.push(format!("{share:.0} % of the time"));
    }
    // Rows stand on the arrow that leaves it.
    let told = lines.iter().filter(|(name, _)| *name != ROWS).take(MAX_LINES);
    shown.extend(told.map(|(name, value)| format!("{name}: {}", value.total)));
    let mut hint = format!("{}\n{}", node.name, format::first_line(&node.description, 600));
    for (name, value) in &lines {
        hint.push_str(&format!("\n{name}: {}", value.total));
    }
    Boxed {
        id: String::new(),
        title: node.name.clone(),
        lines: shown,
        class: format!("heat{heat}"),
        href: format!("#operator-{}", node.id),
        hint,
        frame,
    }
}

const ROWS: &str = "number of output rows";

fn rows(execution: &SqlExecution, node: &PlanNode) -> String {
    let found = lines(execution, node).into_iter().find(|(name, _)| *name == ROWS);
    found.map_or_else(String::new, |(_, value)| value.total)
}

/// What an operator measured, in its own order; what it has no value of is left out.
pub(crate) fn lines<'a>(execution: &'a SqlExecution, node: &'a PlanNode) -> Vec<(&'a str, Value)> {
    let line = |metric: &'a history_server::model::plan::SqlMetric| {
        let text = execution.metric_values.get(&metric.accumulator_id)?;
        Some((metric.name.as_str(), Value::parse(text)))
    };
    node.metrics.iter().filter_map(line).collect()
}

/// Milliseconds that an operator measured, of all its kinds of time together.
fn millis(execution: &SqlExecution, node: &PlanNode) -> f64 {
    let is_time = |kind: &str| matches!(kind, "timing" | "nsTiming");
    let of = |metric: &history_server::model::plan::SqlMetric| {
        let text = execution.metric_values.get(&metric.accumulator_id).filter(|_| is_time(&metric.metric_type))?;
        value::millis(&Value::parse(text).total)
    };
    node.metrics.iter().filter_map(of).sum()
}

fn share(time: f64, total: f64) -> f64 {
    if total > 0.0 { time / total * 100.0 } else { 0.0 }
}
