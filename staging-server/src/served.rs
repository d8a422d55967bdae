//! A file as an answer: conditional requests and ranges, as RFC 9110 has them.

use std::ops::Range;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use storage::Store;

use crate::Result;
use crate::range::{Wanted, wanted};
use crate::tree::File;

/// What is to be answered before the bytes, and which they are.
pub(crate) struct Served {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    range: Option<Range<u64>>,
}

impl Served {
    /// What `request` is to have of `file`, whose tag is `e_tag`.
    pub(crate) fn of(request: &Parts, file: &File, e_tag: Option<&HeaderValue>) -> Self {
        let mut headers = headers_of(file, e_tag);
        if let Some(status) = precondition(request, Some(&file.attributes.modified), e_tag) {
            return Self { status, headers, range: None };
        }
        let range = request.headers.get(header::RANGE).and_then(|range| range.to_str().ok());
        let still_the_same = e_tag.is_some_and(|tag| lists(&request.headers, header::IF_RANGE, tag));
        let range = range.filter(|_| still_the_same || !request.headers.contains_key(header::IF_RANGE));
        let (status, range) = match wanted(range, file.size_bytes) {
            Wanted::All => (StatusCode::OK, 0..file.size_bytes),
            Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Wanted::Nothing => {
                headers.insert(header::CONTENT_RANGE, header_of(&format!("bytes */{}", file.size_bytes)));
                return Self { status: StatusCode::RANGE_NOT_SATISFIABLE, headers, range: None };
            }
        };
        if status == StatusCode::PARTIAL_CONTENT {
            let text = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size_bytes);
            headers.insert(header::CONTENT_RANGE, header_of(&text));
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        Self { status, headers, range: (request.method != Method::HEAD).then_some(range) }
    }

    /// Whether bytes follow.
    pub(crate) fn is_read(&self) -> bool {
        self.range.is_some()
    }

    /// The answer, with its bytes. What breaks off is logged as being of `path`.
    pub(crate) async fn answer(self, store: &Store, file: &File, path: String) -> Result<Response> {
        let Some(range) = self.range else { return Ok((self.status, self.headers).into_response()) };
        let bytes = file.read(store, range).await?.inspect_err(move |error| {
            let path = access::masked(&path);
            tracing::error!(%path, error = error as &dyn std::error::Error, "a download broke off at the store");
        });
        Ok((self.status, self.headers, Body::from_stream(bytes)).into_response())
    }
}

/// The status of a request whose conditions do not hold for what was changed last at `modified` and has this tag; without
/// either, nothing is there.
pub(crate) fn precondition(
    request: &Parts,
    modified: Option<&DateTime<Utc>>,
    e_tag: Option<&HeaderValue>,
) -> Option<StatusCode> {
    let headers = &request.headers;
    let is_listed = |name: header::HeaderName| match e_tag {
        Some(tag) => lists(headers, name, tag),
        None => false,
    };
    // HTTP's dates have seconds.
    let is_later = |name: header::HeaderName| {
        let said = DateTime::parse_from_rfc2822(headers.get(name)?.to_str().ok()?).ok()?;
        Some(modified?.signed_duration_since(said) >= TimeDelta::seconds(1))
    };
    let holds = match headers.contains_key(header::IF_MATCH) {
        true => is_listed(header::IF_MATCH),
        false => is_later(header::IF_UNMODIFIED_SINCE) != Some(true),
    };
    if !holds {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    let is_reading = matches!(request.method, Method::GET | Method::HEAD);
    let is_known = match headers.contains_key(header::IF_NONE_MATCH) {
        true => is_listed(header::IF_NONE_MATCH),
        false => is_reading && is_later(header::IF_MODIFIED_SINCE) == Some(false),
    };
    match (is_known, is_reading) {
        (false, _) => None,
        (true, true) => Some(StatusCode::NOT_MODIFIED),
        (true, false) => Some(StatusCode::PRECONDITION_FAILED),
    }
}

fn headers_of(file: &File, e_tag: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::LAST_MODIFIED, http_date(&file.attributes.modified));
    // Whatever somebody uploaded: a browser is to keep it, not to run it.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(tag) = e_tag {
        headers.insert(header::ETAG, tag.clone());
    }
    headers
}

/// A time as HTTP writes it.
pub(crate) fn http_date(time: &DateTime<Utc>) -> HeaderValue {
    header_of(&time.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// A header's value, of text that can be one.
pub(crate) fn header_of(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whether a header names this very content.
fn lists(headers: &HeaderMap, name: header::HeaderName, tag: &HeaderValue) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|value| value.trim().trim_start_matches("W/"))
        .any(|value| value == "*" || value.as_bytes() == tag.as_bytes())
}
