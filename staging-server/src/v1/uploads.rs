//! Uploads in pieces, by tus 1.0 with its extensions creation, expiration and termination.

use std::time::Duration;

use access::Act;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::json;
use storage::Sha256Digest;
use uuid::Uuid;

use super::blobs::incoming;
use super::call::{Call, NAMESPACES, behind, digest};
use super::problem;
use crate::served::{header_of, http_date};
use crate::tree::Resumable;
use crate::upload::{self, Incoming};
use crate::{Error, Result, Staging};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,expiration,termination";
const PIECE: &str = "application/offset+octet-stream";
/// For those who have no client of that protocol.
const OCTETS: &str = "application/octet-stream";

/// As much of it is kept.
const METADATA_BYTES: usize = 4096;

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// What this server can.
pub(super) async fn say(State(staging): State<Staging>, request: Request) -> Response {
    tus(Call::unguarded(staging, request.into_parts().0).map(|call| {
        let headers = [
            (TUS_VERSION, HeaderValue::from_static(VERSION)),
            (TUS_EXTENSION, HeaderValue::from_static(EXTENSIONS)),
            (TUS_MAX_SIZE, HeaderValue::from(call.native().limit_bytes())),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    }))
}

pub(super) async fn start(State(staging): State<Staging>, request: Request) -> Response {
    tus(try_start(staging, request).await)
}

async fn try_start(staging: Staging, request: Request) -> Result<Response> {
    let (call, _) = Call::new(staging, request, Act::Write).await?;
    check_version(&call.head.headers)?;
    let length = number(&call.head.headers, &UPLOAD_LENGTH)?;
    let (sha256, metadata) = (declared(&call.head.headers)?, metadata(&call.head.headers)?);
    let (native, gate) = (call.native(), call.staging.files().gate());
    if length > native.limit_bytes() {
        return Err(Error::Invalid(format!(
            "Upload-Length: at most {} bytes are taken. Ask the operator of Hearth for more",
            native.limit_bytes()
        )));
    }
    let _entered = gate.enter(&call.namespace)?;
    if gate.room(&call.namespace).await?.is_some_and(|room| room < length) {
        return Err(gate.full(&call.namespace));
    }
    // What is left of an upload goes when it is so old.
    let life = call.staging.config().sweeps.grace.min(Duration::from_secs(7 * 24 * 3600));
    let expires = native.now() + TimeDelta::from_std(life).unwrap_or_default();
    let upload = native.start(&call.namespace, length, (sha256, metadata), call.owner(), expires).await?;
    // Nothing is all of it.
    let upload = finish(&call, upload).await?;
    let place = format!("{NAMESPACES}{}/uploads/{}", call.namespace, upload.id);
    let said = json!({"id": upload.id, "size_bytes": length, "location": place});
    let mut headers = headers_of(&upload, 0);
    headers.insert(header::LOCATION, header_of(&place));
    Ok((StatusCode::CREATED, headers, Json(said)).into_response())
}

/// How far an upload is. One of which all has arrived, and whose server died before it said so, is brought to its end.
pub(super) async fn look(State(staging): State<Staging>, request: Request) -> Response {
    tus(try_look(staging, request).await)
}

async fn try_look(staging: Staging, request: Request) -> Result<Response> {
    let (call, _) = Call::new(staging, request, Act::Write).await?;
    check_version(&call.head.headers)?;
    let upload = find(&call).await?;
    let upload = finish(&call, upload).await?;
    let mut headers = headers_of(&upload, call.native().offset(&upload).await?);
    headers.insert(UPLOAD_LENGTH, HeaderValue::from(upload.size_bytes));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(metadata) = &upload.metadata {
        headers.insert(UPLOAD_METADATA, header_of(metadata));
    }
    Ok((StatusCode::OK, headers).into_response())
}

pub(super) async fn send(State(staging): State<Staging>, request: Request) -> Response {
    tus(try_send(staging, request).await)
}

async fn try_send(staging: Staging, request: Request) -> Result<Response> {
    let (call, body) = Call::new(staging.clone(), request, Act::Write).await?;
    let body = incoming(body);
    let (upload, offset) = behind(&staging, async move {
        match may_send(&call).await {
            Ok(upload) => take_in(call, upload, body).await,
            Err(error) => {
                upload::drain(body).await;
                Err(error)
            }
        }
    })
    .await?;
    Ok((StatusCode::NO_CONTENT, headers_of(&upload, offset)).into_response())
}

async fn may_send(call: &Call) -> Result<Resumable> {
    check_version(&call.head.headers)?;
    let kind = call.head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind == PIECE.as_bytes() || kind == OCTETS.as_bytes()) {
        return Err(Error::UnsupportedType { wanted: PIECE });
    }
    let said = number(&call.head.headers, &UPLOAD_OFFSET)?;
    let upload = find(call).await?;
    let offset = call.native().offset(&upload).await?;
    match said == offset {
        true => Ok(upload),
        false => Err(Error::Conflict(format!(
            "{offset} bytes of this upload have arrived: go on from there, and not from {said}"
        ))),
    }
}

async fn take_in(call: Call, upload: Resumable, body: Incoming) -> Result<(Resumable, u64)> {
    let native = call.native();
    let (begin, length) = (native.offset(&upload).await?, upload.size_bytes);
    let admitted = match call.staging.files().gate().admit(&call.namespace).await {
        Ok(admitted) => admitted,
        Err(error) => {
            upload::drain(body).await;
            return Err(error);
        }
    };
    let limit_bytes = admitted.limit_bytes(begin, Some(length));
    let received = upload::receive(call.head.uri.path(), body, native.more(&upload, begin), begin, limit_bytes).await;
    match admitted.told(received, begin, Some(length)) {
        Err(Error::TooLarge { .. }) => {
            return Err(Error::Conflict(format!("these are more bytes than the {length} of Upload-Length")));
        }
        told => told?,
    }
    let upload = finish(&call, upload).await?;
    let offset = native.offset(&upload).await?;
    Ok((upload, offset))
}

/// Brings an upload to its end if all of it has arrived.
async fn finish(call: &Call, mut upload: Resumable) -> Result<Resumable> {
    let staging = call.staging.clone();
    behind(&call.staging, async move {
        upload.done = staging.files().native().complete(&upload).await?;
        Ok(upload)
    })
    .await
}

pub(super) async fn cancel(State(staging): State<Staging>, request: Request) -> Response {
    tus(try_cancel(staging, request).await)
}

async fn try_cancel(staging: Staging, request: Request) -> Result<Response> {
    let (call, _) = Call::new(staging, request, Act::Write).await?;
    check_version(&call.head.headers)?;
    let upload = find(&call).await?;
    call.native().cancel(&upload).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn find(call: &Call) -> Result<Resumable> {
    let not_found = || Error::NotFound { path: format!("upload {} of namespace {}", call.name(), call.namespace) };
    let id: Uuid = call.name().parse().map_err(|_| not_found())?;
    call.native().resumable(&call.namespace, id).await?.ok_or_else(not_found)
}

/// As tus has it, whose version every answer says.
fn tus(answer: Result<Response>) -> Response {
    let is_wrong_version = matches!(answer, Err(Error::Precondition));
    let mut response = problem::answer(answer);
    response.headers_mut().insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    if is_wrong_version {
        response.headers_mut().insert(TUS_VERSION, HeaderValue::from_static(VERSION));
    }
    response
}

fn headers_of(upload: &Resumable, offset: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(offset));
    headers.insert(UPLOAD_EXPIRES, http_date(&upload.expires));
    if let Some(digest) = upload.done {
        let place = format!("{NAMESPACES}{}/blobs/sha256:{digest}", upload.namespace);
        headers.insert(header::CONTENT_LOCATION, header_of(&place));
    }
    headers
}

fn check_version(headers: &HeaderMap) -> Result<()> {
    match headers.get(TUS_RESUMABLE).is_none_or(|version| version.as_bytes() == VERSION.as_bytes()) {
        true => Ok(()),
        false => Err(Error::Precondition),
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64> {
    let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Not "+1", which Rust would read.
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.ok_or_else(|| Error::Invalid(format!("{name} has to be a number of bytes")))
}

/// What a client says of an upload, which it is told again.
fn metadata(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(metadata) = headers.get(UPLOAD_METADATA) else { return Ok(None) };
    match metadata.to_str().ok().filter(|text| text.len() <= METADATA_BYTES) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Error::Invalid(format!("{UPLOAD_METADATA} has at most {METADATA_BYTES} bytes, all of them ASCII"))),
    }
}

/// The digest that the metadata names: `sha256` and, in base64, the digest as it is written everywhere here.
fn declared(headers: &HeaderMap) -> Result<Option<Sha256Digest>> {
    let Some(metadata) = headers.get(UPLOAD_METADATA) else { return Ok(None) };
    let pairs = metadata.to_str().unwrap_or_default().split(',').filter_map(|pair| pair.trim().split_once(' '));
    let Some((_, value)) = pairs.into_iter().find(|(name, _)| *name == "sha256") else { return Ok(None) };
    let text = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| Error::Invalid(format!("{UPLOAD_METADATA}: sha256 has to be base64")))?;
    digest(if text.contains(':') { text } else { format!("sha256:{text}") }.as_str()).map(Some)
}
