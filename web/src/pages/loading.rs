//! In the place of any page of an application while its event log is read: how far that is.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use history_server::Progress;

use crate::config::Web;
use crate::format;
use crate::frame::{Frame, html};

#[derive(Template)]
#[template(path = "loading.html")]
struct LoadingPage {
    frame: Frame,
    name: String,
    /// Of a hundred; `None` before anything is read.
    percent: Option<u64>,
    text: String,
}

/// The page asks for itself anew after so many seconds, without scripts too.
const AGAIN_SECS: &str = "1";

/// Says how much was read. It is a page for people: those who index pages are asked to leave it, and nobody keeps it.
pub(crate) fn page(web: &Web, mut frame: Frame, name: &str, progress: Progress) -> Response {
    let percent = (progress.read_bytes * 100).checked_div(progress.total_bytes);
    let title = percent.map_or_else(|| "Opening".to_owned(), |percent| format!("{percent} % read"));
    frame.title = format!("{title} – {name} – {}", web.title());
    let page = LoadingPage { frame, name: name.to_owned(), percent, text: text(progress) };
    let mut response = html(StatusCode::OK, &page);
    let headers = [
        (HeaderName::from_static("refresh"), AGAIN_SECS),
        (header::RETRY_AFTER, AGAIN_SECS),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn text(progress: Progress) -> String {
    let bytes = |number: u64| format::bytes(i64::try_from(number).unwrap_or(i64::MAX));
    match progress {
        Progress { total_bytes: 0, .. } => "It waits for its turn, or for the store.".to_owned(),
        Progress { read_bytes, total_bytes } if read_bytes >= total_bytes => {
            format!("All {} are read; what they say is being put together.", bytes(total_bytes))
        }
        Progress { read_bytes, total_bytes } => format!("{} of {} are read.", bytes(read_bytes), bytes(total_bytes)),
    }
}
