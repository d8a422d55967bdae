//! What surrounds every page, and how a page becomes an answer.

use std::sync::Arc;

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::assets;
use crate::cell::{Badge, Cell};
use crate::format;
use crate::links::Links;

/// Nothing but our own style sheet, script, pictures and forms: a name in an event log that gets past the escaping still
/// runs nothing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

/// The whole of what is said about a fault of ours; the cause is in the server's log.
pub(crate) const INTERNAL: &str = "Something went wrong inside the server. Its log says what; please try again.";

/// Head and foot of a page.
#[derive(Default)]
pub(crate) struct Frame {
    /// For the window.
    pub(crate) title: String,
    /// The server's name.
    pub(crate) server: String,
    pub(crate) list: String,
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) icon: String,
    pub(crate) version: &'static str,
    /// For pages that load themselves again, where no script does it: the value of `<meta http-equiv="refresh">`.
    pub(crate) refresh: String,
    /// On pages of an application.
    pub(crate) app: Option<Arc<AppHead>>,
}

/// What is said of the application on each of its pages.
#[derive(Debug)]
pub(crate) struct AppHead {
    pub(crate) name: String,
    pub(crate) state: Badge,
    pub(crate) facts: Vec<Fact>,
    pub(crate) attempts: Vec<Tab>,
    pub(crate) event_log: String,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) notices: Vec<Notice>,
}

/// A labelled value.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) label: &'static str,
    pub(crate) cell: Cell,
}

/// One of several pages.
#[derive(Debug)]
pub(crate) struct Tab {
    pub(crate) text: String,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// Something that whoever reads the page should know first.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) class: &'static str,
    pub(crate) text: String,
    pub(crate) details: Vec<String>,
}

impl Fact {
    pub(crate) fn new(label: &'static str, cell: Cell) -> Self {
        Self { label, cell }
    }

    /// A number that leads to the table of what was counted, if there are any.
    pub(crate) fn count(label: &'static str, number: usize, anchor: &str) -> Self {
        let text = format::count(i64::try_from(number).unwrap_or(i64::MAX));
        match number {
            0 => Self::text(label, text),
            _ => Self::new(label, Cell::link(text, format!("#{anchor}"))),
        }
    }

    pub(crate) fn text(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, cell: Cell::Text(text.into()) }
    }
}

impl Frame {
    /// A page of the server itself.
    pub(crate) fn new(links: &Links, server: &str, title: &str) -> Self {
        Self {
            title: if title.is_empty() { server.to_owned() } else { format!("{title} – {server}") },
            server: server.to_owned(),
            list: links.list(),
            style: links.asset(&assets::STYLE),
            script: links.asset(&assets::SCRIPT),
            icon: links.asset(&assets::ICON),
            version: env!("CARGO_PKG_VERSION"),
            refresh: String::new(),
            app: None,
        }
    }

    pub(crate) fn notices(&self) -> &[Notice] {
        self.app.as_ref().map(|app| app.notices.as_slice()).unwrap_or_default()
    }
}

/// A page as an answer. A browser asks again before it shows it again.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, headers(), text).into_response(),
        Err(cause) => {
            tracing::error!(%cause, "a page could not be drawn");
            (StatusCode::INTERNAL_SERVER_ERROR, headers(), INTERNAL).into_response()
        }
    }
}

fn headers() -> HeaderMap {
    let pairs = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    pairs.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}
