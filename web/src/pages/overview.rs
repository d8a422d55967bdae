//! `/overview/`: an application at one look. Spark has no such page.

mod spent;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::{Date, JobExecutionStatus, StageStatus};
use history_server::model::{SqlExecution, Stage};

use crate::app::App;
use crate::cell::{Cell, TextLink};
use crate::description::{Described, Description};
use crate::draw::chart::{Chart, Series};
use crate::draw::times::drawable;
use crate::format;
use crate::frame::{Fact, Frame, html};
use crate::pages::environment;
use crate::pages::pictures::Drawn;
use crate::pages::stages::{self, Reason};
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};
use spent::{Span, Spent, over_time};

/// Of queries, stages and failures the first are shown.
const SHOWN: usize = 5;

/// Kinds of failures that are told apart.
const MAX_GROUPS: usize = 100;

/// How finely slots are counted over time.
const STEPS: usize = 200;

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
pub(crate) async fn page(app: App, params: Params) -> Response {
    let start = drawable(app.first_moment());
    let whole = (start, drawable(app.last_moment()).max(start));
    let stages: Vec<&Stage> = app.model().stages.iter().filter(|stage| stage.data.submission_time.is_some()).collect();
    let page = OverviewPage {
        frame: app.frame("Overview", "overview"),
        verdict: verdict(&app),
        facts: facts(&app, &stages),
        spent: parts(spent(&app, whole, &stages)),
        reason: root_cause(&app),
        slots: slots(&app, whole, &stages),
        tables: [
            failures(&app, &params),
            slowest_queries(&app, &params),
            slowest_stages(&app, &params),
            configuration(&app, &params),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    html(StatusCode::OK, &page)
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
    format!("{} {of_jobs}", app.state().hint)
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
    let sizes: [(&'static str, fn(&Stage) -> i64); 5] = [
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

/// When tasks of a stage ran, as far as the log tells.
fn ran(app: &App, stage: &Stage) -> Option<Span> {
    let start = stage.data.first_task_launched_time.or(stage.data.submission_time)?;
    let end = stage.data.completion_time.map_or_else(|| app.last_moment(), |end| end.0);
    Some((drawable(start.0), drawable(end)))
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

/// Why the last job that failed did.
fn root_cause(app: &App) -> Option<Reason> {
    let failed = app.model().jobs.iter().rfind(|job| job.data.status == JobExecutionStatus::Failed)?;
    let attempts = failed.data.stage_ids.iter().flat_map(|id| app.model().stage_attempts(*id));
    let stage = attempts
        .filter(|stage| stage.data.status == StageStatus::Failed)
        .min_by_key(|stage| stage.data.completion_time)?;
    Some(Reason::of_stage(app, stage))
}

/// Slots that there were, and of these the busy ones, over time.
fn slots(app: &App, whole: Span, stages: &[&Stage]) -> Option<Drawn> {
    let end = |removed: Option<Date>| removed.map_or(whole.1, |removed| drawable(removed.0));
    let executors: Vec<_> = app.model().executors.iter().filter(|one| one.total_cores > 0).collect();
    // The driver's cores run tasks only where there are no executors.
    let local = executors.iter().all(|one| one.id == "driver");
    let there = executors.iter().filter(|one| local || one.id != "driver");
    let cores = over_time(
        whole,
        STEPS,
        there.map(|one| {
            ((drawable(one.add_time.0), end(one.remove_time)), f64::from(one.max_tasks.max(one.total_cores)))
        }),
    );
    let busy = stages.iter().filter_map(|stage| {
        let (start, end) = ran(app, stage)?;
        Some(((start, end), stage.data.executor_run_time as f64 / (end - start).max(1) as f64))
    });
    let busy = over_time(whole, STEPS, busy);
    let (used, all): (f64, f64) = (busy.iter().sum(), cores.iter().sum());
    if all <= 0.0 {
        return None;
    }
    let step = (whole.1 - whole.0).max(1) as f64 / STEPS as f64;
    let times = (0..STEPS).map(|index| whole.0 + (index as f64 * step) as i64).collect();
    let series =
        |name: &str, values: Vec<f64>| Series { name: name.to_owned(), values: values.into_iter().map(Some).collect() };
    let chart = Chart {
        name: "Slots over time".to_owned(),
        times,
        series: vec![series("busy", busy), series("slots", cores)],
        is_stacked: false,
        unit: |value| format!("{value:.1}"),
    };
    let note = format!(
        "{:.0} % of all slots were busy. Within a stage its average is drawn.",
        (used / all * 100.0).min(100.0)
    );
    Some(Drawn {
        id: "slots",
        title: "Slots",
        legend: vec![("series-busy", "busy".to_owned()), ("series-slots", "there".to_owned())],
        note,
        picture: chart.draw()?,
    })
}

/// Failures of stages, those of which the same is said together.
fn failures(app: &App, params: &Params) -> Option<Table> {
    let mut groups: Vec<(String, Vec<&Stage>)> = Vec::new();
    for stage in app.model().stages.iter().filter(|stage| stage.data.status == StageStatus::Failed) {
        let text = stage.data.failure_reason.as_deref().unwrap_or("no reason in the event log");
        let kind: String =
            format::headline(text, 200).chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
        match groups.iter().position(|(known, _)| *known == kind) {
            Some(at) => groups[at].1.push(stage),
            None if groups.len() < MAX_GROUPS => groups.push((kind, vec![stage])),
            None => {}
        }
    }
    if groups.is_empty() {
        return None;
    }
    type Group<'a> = (String, Vec<&'a Stage>);
    let link = |stage: &&Stage| TextLink {
        text: stage.data.stage_id.to_string(),
        href: app.links.stage(stage.data.stage_id.into(), stage.data.attempt_id.into()),
    };
    let columns = vec![
        Column::new("Stages", |(_, stages): &Group<'_>| Cell::number(i64::try_from(stages.len()).unwrap_or(i64::MAX)))
            .number()
            .by(|(_, stages)| stages.len()),
        Column::new("Reason", |(_, stages): &Group<'_>| {
            Cell::long(stages[0].data.failure_reason.as_deref().unwrap_or_default())
        })
        .prose(),
        Column::new("Where", move |(_, stages): &Group<'_>| Cell::Links(stages.iter().take(SHOWN).map(link).collect())),
    ];
    let spec = TableSpec { tag: "failures", title: "Failures", columns, sort: ("Stages", true), empty: "" };
    Some(spec.draw(groups, params))
}

fn slowest_queries(app: &App, params: &Params) -> Option<Table> {
    let duration = |one: &SqlExecution| app.elapsed(Some(Date(one.submission_time)), one.completion_time.map(Date));
    let mut queries: Vec<&SqlExecution> =
        app.model().sql.iter().filter(|one| one.root_id < 0 || one.root_id == one.id).collect();
    if queries.is_empty() {
        return None;
    }
    queries.sort_by_key(|one| std::cmp::Reverse(duration(one)));
    queries.truncate(SHOWN);
    let columns = vec![
        Column::new("ID", |one: &&SqlExecution| Cell::link(one.id.to_string(), app.links.execution(one.id))),
        Column::new("Description", |one: &&SqlExecution| {
            let text = Description::new(one.description.as_deref().unwrap_or_default(), app.links.base());
            Cell::Described(Box::new(Described::linked(text, "", app.links.execution(one.id))))
        })
        .prose(),
        Column::new("Status", |one: &&SqlExecution| Cell::Badge(crate::cell::Badge::of_status(one.status()))),
        Column::new("Submitted", |one: &&SqlExecution| Cell::time(Some(Date(one.submission_time))))
            .tight()
            .rank(Rank::Medium),
        Column::new("Duration", move |one: &&SqlExecution| Cell::duration(duration(one))).number(),
    ];
    let mut table = TableSpec { tag: "queries", title: "Slowest queries", columns, sort: ("", false), empty: "" }
        .draw(queries, params);
    table.total = String::new();
    Some(table)
}

fn slowest_stages(app: &App, params: &Params) -> Option<Table> {
    let mut all: Vec<&Stage> = app.model().stages.iter().filter(|stage| stage.data.executor_run_time > 0).collect();
    all.sort_by_key(|stage| std::cmp::Reverse(stage.data.executor_run_time));
    all.truncate(SHOWN);
    if all.is_empty() {
        return None;
    }
    let mut table = stages::table_of(app, "slowest", "Stages with the most work").draw(all, params);
    table.total = String::new();
    Some(table)
}

/// What somebody has set for it.
fn configuration(app: &App, params: &Params) -> Option<Table> {
    // Spark sets these itself.
    const OWN: [&str; 9] = [
        "spark.app.id",
        "spark.app.name",
        "spark.app.startTime",
        "spark.app.submitTime",
        "spark.driver.host",
        "spark.driver.port",
        "spark.executor.id",
        "spark.repl.",
        "spark.ui.proxyBase",
    ];
    let pairs = app.environment().spark_properties;
    let own = |name: &str| OWN.iter().any(|own| name.starts_with(own));
    let pairs: Vec<_> = pairs.into_iter().filter(|(name, _)| !own(name)).collect();
    (!pairs.is_empty())
        .then(|| environment::table("configuration", "Configuration", "Name", "Value").draw_searched(pairs, params))
}
