//! What is in which table and column. `docs/tables.md` says it for people.

mod application;
mod executors;
mod sql;
mod work;

use super::column::{Cell, Column, Kind};
use super::content::Content;
use super::place::{self, TASK_ACCUMULATORS, TASK_PEAKS, TASKS};
use super::rows::{StageRows, TaskRows};
use super::services;
use super::sheet::{Owner, PEAKS, Sheet};
use super::streaming::{self, MetricRows, ProgressRows};
use history_model::metric;
use history_model::tasks::{COLUMN_NAMES, TaskColumn};
use history_model::types::SparkPlanGraphEdge;
use history_model::types::{AccumulableInfo, ExecutorStageSummary, RDDDataDistribution, RDDPartitionInfo};

/// The fixed columns of tasks as they are stored: the number that stands for null, and the kind.
pub(super) const TASK_KINDS: [(TaskColumn, Kind, Option<i64>); COLUMN_NAMES.len()] = [
    (TaskColumn::TaskId, Kind::Int64, None),
    (TaskColumn::Index, Kind::Int32, None),
    (TaskColumn::Attempt, Kind::Int32, None),
    (TaskColumn::PartitionId, Kind::Int32, Some(-1)),
    (TaskColumn::LaunchTime, Kind::Time, None),
    (TaskColumn::ResultFetchStart, Kind::Time, Some(-1)),
    (TaskColumn::Duration, Kind::Int64, Some(-1)),
    (TaskColumn::Executor, Kind::Text, None),
    (TaskColumn::Host, Kind::Text, None),
    (TaskColumn::Status, Kind::Text, None),
    (TaskColumn::Locality, Kind::Text, None),
    (TaskColumn::Speculative, Kind::Bool, None),
    (TaskColumn::Error, Kind::Text, Some(0)),
    (TaskColumn::HasMetrics, Kind::Bool, None),
];

/// Written where they have no rows, too: a reader finds at least these of every application.
pub(super) const ALWAYS: [&str; 8] =
    ["applications", "environment", "jobs", "stages", TASKS, "executors", "sql_executions", "sql_metrics"];

/// The rows of the tables, as far as they are not the model's own.
pub(super) struct Rows<'a> {
    content: [&'a Content<'a>; 1],
    tasks: TaskRows<'a>,
    properties: Vec<application::Property>,
    resources: Vec<application::ResourceRequest<'a>>,
    executors_of_stages: Vec<work::OfStage<'a, (&'a str, &'a ExecutorStageSummary)>>,
    accumulators_of_stages: Vec<work::OfStage<'a, &'a AccumulableInfo>>,
    rdds_of_stages: Vec<work::RddOfStage<'a>>,
    executors: Vec<executors::ExecutorRow<'a>>,
    rdd_blocks: Vec<(i32, &'a RDDPartitionInfo)>,
    rdd_executors: Vec<(i32, &'a RDDDataDistribution)>,
    sql_executions: Vec<sql::ExecutionRow<'a>>,
    sql_nodes: Vec<sql::NodeRow<'a>>,
    sql_edges: Vec<((i64, &'static str), SparkPlanGraphEdge)>,
    sql_metrics: Vec<sql::MetricRow<'a>>,
    progress: ProgressRows<'a>,
    metrics: MetricRows<'a>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(content: &'a Content<'a>) -> Self {
        let model = content.model;
        Self {
            content: [content],
            tasks: TaskRows::new(content.strings, content.stages, content.peaks),
            properties: application::properties(model, content.redaction),
            resources: application::resource_requests(model),
            executors_of_stages: work::executors_of_stages(model),
            accumulators_of_stages: work::accumulators_of_stages(model),
            rdds_of_stages: work::rdds_of_stages(model),
            executors: executors::executor_rows(content),
            rdd_blocks: executors::blocks(model),
            rdd_executors: executors::distributions(model),
            sql_executions: sql::executions(model, content.redaction),
            sql_nodes: sql::nodes(model),
            sql_edges: sql::edges(model),
            sql_metrics: sql::metrics(model),
            progress: ProgressRows::new(&model.streaming),
            metrics: MetricRows::new(&model.streaming),
        }
    }

    /// Where the rows of each stage attempt are.
    pub(super) fn of_stages(&self) -> &[StageRows] {
        &self.tasks.index
    }

    /// All tables.
    pub(super) fn sheets(&self, owner: &Owner<'a>) -> Vec<Sheet<'_>> {
        let [content] = self.content;
        let model = content.model;
        vec![
            application::applications(owner, &self.content, self.tasks.task_count()),
            application::environment(owner, &self.properties),
            application::resource_profiles(owner, &self.resources),
            application::processes(owner, model),
            application::other_events(owner, content.other_events),
            work::jobs(owner, model),
            work::stages(owner, model),
            work::stage_executors(owner, &self.executors_of_stages),
            work::stage_accumulators(owner, &self.accumulators_of_stages),
            work::stage_rdds(owner, &self.rdds_of_stages),
            tasks(owner, &self.tasks),
            task_accumulators(owner, &self.tasks),
            task_peaks(owner, &self.tasks),
            executors::executors(owner, &self.executors),
            executors::executor_events(owner, model),
            executors::rdds(owner, model),
            executors::rdd_blocks(owner, &self.rdd_blocks),
            executors::rdd_executors(owner, &self.rdd_executors),
            executors::stream_blocks(owner, model),
            sql::sql_executions(owner, &self.sql_executions),
            sql::sql_nodes(owner, &self.sql_nodes),
            sql::sql_edges(owner, &self.sql_edges),
            sql::sql_metrics(owner, &self.sql_metrics),
            streaming::queries(owner, &model.streaming),
            streaming::progress(owner, &self.progress),
            streaming::metrics(owner, &self.metrics),
            services::connect_services(owner, &model.connect),
            services::connect_sessions(owner, &model.connect),
            services::connect_operations(owner, &model.connect),
            services::thrift_sessions(owner, &model.thrift),
            services::thrift_statements(owner, &model.thrift),
        ]
    }
}

/// Columns with the stage attempt of each row.
fn of_stage<'a>(owner: &Owner<'a>, stage: impl Fn(usize) -> (i32, i32) + Copy + 'a) -> Vec<Column<'a>> {
    let mut columns = owner.columns();
    columns.push(Column::new("stage_id", Kind::Int32, move |row| Cell::Int(stage(row).0.into())));
    columns.push(Column::new("stage_attempt_id", Kind::Int32, move |row| Cell::Int(stage(row).1.into())));
    columns
}

fn tasks<'a>(owner: &Owner<'a>, rows: &'a TaskRows<'a>) -> Sheet<'a> {
    let mut columns = of_stage(owner, move |row| rows.at(row).0);
    for (name, (column, kind, null)) in COLUMN_NAMES.iter().zip(TASK_KINDS) {
        let cell = move |row| {
            let (_, table, at) = rows.at(row);
            let value = table.get(column, at);
            match kind {
                _ if Some(value) == null => Cell::Null,
                Kind::Text if column == TaskColumn::Error => Cell::Text(rows.text(value - 1)),
                Kind::Text => Cell::Text(rows.text(value)),
                Kind::Bool => Cell::Bool(value == 1),
                Kind::Int32 | Kind::Int64 | Kind::Double | Kind::Time => Cell::Int(value),
            }
        };
        columns.push(if null.is_some() { Column::optional(name, kind, cell) } else { Column::new(name, kind, cell) });
    }
    for (index, name) in metric::NAMES.iter().enumerate() {
        columns.push(Column::optional(name, Kind::Int64, move |row| {
            let (_, table, at) = rows.at(row);
            let reported = table.get(TaskColumn::HasMetrics, at) == 1;
            if reported { Cell::Int(table.metric(index).get(at)) } else { Cell::Null }
        }));
    }
    let ends = place::ends(rows.index.iter().map(|rows| rows.tasks.clone()));
    Sheet::new(TASKS, rows.task_count(), columns).in_places(ends)
}

fn task_accumulators<'a>(owner: &Owner<'a>, rows: &'a TaskRows<'a>) -> Sheet<'a> {
    let mut columns = of_stage(owner, move |row| rows.accumulator(row).0);
    columns.push(Column::new("task_id", Kind::Int64, move |row| {
        let (_, table, found) = rows.accumulator(row);
        Cell::Int(table.get(TaskColumn::TaskId, found.row as usize))
    }));
    columns.push(Column::new("task_row", Kind::Int32, move |row| Cell::Int(i64::from(rows.accumulator(row).2.row))));
    columns.push(Column::new("accumulator_id", Kind::Int64, move |row| Cell::Int(rows.accumulator(row).2.id)));
    columns.push(Column::optional("name", Kind::Text, move |row| {
        rows.accumulator(row).2.name.map_or(Cell::Null, |code| Cell::Text(rows.text(i64::from(code))))
    }));
    columns
        .push(Column::optional("update", Kind::Text, move |row| Cell::text(rows.accumulator(row).2.update.as_deref())));
    columns
        .push(Column::optional("value", Kind::Text, move |row| Cell::text(rows.accumulator(row).2.value.as_deref())));
    let ends = place::ends(rows.index.iter().map(|rows| rows.accumulators.clone()));
    Sheet::new(TASK_ACCUMULATORS, rows.accumulator_count(), columns).in_places(ends)
}

fn task_peaks<'a>(owner: &Owner<'a>, rows: &'a TaskRows<'a>) -> Sheet<'a> {
    let mut columns = of_stage(owner, move |row| rows.peaks(row).0);
    columns.push(Column::new("task_id", Kind::Int64, move |row| {
        let (_, peaks, at) = rows.peaks(row);
        Cell::Int(peaks.task_id(at))
    }));
    for (metric, name) in PEAKS.into_iter().enumerate() {
        columns.push(Column::new(name, Kind::Int64, move |row| {
            let (_, peaks, at) = rows.peaks(row);
            Cell::Int(peaks.peak(at, metric))
        }));
    }
    let ends = place::ends(rows.index.iter().map(|rows| rows.peaks.clone()));
    Sheet::new(TASK_PEAKS, rows.peak_count(), columns).in_places(ends)
}
