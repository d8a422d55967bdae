//! The tasks of a stage over time.

use std::collections::HashMap;

use super::Drawn;
use crate::draw::tasks::{self as drawing, PARTS};
use crate::format;
use crate::pages::tasks::MEASURES;
use crate::task::Task;

/// All tasks of a stage, those still running up to `now`.
pub(crate) fn draw(tasks: &[Task<'_>], now: i64) -> Option<Drawn> {
    let mut names: Vec<&str> = tasks.iter().map(|task| task.executor()).collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_key(|name| format::natural(name));
    let places: HashMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let executors: Vec<String> = names.iter().map(|name| format!("Executor {name}")).collect();
    let drawn: Vec<drawing::Task> = tasks
        .iter()
        .map(|task| {
            let start = task.launched();
            let end = if task.status() == "RUNNING" { now.max(start) } else { start.saturating_add(task.elapsed()) };
            drawing::Task {
                executor: places.get(task.executor()).copied().unwrap_or(0),
                start,
                end,
                parts: task.parts(),
                has_failed: matches!(task.status(), "FAILED" | "KILLED"),
            }
        })
        .collect();
    let picture = drawing::draw(&executors, &drawn, |index| hint(tasks[index]))?;
    let legend = PARTS.map(|(text, class)| (class, text));
    Some(Drawn::new("timeline", "Event timeline", picture).legend(&legend))
}

fn hint(task: Task<'_>) -> String {
    let mut hint = format!("{}\n{}, {}", task.label(), task.status().to_lowercase(), format::duration(task.elapsed()));
    for (millis, (name, _)) in task.parts().into_iter().zip(PARTS) {
        if millis > 0 {
            hint.push_str(&format!("\n{name}: {}", format::duration(millis)));
        }
    }
    let gc = MEASURES.iter().find(|measure| measure.title == "GC Time").map_or(0, |measure| (measure.value)(task).0);
    if gc > 0 {
        hint.push_str(&format!("\nGC Time: {}", format::duration(gc)));
    }
    hint
}
