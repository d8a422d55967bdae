//! What each address answers. Addresses are taken apart as Spark's server does it, so that odd ones fail alike.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::answer::{Answer, Out, json, printed};
use super::applications;
use super::error::Refusal;
use super::params::{Params, job_status, stage_status};
use super::request::{Request, Target};
use super::stages::{StageDetails, has_tasks, stage_data};
use super::{environment::environment, executors::executors, sql, sql_table, task_table};
use crate::opened::OpenApplication;
use crate::redaction::Redaction;
use history_model::StageTasks;
use history_model::task_summary;
use history_model::types::{StageData, VersionInfo};
use history_model::{Application, Stage};
use history_model::{TaskList, TaskQuery, TaskSort};

/// The version of Spark whose answers these are.
pub const SPARK_VERSION: &str = "4.3.0";

type Result<T = Answer> = std::result::Result<T, Refusal>;

impl Request {
    pub(super) async fn answer(self) -> Result {
        let path: Vec<_> = self.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["version"] => json(&VersionInfo { spark: SPARK_VERSION.to_owned() }),
            ["applications"] => applications::list(&self).await,
            ["applications", app] => applications::one(&self, app).await,
            ["applications", app, rest @ ..] => self.of_application(app, rest).await,
            _ => Err(Refusal::NO_SUCH_PAGE),
        }
    }

    /// Spark takes a first part that it does not know for an attempt.
    async fn of_application(&self, app: &str, rest: &[&str]) -> Result {
        let target = Target { app, attempt: None };
        if let Some(answer) = self.of_target(target, rest).await {
            return answer;
        }
        match rest {
            [attempt] => applications::attempt(self, app, attempt).await,
            [attempt, rest @ ..] => {
                let target = Target { app, attempt: Some(attempt) };
                let answer = self.of_target(target, rest).await;
                answer.unwrap_or_else(|| Err(Refusal::not_found(self.uri.clone())))
            }
            [] => Err(Refusal::NO_SUCH_PAGE),
        }
    }

    /// What an application or attempt has under a path; `None` where it has nothing of this kind.
    async fn of_target(&self, target: Target<'_>, rest: &[&str]) -> Option<Result> {
        Some(match rest {
            ["logs"] => applications::logs(self, target).await,
            ["executors", id, "threads"] => threads(self, target, Some(id)).await,
            ["threads"] => match self.params.int("taskId", 0) {
                Ok(_) => threads(self, target, self.params.first("executorId")).await,
                Err(refusal) => Err(refusal),
            },
            ["jobs" | "executors" | "allexecutors" | "allmiscellaneousprocess" | "environment"]
            | ["storage", "rdd"] => self.opened(target, rest).await,
            ["jobs", id] | ["storage", "rdd", id] if is_number(id) => self.opened(target, rest).await,
            ["stages" | "sql" | "streaming", ..] => self.opened(target, rest).await,
            _ => return None,
        })
    }

    /// An answer from the model.
    async fn opened(&self, target: Target<'_>, rest: &[&str]) -> Result {
        let question = Question::of(rest, &self.params)?;
        let opened = self.open(target).await?;
        let key = target.key();
        let missing = |refusal| match refusal {
            Refusal::Missing => Refusal::not_found(format!("no such app: {key}")),
            refusal => refusal,
        };
        let history = self.history.clone();
        printed(move |out| question.answer(&opened, history.redaction(), out)).await.map_err(missing)
    }
}

fn tasks(opened: &OpenApplication, (stage, attempt): (i32, i32), runtime: &Handle) -> Result<Option<StageTasks>> {
    runtime.block_on(opened.stage_tasks(stage, attempt)).map_err(|error| Refusal::of(&error, &opened.app_id))
}

/// Stages are printed one at a time: of their tasks only those of one are held.
fn stages<'a>(
    opened: &Arc<OpenApplication>,
    stages: impl Iterator<Item = &'a Stage>,
    details: &Details,
    out: &mut Out,
) -> Result<()> {
    let now = chrono::Utc::now().timestamp_millis();
    out.each(stages, |stage, runtime| stage_of(opened, stage, details, now, runtime))
}

fn stage_of(
    opened: &Arc<OpenApplication>,
    stage: &Stage,
    details: &Details,
    now: i64,
    runtime: &Handle,
) -> Result<StageData> {
    let needed = details.details || details.summaries;
    let tasks = if needed { tasks(opened, (stage.data.stage_id, stage.data.attempt_id), runtime)? } else { None };
    Ok(stage_data(opened, stage, tasks.as_ref(), &details.view(), now))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of a path; one that is too large leads nowhere.
fn id<T: std::str::FromStr>(text: &str) -> Result<T> {
    if !is_number(text) {
        return Err(Refusal::NO_SUCH_PAGE);
    }
    text.parse().map_err(|_| Refusal::NO_SUCH_PAGE)
}

async fn threads(request: &Request, target: Target<'_>, executor: Option<&str>) -> Result {
    let executor = executor.unwrap_or_default();
    let valid = executor == "driver" || executor.chars().all(|c| c.is_numeric());
    if !valid {
        let sentence = "Invalid executorId: neither 'driver' nor number.".to_owned();
        return Err(Refusal::Text(http::StatusCode::BAD_REQUEST, sentence));
    }
    request.open(target).await?;
    let sentence = "Thread dumps not available through the history server.".to_owned();
    Err(Refusal::Text(http::StatusCode::SERVICE_UNAVAILABLE, sentence))
}

/// What is asked of a model, with its parameters read.
enum Question {
    Jobs(Vec<Option<super::types::JobExecutionStatus>>),
    Job(i32),
    Executors { active_only: bool },
    Processes,
    Environment,
    Rdds,
    Rdd(i32),
    Stages { statuses: Vec<Option<super::types::StageStatus>>, details: Details },
    Stage { id: i32, details: Details },
    StageAttempt { id: i32, attempt: i32, details: Details },
    TaskSummary { stage: (i32, i32), quantiles: Vec<f64> },
    TaskList { stage: (i32, i32), sort: (TaskSort, bool), statuses: Vec<&'static str>, offset: i32, length: i32 },
    TaskTable { stage: (i32, i32), params: Params },
    Executions { details: bool, plan: bool, offset: i32, length: i32 },
    Execution { id: i64, details: bool, plan: bool },
    SqlTable(Params),
    Streaming,
}

#[derive(Default)]
struct Details {
    details: bool,
    task_statuses: Vec<&'static str>,
    summaries: bool,
    quantiles: Vec<f64>,
}

impl Details {
    fn of(params: &Params, default: bool) -> Result<Self> {
        Ok(Self {
            details: params.flag("details", default),
            task_statuses: params.task_statuses("taskStatus")?,
            summaries: params.flag("withSummaries", false),
            quantiles: params.quantiles("0.0,0.25,0.5,0.75,1.0")?,
        })
    }

    fn view(&self) -> StageDetails<'_> {
        StageDetails {
            details: self.details,
            task_statuses: &self.task_statuses,
            summaries: self.summaries,
            quantiles: &self.quantiles,
        }
    }
}

fn task_order(params: &Params) -> Result<(TaskSort, bool)> {
    let run_time = TaskSort::Metric(history_model::metric::EXECUTOR_RUN_TIME);
    match params.first("sortBy").unwrap_or("ID").to_ascii_lowercase().as_str() {
        "id" => Ok((TaskSort::Id, true)),
        "runtime" | "increasing_runtime" => Ok((run_time, true)),
        "-runtime" | "decreasing_runtime" => Ok((run_time, false)),
        _ => Err(Refusal::NO_SUCH_PAGE),
    }
}

impl Question {
    fn of(path: &[&str], params: &Params) -> Result<Self> {
        Ok(match path {
            ["jobs"] => Self::Jobs(params.each("status", job_status)?),
            ["jobs", job] => Self::Job(id(job)?),
            ["executors"] => Self::Executors { active_only: true },
            ["allexecutors"] => Self::Executors { active_only: false },
            ["allmiscellaneousprocess"] => Self::Processes,
            ["environment"] => Self::Environment,
            ["storage", "rdd"] => Self::Rdds,
            ["storage", "rdd", rdd] => Self::Rdd(id(rdd)?),
            ["stages", rest @ ..] => Self::of_stages(rest, params)?,
            ["sql", rest @ ..] => Self::of_sql(rest, params)?,
            ["streaming", rest @ ..] => Self::of_streaming(rest)?,
            _ => return Err(Refusal::NO_SUCH_PAGE),
        })
    }

    fn of_stages(path: &[&str], params: &Params) -> Result<Self> {
        Ok(match path {
            [] => {
                let statuses = params.each("status", stage_status)?;
                Self::Stages { statuses, details: Details::of(params, false)? }
            }
            [stage] => Self::Stage { id: id(stage)?, details: Details::of(params, true)? },
            [stage, attempt] => {
                Self::StageAttempt { id: id(stage)?, attempt: id(attempt)?, details: Details::of(params, true)? }
            }
            [stage, attempt, "taskSummary"] => Self::TaskSummary {
                stage: (id(stage)?, id(attempt)?),
                quantiles: params.quantiles("0.05,0.25,0.5,0.75,0.95")?,
            },
            [stage, attempt, "taskList"] => Self::TaskList {
                stage: (id(stage)?, id(attempt)?),
                sort: task_order(params)?,
                statuses: params.task_statuses("status")?,
                offset: params.int("offset", 0)?,
                length: params.int("length", 20)?,
            },
            [stage, attempt, "taskTable"] => {
                Self::TaskTable { stage: (id(stage)?, id(attempt)?), params: params.clone().fully_decoded() }
            }
            _ => return Err(Refusal::NO_SUCH_PAGE),
        })
    }

    fn of_sql(path: &[&str], params: &Params) -> Result<Self> {
        let (details, plan) = (params.flag("details", true), params.flag("planDescription", true));
        Ok(match path {
            [] => {
                Self::Executions { details, plan, offset: params.int("offset", 0)?, length: params.int("length", -1)? }
            }
            ["sqlTable"] => Self::SqlTable(params.clone().fully_decoded()),
            [execution] => Self::Execution { id: id(execution)?, details, plan },
            _ => return Err(Refusal::NO_SUCH_PAGE),
        })
    }

    fn of_streaming(path: &[&str]) -> Result<Self> {
        match path {
            ["statistics"] | ["receivers"] | ["batches"] => Ok(Self::Streaming),
            ["receivers", number] | ["batches", number] | ["batches", number, "operations"] if is_number(number) => {
                Ok(Self::Streaming)
            }
            ["batches", batch, "operations", operation] if is_number(batch) && is_number(operation) => {
                Ok(Self::Streaming)
            }
            _ => Err(Refusal::NO_SUCH_PAGE),
        }
    }

    fn answer(&self, opened: &Arc<OpenApplication>, redaction: &Redaction, out: &mut Out) -> Result<()> {
        let (app, now) = (&opened.model, chrono::Utc::now().timestamp_millis());
        match self {
            Self::Jobs(statuses) => {
                let wanted =
                    |job: &&history_model::Job| statuses.is_empty() || statuses.contains(&Some(job.data.status));
                out.json(&app.jobs.iter().rev().filter(wanted).map(|job| &job.data).collect::<Vec<_>>())
            }
            Self::Job(id) => match app.job(*id) {
                Some(job) => out.json(&job.data),
                None => Err(Refusal::not_found(format!("unknown job: {id}"))),
            },
            Self::Executors { active_only } => out.json(&executors(app, *active_only, now)),
            Self::Processes => out.json(&app.processes),
            Self::Environment => out.json(&environment(app, redaction).ok_or(Refusal::Missing)?),
            Self::Rdds => out.json(&app.rdds.iter().filter(|rdd| rdd.num_cached_partitions > 0).collect::<Vec<_>>()),
            Self::Rdd(id) => match app.rdd(*id) {
                Some(rdd) => out.json(rdd),
                None => Err(Refusal::not_found(format!("no rdd found w/ id {id}"))),
            },
            Self::Streaming => Err(no_streaming(app)),
            Self::Executions { .. } | Self::Execution { .. } | Self::SqlTable(_) => self.sql_answer(app, now, out),
            _ => self.stage_answer(opened, now, out),
        }
    }

    fn stage_answer(&self, opened: &Arc<OpenApplication>, now: i64, out: &mut Out) -> Result<()> {
        let app = &opened.model;
        match self {
            Self::Stages { statuses, details } => {
                let wanted = |stage: &&Stage| {
                    let tasks = !details.details
                        || details.task_statuses.is_empty()
                        || has_tasks(&stage.data, &details.task_statuses);
                    tasks && (statuses.is_empty() || statuses.contains(&Some(stage.data.status)))
                };
                stages(opened, app.stages.iter().rev().filter(wanted), details, out)
            }
            Self::Stage { id, details } => match app.stage_attempts(*id) {
                [] => Err(Refusal::not_found(format!("unknown stage: {id}"))),
                attempts => stages(opened, attempts.iter(), details, out),
            },
            Self::StageAttempt { id, attempt, details } => match app.stage(*id, *attempt) {
                Some(stage) => {
                    let stage = stage_of(opened, stage, details, now, &out.runtime)?;
                    out.json(&stage)
                }
                None => Err(unknown_attempt(app, *id)),
            },
            Self::TaskSummary { stage, quantiles } => {
                match tasks(opened, *stage, &out.runtime)?.and_then(|tasks| task_summary(&tasks, quantiles)) {
                    Some(summary) => out.json(&summary),
                    None => {
                        let sentence = format!("No tasks reported metrics for {} / {} yet.", stage.0, stage.1);
                        Err(Refusal::not_found(sentence))
                    }
                }
            }
            Self::TaskList { stage, sort: (sort, ascending), statuses, offset, length } => {
                let (offset, length) = page(*offset, *length, !statuses.is_empty())?;
                let query = TaskQuery { sort: *sort, ascending: *ascending, statuses, offset, length };
                match tasks(opened, *stage, &out.runtime)? {
                    Some(tasks) => out.json(&TaskList::new(app, &tasks, &query, now)),
                    None => out.json::<[(); 0]>(&[]),
                }
            }
            Self::TaskTable { stage, params } => {
                let tasks = tasks(opened, *stage, &out.runtime)?;
                out.json(&task_table::task_table(app, tasks.as_ref(), params, now)?)
            }
            _ => Err(Refusal::NO_SUCH_PAGE),
        }
    }

    fn sql_answer(&self, app: &Application, now: i64, out: &mut Out) -> Result<()> {
        match self {
            Self::Executions { details, plan, offset, length } => {
                let all = (0, usize::MAX);
                let (skip, take) = match usize::try_from(*length) {
                    Ok(length) if length > 0 => (usize::try_from(*offset).unwrap_or(0), length),
                    _ => all,
                };
                let shown = || app.sql.iter().skip(skip).take(take);
                if shown().any(|execution| execution.graph.is_none()) {
                    return Err(Refusal::Missing);
                }
                out.each(shown(), |execution, _| {
                    sql::execution_data(execution, *details, *plan, now).ok_or(Refusal::Missing)
                })
            }
            Self::Execution { id, details, plan } => match app.sql_execution(*id) {
                Some(execution) => {
                    out.json(&sql::execution_data(execution, *details, *plan, now).ok_or(Refusal::Missing)?)
                }
                None => Err(Refusal::not_found(format!("unknown query execution id: {id}"))),
            },
            Self::SqlTable(params) => out.json(&sql_table::sql_table(&app.sql, params, now)?),
            _ => Err(Refusal::NO_SUCH_PAGE),
        }
    }
}

/// Offset and length, which Spark's store takes as they are where no statuses are asked for, and refuses to give nothing.
fn page(offset: i32, length: i32, by_status: bool) -> Result<(usize, usize)> {
    let from = usize::try_from(offset).unwrap_or(0);
    if by_status {
        let until = usize::try_from(offset.wrapping_add(length)).unwrap_or(0);
        return Ok((from, until.saturating_sub(from)));
    }
    match usize::try_from(length) {
        Ok(length) if length > 0 => Ok((from, length)),
        _ => Err(Refusal::Page(http::StatusCode::INTERNAL_SERVER_ERROR)),
    }
}

fn unknown_attempt(app: &Application, id: i32) -> Refusal {
    let found: Vec<_> = app.stage_attempts(id).iter().map(|stage| stage.data.attempt_id.to_string()).collect();
    if found.is_empty() {
        return Refusal::not_found(format!("unknown stage: {id}"));
    }
    Refusal::not_found(format!("unknown attempt for stage {id}.  Found attempts: [{}]", found.join(",")))
}

fn no_streaming(app: &Application) -> Refusal {
    let name = app.attempt.as_ref().map_or("", |attempt| attempt.name.as_str());
    Refusal::not_found(format!("no streaming listener attached to {name}"))
}
