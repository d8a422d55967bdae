//! `/sqlserver/` and `/sqlserver/session/?id=`: what an application did as a Thrift (JDBC/ODBC) server.

use axum::response::Response;
use history_server::api::v1::types::Date;
use history_server::model::operation::OperationState;
use history_server::model::thrift::{ThriftSession, ThriftStatement};

use crate::app::App;
use crate::cell::{Badge, Cell};
use crate::description::{Described, Description};
use crate::error::Error;
use crate::format;
use crate::frame::Fact;
use crate::pages::plain::PlainPage;
use crate::params::Params;
use crate::table::{Column, Rank, TableSpec};

const TITLE: &str = "JDBC/ODBC Server";
const TAB: &str = "sqlserver";

/// Sessions and statements.
pub(crate) async fn list(app: App, params: Params) -> Response {
    let server = &app.model().thrift;
    let open = server.sessions.iter().filter(|session| session.finish_time.is_none()).count();
    let running = server.statements.iter().filter(|statement| statement.is_active()).count();
    let facts = vec![
        number("Sessions", server.sessions.len()),
        number("not closed", open),
        number("Statements", server.statements.len()),
        number("not ended", running),
    ];
    let tables = vec![
        session_table(&app).draw_searched(server.sessions.iter().collect(), &params),
        statement_table(&app, "sqlstat").draw_searched(server.statements.iter().collect(), &params),
    ];
    PlainPage { frame: app.frame(TITLE, TAB), title: TITLE.to_owned(), facts, tables }.answer()
}

/// One session and its statements.
pub(crate) async fn session(app: App, params: Params) -> Result<Response, Error> {
    let id = params.text("id").ok_or_else(|| app.missing("id", "the id of a session", TAB))?;
    let server = &app.model().thrift;
    let Some(session) = server.sessions.iter().find(|session| session.id == id) else {
        return Err(app.no_such("session with this id", TAB, "All sessions"));
    };
    let statements: Vec<_> = server.statements.iter().filter(|statement| statement.session_id == id).collect();
    let facts = vec![
        Fact::text("User", &session.user_name),
        Fact::text("IP", &session.ip),
        Fact::new("Created", Cell::time(Some(Date(session.start_time)))),
        Fact::new("Closed", Cell::time(session.finish_time.map(Date))),
        number("Statements", statements.len()),
    ];
    let tables = vec![statement_table(&app, "sqlsessionstat").draw_searched(statements, &params)];
    let title = format!("Session {id}");
    Ok(PlainPage { frame: app.frame(&title, TAB), title, facts, tables }.answer())
}

pub(super) fn number(label: &'static str, number: usize) -> Fact {
    Fact::text(label, format::count(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn session_table(app: &App) -> TableSpec<'_, &ThriftSession> {
    let columns = vec![
        Column::new("User", |one: &&ThriftSession| Cell::Text(one.user_name.clone())).by(|one| one.user_name.clone()),
        Column::new("IP", |one: &&ThriftSession| Cell::Text(one.ip.clone()))
            .rank(Rank::Medium)
            .by(|one| one.ip.clone()),
        Column::new("Session ID", |one: &&ThriftSession| Cell::link(&one.id, app.links.thrift_session(&one.id)))
            .by(|one| one.id.clone()),
        Column::new("Start Time", |one: &&ThriftSession| Cell::time(Some(Date(one.start_time))))
            .tight()
            .rank(Rank::Medium)
            .by(|one| one.start_time),
        Column::new("Finish Time", |one: &&ThriftSession| Cell::time(one.finish_time.map(Date)))
            .tight()
            .rank(Rank::Wide)
            .by(|one| one.finish_time),
        Column::new("Duration", |one: &&ThriftSession| Cell::duration(Some(one.duration(app.last_moment()))))
            .hint("Until it was closed, or to the last that the event log tells")
            .number()
            .by(|one| one.duration(app.last_moment())),
        Column::new("Total Execute", |one: &&ThriftSession| Cell::number(one.total_execution))
            .hint("How many statements were started in it")
            .number()
            .by(|one| one.total_execution),
    ];
    let empty = "No client opened a session.";
    TableSpec { tag: "sessionstat", title: "Session statistics", columns, sort: ("Start Time", true), empty }
}

fn statement_table<'a>(app: &'a App, tag: &'static str) -> TableSpec<'a, &'a ThriftStatement> {
    let columns = vec![
        Column::new("User", |one: &&ThriftStatement| Cell::Text(one.user_name.clone())).by(|one| one.user_name.clone()),
        Column::new("JobID", |one: &&ThriftStatement| Cell::Links(app.job_links(&one.job_ids))).rank(Rank::Medium),
        Column::new("GroupID", |one: &&ThriftStatement| Cell::Text(one.group_id.clone()))
            .rank(Rank::Asked)
            .by(|one| one.group_id.clone()),
        Column::new("Start Time", |one: &&ThriftStatement| Cell::time(Some(Date(one.start_time))))
            .tight()
            .rank(Rank::Medium)
            .by(|one| one.start_time),
        Column::new("Finish Time", |one: &&ThriftStatement| Cell::time(one.finish_time.map(Date)))
            .hint("When its result was there")
            .tight()
            .rank(Rank::Widest)
            .by(|one| one.finish_time),
        Column::new("Close Time", |one: &&ThriftStatement| Cell::time(one.close_time.map(Date)))
            .hint("When the client had taken the result")
            .tight()
            .rank(Rank::Widest)
            .by(|one| one.close_time),
        Column::new("Execution Time", |one: &&ThriftStatement| {
            Cell::duration(Some(one.execution_time(app.last_moment())))
        })
        .hint("Until its result was there")
        .number()
        .by(|one| one.execution_time(app.last_moment())),
        Column::new("Duration", |one: &&ThriftStatement| Cell::duration(Some(one.duration(app.last_moment()))))
            .hint("Until it was closed, the taking of its result included")
            .number()
            .rank(Rank::Wide)
            .by(|one| one.duration(app.last_moment())),
        Column::new("Statement", |one: &&ThriftStatement| statement(app, one)).prose().by(|one| one.statement.clone()),
        Column::new("State", |one: &&ThriftStatement| Cell::Badge(state(one.state, one.outcome))).by(|one| one.state),
        Column::new("Detail", |one: &&ThriftStatement| detail(&one.detail, &one.plan)).prose(),
    ];
    let empty = "No statement was run.";
    TableSpec { tag, title: "SQL statistics", columns, sort: ("Start Time", true), empty }
}

/// The statement, leading to its query where the log tells which that is.
fn statement(app: &App, one: &ThriftStatement) -> Cell {
    let href = one.sql_execution_ids.last().map(|id| app.links.execution(*id)).unwrap_or_default();
    Cell::Described(Box::new(Described::linked(Description::text(&one.statement), "", href)))
}

/// How an operation stands; of one that is closed, also what had become of it.
pub(super) fn state(state: OperationState, outcome: Option<OperationState>) -> Badge {
    use OperationState::{Canceled, Closed, Compiled, Failed, Finished, Ready, Started, TimedOut};
    match (state, outcome) {
        (Failed, _) | (Closed, Some(Failed)) => Badge::new("failed", "bad"),
        (TimedOut, _) | (Closed, Some(TimedOut)) => Badge::new("timed out", "bad"),
        (Canceled, _) | (Closed, Some(Canceled)) => Badge::new("canceled", "warn"),
        (Finished, _) | (Closed, Some(Finished)) => Badge::new("finished", "good"),
        (Closed, _) => Badge::new("closed", "idle"),
        (Started, _) => Badge::new("started", "busy"),
        (Compiled, _) => Badge::new("compiled", "busy"),
        (Ready, _) => Badge::new("ready", "busy"),
    }
}

/// Why it failed, or else its plan.
pub(super) fn detail(error: &str, plan: &str) -> Cell {
    match (error.trim(), plan.trim()) {
        ("", "") => Cell::empty(),
        ("", plan) => Cell::Long { first: "Plan".to_owned(), rest: plan.to_owned() },
        (error, _) => Cell::long(error),
    }
}
