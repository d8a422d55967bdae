//! Plain GET and HEAD of staged files and pod templates, for whatever takes a URL.

use access::Act;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures::TryStreamExt as _;
use storage::Sha256Digest;

use crate::range::{Wanted, wanted};
use crate::told::{Told, is_ours, mark, message, root_cause};
use crate::tree::{Content, File};
use crate::webhdfs::decode_path;
use crate::{Error, Result, Staging};

pub(crate) fn router() -> Router<Staging> {
    Router::new().route("/pod-templates/{*path}", get(serve)).route("/staging/{*path}", get(serve))
}

async fn serve(State(staging): State<Staging>, request: Request) -> Response {
    match answer(&staging, &request.into_parts().0).await {
        Ok(response) => response,
        Err(error) => refuse(&error),
    }
}

async fn answer(staging: &Staging, request: &Parts) -> Result<Response> {
    let files = staging.files();
    let path = decode_path(request.uri.path())?;
    let caller = request.extensions.get().cloned().unwrap_or_default();
    staging.config().rules.check(&caller, Act::Read, &path.to_string()).await?;
    let file = files.complete_file(&path).await?;
    let e_tag = match e_tag(staging, &file).await? {
        Some(digest) => HeaderValue::try_from(format!("\"{digest}\"")).ok(),
        None => None,
    };
    let mut headers = headers_of(&file, e_tag.as_ref());
    if e_tag.as_ref().is_some_and(|tag| lists(&request.headers, header::IF_NONE_MATCH, tag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let range = request.headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let still_the_same = e_tag.as_ref().is_some_and(|tag| lists(&request.headers, header::IF_RANGE, tag));
    let range = range.filter(|_| still_the_same || !request.headers.contains_key(header::IF_RANGE));
    let (status, range) = match wanted(range, file.size_bytes) {
        Wanted::All => (StatusCode::OK, 0..file.size_bytes),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => {
            headers.insert(header::CONTENT_RANGE, header_of(&format!("bytes */{}", file.size_bytes)));
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size_bytes);
        headers.insert(header::CONTENT_RANGE, header_of(&text));
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if request.method == Method::HEAD {
        return Ok((status, headers).into_response());
    }
    files.note_use(&path, &file).await;
    let bytes = file.read(files.store(), range).await?.inspect_err(move |error| {
        tracing::error!(path = %path, error = error as &dyn std::error::Error, "a download broke off at the store");
    });
    Ok((status, headers, Body::from_stream(bytes)).into_response())
}

/// The digest of a file's content. A pod template is small enough to be read for it.
async fn e_tag(staging: &Staging, file: &File) -> Result<Option<Sha256Digest>> {
    match (&file.sha256, &file.content) {
        (Some(digest), _) => Ok(Some(*digest)),
        (None, Content::Object(path)) if file.size_bytes <= staging.config().max_pod_template_bytes => {
            let bytes = staging.files().store().get(path, staging.config().max_pod_template_bytes).await?;
            Ok(Some(Sha256Digest::of(&bytes)))
        }
        _ => Ok(None),
    }
}

fn headers_of(file: &File, e_tag: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let modified = file.attributes.modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::LAST_MODIFIED, header_of(&modified));
    // Whatever somebody uploaded: a browser is to keep it, not to run it.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(tag) = e_tag {
        headers.insert(header::ETAG, tag.clone());
    }
    headers
}

fn header_of(text: &str) -> HeaderValue {
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

/// The answer to a request that failed, as all doors but WebHDFS give it. A failure of the server is logged here, once.
pub(crate) fn refuse(error: &Error) -> Response {
    if is_ours(error) {
        tracing::error!(error = error as &dyn std::error::Error, cause = root_cause(error), "a request failed");
    }
    let mut response = (Told::of(error).http, format!("{}\n", message(error))).into_response();
    mark(&mut response, error);
    response
}
