//! `/stages/stage/?id=&attempt=`: one attempt of a stage, from why it failed to its single tasks.

mod executors;

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::StageTasks;
use history_server::api::v1::types::{AccumulableInfo, StageStatus};
use history_server::model::Stage;

use crate::app::App;
use crate::cell::{Badge, Cell, TextLink};
use crate::description::{Described, Description};
use crate::error::Error;
use crate::format;
use crate::frame::{Fact, Frame, html};
use crate::logs::ExecutorLogs;
use crate::pages::distribution;
use crate::pages::pictures::{Drawn, dag, task_times};
use crate::pages::stages::{Reason, duration, task_bar};
use crate::pages::tasks::{self, TaskFilter, failure_table};
use crate::params::Params;
use crate::table::{Column, FEW_ROWS, Table, TableSpec};
use crate::task::Tasks;

#[derive(Template)]
#[template(path = "stage.html")]
struct StagePage {
    frame: Frame,
    title: String,
    status: Badge,
    description: Described,
    details: String,
    facts: Vec<Fact>,
    reason: Option<Reason>,
    failures: Option<Table>,
    pictures: Vec<Drawn>,
    summary: Option<Table>,
    executors: Option<Table>,
    accumulators: Option<Table>,
    filter: TaskFilter,
    tasks: Table,
}

/// One attempt of a stage; the last when the URL names none.
pub(crate) async fn detail(app: App, params: Params) -> Result<Response, Error> {
    let id = params.number("id").ok_or_else(|| app.missing("id", "the number of a stage", "stages"))?;
    let attempts = i32::try_from(id).map(|id| app.model().stage_attempts(id)).unwrap_or_default();
    let asked = params.number("attempt");
    let found = attempts.iter().rfind(|stage| asked.is_none_or(|asked| asked == i64::from(stage.data.attempt_id)));
    let Some(stage) = found else {
        let what = asked.map_or_else(|| format!("stage {id}"), |attempt| format!("attempt {attempt} of stage {id}"));
        return Err(app.no_such(&what, "stages", "All stages of this application"));
    };
    let (key, stage_tasks) = ((stage.data.stage_id, stage.data.attempt_id), app.stage_tasks(stage).await?);
    let logs = app.executor_logs().await;
    // What follows looks through all tasks, and there may be millions.
    let drawn = tokio::task::spawn_blocking(move || {
        let stage = app.model().stage(key.0, key.1)?;
        Some(html(StatusCode::OK, &page(&app, stage, &stage_tasks.unwrap_or_else(no_tasks), &logs, &params)))
    });
    drawn.await.map_err(|panic| Error::broken(&panic))?.ok_or_else(Error::no_page)
}

fn no_tasks() -> StageTasks {
    StageTasks { strings: Arc::default(), table: Arc::default(), summaries: Arc::default() }
}

fn page(app: &App, stage: &Stage, tasks: &StageTasks, logs: &ExecutorLogs, params: &Params) -> StagePage {
    let tasks = Tasks::new(tasks);
    let filter = TaskFilter::new(tasks, params);
    let pictures = dag::of_stage(app, stage).into_iter().chain(task_times::draw(tasks, app.last_moment()));
    StagePage {
        frame: app.frame(&format!("Stage {}", stage.data.stage_id), "stages"),
        title: title(stage),
        status: Badge::of_stage(stage.data.status),
        description: description(app, stage),
        details: stage.data.details.clone(),
        facts: facts(app, stage, app.model().stage_attempts(stage.data.stage_id)),
        reason: (stage.data.failure_reason.as_deref())
            .filter(|_| stage.data.status == StageStatus::Failed)
            .map(|reason| Reason::new("Why it failed".to_owned(), Vec::new(), reason)),
        failures: failure_table(app, logs, tasks, params),
        pictures: pictures.collect(),
        summary: distribution::summary_table(tasks, params),
        executors: executors::table(app, logs, stage, params),
        accumulators: accumulator_table(stage, params),
        tasks: tasks::table(app, logs, tasks, &filter, params),
        filter,
    }
}

fn description(app: &App, stage: &Stage) -> Described {
    let texts = [&stage.data.description, &stage.data.name];
    let text = texts.into_iter().flatten().find(|text| !text.is_empty()).map_or("", String::as_str);
    Described::whole(Description::new(text, app.links.base()))
}

fn title(stage: &Stage) -> String {
    match stage.data.attempt_id {
        0 => format!("Stage {}", stage.data.stage_id),
        attempt => format!("Stage {} (attempt {attempt})", stage.data.stage_id),
    }
}

fn facts(app: &App, stage: &Stage, attempts: &[Stage]) -> Vec<Fact> {
    const MAX_JOBS: usize = 20;
    let data = &stage.data;
    let mut facts = vec![Fact::new("Tasks", Cell::Bar(task_bar(stage)))];
    if attempts.len() > 1 {
        let to = |other: &Stage| TextLink {
            text: other.data.attempt_id.to_string(),
            href: app.links.stage(other.data.stage_id.into(), other.data.attempt_id.into()),
        };
        facts.push(Fact::new("Attempts", Cell::Links(attempts.iter().map(to).collect())));
    }
    let job = |id: &i32| TextLink { text: id.to_string(), href: app.links.job((*id).into()) };
    let jobs: Vec<TextLink> = stage.job_ids.iter().map(job).take(MAX_JOBS).collect();
    if !jobs.is_empty() {
        facts.push(Fact::new(if jobs.len() == 1 { "Job" } else { "Jobs" }, Cell::Links(jobs)));
    }
    facts.push(Fact::new("Submitted", Cell::time(data.submission_time)));
    facts.push(Fact::new("Duration", Cell::duration(duration(app, stage))));
    facts.push(Fact::new("Time in all tasks", Cell::duration(Some(data.executor_run_time))));
    let sizes = [
        ("Input", data.input_bytes, data.input_records),
        ("Output", data.output_bytes, data.output_records),
        ("Shuffle read", data.shuffle_read_bytes, data.shuffle_read_records),
        ("Shuffle write", data.shuffle_write_bytes, data.shuffle_write_records),
        ("Spill (memory)", data.memory_bytes_spilled, 0),
        ("Spill (disk)", data.disk_bytes_spilled, 0),
    ];
    for (label, bytes, records) in sizes.into_iter().filter(|(_, bytes, records)| *bytes > 0 || *records > 0) {
        facts.push(Fact::new(label, Cell::bytes_and_records(bytes, records)));
    }
    if !stage.locality.is_empty() {
        let one = |(name, number): (&String, &i64)| format!("{name} {}", format::count(*number));
        facts.push(Fact::text("Locality", stage.locality.iter().map(one).collect::<Vec<_>>().join(", ")));
    }
    if data.resource_profile_id != 0 {
        facts.push(Fact::text("Resource profile", data.resource_profile_id.to_string()));
    }
    if app.property("spark.scheduler.mode").is_some_and(|mode| mode.eq_ignore_ascii_case("FAIR")) {
        let link = TextLink { text: data.scheduling_pool.clone(), href: app.links.pool(&data.scheduling_pool) };
        facts.push(Fact::new("Pool", Cell::Links(vec![link])));
    }
    if let Some(speculation) = stage.speculation.as_ref().filter(|summary| summary.num_tasks > 0) {
        let states = [
            (speculation.num_active_tasks, "running"),
            (speculation.num_completed_tasks, "succeeded"),
            (speculation.num_failed_tasks, "failed"),
            (speculation.num_killed_tasks, "killed"),
        ];
        let states: Vec<String> = states.iter().map(|(number, word)| format!("{number} {word}")).collect();
        let text = format!("{} ({})", speculation.num_tasks, states.join(", "));
        facts.push(Fact::text("Speculative tasks", text));
    }
    facts
}

fn accumulator_table(stage: &Stage, params: &Params) -> Option<Table> {
    // Spark's pages leave those of its own metrics to the tables above; an unnamed one says nothing to anybody.
    let rows: Vec<AccumulableInfo> = (stage.data.accumulator_updates.iter())
        .filter(|one| one.name.as_deref().is_some_and(|name| !name.starts_with("internal.")))
        .cloned()
        .collect();
    if rows.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("ID", |one: &AccumulableInfo| Cell::Text(one.id.to_string())).number().by(|one| one.id),
        Column::new("Name", |one: &AccumulableInfo| Cell::Text(one.name.clone().unwrap_or_default()))
            .by(|one| one.name.clone()),
        Column::new("Value", |one: &AccumulableInfo| Cell::Text(one.value.clone().unwrap_or_default())),
    ];
    let spec = TableSpec { tag: "accumulator", title: "Accumulators", columns, sort: ("ID", false), empty: "" };
    Some(spec.draw_searched_by(FEW_ROWS, rows, params))
}
