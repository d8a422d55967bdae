//! What each executor did for a stage.

use history_server::api::v1::types::{ExecutorStageSummary, ExecutorSummary};
use history_server::model::Stage;

use crate::app::App;
use crate::cell::Cell;
use crate::format;
use crate::logs::ExecutorLogs;
use crate::pages::executors::peak_columns;
use crate::params::Params;
use crate::table::{Column, FEW_ROWS, Rank, Table, TableSpec};

/// What an executor did for the stage.
struct OnExecutor<'a> {
    id: &'a str,
    summary: &'a ExecutorStageSummary,
    executor: Option<&'a ExecutorSummary>,
}

pub(super) fn table<'s>(app: &'s App, logs: &'s ExecutorLogs, stage: &'s Stage, params: &Params) -> Option<Table> {
    if stage.executors.is_empty() {
        return None;
    }
    let row = |(id, summary): (&'s String, &'s ExecutorStageSummary)| OnExecutor {
        id,
        summary,
        executor: app.model().executor(id),
    };
    let rows: Vec<OnExecutor<'_>> = stage.executors.iter().map(row).collect();
    let mut columns = vec![
        Column::new("Executor ID", |row: &OnExecutor<'_>| Cell::Text(row.id.to_owned()))
            .by(|row| format::natural(row.id)),
        Column::new("Logs", |row: &OnExecutor<'_>| {
            Cell::Logs(logs.links(&app.links, row.id, row.executor.map(|executor| &executor.executor_logs)))
        }),
        Column::new("Address", |row: &OnExecutor<'_>| {
            Cell::Text(row.executor.and_then(|executor| executor.host_port.clone()).unwrap_or_default())
        })
        .tight()
        .rank(Rank::Wider),
        Column::new("Task Time", |row: &OnExecutor<'_>| Cell::duration(Some(row.summary.task_time)))
            .number()
            .by(|row| row.summary.task_time),
        number("Total Tasks", |row| {
            i64::from(row.summary.succeeded_tasks)
                + i64::from(row.summary.failed_tasks)
                + i64::from(row.summary.killed_tasks)
        }),
        number("Failed Tasks", |row| row.summary.failed_tasks.into()),
        number("Killed Tasks", |row| row.summary.killed_tasks.into()).rank(Rank::Wide),
        number("Succeeded Tasks", |row| row.summary.succeeded_tasks.into()),
        size("Input Size / Records", |row| (row.summary.input_bytes, row.summary.input_records)),
        size("Output Size / Records", |row| (row.summary.output_bytes, row.summary.output_records)),
        size("Shuffle Read Size / Records", |row| (row.summary.shuffle_read, row.summary.shuffle_read_records)),
        size("Shuffle Write Size / Records", |row| (row.summary.shuffle_write, row.summary.shuffle_write_records)),
        size("Spill (Memory)", |row| (row.summary.memory_bytes_spilled, 0)).rank(Rank::Wide),
        size("Spill (Disk)", |row| (row.summary.disk_bytes_spilled, 0)).rank(Rank::Wide),
        Column::new("Excluded", |row: &OnExecutor<'_>| {
            Cell::Text(if row.summary.is_excluded_for_stage { "yes" } else { "no" }.to_owned())
        })
        .if_any(|row| row.summary.is_excluded_for_stage),
    ];
    columns.extend(peak_columns(|row: &OnExecutor<'_>| row.summary.peak_memory_metrics));
    let spec = TableSpec { tag: "executor", title: "Executors", columns, sort: ("Executor ID", false), empty: "" };
    Some(spec.draw_searched_by(FEW_ROWS, rows, params))
}

fn number<'a>(title: &'static str, value: fn(&OnExecutor<'_>) -> i64) -> Column<'a, OnExecutor<'a>> {
    Column::new(title, move |row| Cell::number(value(row))).number().rank(Rank::Medium).by(move |row| value(row))
}

fn size<'a>(title: &'static str, value: fn(&OnExecutor<'_>) -> (i64, i64)) -> Column<'a, OnExecutor<'a>> {
    let cell = move |row: &OnExecutor<'_>| {
        let (bytes, records) = value(row);
        Cell::bytes_and_records(bytes, records)
    };
    Column::new(title, cell)
        .number()
        .rank(Rank::Medium)
        .by(move |row| value(row))
        .if_any(move |row| value(row) != (0, 0))
}
