//! Jobs and stages, and what belongs to each stage.

use super::super::sheet::{Owner, Sheet};
use history_model::metric;
use history_model::types::{
    AccumulableInfo, ExecutorStageSummary, JobExecutionStatus, SpeculationStageSummary, StageStatus,
};
use history_model::{Application, RddNode, Stage};
use serde::Deserialize;

fn counts(all: &std::collections::BTreeMap<String, i32>) -> impl Iterator<Item = (&String, i64)> {
    all.iter().map(|(reason, count)| (reason, i64::from(*count)))
}

pub(super) fn jobs<'a>(owner: &Owner<'a>, model: &'a Application) -> Sheet<'a> {
    owner
        .table(&model.jobs)
        .int32("job_id", |job| job.data.job_id)
        .text("name", |job| &job.data.name)
        .text("status", |job| job_status(job.data.status))
        .maybe_int64("sql_execution_id", |job| job.sql_execution_id)
        .maybe_text("description", |job| job.data.description.as_deref())
        .maybe_text("job_group", |job| job.data.job_group.as_deref())
        .texts("job_tags", |job| &job.data.job_tags)
        .maybe_time("submission_time", |job| job.data.submission_time.map(|at| at.0))
        .maybe_time("completion_time", |job| job.data.completion_time.map(|at| at.0))
        .numbers("stage_ids", |job| job.data.stage_ids.iter().copied())
        .numbers("skipped_stage_ids", |job| job.skipped_stages.iter().copied())
        .int32("num_tasks", |job| job.data.num_tasks)
        .int32("num_active_tasks", |job| job.data.num_active_tasks)
        .int32("num_completed_tasks", |job| job.data.num_completed_tasks)
        .int32("num_skipped_tasks", |job| job.data.num_skipped_tasks)
        .int32("num_failed_tasks", |job| job.data.num_failed_tasks)
        .int32("num_killed_tasks", |job| job.data.num_killed_tasks)
        .int32("num_completed_indices", |job| job.data.num_completed_indices)
        .int32("num_active_stages", |job| job.data.num_active_stages)
        .int32("num_completed_stages", |job| job.data.num_completed_stages)
        .int32("num_skipped_stages", |job| job.data.num_skipped_stages)
        .int32("num_failed_stages", |job| job.data.num_failed_stages)
        .named_counts("killed_tasks_summary", |job| counts(&job.data.killed_tasks_summary))
        .named("jobs")
}

fn job_status(status: JobExecutionStatus) -> &'static str {
    match status {
        JobExecutionStatus::Running => "RUNNING",
        JobExecutionStatus::Succeeded => "SUCCEEDED",
        JobExecutionStatus::Failed => "FAILED",
        JobExecutionStatus::Unknown => "UNKNOWN",
    }
}

fn stage_status(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Active => "ACTIVE",
        StageStatus::Complete => "COMPLETE",
        StageStatus::Failed => "FAILED",
        StageStatus::Pending => "PENDING",
        StageStatus::Skipped => "SKIPPED",
    }
}

/// Columns that are fields of what the REST API calls the same.
macro_rules! fields {
    ($table:expr, $($kind:ident $($field:ident)+;)+) => {
        $table $($(.$kind(stringify!($field), |row| row.data.$field))+)+
    };
}

pub(super) fn stages<'a>(owner: &Owner<'a>, model: &'a Application) -> Sheet<'a> {
    let speculation =
        |of: fn(&SpeculationStageSummary) -> i32| move |stage: &'a Stage| stage.speculation.as_ref().map(of);
    let table = owner
        .table(&model.stages)
        .int32("stage_id", |stage| stage.data.stage_id)
        .int32("stage_attempt_id", |stage| stage.data.attempt_id)
        .text("status", |stage| stage_status(stage.data.status))
        .text("details", |stage| &stage.data.details)
        .text("scheduling_pool", |stage| &stage.data.scheduling_pool)
        .maybe_text("name", |stage| stage.data.name.as_deref())
        .maybe_text("description", |stage| stage.data.description.as_deref())
        .maybe_text("failure_reason", |stage| stage.data.failure_reason.as_deref())
        .maybe_time("submission_time", |stage| stage.data.submission_time.map(|at| at.0))
        .maybe_time("first_task_launched_time", |stage| stage.data.first_task_launched_time.map(|at| at.0))
        .maybe_time("completion_time", |stage| stage.data.completion_time.map(|at| at.0))
        .numbers("job_ids", |stage| stage.job_ids.iter().copied())
        .numbers("parent_ids", |stage| stage.parent_ids.iter().copied())
        .numbers("rdd_ids", |stage| stage.data.rdd_ids.iter().copied())
        .named_counts("locality", |stage| stage.locality.iter().map(|(level, count)| (level, *count)))
        .named_counts("killed_tasks_summary", |stage| counts(&stage.data.killed_tasks_summary))
        .maybe_int32("speculation_num_tasks", speculation(|all| all.num_tasks))
        .maybe_int32("speculation_num_active_tasks", speculation(|all| all.num_active_tasks))
        .maybe_int32("speculation_num_completed_tasks", speculation(|all| all.num_completed_tasks))
        .maybe_int32("speculation_num_failed_tasks", speculation(|all| all.num_failed_tasks))
        .maybe_int32("speculation_num_killed_tasks", speculation(|all| all.num_killed_tasks))
        .flag("is_shuffle_push_enabled", |stage| stage.data.is_shuffle_push_enabled);
    let table = fields! { table,
        int32 num_tasks num_active_tasks num_complete_tasks num_failed_tasks num_killed_tasks num_completed_indices
            resource_profile_id shuffle_mergers_count;
    };
    metric::SUMS
        .into_iter()
        .fold(table, |table, (name, of)| {
            // Of what is read of shuffles there is a sum of both ways, before the number of records.
            let both = name == metric::SUMS[metric::SHUFFLE_RECORDS_READ].0;
            let table =
                if both { table.int64("shuffle_read_bytes", |stage| stage.data.shuffle_read_bytes) } else { table };
            table.int64(name, move |stage| of(&stage.data))
        })
        .peaks(|stage| stage.data.peak_executor_metrics.as_ref())
        .named("stages")
}

/// What belongs to a stage attempt, with the attempt.
pub(in super::super) type OfStage<'a, T> = (&'a Stage, T);

pub(super) fn executors_of_stages(model: &Application) -> Vec<OfStage<'_, (&str, &ExecutorStageSummary)>> {
    let of = |stage: &'_ Stage| stage.executors.len();
    let mut rows = Vec::with_capacity(model.stages.iter().map(of).sum());
    for stage in &model.stages {
        rows.extend(stage.executors.iter().map(|(id, sums)| (stage, (id.as_str(), sums))));
    }
    rows
}

pub(super) fn stage_executors<'a>(
    owner: &Owner<'a>,
    rows: &'a [OfStage<'a, (&'a str, &'a ExecutorStageSummary)>],
) -> Sheet<'a> {
    owner
        .table(rows)
        .int32("stage_id", |(stage, _)| stage.data.stage_id)
        .int32("stage_attempt_id", |(stage, _)| stage.data.attempt_id)
        .text("executor_id", |(_, (id, _))| id)
        .int64("task_time", |(_, (_, sums))| sums.task_time)
        .int32("failed_tasks", |(_, (_, sums))| sums.failed_tasks)
        .int32("succeeded_tasks", |(_, (_, sums))| sums.succeeded_tasks)
        .int32("killed_tasks", |(_, (_, sums))| sums.killed_tasks)
        .int64("input_bytes", |(_, (_, sums))| sums.input_bytes)
        .int64("input_records", |(_, (_, sums))| sums.input_records)
        .int64("output_bytes", |(_, (_, sums))| sums.output_bytes)
        .int64("output_records", |(_, (_, sums))| sums.output_records)
        .int64("shuffle_read", |(_, (_, sums))| sums.shuffle_read)
        .int64("shuffle_read_records", |(_, (_, sums))| sums.shuffle_read_records)
        .int64("shuffle_write", |(_, (_, sums))| sums.shuffle_write)
        .int64("shuffle_write_records", |(_, (_, sums))| sums.shuffle_write_records)
        .int64("memory_bytes_spilled", |(_, (_, sums))| sums.memory_bytes_spilled)
        .int64("disk_bytes_spilled", |(_, (_, sums))| sums.disk_bytes_spilled)
        .flag("is_excluded_for_stage", |(_, (_, sums))| sums.is_excluded_for_stage)
        .peaks(|(_, (_, sums))| sums.peak_memory_metrics.as_ref())
        .named("stage_executors")
}

pub(super) fn accumulators_of_stages(model: &Application) -> Vec<OfStage<'_, &AccumulableInfo>> {
    let of = |stage: &'_ Stage| stage.data.accumulator_updates.len();
    let mut rows = Vec::with_capacity(model.stages.iter().map(of).sum());
    for stage in &model.stages {
        rows.extend(stage.data.accumulator_updates.iter().map(|found| (stage, found)));
    }
    rows
}

pub(super) fn stage_accumulators<'a>(owner: &Owner<'a>, rows: &'a [OfStage<'a, &'a AccumulableInfo>]) -> Sheet<'a> {
    owner
        .table(rows)
        .int32("stage_id", |(stage, _)| stage.data.stage_id)
        .int32("stage_attempt_id", |(stage, _)| stage.data.attempt_id)
        .int64("accumulator_id", |(_, found)| found.id)
        .maybe_text("name", |(_, found)| found.name.as_deref())
        .maybe_text("update", |(_, found)| found.update.as_deref())
        .maybe_text("value", |(_, found)| found.value.as_deref())
        .named("stage_accumulators")
}

/// An RDD of a stage, with the operations that it is part of, the outermost first.
pub(in super::super) struct RddOfStage<'a> {
    stage_id: i32,
    rdd: &'a RddNode,
    scope_ids: Vec<String>,
    scope_names: Vec<String>,
}

/// Operations are never nested deeper than this by Spark, nor by far.
const MAX_SCOPES: usize = 64;

/// How Spark writes an operation, and the one around it.
#[derive(Deserialize)]
struct Scope {
    id: String,
    name: String,
    parent: Option<Box<Self>>,
}

pub(super) fn rdds_of_stages(model: &Application) -> Vec<RddOfStage<'_>> {
    let mut rows = Vec::with_capacity(model.rdd_graphs.values().map(Vec::len).sum());
    for (stage_id, rdds) in &model.rdd_graphs {
        rows.extend(rdds.iter().map(|rdd| {
            let (mut scope_ids, mut scope_names) = (Vec::new(), Vec::new());
            let mut scope = rdd.scope.as_deref().and_then(|scope| serde_json::from_str::<Box<Scope>>(scope).ok());
            while let Some(inner) = scope.filter(|_| scope_ids.len() < MAX_SCOPES) {
                scope_ids.push(inner.id);
                scope_names.push(inner.name);
                scope = inner.parent;
            }
            scope_ids.reverse();
            scope_names.reverse();
            RddOfStage { stage_id: *stage_id, rdd, scope_ids, scope_names }
        }));
    }
    rows
}

pub(super) fn stage_rdds<'a>(owner: &Owner<'a>, rows: &'a [RddOfStage<'a>]) -> Sheet<'a> {
    owner
        .table(rows)
        .int32("stage_id", |row| row.stage_id)
        .int32("rdd_id", |row| row.rdd.id)
        .maybe_text("name", |row| row.rdd.name.as_deref())
        .text("callsite", |row| &row.rdd.callsite)
        .int32("num_partitions", |row| row.rdd.num_partitions)
        .flag("is_cached", |row| row.rdd.is_cached)
        .flag("is_barrier", |row| row.rdd.is_barrier)
        .text("deterministic_level", |row| &row.rdd.deterministic_level)
        .numbers("parent_ids", |row| row.rdd.parent_ids.iter().copied())
        .texts("scope_ids", |row| &row.scope_ids)
        .texts("scope_names", |row| &row.scope_names)
        .named("stage_rdds")
}
