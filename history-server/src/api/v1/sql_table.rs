//! The page of SQL executions that tables in a browser ask for.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::error::Refusal;
use super::params::Params;
use super::sql::duration;
use history_model::SqlExecution;
use history_model::order::java_cmp;
use history_model::types::{Date, JobExecutionStatus};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    id: i64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    submission_time: Date,
    duration: i64,
    job_ids: Vec<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    root_execution_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_executions: Option<Vec<Self>>,
}

/// A page of executions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SqlTable<'a> {
    records_filtered: usize,
    draw: i32,
    records_total: usize,
    aa_data: Vec<Row<'a>>,
    summary: Summary,
}

/// Figures over all executions that pass the filter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    total_queries: usize,
    average_duration: i64,
    running_queries: usize,
    failed_queries: usize,
    failure_rate: f64,
}

impl Summary {
    fn of(executions: &[&SqlExecution], now: i64) -> Self {
        let count = |status| executions.iter().filter(|execution| execution.status() == status).count();
        let (total, failed) = (executions.len(), count("FAILED"));
        let sum = executions.iter().fold(0i64, |sum, execution| sum.wrapping_add(duration(execution, now)));
        Self {
            total_queries: total,
            average_duration: sum.checked_div(total as i64).unwrap_or(0),
            running_queries: count("RUNNING"),
            failed_queries: failed,
            failure_rate: if total > 0 { failed as f64 / total as f64 } else { 0.0 },
        }
    }
}

fn row(execution: &SqlExecution, now: i64) -> Row<'_> {
    let mut job_ids: Vec<_> = execution
        .jobs
        .iter()
        .filter(|(_, status)| *status == JobExecutionStatus::Succeeded)
        .map(|(id, _)| *id)
        .collect();
    job_ids.sort_unstable();
    Row {
        id: execution.id,
        status: execution.status(),
        description: execution.description.as_deref(),
        submission_time: Date(execution.submission_time),
        duration: duration(execution, now),
        job_ids,
        query_id: execution.query_id.as_deref(),
        error_message: execution.error_message.as_deref(),
        root_execution_id: execution.root_id,
        sub_executions: None,
    }
}

/// Those that stand for themselves, and those that belong to one of them, by its id.
fn grouped<'a>(executions: &[&'a SqlExecution]) -> (Vec<&'a SqlExecution>, BTreeMap<i64, Vec<&'a SqlExecution>>) {
    let ids: HashSet<_> = executions.iter().map(|execution| execution.id).collect();
    let (mut roots, mut subs) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    for execution in executions.iter().copied() {
        if execution.id == execution.root_id || !ids.contains(&execution.root_id) {
            roots.push(execution);
        } else {
            subs.entry(execution.root_id).or_default().push(execution);
        }
    }
    (roots, subs)
}

fn sort(executions: &mut [&SqlExecution], column: &str, ascending: bool, now: i64) {
    let text = |execution: &SqlExecution| execution.description.clone().unwrap_or_default();
    executions.sort_by(|left, right| -> Ordering {
        match column {
            "status" => left.status().cmp(right.status()),
            "description" => java_cmp(&text(left), &text(right)),
            "submissionTime" => left.submission_time.cmp(&right.submission_time),
            "duration" => duration(left, now).cmp(&duration(right, now)),
            _ => left.id.cmp(&right.id),
        }
    });
    if !ascending {
        executions.reverse();
    }
}

fn matches(execution: &SqlExecution, search: Option<&str>, status: Option<&str>) -> bool {
    let found = search.is_none_or(|search| {
        let search = search.to_lowercase();
        execution.description.as_ref().is_some_and(|text| text.to_lowercase().contains(&search))
            || execution.status().to_lowercase().contains(&search)
            || execution.id.to_string().contains(&search)
    });
    found && status.is_none_or(|status| execution.status().eq_ignore_ascii_case(status))
}

/// A number, or 500 as in Spark where it is none.
fn number(params: &Params, name: &str, default: i32) -> Result<i32, Refusal> {
    let failed = Refusal::Page(http::StatusCode::INTERNAL_SERVER_ERROR);
    params.first(name).map_or(Ok(default), |value| value.parse().map_err(|_| failed))
}

/// The page that the parameters ask for.
pub(super) fn sql_table<'a>(
    executions: &'a [SqlExecution],
    params: &Params,
    now: i64,
) -> Result<SqlTable<'a>, Refusal> {
    let draw = number(params, "draw", 0)?;
    let group = match params.first("groupSubExecution").map(str::to_ascii_lowercase).as_deref() {
        Some("false") => false,
        Some(_) | None => true,
    };
    let search = params.first("search[value]").filter(|text| !text.is_empty());
    let status = params.first("status").filter(|text| !text.is_empty());
    let all: Vec<_> = executions.iter().collect();
    let filtered: Vec<_> = all.iter().copied().filter(|execution| matches(execution, search, status)).collect();
    let num_filtered = filtered.len();
    let (mut roots, mut subs) = if group { grouped(&filtered) } else { (filtered, BTreeMap::new()) };
    let column = params
        .first("order[0][column]")
        .and_then(|at| params.first(&format!("columns[{at}][name]")).map(str::to_owned));
    let summary = Summary::of(&roots, now);
    let ascending = params.first("order[0][dir]").unwrap_or("desc") == "asc";
    sort(&mut roots, column.as_deref().unwrap_or("id"), ascending, now);
    let (start, length) = (number(params, "start", 0)?, number(params, "length", 20)?);
    let (skip, take) = match (usize::try_from(start.max(0)), usize::try_from(length)) {
        (Ok(start_at), Ok(length)) if length > 0 => {
            let end = i64::from(start) + length as i64;
            (start_at, usize::try_from(end).unwrap_or(0).saturating_sub(start_at))
        }
        _ => (0, usize::MAX),
    };
    let page = roots.iter().skip(skip).take(take).map(|execution| {
        let mut shown = row(execution, now);
        if group {
            let mut own = subs.remove(&execution.id).unwrap_or_default();
            sort(&mut own, "id", true, now);
            shown.sub_executions = Some(own.into_iter().map(|sub| row(sub, now)).collect());
        }
        shown
    });
    let aa_data = page.collect();
    let records_total = if group { grouped(&all).0.len() } else { all.len() };
    let records_filtered = if group { roots.len() } else { num_filtered };
    Ok(SqlTable { records_filtered, draw, records_total, aa_data, summary })
}
