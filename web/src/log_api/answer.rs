//! What is answered.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use log_collector::{ContainerLog, End, Gap, Part, Stream};
use serde::Serialize;

use crate::error::Error;

/// The most that is given of an error's lines.
const MAX_TEXT_BYTES: u64 = 64 * 1024;

/// Names a container in a query.
pub(super) fn id(log: &ContainerLog) -> String {
    let container = &log.container;
    format!("{}.{}.{}", container.pod_uid, container.name, container.restart)
}

/// A container that has logs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    id: String,
    executor: Option<String>,
    namespace: String,
    pod: String,
    container: String,
    restart: u32,
    finished: bool,
    end: Option<End>,
    gaps: Vec<Gap>,
    last_shipped: DateTime<Utc>,
    streams: Vec<StreamOf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StreamOf {
    stream: &'static str,
    size_bytes: u64,
    lines: u64,
    /// Lines that tell of an error.
    errors: u64,
}

impl Container {
    pub(super) fn of(log: &ContainerLog) -> Self {
        let streams = Stream::ALL.into_iter().zip(log.errors).map(|(stream, errors)| StreamOf {
            stream: stream.name(),
            size_bytes: log.size_bytes(stream),
            lines: log.lines(stream),
            errors: errors.lines,
        });
        Self {
            id: id(log),
            executor: log.executor.clone(),
            namespace: log.container.namespace.clone(),
            pod: log.container.pod.clone(),
            container: log.container.name.clone(),
            restart: log.container.restart,
            finished: log.finished,
            end: log.end.clone(),
            gaps: log.gaps.clone(),
            last_shipped: log.last_shipped,
            streams: streams.collect(),
        }
    }
}

/// Where a container began to go wrong.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FirstError {
    id: String,
    executor: Option<String>,
    pod: String,
    stream: &'static str,
    /// Where in the stream the line begins.
    at_bytes: u64,
    time: Option<DateTime<Utc>>,
    /// How many lines of the stream tell of an error.
    errors: u64,
    /// The line, and those behind it.
    text: String,
}

impl FirstError {
    pub(super) async fn of(part: &Part) -> log_collector::Result<Self> {
        let range = part.range.start..part.range.end.min(part.range.start.saturating_add(MAX_TEXT_BYTES));
        let page = part.log.page(part.stream, range).await?;
        Ok(Self {
            id: id(&part.log),
            executor: part.log.executor.clone(),
            pod: part.log.container.pod.clone(),
            stream: part.stream.name(),
            at_bytes: part.range.start,
            time: part.log.first_error_of(&[part.stream]).map(|(.., time)| time),
            errors: part.errors(),
            text: String::from_utf8_lossy(&page.bytes).into_owned(),
        })
    }
}

/// Why there is no answer, as JSON.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub(super) fn bad(text: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text }
    }

    pub(super) fn none(text: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, text }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { status: error.status(), text: error.text() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(serde_json::json!({ "error": self.text }))).into_response()
    }
}
