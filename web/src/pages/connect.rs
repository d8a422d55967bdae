//! `/connect/` and `/connect/session/?id=&userId=`: what an application did as a Spark Connect server.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use history_server::api::v1::types::Date;
use history_server::model::connect::{ConnectOperation, ConnectSession};

use crate::app::App;
use crate::cell::{Cell, TextLink};
use crate::description::{Described, Description};
use crate::error::Error;
use crate::frame::Fact;
use crate::pages::plain::PlainPage;
use crate::pages::sqlserver::{detail, number, state};
use crate::params::Params;
use crate::table::{Column, Rank, TableSpec};

const TITLE: &str = "Connect";
const TAB: &str = "connect";

/// Sessions and what was asked for.
pub(crate) async fn list(app: App, params: Params) -> Response {
    let server = &app.model().connect;
    let open = server.sessions.iter().filter(|session| session.finish_time.is_none()).count();
    let running = server.operations.iter().filter(|operation| operation.is_active()).count();
    let mut facts = vec![
        number("Sessions", server.sessions.len()),
        number("not closed", open),
        number("Requests", server.operations.len()),
        number("not ended", running),
    ];
    for service in &server.services {
        facts.push(Fact::text("Listened at", format!("{}:{}", service.host, service.port)));
    }
    let tables = vec![
        session_table(&app).draw_searched(server.sessions.iter().collect(), &params),
        request_table(&app, "sqlstat").draw_searched(server.operations.iter().collect(), &params),
    ];
    PlainPage { frame: app.frame(TITLE, TAB), title: TITLE.to_owned(), facts, tables }.answer()
}

/// One session and what was asked for in it.
pub(crate) async fn session(app: App, params: Params) -> Result<Response, Error> {
    let id = params.text("id").ok_or_else(|| app.missing("id", "the id of a session", TAB))?;
    let server = &app.model().connect;
    // Sessions of two users may have one id.
    let user = params.text("userId");
    let asked = |session: &&ConnectSession| {
        session.id == id && user.is_none_or(|user| user == STANDARD.encode(&session.user_id))
    };
    let Some(session) = server.sessions.iter().find(asked) else {
        return Err(app.no_such("session with this id", TAB, "All sessions"));
    };
    let of_session = |one: &&ConnectOperation| one.session_id == id && one.user_id == session.user_id;
    let operations: Vec<_> = server.operations.iter().filter(of_session).collect();
    let facts = vec![
        Fact::text("User", &session.user_id),
        Fact::new("Created", Cell::time(Some(Date(session.start_time)))),
        Fact::new("Closed", Cell::time(session.finish_time.map(Date))),
        number("Requests", operations.len()),
    ];
    let tables = vec![request_table(&app, "sqlsessionstat").draw_searched(operations, &params)];
    let title = format!("Session {id}");
    Ok(PlainPage { frame: app.frame(&title, TAB), title, facts, tables }.answer())
}

fn session_link(app: &App, id: &str, user: &str) -> String {
    app.links.connect_session(id, &STANDARD.encode(user))
}

fn session_table(app: &App) -> TableSpec<'_, &ConnectSession> {
    let columns = vec![
        Column::new("User", |one: &&ConnectSession| Cell::Text(one.user_id.clone())).by(|one| one.user_id.clone()),
        Column::new("Session ID", |one: &&ConnectSession| {
            Cell::link(&one.id, session_link(app, &one.id, &one.user_id))
        })
        .by(|one| one.id.clone()),
        Column::new("Start Time", |one: &&ConnectSession| Cell::time(Some(Date(one.start_time))))
            .tight()
            .rank(Rank::Medium)
            .by(|one| one.start_time),
        Column::new("Finish Time", |one: &&ConnectSession| Cell::time(one.finish_time.map(Date)))
            .tight()
            .rank(Rank::Wide)
            .by(|one| one.finish_time),
        Column::new("Duration", |one: &&ConnectSession| Cell::duration(Some(one.duration(app.last_moment()))))
            .hint("Until it was closed, or to the last that the event log tells")
            .number()
            .by(|one| one.duration(app.last_moment())),
        Column::new("Total Execute", |one: &&ConnectSession| Cell::number(one.total_execution))
            .hint("How many requests were started in it")
            .number()
            .by(|one| one.total_execution),
    ];
    let empty = "No client opened a session.";
    TableSpec { tag: "sessionstat", title: "Session statistics", columns, sort: ("Start Time", true), empty }
}

fn request_table<'a>(app: &'a App, tag: &'static str) -> TableSpec<'a, &'a ConnectOperation> {
    let mut columns = vec![
        Column::new("User", |one: &&ConnectOperation| Cell::Text(one.user_name.clone()))
            .by(|one| one.user_name.clone()),
        Column::new("Job ID", |one: &&ConnectOperation| Cell::Links(app.job_links(&one.job_ids))).rank(Rank::Medium),
        Column::new("SQL Query ID", |one: &&ConnectOperation| Cell::Links(queries(app, one))).rank(Rank::Medium),
        Column::new("Session ID", |one: &&ConnectOperation| {
            Cell::link(&one.session_id, session_link(app, &one.session_id, &one.user_id))
        })
        .rank(Rank::Asked)
        .by(|one| one.session_id.clone()),
        Column::new("Start Time", |one: &&ConnectOperation| Cell::time(Some(Date(one.start_time))))
            .tight()
            .rank(Rank::Medium)
            .by(|one| one.start_time),
    ];
    columns.extend(time_columns(app));
    columns.extend([
        Column::new("Statement", |one: &&ConnectOperation| {
            Cell::Described(Box::new(Described::linked(Description::text(&one.statement), "", String::new())))
        })
        .prose(),
        Column::new("State", |one: &&ConnectOperation| Cell::Badge(state(one.state, one.outcome))).by(|one| one.state),
        Column::new("Operation ID", |one: &&ConnectOperation| Cell::Text(one.operation_id.clone())).rank(Rank::Asked),
        Column::new("Job Tag", |one: &&ConnectOperation| Cell::Text(one.job_tag.clone())).rank(Rank::Asked),
        Column::new("Spark Session Tags", |one: &&ConnectOperation| Cell::Text(one.session_tags.join(", ")))
            .if_any(|one| !one.session_tags.is_empty()),
        Column::new("Detail", |one: &&ConnectOperation| detail(one.detail.as_deref().unwrap_or_default(), ""))
            .prose()
            .if_any(|one| one.detail.is_some()),
    ]);
    let empty = "Nothing was asked for.";
    TableSpec { tag, title: "Request statistics", columns, sort: ("Start Time", true), empty }
}

fn time_columns(app: &App) -> [Column<'_, &ConnectOperation>; 4] {
    [
        Column::new("Finish Time", |one: &&ConnectOperation| Cell::time(one.finish_time.map(Date)))
            .hint("When its result was there")
            .tight()
            .rank(Rank::Widest)
            .by(|one| one.finish_time),
        Column::new("Close Time", |one: &&ConnectOperation| Cell::time(one.close_time.map(Date)))
            .hint("When the client had taken the result")
            .tight()
            .rank(Rank::Widest)
            .by(|one| one.close_time),
        Column::new("Execution Time", |one: &&ConnectOperation| {
            Cell::duration(Some(one.execution_time(app.last_moment())))
        })
        .hint("Until its result was there")
        .number()
        .by(|one| one.execution_time(app.last_moment())),
        Column::new("Duration", |one: &&ConnectOperation| Cell::duration(Some(one.duration(app.last_moment()))))
            .hint("Until it was closed, the taking of its result included")
            .number()
            .rank(Rank::Wide)
            .by(|one| one.duration(app.last_moment())),
    ]
}

fn queries(app: &App, one: &ConnectOperation) -> Vec<TextLink> {
    let link = |id: &i64| TextLink { text: id.to_string(), href: app.links.execution(*id) };
    one.sql_execution_ids.iter().map(link).collect()
}
