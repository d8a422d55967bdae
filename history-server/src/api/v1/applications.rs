//! The list of applications, one of them, and their event logs.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::answer::{self, Answer, Steps, print, printed};
use super::dates;
use super::error::Refusal;
use super::request::{Request, Target};
use crate::api::json;
use crate::error::Error;
use crate::history::History;
use crate::listing::{Filter, Sort};

/// How many applications the filters let through, on this page or not.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// How many places of event logs could not be listed at the last look; what was known of them is in the list. Absent for none.
const UNREACHABLE: HeaderName = HeaderName::from_static("x-unreachable-event-logs");

/// The list: Spark's filters, and this server's own (`name`, `user`, `id`, `search`, `sort`, `order`, `cursor`), which Spark's clients
/// do not send. Where a `limit` cuts it off, a `Link` header (RFC 8288, `rel="next"`) leads to the next page.
pub(super) async fn list(request: &Request) -> Result<Answer, Refusal> {
    let filter = filter(request)?;
    let unreachable = request.history.scan_failures().len();
    if unreachable > 0 && !request.history.was_listed() {
        let sentence = "The event logs cannot be listed; this server's own log says why.".to_owned();
        return Err(Refusal::Text(StatusCode::SERVICE_UNAVAILABLE, sentence));
    }
    let history = request.history.clone();
    let permit = Arc::clone(&history.printing().first).acquire_owned().await;
    // A million applications are neither found nor printed in no time.
    let begun = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        ListSteps::begin(history, filter)
    });
    let (steps, total, next_cursor) = begun.await.map_err(|panic| {
        tracing::error!(error = &panic as &dyn std::error::Error, "the list broke off");
        Refusal::Page(StatusCode::INTERNAL_SERVER_ERROR)
    })?;
    let mut headers = HeaderMap::new();
    if unreachable > 0 {
        headers.insert(UNREACHABLE, HeaderValue::from(unreachable));
    }
    headers.insert(TOTAL_COUNT, HeaderValue::from(total));
    let next =
        next_cursor.map(|cursor| format!("<applications?{}>; rel=\"next\"", request.params.with("cursor", &cursor)));
    if let Some(next) = next.and_then(|next| HeaderValue::try_from(next).ok()) {
        headers.insert(header::LINK, next);
    }
    printed(headers, Box::new(steps), request.history.printing()).await
}

/// For how many applications the order is worked out at a time: their ids are all that is held of the list.
const CHUNK: usize = 16 * 1024;

/// A list of applications, found and printed some at a time.
struct ListSteps {
    history: History,
    /// What was not looked for yet; nothing if its limit is 0.
    filter: Filter,
    ids: std::vec::IntoIter<Box<str>>,
    is_first: bool,
}

impl ListSteps {
    /// With how many there are on all pages, and where the next page begins.
    fn begin(history: History, filter: Filter) -> (Self, usize, Option<String>) {
        let is_long = filter.limit > CHUNK;
        let next_page = match filter.limit {
            // Only behind a limit it is known where the next page begins; behind everything there is none.
            limit if is_long && limit < usize::MAX => history.find(&filter).next_cursor,
            _ => None,
        };
        let mut steps = Self { history, filter, ids: Vec::new().into_iter(), is_first: true };
        let (total, cursor) = steps.find_chunk();
        (steps, total, if is_long { next_page } else { cursor })
    }

    /// Finds the next ids; how many there are in all, and what they end with if that is not all.
    fn find_chunk(&mut self) -> (usize, Option<String>) {
        let rest = self.filter.limit.saturating_sub(CHUNK);
        self.filter.limit = self.filter.limit.min(CHUNK);
        let found = self.history.find(&self.filter);
        self.ids = found.ids.into_iter();
        self.filter.limit = if found.next_cursor.is_some() { rest } else { 0 };
        self.filter.cursor.clone_from(&found.next_cursor);
        (found.total, found.next_cursor)
    }

    fn next_id(&mut self) -> Option<Box<str>> {
        if self.ids.len() == 0 && self.filter.limit > 0 {
            self.find_chunk();
        }
        self.ids.next()
    }
}

impl Steps for ListSteps {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let Some(id) = self.next_id() else {
            out.extend_from_slice(json::end_of_array(self.is_first));
            return Ok(false);
        };
        if let Some(info) = self.history.listed(&id) {
            out.extend_from_slice(json::between_items(self.is_first));
            print(out, &info)?;
            self.is_first = false;
        }
        Ok(true)
    }
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
        Ok(info) => answer::json(&info),
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
    answer::json(info.attempts.iter().find(of_id).ok_or_else(unknown)?)
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
    Ok(Answer::File {
        name,
        body: Body::from_stream(storage::zip::stream(entries.into_iter().map(crate::LogEntry::into_file).collect())),
    })
}
