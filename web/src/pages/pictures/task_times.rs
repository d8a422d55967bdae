//! The tasks of a stage over time.

use std::collections::{BTreeMap, HashMap};

use history_server::model::share_out;
use history_server::model::tasks::TaskColumn;

use super::Drawn;
use crate::draw::svg::Picture;
use crate::draw::task_counts::TaskCounts;
use crate::draw::tasks::{self as drawing, PARTS};
use crate::format;
use crate::pages::tasks::MEASURES;
use crate::task::{Task, Tasks, Times};

/// Of more tasks, how many are at which part is drawn instead of each.
const MAX_TASKS: usize = 120;
/// With more executors, those with the most tasks have a lane and the others one together.
const MAX_LANES: usize = 24;
/// Into how many pieces many tasks are divided, to be counted on several threads.
const PIECES: usize = 16;

/// All tasks of a stage, those still running up to `now`.
pub(crate) fn draw(tasks: Tasks<'_>, now: i64) -> Option<Drawn> {
    let picture = if tasks.len() <= MAX_TASKS { draw_each(tasks, now)? } else { draw_counts(tasks, now) };
    let legend = PARTS.map(|(text, class)| (class, text));
    Some(Drawn::new("timeline", "Event timeline", picture).legend(&legend))
}

fn draw_each(tasks: Tasks<'_>, now: i64) -> Option<Picture> {
    let mut names: Vec<&str> = tasks.iter().map(Task::executor).collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_key(|name| format::natural(name));
    let places: HashMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let executors: Vec<String> = names.iter().map(|name| format!("Executor {name}")).collect();
    let drawn = |task: Task<'_>| {
        let start = task.launched();
        let end = if task.status() == "RUNNING" { now.max(start) } else { start.saturating_add(task.elapsed()) };
        drawing::Task {
            executor: places.get(task.executor()).copied().unwrap_or(0),
            start,
            end,
            parts: task.parts(),
            has_failed: matches!(task.status(), "FAILED" | "KILLED"),
        }
    };
    let drawn: Vec<drawing::Task> = tasks.iter().map(drawn).collect();
    drawing::draw(&executors, &drawn, |row| hint(tasks.at(row)))
}

fn hint(task: Task<'_>) -> String {
    let mut hint = format!("{}\n{}, {}", task.label(), task.status().to_lowercase(), format::duration(task.elapsed()));
    for (millis, (name, _)) in task.parts().into_iter().zip(PARTS) {
        if millis > 0 {
            hint.push_str(&format!("\n{name}: {}", format::duration(millis)));
        }
    }
    let gc = MEASURES.iter().find(|measure| measure.title == "GC Time").map_or(0, |measure| measure.of(task).0);
    if gc > 0 {
        hint.push_str(&format!("\nGC Time: {}", format::duration(gc)));
    }
    hint
}

fn draw_counts(tasks: Tasks<'_>, now: i64) -> Picture {
    let lanes = Lanes::of(tasks);
    let (start, end) = bounds(tasks, now);
    let count = |piece| {
        let (mut times, mut counts) = (Box::<Times>::default(), TaskCounts::new(start, end, lanes.all.len()));
        for rows in tasks.portions().skip(piece).step_by(PIECES) {
            times.read(tasks, rows.clone(), now);
            for at in 0..rows.len() {
                let lane = lanes.of_code(times.executor[at]);
                counts.add(lane, times.start[at], times.end[at], std::array::from_fn(|part| times.parts[part][at]));
            }
        }
        counts
    };
    let mut counts = TaskCounts::new(start, end, lanes.all.len());
    share_out(PIECES, tasks.len(), count).iter().for_each(|piece| counts.merge(piece));
    counts.draw(&lanes.all)
}

/// When the first began and the last ended.
fn bounds(tasks: Tasks<'_>, now: i64) -> (i64, i64) {
    let of_piece = |piece| {
        let mut times = Box::<Times>::default();
        tasks.portions().skip(piece).step_by(PIECES).fold((i64::MAX, i64::MIN), |(start, end), rows| {
            times.read_ends(tasks, rows.clone(), now);
            let first = times.start[..rows.len()].iter().min().copied().unwrap_or(start);
            let last = times.end[..rows.len()].iter().max().copied().unwrap_or(end);
            (start.min(first), end.max(last))
        })
    };
    let pieces = share_out(PIECES, tasks.len(), of_piece);
    pieces.into_iter().fold((i64::MAX, i64::MIN), |(start, end), (first, last)| (start.min(first), end.max(last)))
}

/// Which executors are shown each, and which together.
struct Lanes {
    /// Their labels, and how many tasks each has.
    all: Vec<(String, usize)>,
    /// Of an executor by the code of its id; of others the last.
    by_code: Vec<usize>,
}

impl Lanes {
    fn of(tasks: Tasks<'_>) -> Self {
        let counted: BTreeMap<i64, usize> = tasks.count(TaskColumn::Executor);
        let name = |code: i64| u32::try_from(code).map_or("", |code| tasks.strings().get(code));
        let mut shown: Vec<(i64, usize)> = counted.into_iter().collect();
        let mut others = Vec::new();
        if shown.len() > MAX_LANES {
            shown.sort_by_key(|(code, number)| (usize::MAX - number, format::natural(name(*code))));
            others = shown.split_off(MAX_LANES - 1);
        }
        shown.sort_by_key(|(code, _)| format::natural(name(*code)));
        let mut all: Vec<(String, usize)> =
            shown.iter().map(|(code, number)| (format!("Executor {}", name(*code)), *number)).collect();
        if !others.is_empty() {
            all.push((format!("{} other executors", others.len()), others.iter().map(|(_, number)| number).sum()));
        }
        let codes = shown.iter().filter_map(|(code, _)| usize::try_from(*code).ok());
        let mut by_code = vec![all.len() - 1; codes.clone().max().map_or(0, |most| most + 1)];
        codes.enumerate().for_each(|(lane, code)| by_code[code] = lane);
        Self { all, by_code }
    }

    fn of_code(&self, code: i64) -> usize {
        usize::try_from(code).ok().and_then(|code| self.by_code.get(code)).copied().unwrap_or(self.all.len() - 1)
    }
}
