//! Events that others than Spark wrote, by name: an address of our own, which Spark's server does not have.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::IgnoredAny;

use super::answer::{Answer, Each, json, print, printed};
use super::error::Refusal;
use super::request::{Request, Target};
use crate::opened::OpenApplication;
use history_model::other_events::OtherEvent;

/// So many events are answered where nobody says how many.
const DEFAULT_LENGTH: i32 = 100;

/// What there is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Names<'a> {
    /// How many events the log has by each name, of a bounded number of names.
    events: &'a BTreeMap<String, u64>,
    /// How many of them were too long, or too many, to be kept.
    left_out: u64,
}

/// Answers `…/otherEvents`: names and counts.
pub(super) async fn names(request: &Request, target: Target<'_>) -> Result<Answer, Refusal> {
    let problems = &request.open(target).await?.model.problems;
    json(&Names { events: &problems.unknown_events, left_out: problems.other_events_left_out })
}

/// Answers `…/otherEvents/<name>`: the events of that name in the order of the log, from `offset` on, `length` of them.
pub(super) async fn of_name(request: &Request, target: Target<'_>, name: &str) -> Result<Answer, Refusal> {
    let offset = usize::try_from(request.params.int("offset", 0)?).unwrap_or(0);
    let length = usize::try_from(request.params.int("length", DEFAULT_LENGTH)?).unwrap_or(0);
    let application = request.open(target).await?;
    if !application.model.problems.unknown_events.contains_key(name) {
        return Err(Refusal::not_found(format!("no events of this name: {name}")));
    }
    let events = read(request, target, &application, name).await?;
    let events: Vec<_> = events.into_iter().skip(offset).take(length).collect();
    let steps = Each::boxed(events.len(), move |at, out| print_event(out, &events[at]));
    printed(http::HeaderMap::new(), steps, request.history.printing()).await
}

/// Where the stored events are of another writing than the model, the application is replayed.
async fn read(
    request: &Request,
    target: Target<'_>,
    application: &OpenApplication,
    name: &str,
) -> Result<Vec<OtherEvent>, Refusal> {
    if let Ok(events) = application.other_events(name).await {
        return Ok(events);
    }
    let again = request.open(target).await?.other_events(name).await;
    again.map_err(|error| Refusal::of(&error, &target.key()))
}

/// The line as it is, where it is JSON, and else as a text.
fn print_event(out: &mut Vec<u8>, event: &OtherEvent) -> Result<(), Refusal> {
    out.extend_from_slice(format!("{{\n  \"line\" : {},\n  \"event\" : ", event.line).as_bytes());
    let line = event.json.trim();
    match serde_json::from_str::<IgnoredAny>(line) {
        Ok(_) => out.extend_from_slice(line.as_bytes()),
        Err(_) => print(out, line)?,
    }
    out.extend_from_slice(b"\n}");
    Ok(())
}
