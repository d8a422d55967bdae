//! The list of applications, one of them, and their event logs.

use axum::body::Body;
use http::{HeaderName, HeaderValue, header};

use super::answer::{Answer, json, printed};
use super::dates;
use super::error::Refusal;
use super::request::{Request, Target};
use super::zip;
use crate::error::Error;
use crate::listing::{Filter, Sort};

/// How many applications the filters let through, on this page or not.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// The list: Spark's filters, and this server's own (`name`, `user`, `id`, `search`, `sort`, `order`, `cursor`), which Spark's clients
/// do not send. Where a `limit` cuts it off, a `Link` header (RFC 8288, `rel="next"`) leads to the next page.
pub(super) async fn list(request: &Request) -> Result<Answer, Refusal> {
    let filter = filter(request)?;
    let (history, params) = (request.history.clone(), request.params.clone());
    // A million applications are neither found nor printed in no time.
    printed(move |out| {
        let found = history.find(&filter);
        out.headers.insert(TOTAL_COUNT, HeaderValue::from(found.total));
        let next =
            found.next_cursor.map(|cursor| format!("<applications?{}>; rel=\"next\"", params.with("cursor", &cursor)));
        if let Some(next) = next.and_then(|next| HeaderValue::try_from(next).ok()) {
            out.headers.insert(header::LINK, next);
        }
        out.each(found.ids.iter().filter_map(|id| history.listed(id)), |info, _| Ok(info))
    })
    .await
}

fn filter(request: &Request) -> Result<Filter, Refusal> {
    let params = &request.params;
    let statuses = params.each("status", |text| match text.to_ascii_uppercase().as_str() {
        "COMPLETED" => Some(true),
        "RUNNING" => Some(false),
        _ => None,
    })?;
    let date = |name, default| match params.first(name) {
        None | Some("") => Ok(default),
        Some(text) => dates::millis(text),
    };
    let mut filter = Filter { viewer: request.viewer.clone(), ..Filter::default() };
    filter.completed = statuses.is_empty() || statuses.contains(&Some(true));
    filter.running = statuses.is_empty() || statuses.contains(&Some(false));
    filter.start_millis = (date("minDate", filter.start_millis.0)?, date("maxDate", filter.start_millis.1)?);
    filter.end_millis = (date("minEndDate", filter.end_millis.0)?, date("maxEndDate", filter.end_millis.1)?);
    let limit = params.int("limit", i32::MAX)?;
    filter.limit = if limit == i32::MAX { usize::MAX } else { usize::try_from(limit).unwrap_or(0) };
    let text = |name| params.first(name).filter(|text| !text.is_empty()).map(str::to_owned);
    (filter.name, filter.user, filter.id, filter.search) = (text("name"), text("user"), text("id"), text("search"));
    filter.cursor = text("cursor");
    filter.sort = params.first("sort").map_or(Ok(Sort::default()), sort)?;
    filter.reverse = params.first("order").is_some_and(|order| order.eq_ignore_ascii_case("reverse"));
    Ok(filter)
}

fn sort(text: &str) -> Result<Sort, Refusal> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "end" => Sort::End,
        "start" => Sort::Start,
        "duration" => Sort::Duration,
        "updated" => Sort::Updated,
        "name" => Sort::Name,
        "user" => Sort::User,
        "id" => Sort::Id,
        _ => return Err(Refusal::NO_SUCH_PAGE),
    })
}

pub(super) async fn one(request: &Request, app: &str) -> Result<Answer, Refusal> {
    match request.history.application(app, &request.viewer).await {
        Ok(info) => json(&info),
        Err(Error::UnknownApplication { .. }) => Err(Refusal::not_found(format!("unknown app: {app}"))),
        Err(error) => Err(Refusal::of(&error, app)),
    }
}

pub(super) async fn attempt(request: &Request, app: &str, attempt: &str) -> Result<Answer, Refusal> {
    let unknown = || Refusal::not_found(format!("unknown app {app}, attempt {attempt}"));
    let info = match request.history.application(app, &request.viewer).await {
        Ok(info) => info,
        Err(Error::UnknownApplication { .. }) => return Err(unknown()),
        Err(error) => return Err(Refusal::of(&error, app)),
    };
    let of_id = |known: &&super::types::ApplicationAttemptInfo| known.attempt_id.as_deref() == Some(attempt);
    json(info.attempts.iter().find(of_id).ok_or_else(unknown)?)
}

/// The event logs as one archive, without replaying anything.
pub(super) async fn logs(request: &Request, target: Target<'_>) -> Result<Answer, Refusal> {
    let entries = request.history.log_entries(target.app, target.attempt, &request.viewer).await;
    let entries = entries.map_err(|error| match (&error, target.attempt) {
        // Where no attempt is named, Spark tries attempt 1 last.
        (Error::UnknownApplication { .. }, None) => Refusal::of(&error, &format!("{}/1", target.app)),
        _ => Refusal::of(&error, &target.key()),
    })?;
    if entries.is_empty() {
        return Err(Refusal::not_found(format!("no such app: {}", target.key())));
    }
    let attempt = target.attempt.map(|attempt| format!("-{attempt}")).unwrap_or_default();
    // Ids go into a header as they are, but for what would end it.
    let name = format!("eventLogs-{}{attempt}.zip", target.app).replace(|c: char| c.is_control() || !c.is_ascii(), "_");
    Ok(Answer::File { name, body: Body::from_stream(zip::stream(entries)) })
}
