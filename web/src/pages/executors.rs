//! `/executors/`: every executor, alive or gone, with its logs.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::{ExecutorMetrics, ExecutorSummary, ProcessSummary, ResourceInformation};

use crate::app::App;
use crate::cell::{Badge, Cell};
use crate::format;
use crate::frame::{Frame, html};
use crate::logs::{EVERYBODY, ExecutorLogs};
use crate::pages::pictures::{Drawn, events};
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};

#[derive(Template)]
#[template(path = "executors.html")]
struct ExecutorsPage {
    frame: Frame,
    timeline: Option<Drawn>,
    summary: Table,
    executors: Table,
    processes: Option<Table>,
    notice: &'static str,
    /// Where the logs of all are read as one; empty where there is none.
    all_logs: String,
}

/// Executors and other processes.
pub(crate) async fn list(app: App, params: Params) -> Response {
    let executors = app.executors();
    let logs = app.executor_logs().await;
    let page = ExecutorsPage {
        frame: app.frame("Executors", "executors"),
        timeline: events::of_executors(&app),
        summary: summary(&executors),
        processes: processes(&app.model().processes, &params),
        executors: table(&app, &logs, executors, &params),
        notice: logs.notice(),
        all_logs: if logs.has_any() { format!("{}#end", app.links.log_page(EVERYBODY)) } else { String::new() },
    };
    html(StatusCode::OK, &page)
}

fn table(app: &App, logs: &ExecutorLogs, executors: Vec<ExecutorSummary>, params: &Params) -> Table {
    let mut columns = identity_columns(app, logs);
    columns.extend(work_columns());
    columns.extend(memory_columns());
    let empty = "The event log names no executor and no driver yet.";
    TableSpec { tag: "executor", title: "Executors", columns, sort: ("Executor ID", false), empty }
        .draw_searched(executors, params)
}

fn identity_columns<'a>(app: &'a App, logs: &'a ExecutorLogs) -> Vec<Column<'a, ExecutorSummary>> {
    vec![
        Column::new("Executor ID", |one: &ExecutorSummary| Cell::Text(one.id.clone()))
            .by(|one| format::natural(&one.id)),
        Column::new("Logs", |one: &ExecutorSummary| {
            Cell::Logs(logs.links(&app.links, &one.id, Some(&one.executor_logs)))
        }),
        Column::new("Address", |one: &ExecutorSummary| Cell::Text(one.host_port.clone().unwrap_or_default()))
            .tight()
            .rank(Rank::Wider)
            .by(|one| one.host_port.clone()),
        Column::new("Status", |one: &ExecutorSummary| Cell::Badge(status(app, one)))
            .by(|one| (one.is_active, one.is_excluded)),
        Column::new("Exec Loss Reason", |one: &ExecutorSummary| {
            one.remove_reason.as_deref().map_or_else(Cell::empty, Cell::long)
        })
        .prose()
        .rank(Rank::Medium)
        .by(|one| one.remove_reason.clone())
        .if_any(|one| one.remove_reason.is_some()),
    ]
}

fn work_columns<'a>() -> Vec<Column<'a, ExecutorSummary>> {
    vec![
        count("RDD Blocks", |one| one.rdd_blocks).rank(Rank::Widest),
        Column::new("Storage Memory", |one: &ExecutorSummary| Cell::Text(memory(one.memory_used, one.max_memory)))
            .hint("Memory used of that for caching blocks of RDDs")
            .number()
            .rank(Rank::Wider)
            .by(|one| one.memory_used),
        size("Disk Used", |one| one.disk_used).rank(Rank::Wider),
        count("Cores", |one| one.total_cores).rank(Rank::Medium),
        count("Active Tasks", |one| one.active_tasks).rank(Rank::Wide).if_any(|one| one.active_tasks > 0),
        Column::new("Failed Tasks", failed).number().by(|one| one.failed_tasks),
        count("Complete Tasks", |one| one.completed_tasks).rank(Rank::Wider),
        count("Total Tasks", |one| one.total_tasks).rank(Rank::Wide),
        Column::new("Task Time (GC Time)", task_time)
            .number()
            .by(|one| one.total_duration)
            .hint("Garbage collection took more than a tenth where marked ⚠"),
        size("Input", |one| one.total_input_bytes).rank(Rank::Medium),
        size("Shuffle Read", |one| one.total_shuffle_read).rank(Rank::Wide),
        size("Shuffle Write", |one| one.total_shuffle_write).rank(Rank::Wide),
        Column::new("Add Time", |one: &ExecutorSummary| Cell::time(Some(one.add_time)))
            .tight()
            .rank(Rank::Widest)
            .by(|one| one.add_time),
        Column::new("Remove Time", |one: &ExecutorSummary| Cell::time(one.remove_time))
            .tight()
            .rank(Rank::Widest)
            .by(|one| one.remove_time)
            .if_any(|one| one.remove_time.is_some()),
    ]
}

/// What Spark shows when it is asked for.
fn memory_columns<'a>() -> Vec<Column<'a, ExecutorSummary>> {
    let mut columns = vec![
        Column::new("On Heap Storage Memory", |one: &ExecutorSummary| {
            one.memory_metrics.as_ref().map_or_else(Cell::empty, |of| {
                Cell::Text(memory(of.used_on_heap_storage_memory, of.total_on_heap_storage_memory))
            })
        })
        .number()
        .rank(Rank::Asked)
        .if_any(|one| one.memory_metrics.is_some()),
        Column::new("Off Heap Storage Memory", |one: &ExecutorSummary| {
            one.memory_metrics.as_ref().map_or_else(Cell::empty, |of| {
                Cell::Text(memory(of.used_off_heap_storage_memory, of.total_off_heap_storage_memory))
            })
        })
        .number()
        .rank(Rank::Asked)
        .if_any(|one| one.memory_metrics.is_some()),
    ];
    columns.extend(peak_columns(|one: &ExecutorSummary| one.peak_memory_metrics));
    columns.push(
        Column::new("Resources", |one: &ExecutorSummary| Cell::Lines(resources(one)))
            .rank(Rank::Asked)
            .if_any(|one| !one.resources.is_empty()),
    );
    columns.push(
        Column::new("Resource Profile Id", |one: &ExecutorSummary| Cell::number(one.resource_profile_id.into()))
            .number()
            .rank(Rank::Asked)
            .by(|one| one.resource_profile_id),
    );
    columns
}

/// The most memory of each kind that an executor took, which Spark shows when it is asked for.
pub(crate) fn peak_columns<'a, T: 'a>(
    peaks: impl Fn(&T) -> Option<ExecutorMetrics> + Copy + 'a,
) -> impl Iterator<Item = Column<'a, T>> {
    let measured = move |one: &T| peaks(one).filter(ExecutorMetrics::is_set);
    PEAKS.into_iter().map(move |(title, on_heap, off_heap)| {
        let cell = move |one: &T| {
            measured(one).map_or_else(Cell::empty, |peak| {
                Cell::Text(format!("{} / {}", format::bytes(peak.get(on_heap)), format::bytes(peak.get(off_heap))))
            })
        };
        Column::new(title, cell)
            .number()
            .rank(Rank::Asked)
            .by(move |one| measured(one).map(|peak| peak.get(on_heap)))
            .if_any(move |one| measured(one).is_some())
    })
}

/// The peaks that Spark shows: title, and the two metrics that stand in it.
const PEAKS: [(&str, &str, &str); 4] = [
    ("Peak JVM Memory On Heap / Off Heap", "JVMHeapMemory", "JVMOffHeapMemory"),
    ("Peak Execution Memory On Heap / Off Heap", "OnHeapExecutionMemory", "OffHeapExecutionMemory"),
    ("Peak Storage Memory On Heap / Off Heap", "OnHeapStorageMemory", "OffHeapStorageMemory"),
    ("Peak Pool Memory Direct / Mapped", "DirectPoolMemory", "MappedPoolMemory"),
];

fn resources(one: &ExecutorSummary) -> Vec<String> {
    let line = |(name, of): (&String, &ResourceInformation)| format!("{name}: {}", of.addresses.join(", "));
    one.resources.iter().map(line).collect()
}

fn failed(one: &ExecutorSummary) -> Cell {
    match one.failed_tasks {
        0 => Cell::number(0),
        number => Cell::Wrong(format::count(number.into())),
    }
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
            Badge { hint: "It was there when the application ended", ..Badge::new("active", "idle") }
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

/// Sums over those that were there at the end, those that were removed, and all.
fn summary(executors: &[ExecutorSummary]) -> Table {
    let sums = [("Active", Some(true)), ("Dead", Some(false)), ("Total", None)].map(|(title, active)| {
        let some = || executors.iter().filter(move |one| active.is_none_or(|active| one.is_active == active));
        let sum = |value: fn(&ExecutorSummary) -> i64| some().map(value).fold(0i64, i64::wrapping_add);
        let small = |value: fn(&ExecutorSummary) -> i32| {
            i32::try_from(some().map(|one| i64::from(value(one))).sum::<i64>()).unwrap_or(i32::MAX)
        };
        ExecutorSummary {
            id: format!("{title} ({})", some().count()),
            rdd_blocks: small(|one| one.rdd_blocks),
            memory_used: sum(|one| one.memory_used),
            max_memory: sum(|one| one.max_memory),
            disk_used: sum(|one| one.disk_used),
            total_cores: small(|one| one.total_cores),
            active_tasks: small(|one| one.active_tasks),
            failed_tasks: small(|one| one.failed_tasks),
            completed_tasks: small(|one| one.completed_tasks),
            total_tasks: small(|one| one.total_tasks),
            total_duration: sum(|one| one.total_duration),
            total_gc_time: sum(|one| one.total_gc_time),
            total_input_bytes: sum(|one| one.total_input_bytes),
            total_shuffle_read: sum(|one| one.total_shuffle_read),
            total_shuffle_write: sum(|one| one.total_shuffle_write),
            excluded_in_stages: some().filter(|one| one.is_excluded).map(|_| 0).collect(),
            ..ExecutorSummary::default()
        }
    });
    let mut columns = vec![Column::new("Executors", |one: &ExecutorSummary| Cell::Text(one.id.clone())).tight()];
    columns.extend(work_columns().into_iter().filter(|column| !column.title().ends_with("Time")).map(Column::unsorted));
    columns.push(
        Column::new("Excluded", |one: &ExecutorSummary| {
            Cell::number(i64::try_from(one.excluded_in_stages.len()).unwrap_or(i64::MAX))
        })
        .number(),
    );
    let spec = TableSpec { tag: "summary", title: "Summary", columns, sort: ("", false), empty: "" };
    let mut table = spec.draw(sums.into(), &Params::default());
    table.total = String::new();
    table
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
