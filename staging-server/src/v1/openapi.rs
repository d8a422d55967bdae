//! The contract of this protocol, as `openapi.json` has it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::problem;
use crate::{Error, Result, Staging};

const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document(State(staging): State<Staging>) -> Response {
    problem::answer(try_document(&staging))
}

fn try_document(staging: &Staging) -> Result<Response> {
    // A test reads it: it is JSON.
    let mut document: Value = serde_json::from_str(DOCUMENT).map_err(|_| Error::Interrupted)?;
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    // What this very server takes.
    document["components"]["parameters"]["UploadLength"]["schema"]["maximum"] =
        staging.files().native().limit_bytes().into();
    if let Some(url) = &staging.config().public_url {
        document["servers"] = serde_json::json!([{"url": url.as_str().trim_end_matches('/')}]);
    }
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Json(document)).into_response())
}
