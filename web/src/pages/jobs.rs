//! `/jobs/` and `/jobs/job/?id=`.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::{JobExecutionStatus, StageStatus};
use history_server::model::{Job, Stage};

use crate::app::App;
use crate::cell::{Badge, Bar, Cell, TextLink};
use crate::description::{Described, Description};
use crate::error::Error;
use crate::format;
use crate::frame::{Fact, Frame, html};
use crate::pages::pictures::{Drawn, dag, events};
use crate::pages::stages::{self, Reason, stage_tables};
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    facts: Vec<Fact>,
    timeline: Option<Drawn>,
    tables: Vec<Table>,
}

/// All jobs, those that failed with the reason.
pub(crate) async fn list(app: App, params: Params) -> Response {
    let jobs: Vec<&Job> = app.model().jobs.iter().collect();
    let facts = vec![
        Fact::text("Scheduling mode", app.property("spark.scheduler.mode").unwrap_or("FIFO")),
        count(&jobs, "Active", "active", JobExecutionStatus::Running),
        count(&jobs, "Completed", "completed", JobExecutionStatus::Succeeded),
        count(&jobs, "Failed", "failed", JobExecutionStatus::Failed),
    ];
    let tables = job_tables(&app, &jobs, &params);
    let timeline = events::of_jobs(&app, &jobs);
    html(StatusCode::OK, &JobsPage { frame: app.frame("Jobs", "jobs"), facts, timeline, tables })
}

/// Tables of jobs by status; a status of which there is none has no table, but one table there is always.
pub(crate) fn job_tables(app: &App, jobs: &[&Job], params: &Params) -> Vec<Table> {
    use JobExecutionStatus::{Failed, Running, Succeeded, Unknown};
    let pick = |statuses: &[JobExecutionStatus]| -> Vec<&Job> {
        jobs.iter().filter(|job| statuses.contains(&job.data.status)).copied().collect()
    };
    let groups = [
        ("activeJob", "Active jobs", pick(&[Running, Unknown])),
        ("failedJob", "Failed jobs", pick(&[Failed])),
        ("completedJob", "Completed jobs", pick(&[Succeeded])),
    ];
    (groups.into_iter())
        .filter(|(tag, _, some)| !some.is_empty() || jobs.is_empty() && *tag == "completedJob")
        .map(|(tag, title, some)| job_table(app, tag, title).draw_searched(some, params))
        .collect()
}

fn job_table<'a>(app: &'a App, tag: &'static str, title: &'static str) -> TableSpec<'a, &'a Job> {
    let mut columns = vec![
        Column::new("Job Id (Job Group)", |job: &&Job| Cell::Link {
            text: job.data.job_id.to_string(),
            href: app.links.job(job.data.job_id.into()),
            sub: job.data.job_group.clone().unwrap_or_default(),
        })
        .by(|job| job.data.job_id),
        Column::new("Description", |job: &&Job| description(app, job)).prose().by(|job| job.data.description.clone()),
        Column::new("Submitted", |job: &&Job| Cell::time(job.data.submission_time))
            .tight()
            .rank(Rank::Medium)
            .by(|job| job.data.submission_time),
        Column::new("Duration", |job: &&Job| Cell::duration(duration(app, job))).number().by(|job| duration(app, job)),
        Column::new("Stages: Succeeded/Total", |job: &&Job| stage_counts(job)).tight().rank(Rank::Medium),
        Column::new("Tasks (for all stages): Succeeded/Total", |job: &&Job| Cell::Bar(task_bar(job))),
    ];
    if tag == "failedJob" {
        columns.insert(2, Column::new("Failure", |job: &&Job| first_failure(app, job)).prose());
    }
    let empty = "This application has run no job. An action such as count() or a write starts one.";
    TableSpec { tag, title, columns, sort: ("Job Id (Job Group)", true), empty }
}

/// How many jobs have a status, with a link to their table.
fn count(jobs: &[&Job], label: &'static str, anchor: &str, status: JobExecutionStatus) -> Fact {
    let number = jobs.iter().filter(|job| job.data.status == status).count();
    Fact::count(label, number, anchor)
}

fn description(app: &App, job: &Job) -> Cell {
    let href = app.links.job(job.data.job_id.into());
    let description = Description::new(job.data.description.as_deref().unwrap_or_default(), app.links.base());
    Cell::Described(Box::new(Described::linked(description, &job.data.name, href)))
}

fn duration(app: &App, job: &Job) -> Option<i64> {
    app.elapsed(job.data.submission_time, job.data.completion_time)
}

fn stage_counts(job: &Job) -> Cell {
    let job = &job.data;
    let total = i64::try_from(job.stage_ids.len()).unwrap_or(i64::MAX) - i64::from(job.num_skipped_stages);
    let others = [(job.num_failed_stages, "failed"), (job.num_skipped_stages, "skipped")];
    let others: Vec<String> =
        others.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    let counts = format!("{}/{}", job.num_completed_stages, total.max(0));
    Cell::Text(if others.is_empty() { counts } else { format!("{counts} ({})", others.join(", ")) })
}

fn task_bar(job: &Job) -> Bar {
    let job = &job.data;
    let total = i64::from(job.num_tasks) - i64::from(job.num_skipped_tasks);
    Bar::tasks(
        job.num_completed_indices.into(),
        job.num_active_tasks.into(),
        job.num_failed_tasks.into(),
        job.num_killed_tasks.into(),
        job.num_skipped_tasks.into(),
        total.max(0),
    )
    .killed_because(&job.killed_tasks_summary)
}

/// The failed stages of a job, in the order in which they ended.
fn failures<'a>(app: &'a App, job: &Job) -> Vec<&'a Stage> {
    let ids = job.data.stage_ids.iter();
    let attempts = ids.flat_map(|id| app.model().stage_attempts(*id));
    let mut failed: Vec<_> = attempts.filter(|stage| stage.data.status == StageStatus::Failed).collect();
    failed.sort_by_key(|stage| stage.data.completion_time);
    failed
}

fn first_failure(app: &App, job: &Job) -> Cell {
    match failures(app, job).last() {
        Some(stage) => Cell::Link {
            text: format::headline(stage.data.failure_reason.as_deref().unwrap_or("no reason in the event log"), 300),
            href: app.links.stage(stage.data.stage_id.into(), stage.data.attempt_id.into()),
            sub: format!("stage {}", stage.data.stage_id),
        },
        None => Cell::empty(),
    }
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    title: String,
    status: Badge,
    facts: Vec<Fact>,
    reasons: Vec<Reason>,
    pictures: Vec<Drawn>,
    tables: Vec<Table>,
}

/// One job and its stages.
pub(crate) async fn detail(app: App, params: Params) -> Result<Response, Error> {
    let id = params.number("id").ok_or_else(|| app.missing("id", "the number of a job", "jobs"))?;
    let Some(job) = i32::try_from(id).ok().and_then(|id| app.model().job(id)) else {
        return Err(app.no_such(&format!("job {id}"), "jobs", "All jobs of this application"));
    };
    let reasons = failures(&app, job).into_iter().map(|stage| Reason::of_stage(&app, stage)).collect();
    let stages: Vec<_> = job.data.stage_ids.iter().flat_map(|id| app.model().stage_attempts(*id)).collect();
    let counts = stages::counts(&stages);
    let page = JobPage {
        frame: app.frame(&format!("Job {id}"), "jobs"),
        title: format!("Job {id}"),
        status: Badge::of_job(job.data.status),
        facts: job_facts(&app, job).into_iter().chain(counts).collect(),
        reasons,
        pictures: pictures(&app, job, &stages),
        tables: stage_tables(&app, &stages, &params),
    };
    Ok(html(StatusCode::OK, &page))
}

fn pictures(app: &App, job: &Job, stages: &[&Stage]) -> Vec<Drawn> {
    let end = job.data.completion_time.map_or_else(|| app.last_moment(), |end| end.0);
    let timeline = job.data.submission_time.and_then(|start| events::of_stages(app, stages, (start.0, end)));
    timeline.into_iter().chain(dag::of_job(app, stages)).collect()
}

fn whole_description(app: &App, job: &Job) -> Cell {
    let text = job.data.description.as_deref().filter(|text| !text.is_empty()).unwrap_or(&job.data.name);
    Cell::Described(Box::new(Described::whole(Description::new(text, app.links.base()))))
}

fn job_facts(app: &App, job: &Job) -> Vec<Fact> {
    let data = &job.data;
    let mut facts = vec![
        Fact::new("Description", whole_description(app, job)),
        Fact::new("Submitted", Cell::time(data.submission_time)),
        Fact::new("Duration", Cell::duration(duration(app, job))),
    ];
    if let Some(group) = &data.job_group {
        facts.push(Fact::text("Group", group));
    }
    if !data.job_tags.is_empty() {
        facts.push(Fact::text("Tags", data.job_tags.join(", ")));
    }
    if let Some(id) = job.sql_execution_id {
        let link = TextLink { text: id.to_string(), href: app.links.execution(id) };
        facts.push(Fact::new("SQL query", Cell::Links(vec![link])));
    }
    facts
}
