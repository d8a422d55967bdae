//! `/executors/`: every executor, alive or gone, with its logs.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::{ExecutorSummary, ProcessSummary};

use crate::app::App;
use crate::cell::{Badge, Cell};
use crate::format;
use crate::frame::{Frame, html};
use crate::logs::ExecutorLogs;
use crate::params::Params;
use crate::table::{Column, Table, TableSpec};

#[derive(Template)]
#[template(path = "executors.html")]
struct ExecutorsPage {
    frame: Frame,
    summary: Table,
    executors: Table,
    processes: Option<Table>,
    notice: &'static str,
}

/// Executors and other processes.
pub(crate) async fn list(app: App, params: Params) -> Response {
    let executors = app.executors();
    let logs = app.executor_logs().await;
    let page = ExecutorsPage {
        frame: app.frame("Executors", "executors"),
        summary: summary(&executors),
        processes: processes(&app.model().processes, &params),
        executors: table(&app, &logs, executors, &params),
        notice: logs.notice(),
    };
    html(StatusCode::OK, &page)
}

fn table(app: &App, logs: &ExecutorLogs, executors: Vec<ExecutorSummary>, params: &Params) -> Table {
    let columns = vec![
        Column::new("Executor ID", |one: &ExecutorSummary| Cell::Text(one.id.clone()))
            .by(|one| format::natural(&one.id)),
        Column::new("Logs", |one: &ExecutorSummary| {
            Cell::Logs(logs.links(&app.links, &one.id, Some(&one.executor_logs)))
        }),
        Column::new("Status", |one: &ExecutorSummary| Cell::Badge(status(app, one)))
            .by(|one| (one.is_active, one.is_excluded)),
        Column::new("Address", |one: &ExecutorSummary| Cell::Text(one.host_port.clone().unwrap_or_default()))
            .tight()
            .by(|one| one.host_port.clone()),
        Column::new("Exec Loss Reason", |one: &ExecutorSummary| {
            one.remove_reason.as_deref().map_or_else(Cell::empty, Cell::long)
        })
        .prose()
        .by(|one| one.remove_reason.clone())
        .if_any(|one| one.remove_reason.is_some()),
        Column::new("Cores", |one: &ExecutorSummary| Cell::number(one.total_cores.into()))
            .number()
            .by(|one| one.total_cores),
        count("Failed Tasks", |one| one.failed_tasks),
        count("Complete Tasks", |one| one.completed_tasks),
        count("Total Tasks", |one| one.total_tasks),
        Column::new("Task Time (GC Time)", task_time)
            .number()
            .by(|one| one.total_duration)
            .hint("Garbage collection took more than a tenth where marked ⚠"),
        size("Input", |one| one.total_input_bytes),
        size("Shuffle Read", |one| one.total_shuffle_read),
        size("Shuffle Write", |one| one.total_shuffle_write),
        Column::new("Storage Memory", |one: &ExecutorSummary| Cell::Text(memory(one.memory_used, one.max_memory)))
            .number()
            .by(|one| one.memory_used),
        Column::new("Peak JVM Memory On Heap / Off Heap", peak)
            .number()
            .by(|one| one.peak_memory_metrics.map(|peak| peak.get("JVMHeapMemory")))
            .if_any(|one| one.peak_memory_metrics.is_some_and(|peak| peak.is_set())),
        size("Disk Used", |one| one.disk_used),
        Column::new("Add Time", |one: &ExecutorSummary| Cell::time(Some(one.add_time))).tight().by(|one| one.add_time),
        Column::new("Remove Time", |one: &ExecutorSummary| Cell::time(one.remove_time))
            .tight()
            .by(|one| one.remove_time)
            .if_any(|one| one.remove_time.is_some()),
        count("Resource Profile Id", |one| one.resource_profile_id).if_any(|one| one.resource_profile_id != 0),
    ];
    let empty = "The event log names no executor and no driver yet.";
    TableSpec { tag: "executor", title: "Executors", columns, sort: ("Executor ID", false), empty }
        .draw(executors, params)
}

fn count<'a>(title: &'static str, value: fn(&ExecutorSummary) -> i32) -> Column<'a, ExecutorSummary> {
    Column::new(title, move |one| Cell::number(value(one).into())).number().by(value)
}

fn size<'a>(title: &'static str, value: fn(&ExecutorSummary) -> i64) -> Column<'a, ExecutorSummary> {
    Column::new(title, move |one| Cell::bytes(value(one))).number().by(value).if_any(move |one| value(one) > 0)
}

fn status(app: &App, one: &ExecutorSummary) -> Badge {
    match (one.is_active, one.is_excluded) {
        (true, true) => Badge { hint: "Spark stopped scheduling tasks on it", ..Badge::new("excluded", "warn") },
        (true, false) if app.completed() => {
            Badge { hint: "It was there when the application ended", ..Badge::new("ended", "idle") }
        }
        (true, false) => Badge::new("active", "good"),
        (false, _) => Badge { hint: "It was removed while the application ran", ..Badge::new("dead", "warn") },
    }
}

fn task_time(one: &ExecutorSummary) -> Cell {
    let heavy = one.total_gc_time.saturating_mul(10) > one.total_duration && one.total_duration > 0;
    let mark = if heavy { " ⚠" } else { "" };
    Cell::Hint {
        text: format!("{} ({}){mark}", format::duration(one.total_duration), format::duration(one.total_gc_time)),
        hint: format!(
            "{} ms, of which {} ms garbage collection",
            format::count(one.total_duration),
            format::count(one.total_gc_time)
        ),
    }
}

fn memory(used: i64, max: i64) -> String {
    if max == 0 { String::new() } else { format!("{} / {}", format::bytes(used), format::bytes(max)) }
}

fn peak(one: &ExecutorSummary) -> Cell {
    match one.peak_memory_metrics.filter(|peak| peak.is_set()) {
        Some(peak) => Cell::Text(format!(
            "{} / {}",
            format::bytes(peak.get("JVMHeapMemory")),
            format::bytes(peak.get("JVMOffHeapMemory"))
        )),
        None => Cell::empty(),
    }
}

/// Sums over those that were there at the end, those that were removed, and all.
fn summary(executors: &[ExecutorSummary]) -> Table {
    let sums = [("Active", Some(true)), ("Dead", Some(false)), ("Total", None)].map(|(title, active)| {
        let some = || executors.iter().filter(move |one| active.is_none_or(|active| one.is_active == active));
        let sum = |value: fn(&ExecutorSummary) -> i64| some().map(value).fold(0i64, i64::wrapping_add);
        let total = ExecutorSummary {
            id: format!("{title} ({})", some().count()),
            memory_used: sum(|one| one.memory_used),
            max_memory: sum(|one| one.max_memory),
            disk_used: sum(|one| one.disk_used),
            total_duration: sum(|one| one.total_duration),
            total_gc_time: sum(|one| one.total_gc_time),
            total_input_bytes: sum(|one| one.total_input_bytes),
            total_shuffle_read: sum(|one| one.total_shuffle_read),
            total_shuffle_write: sum(|one| one.total_shuffle_write),
            ..ExecutorSummary::default()
        };
        let counts = [
            sum(|one| one.total_cores.into()),
            sum(|one| one.failed_tasks.into()),
            sum(|one| one.completed_tasks.into()),
        ];
        (total, counts)
    });
    let columns: Vec<Column<'_, (ExecutorSummary, [i64; 3])>> = vec![
        Column::new("", |(one, _): &(ExecutorSummary, _)| Cell::Text(one.id.clone())).tight(),
        Column::new("Cores", |(_, counts): &(_, [i64; 3])| Cell::number(counts[0])).number(),
        Column::new("Failed Tasks", |(_, counts): &(_, [i64; 3])| Cell::number(counts[1])).number(),
        Column::new("Complete Tasks", |(_, counts): &(_, [i64; 3])| Cell::number(counts[2])).number(),
        Column::new("Task Time (GC Time)", |(one, _): &(ExecutorSummary, _)| task_time(one)).number(),
        Column::new("Input", |(one, _): &(ExecutorSummary, _)| Cell::bytes(one.total_input_bytes)).number(),
        Column::new("Shuffle Read", |(one, _): &(ExecutorSummary, _)| Cell::bytes(one.total_shuffle_read)).number(),
        Column::new("Shuffle Write", |(one, _): &(ExecutorSummary, _)| Cell::bytes(one.total_shuffle_write)).number(),
        Column::new("Storage Memory", |(one, _): &(ExecutorSummary, _)| {
            Cell::Text(memory(one.memory_used, one.max_memory))
        })
        .number(),
        Column::new("Disk Used", |(one, _): &(ExecutorSummary, _)| Cell::bytes(one.disk_used)).number(),
    ];
    let spec = TableSpec { tag: "summary", title: "", columns, sort: ("", false), empty: "" };
    spec.draw(sums.into(), &Params::default())
}

fn processes(processes: &[ProcessSummary], params: &Params) -> Option<Table> {
    if processes.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("Process ID", |one: &ProcessSummary| Cell::Text(one.id.clone())).by(|one| one.id.clone()),
        Column::new("Address", |one: &ProcessSummary| Cell::Text(one.host_port.clone().unwrap_or_default()))
            .by(|one| one.host_port.clone()),
        Column::new("Status", |one: &ProcessSummary| {
            Cell::Badge(Badge::of_status(if one.is_active { "ACTIVE" } else { "DEAD" }))
        }),
        Column::new("Cores", |one: &ProcessSummary| Cell::number(one.total_cores.into()))
            .number()
            .by(|one| one.total_cores),
        Column::new("Logs", |one: &ProcessSummary| Cell::Logs(ExecutorLogs::elsewhere(&one.process_logs))),
    ];
    let spec = TableSpec { tag: "process", title: "Other processes", columns, sort: ("Process ID", false), empty: "" };
    Some(spec.draw(processes.to_vec(), params))
}
