//! The RDDs of a stage, or of the stages of a job, in the operations that made them.

use std::collections::{HashMap, HashSet};

use history_server::api::v1::types::StageStatus;
use history_server::model::{RddNode, Stage};
use serde::Deserialize;

use super::Drawn;
use crate::app::App;
use crate::draw::graph::{Arrow, Boxed, Drawing, Frame};
use crate::format;

/// With more RDDs, a box stands for a whole stage.
const MAX_RDDS: usize = 600;
/// With more stages, nothing is drawn: nobody could read it.
const MAX_STAGES: usize = 2_000;

/// How deep operations may be nested; what is deeper stands in the last.
const MAX_DEPTH: usize = 16;

/// An operation, as Spark writes it: the innermost first.
#[derive(Debug, Deserialize)]
struct Scope {
    id: String,
    name: String,
    parent: Option<Box<Self>>,
}

const LEGEND: [(&str, &str); 4] = [
    ("rdd", "RDD"),
    ("cached", "kept in memory or on disk"),
    ("barrier", "barrier: all tasks at once"),
    ("skipped", "skipped: its output was there"),
];

/// The graph of one stage.
pub(crate) fn of_stage(app: &App, stage: &Stage) -> Option<Drawn> {
    draw(app, &[stage], false)
}

/// The graph of the stages of a job: of each stage its last attempt.
pub(crate) fn of_job(app: &App, stages: &[&Stage]) -> Option<Drawn> {
    let last =
        |index: &usize| stages.get(index + 1).is_none_or(|next| next.data.stage_id != stages[*index].data.stage_id);
    let stages: Vec<&Stage> = (0..stages.len()).filter(last).map(|index| stages[index]).collect();
    draw(app, &stages, true)
}

fn draw(app: &App, stages: &[&Stage], links: bool) -> Option<Drawn> {
    let empty = Vec::new();
    let graphs: Vec<(&Stage, &Vec<RddNode>)> = (stages.iter())
        .map(|stage| (*stage, app.model().rdd_graphs.get(&stage.data.stage_id).unwrap_or(&empty)))
        .collect();
    let rdds: usize = graphs.iter().map(|(_, rdds)| rdds.len()).sum();
    if stages.len() > MAX_STAGES || rdds == 0 {
        return None;
    }
    let mut builder = Builder { app, links, drawing: Drawing::default(), scopes: HashMap::new() };
    builder.drawing.name = "RDDs and the operations that made them".to_owned();
    let mut note = String::new();
    if rdds > MAX_RDDS {
        builder.stages_alone(&graphs);
        note = format!(
            "A box is a stage: {} are too many to show.",
            format::plural(i64::try_from(rdds).unwrap_or(i64::MAX), "RDD")
        );
    } else {
        builder.rdds(&graphs);
    }
    let classes: Vec<String> = builder
        .drawing
        .boxes
        .iter()
        .map(|one| one.class.clone())
        .chain(builder.drawing.frames.iter().map(|one| one.class.clone()))
        .collect();
    let used: Vec<_> = LEGEND
        .into_iter()
        .filter(|(class, _)| classes.iter().any(|one| one.split(' ').any(|one| one == *class)))
        .collect();
    let mut drawn = Drawn::new("dag", "DAG visualization", builder.drawing.draw()?).legend(&used);
    drawn.note = note;
    Some(drawn)
}

struct Builder<'a> {
    app: &'a App,
    /// Whether frames of stages lead to these.
    links: bool,
    drawing: Drawing,
    /// The frame of each operation of a stage.
    scopes: HashMap<(i32, String), usize>,
}

impl Builder<'_> {
    fn rdds(&mut self, graphs: &[(&Stage, &Vec<RddNode>)]) {
        // The box of each RDD by stage; and for arrows from one stage to another any that has it.
        let mut boxes = HashMap::<(i32, i32), usize>::new();
        let mut anywhere = HashMap::<i32, usize>::new();
        for (stage, rdds) in graphs {
            let frame = self.stage_frame(stage);
            let id = stage.data.stage_id;
            for rdd in *rdds {
                let frame = self.scope_frame(id, rdd, frame);
                self.drawing.boxes.push(rdd_box(rdd, frame));
                boxes.insert((id, rdd.id), self.drawing.boxes.len() - 1);
                anywhere.insert(rdd.id, self.drawing.boxes.len() - 1);
            }
        }
        for (stage, rdds) in graphs {
            let id = stage.data.stage_id;
            for rdd in *rdds {
                let Some(to) = boxes.get(&(id, rdd.id)).copied() else { continue };
                for parent in &rdd.parent_ids {
                    if let Some(from) = boxes.get(&(id, *parent)).or_else(|| anywhere.get(parent)) {
                        let class = if boxes.contains_key(&(id, *parent)) { "" } else { "shuffle" };
                        self.drawing.arrows.push(Arrow { from: *from, to, class, label: String::new() });
                    }
                }
            }
        }
    }

    /// One box for each stage.
    fn stages_alone(&mut self, graphs: &[(&Stage, &Vec<RddNode>)]) {
        let mut makes = HashMap::<i32, usize>::new();
        for (index, (stage, rdds)) in graphs.iter().enumerate() {
            let frame = self.stage_text(stage);
            self.drawing.boxes.push(Boxed {
                title: frame.title,
                lines: vec![format::plural(i64::try_from(rdds.len()).unwrap_or(i64::MAX), "RDD")],
                class: frame.class,
                href: frame.href,
                hint: frame.hint,
                ..Boxed::default()
            });
            makes.extend(rdds.iter().map(|rdd| (rdd.id, index)));
        }
        for (to, (_, rdds)) in graphs.iter().enumerate() {
            let own: HashSet<i32> = rdds.iter().map(|rdd| rdd.id).collect();
            let parents = rdds.iter().flat_map(|rdd| &rdd.parent_ids).filter(|parent| !own.contains(parent));
            let mut from: Vec<usize> = parents.filter_map(|parent| makes.get(parent).copied()).collect();
            from.sort_unstable();
            from.dedup();
            let arrow = |from| Arrow { from, to, class: "shuffle", label: String::new() };
            self.drawing.arrows.extend(from.into_iter().map(arrow));
        }
    }

    fn stage_text(&self, stage: &Stage) -> Frame {
        let (id, attempt) = (stage.data.stage_id, stage.data.attempt_id);
        let skipped = stage.data.status == StageStatus::Skipped;
        Frame {
            title: if skipped { format!("Stage {id} (skipped)") } else { format!("Stage {id}") },
            class: if skipped { "stage skipped".to_owned() } else { "stage".to_owned() },
            href: if self.links { self.app.links.stage(id.into(), attempt.into()) } else { String::new() },
            hint: stage.data.name.clone().unwrap_or_default(),
            parent: None,
        }
    }

    fn stage_frame(&mut self, stage: &Stage) -> usize {
        let frame = self.stage_text(stage);
        self.drawing.frames.push(frame);
        self.drawing.frames.len() - 1
    }

    /// The frame of the operation that made an RDD, in the frames of those that this was part of.
    fn scope_frame(&mut self, stage: i32, rdd: &RddNode, of_stage: usize) -> usize {
        let scope = rdd.scope.as_deref().and_then(|text| serde_json::from_str::<Scope>(text).ok());
        let mut chain = Vec::new();
        let mut at = scope.as_ref();
        while let Some(scope) = at {
            chain.push(scope);
            at = scope.parent.as_deref();
        }
        let mut frame = of_stage;
        for scope in chain.into_iter().rev().take(MAX_DEPTH) {
            let frames = &mut self.drawing.frames;
            frame = *self.scopes.entry((stage, scope.id.clone())).or_insert_with(|| {
                frames.push(Frame {
                    title: scope.name.clone(),
                    class: "operation".to_owned(),
                    parent: Some(frame),
                    ..Frame::default()
                });
                frames.len() - 1
            });
        }
        frame
    }
}

fn rdd_box(rdd: &RddNode, frame: usize) -> Boxed {
    let name = rdd.name.clone().unwrap_or_default();
    let mut class = "rdd".to_owned();
    let mut marks = Vec::new();
    if rdd.is_cached {
        class.push_str(" cached");
        marks.push("Cached");
    }
    if rdd.is_barrier {
        class.push_str(" barrier");
        marks.push("Barrier");
    }
    match rdd.deterministic_level.as_str() {
        "UNORDERED" => marks.push("Unordered"),
        "INDETERMINATE" => marks.push("Indeterminate"),
        _ => {}
    }
    let mut lines = vec![format::first_line(&rdd.callsite, 120)];
    if !marks.is_empty() {
        lines.push(marks.join(", "));
    }
    let partitions = format::plural(rdd.num_partitions.into(), "partition");
    Boxed {
        title: format!("{name} [{}]", rdd.id),
        class,
        hint: format!("{name} [{}]\n{partitions}\n{}", rdd.id, format::first_line(&rdd.callsite, 1000)),
        lines,
        frame: Some(frame),
        ..Boxed::default()
    }
}
