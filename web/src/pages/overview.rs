//! `/overview/`: an application at one look. Spark has no such page.

mod cause;
mod failures;
mod slots;
mod spent;
mod tables;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::JobExecutionStatus;
use history_server::model::Stage;

use crate::app::App;
use crate::cell::Cell;
use crate::draw::times::drawable;
use crate::error::Error;
use crate::format;
use crate::frame::{Fact, Frame, html};
use crate::pages::pictures::Drawn;
use crate::pages::stages::Reason;
use crate::params::Params;
use crate::table::Table;
use spent::{Span, Spent, ran};

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    verdict: String,
    facts: Vec<Fact>,
    spent: Vec<Part>,
    reason: Option<Reason>,
    slots: Option<Drawn>,
    tables: Vec<Table>,
}

/// A part of the bar that shows where the time went.
struct Part {
    class: &'static str,
    label: &'static str,
    text: String,
    start_percent: String,
    width_percent: String,
}

/// The application at one look.
pub(crate) async fn page(app: App, params: Params) -> Result<Response, Error> {
    let start = drawable(app.first_moment());
    let whole = (start, drawable(app.last_moment()).max(start));
    let stages: Vec<&Stage> = app.model().stages.iter().filter(|stage| stage.data.submission_time.is_some()).collect();
    let page = OverviewPage {
        frame: app.frame("Overview", "overview"),
        verdict: verdict(&app),
        facts: facts(&app, &stages),
        spent: parts(spent(&app, whole, &stages)),
        reason: cause::of(&app).await?,
        slots: slots::draw(&app, whole, &stages),
        tables: failures::table(&app, &params).await?.into_iter().chain(tables::all(&app, &params)).collect(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// How it ended, in a sentence.
fn verdict(app: &App) -> String {
    let jobs = &app.model().jobs;
    let failed = jobs.iter().filter(|job| job.data.status == JobExecutionStatus::Failed).count();
    let count = |number: usize, noun: &str| format::plural(i64::try_from(number).unwrap_or(i64::MAX), noun);
    let of_jobs = match (jobs.len(), failed) {
        (0, _) => "It ran no job.".to_owned(),
        (all, 0) => format!("None of its {} failed.", count(all, "job")),
        (all, failed) => format!("{failed} of its {} failed.", count(all, "job")),
    };
    let exit = match app.exit_code() {
        Some(code) if code != 0 => format!(" (exit code {code})"),
        _ => String::new(),
    };
    format!("{}{exit} {of_jobs}", app.state().hint)
}

fn facts(app: &App, stages: &[&Stage]) -> Vec<Fact> {
    let model = app.model();
    let sum = |value: fn(&Stage) -> i64| stages.iter().map(|stage| value(stage)).fold(0, i64::saturating_add);
    let executors: Vec<_> = model.executors.iter().filter(|one| one.id != "driver").collect();
    let lost = executors.iter().filter(|one| one.remove_reason.is_some()).count();
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let failed_tasks = sum(|stage| stage.data.num_failed_tasks.into());
    let mut facts = vec![
        Fact::new("Jobs", Cell::link(format::count(number(model.jobs.len())), app.links.tab("jobs"))),
        Fact::new("Stages", Cell::link(format::count(number(stages.len())), app.links.tab("stages"))),
        Fact::text("Tasks", format::count(sum(|stage| stage.data.num_complete_tasks.into()))),
        Fact::new(
            "Failed tasks",
            if failed_tasks > 0 { Cell::Wrong(format::count(failed_tasks)) } else { Cell::number(0) },
        ),
        Fact::new("Executors", Cell::link(format::count(number(executors.len())), app.links.tab("executors"))),
        Fact::new("Time in all tasks", Cell::duration(Some(sum(|stage| stage.data.executor_run_time)))),
    ];
    if lost > 0 {
        facts.push(Fact::text("of these removed", format::count(number(lost))));
    }
    type Size = (&'static str, fn(&Stage) -> i64);
    let sizes: [Size; 5] = [
        ("Input", |stage| stage.data.input_bytes),
        ("Output", |stage| stage.data.output_bytes),
        ("Shuffle read", |stage| stage.data.shuffle_read_bytes),
        ("Shuffle write", |stage| stage.data.shuffle_write_bytes),
        ("Spill (disk)", |stage| stage.data.disk_bytes_spilled),
    ];
    facts.extend(
        sizes
            .into_iter()
            .filter(|(_, value)| sum(*value) > 0)
            .map(|(label, value)| Fact::new(label, Cell::bytes(sum(value)))),
    );
    facts
}

fn spent(app: &App, whole: Span, stages: &[&Stage]) -> Spent {
    let job = |job: &history_server::model::Job| {
        let end = job.data.completion_time.map_or_else(|| app.last_moment(), |end| end.0);
        Some((drawable(job.data.submission_time?.0), drawable(end)))
    };
    let jobs = app.model().jobs.iter().filter_map(job).collect();
    Spent::of(whole, jobs, stages.iter().filter_map(|stage| ran(app, stage)).collect())
}

fn parts(spent: Spent) -> Vec<Part> {
    let total = spent.total().max(1);
    let percent = |millis: i64| format!("{}.{}%", millis * 100 / total, millis * 1000 / total % 10);
    let mut before = 0;
    let all = [
        ("alone", "Driver alone", spent.driver_alone),
        ("waiting", "Waiting", spent.waiting),
        ("running", "Tasks running", spent.running),
    ];
    all.map(|(class, label, millis)| {
        let start_percent = percent(before);
        before += millis;
        let text = format!("{}, {} %", format::duration(millis), millis * 100 / total);
        Part { class, label, text, start_percent, width_percent: percent(millis) }
    })
    .into()
}
