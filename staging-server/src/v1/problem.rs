use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::Result;
use crate::told::{Told, is_ours, mark, message, root_cause};

/// The answer to a request, or to one that failed. A failure of the server is logged here, once.
pub(super) fn answer(answer: Result<Response>) -> Response {
    let error = match answer {
        Ok(response) => return response,
        Err(error) => error,
    };
    if is_ours(&error) {
        tracing::error!(error = &error as &dyn std::error::Error, cause = root_cause(&error), "a request failed");
    }
    let mut response = problem(Told::of(&error).http, &message(&error));
    mark(&mut response, &error);
    response
}

/// What a route has no such method for. Its router says which there are.
pub(super) async fn wrong_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "there is no such method here: the Allow header names those that there are")
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail});
    let kind = HeaderValue::from_static("application/problem+json");
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}
