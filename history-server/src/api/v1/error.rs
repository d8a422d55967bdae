//! Refusals, in the forms in which Spark's server gives them.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use crate::error::Error;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A sentence in plain text, as Spark's own code answers.
    Text(StatusCode, String),
    /// A page, as its servlet container answers.
    Page(StatusCode),
    /// A date that cannot be read: said to be JSON, which it is not.
    Date(String),
    /// The application is known, and not what was asked of it: Spark then denies the whole application.
    Missing,
}

impl Refusal {
    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::Text(StatusCode::NOT_FOUND, text.into())
    }

    pub(super) const NO_SUCH_PAGE: Self = Self::Page(StatusCode::NOT_FOUND);

    /// What failed, in Spark's words; `key` is the application's id, and the attempt's if one was named.
    pub(super) fn of(error: &Error, key: &str) -> Self {
        match error {
            Error::UnknownApplication { .. } | Error::UnknownAttempt { .. } => {
                Self::not_found(format!("no such app: {key}"))
            }
            Error::Forbidden { .. } => Self::Text(StatusCode::FORBIDDEN, error.to_string()),
            Error::LogGone { .. } | Error::Store(_) => {
                if let Error::Store(cause) = error {
                    tracing::error!(
                        app = key,
                        error = cause.as_ref() as &dyn std::error::Error,
                        "cannot read an event log"
                    );
                }
                Self::Text(StatusCode::SERVICE_UNAVAILABLE, format!("Event logs are not available for app: {key}."))
            }
            Error::ReplayFailed { .. } => Self::Page(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Text(status, text) => (status, [(header::CONTENT_TYPE, "text/plain")], text).into_response(),
            Self::Page(status) => {
                (status, [(header::CONTENT_TYPE, "text/html;charset=utf-8")], page(status)).into_response()
            }
            Self::Date(text) => {
                let text = format!("Couldn't parse date: {text}");
                (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], text).into_response()
            }
            Self::Missing => Self::NO_SUCH_PAGE.into_response(),
        }
    }
}

fn page(status: StatusCode) -> String {
    let (code, reason) = (status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let what = match status {
        StatusCode::NOT_FOUND => "There is nothing under this address, or a parameter has a value that it cannot have.",
        StatusCode::METHOD_NOT_ALLOWED => "This address can only be read: use GET or HEAD.",
        StatusCode::NOT_ACCEPTABLE => {
            "This address answers in JSON: leave the Accept header out, or accept application/json."
        }
        _ => "This server failed to answer; its own log says why.",
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Error {code} {reason}</title></head>\
         <body><h1>{code} {reason}</h1><p>{what}</p></body></html>\n"
    )
}
