//! Answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Serialize;

use super::error::Refusal;
use crate::api::json;

/// What a request is answered with.
pub(super) enum Answer {
    /// JSON, printed.
    Json(Vec<u8>),
    /// A file to be kept.
    File { name: String, body: Body },
}

/// A value as JSON.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Answer, Refusal> {
    json::to_vec(value).map(Answer::Json).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot print an answer");
        Refusal::Page(http::StatusCode::INTERNAL_SERVER_ERROR)
    })
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Json(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Self::File { name, body } => {
                let disposition = format!("attachment; filename={name}");
                let headers = [
                    (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
                    (header::CONTENT_DISPOSITION, disposition),
                ];
                (headers, body).into_response()
            }
        }
    }
}
