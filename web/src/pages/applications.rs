//! `/`: the applications, and the redirects from URLs that name no page.

mod wanted;

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use history_server::api::v1::types::{ApplicationAttemptInfo, ApplicationInfo, Date};
use history_server::{Filter, Outcome, ScanFailure, Sort};

use percent_encoding::percent_decode_str;

use crate::app::{Visit, outcome_badge};
use crate::cell::{Cell, TextLink};
use crate::config::Web;
use crate::error::Error;
use crate::format;
use crate::frame::{Frame, Tab, html};
use crate::links::Links;
use crate::params::Params;
use crate::table::{Column, Rank, Slice, Table, TableSpec};
use wanted::Wanted;

#[derive(Template)]
#[template(path = "applications.html")]
struct ApplicationsPage {
    frame: Frame,
    views: Vec<Tab>,
    wanted: Wanted,
    /// The same list without search and filters.
    all: String,
    kept: Vec<(String, String)>,
    state: String,
    /// The places that cannot be looked at, and why.
    failures: Vec<String>,
    /// The folders that are looked at, told when nothing was found in them.
    help: Vec<String>,
    table: Table,
}

/// The list of one kind: those that have ended, or (`?showIncomplete=true`) those that have not.
pub(crate) async fn list(State(web): State<Web>, visit: Visit, params: Params) -> Response {
    let links = &visit.links;
    let incomplete = params.is_true("showIncomplete");
    let wanted = Wanted::new(&params, incomplete);
    let (mut table, shown) = table(&web, &visit, &wanted, &params);
    if !web.history().was_listed() && !wanted.is_narrowed() {
        table.empty = "Which applications there are is not known yet.";
    }
    let failures = failures(&web);
    let view = |text: &str, href: String, current| Tab { text: text.to_owned(), href, current };
    let page = ApplicationsPage {
        frame: Frame::new(links, web.title(), ""),
        views: vec![view("Completed", links.list(), !incomplete), view("In progress", links.incomplete(), incomplete)],
        kept: params.except(&[Wanted::NAMES.as_slice(), &["app.page"]].concat()),
        all: if incomplete { links.incomplete() } else { links.list() },
        state: state(&web),
        help: if shown == 0 && !wanted.is_narrowed() && failures.is_empty() { help(&web) } else { Vec::new() },
        failures,
        table,
        wanted,
    };
    html(StatusCode::OK, &page)
}

/// How far the list is.
fn state(web: &Web) -> String {
    let figures = web.history().figures();
    let count = |number: u64| format::count(i64::try_from(number).unwrap_or(i64::MAX));
    if !web.history().is_ready() {
        return format!("Looking through the event logs for the first time: {} read so far.", count(figures.logs_read));
    }
    if figures.last_scan_millis == 0 {
        return "Event logs could not be looked at yet".to_owned();
    }
    let updated = format::time(Date(figures.last_scan_millis)).unwrap_or_default();
    match figures.logs_pending {
        0 => format!("Event logs last looked at {updated}"),
        pending => format!("Event logs last looked at {updated}; {} being read", count(pending)),
    }
}

/// What cannot be looked at: an empty list says nothing then.
fn failures(web: &Web) -> Vec<String> {
    let told = |failure: ScanFailure| {
        let since = format::time(Date(failure.since_millis)).unwrap_or_default();
        let shown = if failure.was_listed { "What was known before is shown." } else { "Nothing is known of it." };
        format!("{} cannot be listed since {since}: {}. {shown}", failure.place, failure.reason)
    };
    web.history().scan_failures().into_iter().map(told).collect()
}

/// What to look at when the list is empty.
fn help(web: &Web) -> Vec<String> {
    web.history().config().event_logs.iter().map(|source| source.full_path.clone()).collect()
}

/// One attempt of an application.
struct Row {
    app: Arc<ApplicationInfo>,
    attempt: ApplicationAttemptInfo,
}

/// The page that the URL asks for, and how many applications there are in all.
fn table(web: &Web, visit: &Visit, wanted: &Wanted, params: &Params) -> (Table, usize) {
    let has_sources = web.history().config().event_logs.len() > 1;
    let spec = spec(&visit.links, wanted, has_sources);
    let (title, descending) = spec.sorting(params);
    let (sort, newest_first) = match title {
        "App ID" => (Sort::Id, false),
        "App Name" => (Sort::Name, false),
        "Spark User" => (Sort::User, false),
        "Started" => (Sort::Start, true),
        "Duration" => (Sort::Duration, true),
        "Last Updated" => (Sort::Updated, true),
        _ => (Sort::End, true),
    };
    let filter = Filter { sort, reverse: descending != newest_first, viewer: visit.viewer.clone(), ..wanted.filter() };
    let part = |slice: &Slice| {
        let filter = Filter { skip: slice.start, limit: slice.end - slice.start, ..filter.clone() };
        web.history().applications(&filter)
    };
    // How many there are is known with the first answer only.
    let asked = Slice::of("app", usize::MAX / 2, params);
    let mut page = part(&asked);
    let slice = Slice::of("app", page.total, params);
    if slice.start != asked.start {
        page = part(&slice);
    }
    let rows: Vec<Row> = page.applications.into_iter().flat_map(attempts).collect();
    (spec.draw_page(&rows, &slice, params), page.total)
}

fn attempts(app: ApplicationInfo) -> Vec<Row> {
    let app = Arc::new(app);
    app.attempts.iter().map(|attempt| Row { app: Arc::clone(&app), attempt: attempt.clone() }).collect()
}

fn spec<'a>(links: &'a Links, wanted: &Wanted, has_sources: bool) -> TableSpec<'a, Row> {
    let incomplete = wanted.incomplete;
    let now = Utc::now().timestamp_millis();
    let pages = |row: &Row| links.app(&row.app.id, row.attempt.attempt_id.as_deref()).tab("overview");
    let mut columns: Vec<Column<'a, Row>> = vec![
        Column::new("App ID", move |row: &Row| Cell::Link {
            text: row.app.id.clone(),
            href: pages(row),
            sub: row.attempt.attempt_id.as_ref().map(|attempt| format!("attempt {attempt}")).unwrap_or_default(),
        })
        .tight()
        .sortable(),
        Column::new("App Name", move |row: &Row| Cell::link(format::first_line(&row.app.name, 200), pages(row)))
            .prose()
            .sortable(),
        Column::new("State", move |row: &Row| Cell::Badge(outcome_badge(Outcome::of(&row.attempt, now))))
            .hint("What became of the driver; Spark tells since 4.0 whether it ended with an error"),
        Column::new("Started", |row: &Row| Cell::time(Some(row.attempt.start_time))).tight().sortable(),
    ];
    if !incomplete {
        columns.push(
            Column::new("Completed", |row: &Row| Cell::time(Some(row.attempt.end_time)))
                .tight()
                .rank(Rank::Medium)
                .sortable(),
        );
        columns
            .push(Column::new("Duration", |row: &Row| Cell::duration(Some(row.attempt.duration))).number().sortable());
    }
    columns.extend([
        Column::new("Spark User", |row: &Row| Cell::Text(row.attempt.spark_user.clone())).rank(Rank::Medium).sortable(),
        Column::new("Version", |row: &Row| Cell::Text(row.attempt.app_spark_version.clone())).tight().rank(Rank::Wider),
        Column::new("Last Updated", |row: &Row| Cell::time(Some(row.attempt.last_updated)))
            .tight()
            .rank(Rank::Wider)
            .sortable(),
        Column::new("Event Log", move |row: &Row| {
            let href = links.event_log(&row.app.id, row.attempt.attempt_id.as_deref());
            Cell::Links(vec![TextLink { text: "Download".to_owned(), href }])
        })
        .rank(Rank::Wide),
    ]);
    if has_sources {
        let source = |row: &Row| Cell::Text(row.attempt.log_source_name.clone().unwrap_or_default());
        columns.push(Column::new("Log Source", source).rank(Rank::Wider));
    }
    let empty = match (wanted.is_narrowed(), incomplete) {
        (true, _) => "No application has these words in its name, id or user, and is what the filters ask for.",
        (false, true) => "No application is running, as far as the event logs tell.",
        (false, false) => "No application has ended yet.",
    };
    TableSpec { tag: "app", title: "", columns, sort: (if incomplete { "Started" } else { "Completed" }, true), empty }
}

/// `/history/` is the list.
pub(crate) async fn to_list(visit: Visit) -> Redirect {
    Redirect::to(&visit.links.list())
}

/// `/history/<app>`, with or without an attempt: its jobs.
pub(crate) async fn to_jobs(
    State(web): State<Web>,
    visit: Visit,
    named: Result<Path<BTreeMap<String, String>>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let Path(named) = named.map_err(|_| Error::no_page())?;
    let named = |name: &str| named.get(name).map(String::as_str);
    jobs_of(&web, &visit, named("app").unwrap_or_default(), named("attempt"), query.as_deref()).await
}

/// Any URL that is none of ours. Below an application it leads to the application's jobs, as with Spark.
pub(crate) async fn elsewhere(State(web): State<Web>, visit: Visit, uri: Uri) -> Result<Response, Error> {
    let decode = |part: &str| percent_decode_str(part).decode_utf8().ok().map(String::from);
    let mut parts = uri.path().strip_prefix("/history/").into_iter().flat_map(|rest| rest.split('/')).map(decode);
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(app), attempt) => jobs_of(&web, &visit, &app, attempt.as_deref(), uri.query()).await,
        (None, _) => Err(Error::no_page()),
    }
}

/// A redirect to an application's jobs; what is not one of its attempts counts for none. The query stays.
async fn jobs_of(
    web: &Web,
    visit: &Visit,
    id: &str,
    attempt: Option<&str>,
    query: Option<&str>,
) -> Result<Response, Error> {
    let info = web.history().application(id, &visit.viewer).await?;
    let named = info.attempts.iter().find(|one| attempt.is_some() && one.attempt_id.as_deref() == attempt);
    let attempt = named.or(info.attempts.first()).and_then(|found| found.attempt_id.as_deref());
    // The path is made anew from the application's own id, so that nothing that was asked can lead elsewhere.
    let jobs = visit.links.app(&info.id, attempt).tab("jobs");
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let to = HeaderValue::try_from(format!("{jobs}{query}")).map_err(|_| Error::Internal)?;
    Ok((StatusCode::FOUND, [(header::LOCATION, to)]).into_response())
}
