//! A few tasks over time, by executor, each in the parts that its time went to.

use super::svg::{Picture, Svg, fitting};
use super::timeline::{AXIS, LABELS, WIDTH};
use super::times::{TimeAxis, drawable};

/// The parts of a task's time, in order, with their classes in the style sheet.
pub(crate) const PARTS: [(&str, &str); 7] = [
    ("Scheduler Delay", "scheduler-delay"),
    ("Task Deserialization Time", "deserialization"),
    ("Shuffle Read Time", "shuffle-read"),
    ("Executor Computing Time", "computing"),
    ("Shuffle Write Time", "shuffle-write"),
    ("Result Serialization Time", "serialization"),
    ("Getting Result Time", "getting-result"),
];

const ROW: f64 = 15.0;
const BAR: f64 = 12.0;
const LANE_GAP: f64 = 8.0;

/// A task: milliseconds since the epoch, and milliseconds of each part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    /// Which of the executors.
    pub(crate) executor: usize,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) parts: [i64; PARTS.len()],
    pub(crate) has_failed: bool,
}

/// Draws tasks on executors of these names; `None` when there are none.
pub(crate) fn draw(executors: &[String], tasks: &[Task], hint: impl Fn(usize) -> String) -> Option<Picture> {
    let start = tasks.iter().map(|task| task.start).min()?;
    let end = tasks.iter().map(|task| task.end).max()?;
    let axis = TimeAxis::new(start, end, LABELS, WIDTH - LABELS - 10.0);
    let lanes = lanes(executors, tasks);
    let rows: Vec<Vec<usize>> = lanes.iter().map(|lane| rows(tasks, &lane.tasks)).collect();
    let height_of = |lane: usize| rows[lane].iter().max().map_or(0, |most| most + 1) as f64 * ROW;
    let height: f64 = (0..lanes.len()).map(|lane| height_of(lane) + LANE_GAP).sum();
    let mut svg = Svg::new(WIDTH, height + AXIS, "picture tasks", "Tasks over time, by executor");
    axis.draw(&mut svg, 0.0, height);
    let mut top = LANE_GAP / 2.0;
    for (index, lane) in lanes.iter().enumerate() {
        svg.text((4.0, top + 11.0), "lane", &fitting(&lane.label, LABELS - 12.0));
        for (task, row) in lane.tasks.iter().zip(&rows[index]) {
            draw_task(&mut svg, &axis, &tasks[*task], top + *row as f64 * ROW, &hint(*task));
        }
        top += height_of(index) + LANE_GAP;
        svg.line((0.0, top - LANE_GAP / 2.0), (WIDTH, top - LANE_GAP / 2.0), "grid");
    }
    Some(svg.finish())
}

struct Lane {
    label: String,
    /// In order of their starts.
    tasks: Vec<usize>,
}

fn lanes(executors: &[String], tasks: &[Task]) -> Vec<Lane> {
    let lane = |(executor, label): (usize, &String)| {
        let mut of: Vec<usize> = (0..tasks.len()).filter(|at| tasks[*at].executor == executor).collect();
        of.sort_by_key(|at| (tasks[*at].start, *at));
        Lane { label: label.clone(), tasks: of }
    };
    executors.iter().enumerate().map(lane).filter(|lane| !lane.tasks.is_empty()).collect()
}

/// The row of each task, so that no two of a row overlap.
fn rows(tasks: &[Task], of_lane: &[usize]) -> Vec<usize> {
    let mut free_from: Vec<i64> = Vec::new();
    let place = |at: &usize| {
        let task = &tasks[*at];
        let row = free_from.iter().position(|free| *free <= task.start).unwrap_or(free_from.len());
        if row == free_from.len() {
            free_from.push(task.end);
        } else {
            free_from[row] = task.end;
        }
        row
    };
    of_lane.iter().map(place).collect()
}

/// Where each part of a task begins and ends, in milliseconds since the epoch: in order, and within the task.
fn spans(task: &Task) -> [(i64, i64); PARTS.len()] {
    let (mut at, end) = (drawable(task.start), drawable(task.end));
    task.parts.map(|long| {
        let from = at;
        at = at.saturating_add(long.max(0)).min(end.max(at));
        (from, at)
    })
}

fn draw_task(svg: &mut Svg, axis: &TimeAxis, task: &Task, y: f64, hint: &str) {
    svg.open("g").attr("class", if task.has_failed { "bar wrong" } else { "bar" }).title(hint);
    let (from, to) = (axis.x(task.start), axis.x(task.end));
    svg.rect((from, y), ((to - from).max(1.5), BAR), "whole").close();
    for ((from, to), (_, class)) in spans(task).into_iter().zip(PARTS) {
        let width = axis.x(to) - axis.x(from);
        if width >= 0.2 {
            svg.rect((axis.x(from), y), (width, BAR), class).close();
        }
    }
    svg.close();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn task(executor: usize, start: i64, long: i64) -> Task {
        Task { executor, start, end: start + long, parts: [0, 1, 0, long - 1, 0, 0, 0], ..Task::default() }
    }

    #[test]
    fn few_tasks_are_drawn_each() {
        let tasks: Vec<Task> = (0..40).map(|n| task(n % 2, n as i64 * 10, 35)).collect();
        let drawn = draw(&["1".to_owned(), "2".to_owned()], &tasks, |n| format!("task {n}")).unwrap().to_string();
        assert_eq!(drawn.matches("<title>task ").count(), 40);
    }

    #[test]
    fn no_tasks_give_no_picture() {
        assert!(draw(&[], &[], |_| String::new()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn parts_stay_within_their_task(start in 0_i64..1000, long in 0_i64..1000, parts in prop::array::uniform7(-5_i64..900)) {
            let task = Task { start, end: start + long, parts, ..Task::default() };
            let spans = spans(&task);
            prop_assert!(spans.iter().all(|(from, to)| task.start <= *from && from <= to && *to <= task.end));
            prop_assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0));
        }
    }
}
