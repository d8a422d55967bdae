//! What each address answers. Addresses are taken apart as Spark's server does it, so that odd ones fail alike.

use std::sync::Arc;

use http::HeaderMap;

use super::answer::{Answer, Each, Once, Steps, json, print, printed};
use super::applications;
use super::error::Refusal;
use super::params::{Params, job_status, stage_status};
use super::request::{Request, Target};
use super::stage_steps::{OfTasks, Opened, StageSteps};
use super::stages::{Details, has_tasks};
use super::task_rows::{TaskArray, TaskRows, Wanted};
use super::{environment::environment, executors::executors, other_events, sql, sql_table, task_table};
use history_model::types::VersionInfo;
use history_model::{Application, Stage, TaskSort, task_summary};

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
            ["otherEvents"] => other_events::names(self, target).await,
            ["otherEvents", name] => other_events::of_name(self, target, name).await,
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
        let opened = Opened { application: opened, history: self.history.clone(), viewer: self.viewer.clone() };
        let steps = question.steps(opened).map_err(missing)?;
        printed(HeaderMap::new(), steps, self.history.printing()).await.map_err(missing)
    }
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
    TaskList { stage: (i32, i32), wanted: Wanted },
    TaskTable { stage: (i32, i32), params: Params },
    Executions { details: bool, plan: bool, offset: i32, length: i32 },
    Execution { id: i64, details: bool, plan: bool },
    SqlTable(Params),
    Streaming,
}

fn details(params: &Params, default: bool) -> Result<Details> {
    Ok(Details {
        details: params.flag("details", default),
        task_statuses: params.task_statuses("taskStatus")?,
        summaries: params.flag("withSummaries", false),
        quantiles: params.quantiles("0.0,0.25,0.5,0.75,1.0")?,
    })
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
                Self::Stages { statuses, details: details(params, false)? }
            }
            [stage] => Self::Stage { id: id(stage)?, details: details(params, true)? },
            [stage, attempt] => {
                Self::StageAttempt { id: id(stage)?, attempt: id(attempt)?, details: details(params, true)? }
            }
            [stage, attempt, "taskSummary"] => Self::TaskSummary {
                stage: (id(stage)?, id(attempt)?),
                quantiles: params.quantiles("0.05,0.25,0.5,0.75,0.95")?,
            },
            [stage, attempt, "taskList"] => {
                let stage = (id(stage)?, id(attempt)?);
                let ((sort, ascending), statuses) = (task_order(params)?, params.task_statuses("status")?);
                let page = (params.int("offset", 0)?, params.int("length", 20)?);
                let (offset, length) = page_of(page, !statuses.is_empty())?;
                Self::TaskList { stage, wanted: Wanted { sort, ascending, statuses, offset, length } }
            }
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

    /// How the answer is printed.
    fn steps(self, opened: Opened) -> Result<Box<dyn Steps>> {
        let (of, now) = (Arc::clone(&opened.application), chrono::Utc::now().timestamp_millis());
        let app = &of.model;
        Ok(match self {
            Self::Jobs(statuses) => {
                let wanted = |status| statuses.is_empty() || statuses.contains(&Some(status));
                let jobs: Vec<_> = (0..app.jobs.len()).rev().filter(|at| wanted(app.jobs[*at].data.status)).collect();
                Each::boxed(jobs.len(), move |at, out| print(out, &of.model.jobs[jobs[at]].data))
            }
            Self::Job(id) => Once::boxed(move |out| match of.model.job(id) {
                Some(job) => print(out, &job.data),
                None => Err(Refusal::not_found(format!("unknown job: {id}"))),
            }),
            Self::Executors { active_only } => {
                let executors = executors(app, active_only, now);
                Each::boxed(executors.len(), move |at, out| print(out, &executors[at]))
            }
            Self::Processes => Each::boxed(app.processes.len(), move |at, out| print(out, &of.model.processes[at])),
            Self::Environment => {
                let history = opened.history;
                let shown = move || environment(&of.model, history.redaction()).ok_or(Refusal::Missing);
                Once::boxed(move |out| print(out, &shown()?))
            }
            Self::Rdds => {
                let cached = |at: &usize| app.rdds[*at].num_cached_partitions > 0;
                let rdds: Vec<_> = (0..app.rdds.len()).filter(cached).collect();
                Each::boxed(rdds.len(), move |at, out| print(out, &of.model.rdds[rdds[at]]))
            }
            Self::Rdd(id) => Once::boxed(move |out| match of.model.rdd(id) {
                Some(rdd) => print(out, rdd),
                None => Err(Refusal::not_found(format!("no rdd found w/ id {id}"))),
            }),
            Self::Streaming => return Err(no_streaming(app)),
            Self::Executions { .. } | Self::Execution { .. } | Self::SqlTable(_) => self.sql_steps(opened, now)?,
            _ => self.stage_steps(opened, now)?,
        })
    }

    fn stage_steps(self, opened: Opened, now: i64) -> Result<Box<dyn Steps>> {
        let of = Arc::clone(&opened.application);
        let key = |stage: &Stage| (stage.data.stage_id, stage.data.attempt_id);
        Ok(match self {
            Self::Stages { statuses, details } => {
                let wanted = |stage: &&Stage| {
                    let tasks = !details.details
                        || details.task_statuses.is_empty()
                        || has_tasks(&stage.data, &details.task_statuses);
                    tasks && (statuses.is_empty() || statuses.contains(&Some(stage.data.status)))
                };
                let stages = of.model.stages.iter().rev().filter(wanted).map(key).collect();
                StageSteps::array(opened, stages, details, now)
            }
            Self::Stage { id, details } => match of.model.stage_attempts(id) {
                [] => return Err(Refusal::not_found(format!("unknown stage: {id}"))),
                attempts => StageSteps::array(opened, attempts.iter().map(key).collect(), details, now),
            },
            Self::StageAttempt { id, attempt, details } => match of.model.stage(id, attempt) {
                Some(stage) => StageSteps::one(opened, key(stage), details, now),
                None => return Err(unknown_attempt(&of.model, id)),
            },
            Self::TaskSummary { stage, quantiles } => OfTasks::boxed(opened, stage, move |_, tasks, out| {
                match tasks.and_then(|tasks| task_summary(&tasks, &quantiles)) {
                    Some(summary) => print(out, &summary).map(|()| None::<TaskArray>),
                    None => {
                        let sentence = format!("No tasks reported metrics for {} / {} yet.", stage.0, stage.1);
                        Err(Refusal::not_found(sentence))
                    }
                }
            }),
            Self::TaskList { stage, wanted } => OfTasks::boxed(opened, stage, move |opened, tasks, out| match tasks {
                Some(tasks) => Ok(Some(TaskArray::new(TaskRows::new(opened, tasks, wanted, now), 0))),
                None => print::<[(); 0]>(out, &[]).map(|()| None),
            }),
            Self::TaskTable { stage, params } => OfTasks::boxed(opened, stage, move |opened, tasks, out| {
                task_table::task_table(opened, tasks, &params, now, out)
            }),
            _ => return Err(Refusal::NO_SUCH_PAGE),
        })
    }

    fn sql_steps(self, opened: Opened, now: i64) -> Result<Box<dyn Steps>> {
        let (of, history) = (opened.application, opened.history);
        Ok(match self {
            Self::Executions { details, plan, offset, length } => {
                let all = (0, usize::MAX);
                let (skip, take) = match usize::try_from(length) {
                    Ok(length) if length > 0 => (usize::try_from(offset).unwrap_or(0), length),
                    _ => all,
                };
                let skip = skip.min(of.model.sql.len());
                let count = of.model.sql[skip..].len().min(take);
                if of.model.sql[skip..skip + count].iter().any(|execution| execution.graph.is_none()) {
                    return Err(Refusal::Missing);
                }
                Each::boxed(count, move |at, out| {
                    let execution = &of.model.sql[skip + at];
                    let data = sql::execution_data(execution, history.redaction(), details, plan, now);
                    print(out, &data.ok_or(Refusal::Missing)?)
                })
            }
            Self::Execution { id, details, plan } => Once::boxed(move |out| match of.model.sql_execution(id) {
                Some(execution) => {
                    let data = sql::execution_data(execution, history.redaction(), details, plan, now);
                    print(out, &data.ok_or(Refusal::Missing)?)
                }
                None => Err(Refusal::not_found(format!("unknown query execution id: {id}"))),
            }),
            Self::SqlTable(params) => {
                Once::boxed(move |out| print(out, &sql_table::sql_table(&of.model.sql, &params, now)?))
            }
            _ => return Err(Refusal::NO_SUCH_PAGE),
        })
    }
}

/// Offset and length, which Spark's store takes as they are where no statuses are asked for, and refuses to give nothing.
fn page_of((offset, length): (i32, i32), by_status: bool) -> Result<(usize, usize)> {
    let from = usize::try_from(offset).unwrap_or(0);
    if by_status {
        let until = usize::try_from(offset.wrapping_add(length)).unwrap_or(0);
        return Ok((from, until.saturating_sub(from)));
    }
    match usize::try_from(length) {
        Ok(length) if length > 0 => Ok((from, length)),
        // Spark's server fails here, and says nothing.
        _ => Err(Refusal::Text(http::StatusCode::BAD_REQUEST, "length: ask for at least one task".to_owned())),
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
