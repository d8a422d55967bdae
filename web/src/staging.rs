//! The first page of the staging server, for people who find its address.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

/// What a staging server says of itself.
#[derive(Clone, Debug)]
pub struct StagingPage {
    /// What it is, in a sentence.
    pub what: String,
    /// How it is used.
    pub ways: Vec<Way>,
}

/// One way to use it.
#[derive(Clone, Debug)]
pub struct Way {
    /// What for.
    pub purpose: &'static str,
    /// What to write.
    pub how: String,
}

#[derive(Template)]
#[template(path = "staging.html")]
struct Page<'a> {
    page: &'a StagingPage,
}

impl StagingPage {
    /// As HTML.
    #[must_use]
    pub fn html(&self) -> Response {
        match (Page { page: self }).render() {
            Ok(text) => {
                let policy = HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");
                let kind = HeaderValue::from_static("text/html; charset=utf-8");
                ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], text).into_response()
            }
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
