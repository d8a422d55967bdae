//! `/SQL/` and `/SQL/execution/?id=`.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::Date;
use history_server::model::SqlExecution;
use history_server::model::plan::{PlanGraph, PlanNode};

use crate::app::App;
use crate::cell::{Badge, Cell, Measured, TextLink};
use crate::description::{Described, Description};
use crate::error::Error;
use crate::format;
use crate::frame::{Fact, Frame, html};
use crate::pages::jobs::job_tables;
use crate::pages::pictures::{Drawn, events, plan};
use crate::pages::stages::Reason;
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};

#[derive(Template)]
#[template(path = "sql.html")]
struct SqlPage {
    frame: Frame,
    facts: Vec<Fact>,
    tables: Vec<Table>,
}

/// All executions by status.
pub(crate) async fn list(app: App, params: Params) -> Response {
    let executions = &app.model().sql;
    let groups = [
        ("running", "Running queries", "RUNNING"),
        ("failed", "Failed queries", "FAILED"),
        ("completed", "Completed queries", "COMPLETED"),
    ];
    let mut tables = Vec::new();
    for (tag, title, status) in groups {
        let some: Vec<_> = executions.iter().filter(|execution| execution.status() == status).collect();
        if !some.is_empty() || executions.is_empty() && tag == "completed" {
            tables.push(table(&app, tag, title).draw_searched(some, &params));
        }
    }
    html(
        StatusCode::OK,
        &SqlPage { frame: app.frame("SQL / DataFrame", "SQL"), facts: summary(&app, executions), tables },
    )
}

/// How many queries there were, how long they took and how many failed; parts of others are not counted again.
fn summary(app: &App, executions: &[SqlExecution]) -> Vec<Fact> {
    let roots: Vec<&SqlExecution> = executions.iter().filter(|one| !is_part(one)).collect();
    let count = |status: &str| roots.iter().filter(|one| one.status() == status).count();
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let all = number(roots.len());
    if all == 0 {
        return Vec::new();
    }
    let total = roots.iter().filter_map(|one| duration(app, one)).fold(0, i64::saturating_add);
    let failed = count("FAILED");
    vec![
        Fact::text("Queries", format::count(all)),
        Fact::new("Average duration", Cell::duration(Some(total / all))),
        Fact::count("Running", count("RUNNING"), "running"),
        Fact::count("Failed", failed, "failed"),
        Fact::text("Failure rate", format!("{:.1} %", failed as f64 / all as f64 * 100.0)),
    ]
}

fn table<'a>(app: &'a App, tag: &'static str, title: &'static str) -> TableSpec<'a, &'a SqlExecution> {
    let columns = vec![
        Column::new("ID", |one: &&SqlExecution| Cell::link(one.id.to_string(), app.links.execution(one.id)))
            .by(|one| one.id),
        Column::new("Query ID", |one: &&SqlExecution| {
            let id = one.query_id.clone().unwrap_or_default();
            Cell::Hint { text: id.chars().take(8).collect(), hint: id }
        })
        .tight()
        .rank(Rank::Wider)
        .if_any(|one| one.query_id.is_some()),
        Column::new("Description", |one: &&SqlExecution| {
            let text = Description::new(description(one), app.links.base());
            Cell::Described(Box::new(Described::linked(text, "", app.links.execution(one.id))))
        })
        .prose()
        .by(|one| one.description.clone()),
        Column::new("Error Message", |one: &&SqlExecution| Cell::long(error(one).unwrap_or_default()))
            .prose()
            .if_any(|one| error(one).is_some()),
        Column::new("Submitted", |one: &&SqlExecution| Cell::time(Some(Date(one.submission_time))))
            .tight()
            .by(|one| one.submission_time),
        Column::new("Duration", |one: &&SqlExecution| Cell::duration(duration(app, one)))
            .number()
            .by(|one| duration(app, one)),
        Column::new("Job IDs", |one: &&SqlExecution| Cell::Links(job_links(app, one))),
        Column::new("Part of", |one: &&SqlExecution| {
            if is_part(one) {
                Cell::link(one.root_id.to_string(), app.links.execution(one.root_id))
            } else {
                Cell::empty()
            }
        })
        .by(|one| is_part(one).then_some(one.root_id))
        .if_any(move |one| is_part(one) && tag != "sub"),
    ];
    let empty = "This application has run no SQL query and no DataFrame action.";
    TableSpec { tag, title, columns, sort: ("ID", true), empty }
}

fn description(execution: &SqlExecution) -> &str {
    execution.description.as_deref().filter(|text| !text.trim().is_empty()).unwrap_or("no description")
}

fn error(execution: &SqlExecution) -> Option<&str> {
    execution.error_message.as_deref().filter(|text| !text.is_empty())
}

fn is_part(execution: &SqlExecution) -> bool {
    execution.root_id >= 0 && execution.root_id != execution.id
}

fn duration(app: &App, execution: &SqlExecution) -> Option<i64> {
    app.elapsed(Some(Date(execution.submission_time)), execution.completion_time.map(Date))
}

fn job_links(app: &App, execution: &SqlExecution) -> Vec<TextLink> {
    let mut ids: Vec<i32> = execution.jobs.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    app.job_links(&ids)
}

#[derive(Template)]
#[template(path = "execution.html")]
struct ExecutionPage {
    frame: Frame,
    title: String,
    status: Badge,
    facts: Vec<Fact>,
    description: Described,
    reason: Option<Reason>,
    plan_pictures: Vec<Drawn>,
    timeline: Option<Drawn>,
    jobs: Vec<Table>,
    nodes: Option<Table>,
    parts: Option<Table>,
    configuration: Option<Table>,
    plan: String,
}

/// One execution: its jobs, its plan and what each operator of the plan measured.
pub(crate) async fn detail(app: App, params: Params) -> Result<Response, Error> {
    let id = params.number("id").ok_or_else(|| app.missing("id", "the number of a query", "SQL"))?;
    let Some(execution) = app.model().sql_execution(id) else {
        return Err(app.no_such(&format!("query {id}"), "SQL", "All queries of this application"));
    };
    let jobs: Vec<_> = execution.jobs.iter().filter_map(|(id, _)| app.model().job(*id)).collect();
    let parts: Vec<_> = app.model().sql.iter().filter(|one| is_part(one) && one.root_id == id).collect();
    let page = ExecutionPage {
        frame: app.frame(&format!("Query {id}"), "SQL"),
        title: format!("Query {id}"),
        status: Badge::of_status(execution.status()),
        facts: facts(&app, execution),
        description: Described::whole(Description::new(description(execution), app.links.base())),
        reason: error(execution).map(|text| Reason::new("Why it failed".to_owned(), Vec::new(), text)),
        jobs: if jobs.is_empty() { Vec::new() } else { job_tables(&app, &jobs, &params) },
        plan_pictures: plan::draw(execution).into_iter().chain(plan::draw_initial(execution)).collect(),
        timeline: events::of_query(
            &app,
            &jobs,
            (execution.submission_time, execution.completion_time.unwrap_or_else(|| app.last_moment())),
        ),
        nodes: node_table(&app, execution, &params),
        parts: (!parts.is_empty()).then(|| table(&app, "sub", "Its parts").draw(parts, &params)),
        configuration: configuration_table(&app, execution, &params),
        plan: execution.plan_text.clone().unwrap_or_default(),
    };
    Ok(html(StatusCode::OK, &page))
}

fn facts(app: &App, execution: &SqlExecution) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("Submitted", Cell::time(Some(Date(execution.submission_time)))),
        Fact::new("Duration", Cell::duration(duration(app, execution))),
    ];
    if is_part(execution) {
        let link = TextLink { text: execution.root_id.to_string(), href: app.links.execution(execution.root_id) };
        facts.push(Fact::new("Part of query", Cell::Links(vec![link])));
    }
    if let Some(query) = &execution.query_id {
        facts.push(Fact::text("Query id", query));
    }
    facts
}

fn node_table(app: &App, execution: &SqlExecution, params: &Params) -> Option<Table> {
    let nodes: Vec<&PlanNode> = execution.graph.iter().flat_map(PlanGraph::all_nodes).collect();
    if nodes.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("Node", |node: &&PlanNode| Cell::Anchor {
            id: format!("operator-{}", node.id),
            text: node.id.to_string(),
        })
        .tight()
        .by(|node| node.id),
        Column::new("Operator", |node: &&PlanNode| Cell::Long {
            first: node.name.clone(),
            rest: format::first_line(&node.description, 5_000),
        })
        .by(|node| node.name.clone()),
        Column::new("Metrics", |node: &&PlanNode| Cell::Measured(measured(app, execution, node))),
    ];
    let spec = TableSpec { tag: "node", title: "Operators", columns, sort: ("Node", false), empty: "" };
    Some(spec.draw(nodes, params))
}

/// What an operator measured, with a way to the task that measured most.
fn measured(app: &App, execution: &SqlExecution, node: &PlanNode) -> Vec<Measured> {
    let one = |(name, value): (&str, plan::value::Value)| Measured {
        name: name.to_owned(),
        total: value.total,
        spread: value.spread,
        place: value.place.map(|(stage, attempt, task)| TextLink {
            text: format!("task {task} of stage {stage}"),
            href: app.links.task(stage, attempt, task),
        }),
    };
    plan::lines(execution, node).into_iter().map(one).collect()
}

fn configuration_table(app: &App, execution: &SqlExecution, params: &Params) -> Option<Table> {
    let shown = history_server::api::v1::modified_configs(execution, app.redaction());
    if shown.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("Name", |(name, _): &(&String, &String)| Cell::Text((*name).clone()))
            .prose()
            .by(|(name, _)| (*name).clone()),
        Column::new("Value", |(_, value): &(&String, &String)| Cell::Text((*value).clone())).prose(),
    ];
    let spec =
        TableSpec { tag: "configuration", title: "Properties set for it", columns, sort: ("Name", false), empty: "" };
    Some(spec.draw(shown.iter().collect(), params))
}
