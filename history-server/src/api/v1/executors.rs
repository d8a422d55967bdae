//! Executors.

use history_model::Application;
use history_model::types::ExecutorSummary;

/// The executor that stands for storage that outlives executors; it is not shown.
const FALLBACK: &str = "fallback";

/// Executors as the REST API shows them: all by id, or the active ones by id descending. `now` is the present, in milliseconds since the
/// epoch; until then a driver runs whose end is not known.
pub fn executors(app: &Application, active_only: bool, now: i64) -> Vec<ExecutorSummary> {
    let shown = |executor: &&ExecutorSummary| executor.id != FALLBACK && (executor.is_active || !active_only);
    let mut executors: Vec<_> = app.executors.iter().filter(shown).cloned().collect();
    if active_only {
        executors.reverse();
    }
    for driver in executors.iter_mut().filter(|executor| executor.id == "driver") {
        if let Some(attempt) = &app.attempt {
            driver.total_duration = match attempt.end_time {
                Some(0) => driver.total_duration,
                Some(end) if end > 0 => end.wrapping_sub(attempt.start_time),
                _ => now.wrapping_sub(attempt.start_time),
            };
        }
        if let Some(peaks) = &driver.peak_memory_metrics {
            driver.total_gc_time = peaks.get("TotalGCTime");
        }
    }
    executors
}
