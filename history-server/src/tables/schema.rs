//! What is in which column. [`super`] says it for people.

use super::column::{Cell, Column, Kind};
use super::rows::TaskRows;
use history_model::metric;
use history_model::tasks::{COLUMN_NAMES, TaskColumn};
use history_model::types::JobExecutionStatus;
use history_model::{Application, SqlExecution};

/// The columns with which every table begins.
pub(super) struct Owner<'a> {
    pub(super) app_id: &'a str,
    pub(super) attempt_id: Option<&'a str>,
}

impl<'a> Owner<'a> {
    pub(super) fn columns(&self) -> Vec<Column<'a>> {
        let (app_id, attempt_id) = (self.app_id, self.attempt_id);
        vec![
            Column::new("app_id", Kind::Text, move |_| Cell::Text(app_id)),
            Column::optional("app_attempt_id", Kind::Text, move |_| Cell::text(attempt_id)),
        ]
    }
}

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

pub(super) fn tasks<'a>(owner: &Owner<'a>, rows: &'a TaskRows<'a>) -> Vec<Column<'a>> {
    let mut columns = owner.columns();
    columns.push(Column::new("stage_id", Kind::Int32, move |row| Cell::Int(i64::from(rows.at(row).0.0))));
    columns.push(Column::new("stage_attempt_id", Kind::Int32, move |row| Cell::Int(i64::from(rows.at(row).0.1))));
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
    columns
}

pub(super) fn task_accumulators<'a>(owner: &Owner<'a>, rows: &'a TaskRows<'a>) -> Vec<Column<'a>> {
    let mut columns = owner.columns();
    columns.push(Column::new("stage_id", Kind::Int32, move |row| Cell::Int(i64::from(rows.accumulator(row).0.0))));
    columns
        .push(Column::new("stage_attempt_id", Kind::Int32, move |row| Cell::Int(i64::from(rows.accumulator(row).0.1))));
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
    columns
}

/// Columns that are fields of what the REST API calls the same.
macro_rules! fields {
    ($columns:ident, $rows:ident, $($kind:ident $($field:ident)+;)+) => {
        $($($columns.push(fields!(@ $kind $rows $field));)+)+
    };
    (@ int32 $rows:ident $field:ident) => {
        Column::new(stringify!($field), Kind::Int32, move |row| Cell::Int($rows[row].data.$field.into()))
    };
    (@ int64 $rows:ident $field:ident) => {
        Column::new(stringify!($field), Kind::Int64, move |row| Cell::Int($rows[row].data.$field))
    };
    (@ time $rows:ident $field:ident) => {
        Column::optional(stringify!($field), Kind::Time, move |row| Cell::int($rows[row].data.$field.map(|at| at.0)))
    };
    (@ text $rows:ident $field:ident) => {
        Column::optional(stringify!($field), Kind::Text, move |row| Cell::text($rows[row].data.$field.as_deref()))
    };
}

pub(super) fn jobs<'a>(owner: &Owner<'a>, model: &'a Application) -> Vec<Column<'a>> {
    let (mut columns, jobs) = (owner.columns(), &model.jobs);
    fields! { columns, jobs, int32 job_id; }
    columns.push(Column::new("name", Kind::Text, move |row| Cell::Text(&jobs[row].data.name)));
    columns.push(Column::new("status", Kind::Text, move |row| Cell::Text(job_status(jobs[row].data.status))));
    columns.push(Column::optional("sql_execution_id", Kind::Int64, move |row| Cell::int(jobs[row].sql_execution_id)));
    fields! { columns, jobs,
        text description job_group;
        time submission_time completion_time;
        int32 num_tasks num_active_tasks num_completed_tasks num_skipped_tasks num_failed_tasks num_killed_tasks
            num_completed_indices num_active_stages num_completed_stages num_skipped_stages num_failed_stages;
    }
    columns
}

fn job_status(status: JobExecutionStatus) -> &'static str {
    match status {
        JobExecutionStatus::Running => "RUNNING",
        JobExecutionStatus::Succeeded => "SUCCEEDED",
        JobExecutionStatus::Failed => "FAILED",
        JobExecutionStatus::Unknown => "UNKNOWN",
    }
}

pub(super) fn stages<'a>(owner: &Owner<'a>, model: &'a Application) -> Vec<Column<'a>> {
    use history_model::types::StageStatus;
    let (mut columns, stages) = (owner.columns(), &model.stages);
    fields! { columns, stages, int32 stage_id; }
    columns
        .push(Column::new("stage_attempt_id", Kind::Int32, move |row| Cell::Int(stages[row].data.attempt_id.into())));
    columns.push(Column::new("status", Kind::Text, move |row| {
        Cell::Text(match stages[row].data.status {
            StageStatus::Active => "ACTIVE",
            StageStatus::Complete => "COMPLETE",
            StageStatus::Failed => "FAILED",
            StageStatus::Pending => "PENDING",
            StageStatus::Skipped => "SKIPPED",
        })
    }));
    columns.push(Column::new("details", Kind::Text, move |row| Cell::Text(&stages[row].data.details)));
    columns.push(Column::new("scheduling_pool", Kind::Text, move |row| Cell::Text(&stages[row].data.scheduling_pool)));
    fields! { columns, stages,
        text name description failure_reason;
        time submission_time first_task_launched_time completion_time;
        int32 num_tasks num_active_tasks num_complete_tasks num_failed_tasks num_killed_tasks num_completed_indices
            resource_profile_id shuffle_mergers_count;
        int64 executor_deserialize_time executor_deserialize_cpu_time executor_run_time executor_cpu_time result_size
            jvm_gc_time result_serialization_time memory_bytes_spilled disk_bytes_spilled peak_execution_memory
            input_bytes input_records output_bytes output_records shuffle_remote_blocks_fetched
            shuffle_local_blocks_fetched shuffle_fetch_wait_time shuffle_remote_bytes_read
            shuffle_remote_bytes_read_to_disk shuffle_local_bytes_read shuffle_read_bytes shuffle_read_records
            shuffle_corrupt_merged_block_chunks shuffle_merged_fetch_fallback_count
            shuffle_merged_remote_blocks_fetched shuffle_merged_local_blocks_fetched
            shuffle_merged_remote_chunks_fetched shuffle_merged_local_chunks_fetched shuffle_merged_remote_bytes_read
            shuffle_merged_local_bytes_read shuffle_remote_reqs_duration shuffle_merged_remote_reqs_duration
            shuffle_write_bytes shuffle_write_time shuffle_write_records;
    }
    columns
}

pub(super) fn executors<'a>(owner: &Owner<'a>, model: &'a Application) -> Vec<Column<'a>> {
    let (mut columns, executors) = (owner.columns(), &model.executors);
    macro_rules! numbers {
        ($kind:expr, $($field:ident)+) => {
            $(columns.push(Column::new(stringify!($field), $kind, move |row| Cell::Int(executors[row].$field.into())));)+
        };
    }
    columns.push(Column::new("executor_id", Kind::Text, move |row| Cell::Text(&executors[row].id)));
    columns.push(Column::optional("host_port", Kind::Text, move |row| Cell::text(executors[row].host_port.as_deref())));
    columns.push(Column::new("is_active", Kind::Bool, move |row| Cell::Bool(executors[row].is_active)));
    columns.push(Column::new("is_excluded", Kind::Bool, move |row| Cell::Bool(executors[row].is_excluded)));
    columns.push(Column::new("add_time", Kind::Time, move |row| Cell::Int(executors[row].add_time.0)));
    let removed = move |row: usize| Cell::int(executors[row].remove_time.map(|at| at.0));
    columns.push(Column::optional("remove_time", Kind::Time, removed));
    columns.push(Column::optional("remove_reason", Kind::Text, move |row| {
        Cell::text(executors[row].remove_reason.as_deref())
    }));
    numbers!(Kind::Int32, total_cores max_tasks active_tasks failed_tasks completed_tasks total_tasks rdd_blocks
        resource_profile_id);
    numbers!(Kind::Int64, total_duration total_gc_time total_input_bytes total_shuffle_read total_shuffle_write
        max_memory memory_used disk_used);
    columns
}

pub(super) fn sql_executions<'a>(owner: &Owner<'a>, model: &'a Application) -> Vec<Column<'a>> {
    let (mut columns, sql) = (owner.columns(), &model.sql);
    macro_rules! texts {
        ($($field:ident)+) => {
            $(columns.push(Column::optional(stringify!($field), Kind::Text, move |row| Cell::text(sql[row].$field.as_deref())));)+
        };
    }
    columns.push(Column::new("execution_id", Kind::Int64, move |row| Cell::Int(sql[row].id)));
    columns.push(Column::new("root_execution_id", Kind::Int64, move |row| Cell::Int(sql[row].root_id)));
    columns.push(Column::new("status", Kind::Text, move |row| Cell::Text(sql[row].status())));
    columns.push(Column::new("submission_time", Kind::Time, move |row| Cell::Int(sql[row].submission_time)));
    columns.push(Column::optional("completion_time", Kind::Time, move |row| Cell::int(sql[row].completion_time)));
    columns.push(Column::new("num_jobs", Kind::Int32, move |row| Cell::Int(sql[row].jobs.len() as i64)));
    texts!(query_id description details plan_text error_message);
    columns
}

/// An operator's metric: the execution, the operator, and the metric's number in it.
pub(super) type SqlMetricRow<'a> =
    (&'a SqlExecution, &'a history_model::plan::PlanNode, &'a history_model::plan::SqlMetric);

pub(super) fn sql_metric_rows(model: &Application) -> Vec<SqlMetricRow<'_>> {
    let mut rows = Vec::new();
    for sql in &model.sql {
        for node in sql.graph.iter().flat_map(|graph| graph.all_nodes()) {
            rows.extend(node.metrics.iter().map(|metric| (sql, node, metric)));
        }
    }
    rows
}

pub(super) fn sql_metrics<'a>(owner: &Owner<'a>, rows: &'a [SqlMetricRow<'a>]) -> Vec<Column<'a>> {
    let mut columns = owner.columns();
    columns.push(Column::new("execution_id", Kind::Int64, move |row| Cell::Int(rows[row].0.id)));
    columns.push(Column::new("node_id", Kind::Int64, move |row| Cell::Int(rows[row].1.id)));
    columns.push(Column::new("node_name", Kind::Text, move |row| Cell::Text(&rows[row].1.name)));
    columns.push(Column::new("accumulator_id", Kind::Int64, move |row| Cell::Int(rows[row].2.accumulator_id)));
    columns.push(Column::new("metric", Kind::Text, move |row| Cell::Text(&rows[row].2.name)));
    columns.push(Column::new("metric_type", Kind::Text, move |row| Cell::Text(&rows[row].2.metric_type)));
    columns.push(Column::optional("value", Kind::Text, move |row| {
        let (sql, _, metric) = rows[row];
        Cell::text(sql.metric_values.get(&metric.accumulator_id).map(String::as_str))
    }));
    columns
}
