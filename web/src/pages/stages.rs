//! `/stages/`, and the tables of stages that other pages show.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::StageStatus;
use history_server::model::Stage;

use crate::app::App;
use crate::cell::{Bar, Cell, TextLink};
use crate::description::{Described, Description};
use crate::format;
use crate::frame::{Fact, Frame, html};
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};

#[derive(Template)]
#[template(path = "stages.html")]
struct StagesPage {
    frame: Frame,
    facts: Vec<Fact>,
    tables: Vec<Table>,
}

/// All stages by status.
pub(crate) async fn list(app: App, params: Params) -> Response {
    let stages: Vec<&Stage> = app.model().stages.iter().collect();
    let tables = stage_tables(&app, &stages, &params);
    html(StatusCode::OK, &StagesPage { frame: app.frame("Stages", "stages"), facts: counts(&stages), tables })
}

/// How many stages have each status, with links to their tables; what there is none of is left out.
pub(crate) fn counts(stages: &[&Stage]) -> Vec<Fact> {
    use StageStatus::{Active, Complete, Failed, Pending, Skipped};
    let groups = [
        ("Active", "active", Active),
        ("Pending", "pending", Pending),
        ("Completed", "completed", Complete),
        ("Skipped", "skipped", Skipped),
        ("Failed", "failed", Failed),
    ];
    let count = |(label, anchor, status)| {
        let number = stages.iter().filter(|stage| stage.data.status == status).count();
        (number > 0).then(|| Fact::count(label, number, anchor))
    };
    groups.into_iter().filter_map(count).collect()
}

/// Tables of stages by status; a status of which there is none has no table, but one table there is always.
pub(crate) fn stage_tables(app: &App, stages: &[&Stage], params: &Params) -> Vec<Table> {
    let groups = [
        ("activeStage", "Active stages", StageStatus::Active),
        ("failedStage", "Failed stages", StageStatus::Failed),
        ("pendingStage", "Pending stages", StageStatus::Pending),
        ("completedStage", "Completed stages", StageStatus::Complete),
        ("skippedStage", "Skipped stages", StageStatus::Skipped),
    ];
    let mut tables = Vec::new();
    for (tag, title, status) in groups {
        let some: Vec<&Stage> = stages.iter().filter(|stage| stage.data.status == status).copied().collect();
        if !some.is_empty() || stages.is_empty() && status == StageStatus::Complete {
            tables.push(table_of(app, tag, title).draw_searched(some, params));
        }
    }
    tables
}

pub(crate) fn table_of<'a>(app: &'a App, tag: &'static str, title: &'static str) -> TableSpec<'a, &'a Stage> {
    let columns = vec![
        Column::new("Stage Id", |stage: &&Stage| Cell::Link {
            text: stage.data.stage_id.to_string(),
            href: link(app, stage),
            sub: if stage.data.attempt_id > 0 { format!("retry {}", stage.data.attempt_id) } else { String::new() },
        })
        .by(|stage| (stage.data.stage_id, stage.data.attempt_id)),
        Column::new("Description", |stage: &&Stage| description(app, stage))
            .prose()
            .by(|stage| stage.data.name.clone()),
        Column::new("Failure Reason", |stage: &&Stage| {
            Cell::long(stage.data.failure_reason.as_deref().unwrap_or_default())
        })
        .prose()
        .if_any(|stage| stage.data.failure_reason.is_some()),
        Column::new("Submitted", |stage: &&Stage| Cell::time(stage.data.submission_time))
            .tight()
            .rank(Rank::Medium)
            .by(|stage| stage.data.submission_time)
            .if_any(|stage| stage.data.submission_time.is_some()),
        Column::new("Duration", |stage: &&Stage| Cell::duration(duration(app, stage)))
            .number()
            .by(|stage| duration(app, stage))
            .if_any(|stage| duration(app, stage).is_some()),
        Column::new("Tasks: Succeeded/Total", |stage: &&Stage| Cell::Bar(task_bar(stage))),
        size("Input", |stage| stage.data.input_bytes),
        size("Output", |stage| stage.data.output_bytes),
        size("Shuffle Read", |stage| stage.data.shuffle_read_bytes),
        size("Shuffle Write", |stage| stage.data.shuffle_write_bytes),
    ];
    TableSpec { tag, title, columns, sort: ("Stage Id", true), empty: "No stage was submitted." }
}

fn size<'a>(title: &'static str, bytes: fn(&Stage) -> i64) -> Column<'a, &'a Stage> {
    Column::new(title, move |stage: &&Stage| Cell::bytes(bytes(stage)))
        .number()
        .rank(Rank::Medium)
        .by(move |stage| bytes(stage))
        .if_any(move |stage| bytes(stage) > 0)
}

fn link(app: &App, stage: &Stage) -> String {
    app.links.stage(stage.data.stage_id.into(), stage.data.attempt_id.into())
}

fn description(app: &App, stage: &Stage) -> Cell {
    let name = stage.data.name.clone().unwrap_or_default();
    let description = Description::new(stage.data.description.as_deref().unwrap_or_default(), app.links.base());
    Cell::Described(Box::new(Described::linked(description, &name, link(app, stage))))
}

/// Milliseconds from the first task's launch, as Spark counts, to the stage's end; `None` of one that never ran.
pub(crate) fn duration(app: &App, stage: &Stage) -> Option<i64> {
    app.elapsed(stage.data.first_task_launched_time, stage.data.completion_time)
}

pub(crate) fn task_bar(stage: &Stage) -> Bar {
    let stage = &stage.data;
    Bar::tasks(
        stage.num_completed_indices.into(),
        stage.num_active_tasks.into(),
        stage.num_failed_tasks.into(),
        stage.num_killed_tasks.into(),
        0,
        stage.num_tasks.into(),
    )
    .killed_because(&stage.killed_tasks_summary)
}

/// Why something failed, in full.
#[derive(Template)]
#[template(path = "reason.html")]
pub(crate) struct Reason {
    title: String,
    links: Vec<TextLink>,
    headline: String,
    text: String,
    /// Why there are no logs; empty when that is not asked, or there are.
    note: String,
}

impl HtmlSafe for Reason {}

impl Reason {
    pub(crate) fn new(title: String, links: Vec<TextLink>, text: &str) -> Self {
        Self {
            title,
            links,
            headline: format::headline(text, 300),
            text: text.trim_end().to_owned(),
            note: String::new(),
        }
    }

    /// Why a stage failed.
    pub(crate) fn of_stage(app: &App, stage: &Stage) -> Self {
        let links = vec![TextLink { text: "Tasks and logs".to_owned(), href: link(app, stage) }];
        let reason = stage.data.failure_reason.as_deref().unwrap_or("The event log gives no reason.");
        Self::new(format!("Stage {} failed", stage.data.stage_id), links, reason)
    }

    /// With links to logs, or why there are none.
    pub(crate) fn with_logs(mut self, links: impl Iterator<Item = TextLink>, note: String) -> Self {
        self.links.extend(links);
        Self { note, ..self }
    }
}
