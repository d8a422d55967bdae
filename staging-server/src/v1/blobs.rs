//! Content, each under its digest.

use access::Act;
use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, body::Body};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use storage::Sha256Digest;
use tokio::sync::oneshot;

use super::call::{Call, behind};
use super::problem;
use crate::condemned::Seen;
use crate::served::{Served, precondition};
use crate::tree::DeclaredUpload;
use crate::upload::{self, Incoming, Upload};
use crate::{Error, Result, Staging};

/// The digest of what is there, whichever part of it is sent (RFC 9530).
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

pub(super) async fn read(State(staging): State<Staging>, request: Request) -> Response {
    problem::answer(try_read(staging, request).await)
}

async fn try_read(staging: Staging, request: Request) -> Result<Response> {
    let (call, _) = Call::new(staging, request, Act::Read).await?;
    let (native, digest) = (call.native(), call.digest()?);
    let found = native.blob(&call.namespace, digest).await?.ok_or_else(|| not_found(&call))?;
    let mut served = Served::of(&call.head, &found, Some(&e_tag(digest)));
    served.headers.insert(REPR_DIGEST, repr_digest(digest));
    check(served.status)?;
    if served.is_read() {
        let noted = native.note_use_of_blob(&call.namespace, digest, &found).await;
        noted.unwrap_or_else(|error| warn(&call, &error));
    }
    served.answer(native.store(), &found, call.head.uri.path().to_owned()).await
}

pub(super) async fn write(State(staging): State<Staging>, request: Request) -> Response {
    problem::answer(try_write(staging, request).await)
}

async fn try_write(staging: Staging, request: Request) -> Result<Response> {
    let (call, body) = Call::new(staging.clone(), request, Act::Write).await?;
    let digest = call.digest()?;
    let body = incoming(body);
    let (is_new, size_bytes) = behind(&staging, async move { take_in(&call, digest, body).await }).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let said = json!({"digest": format!("sha256:{digest}"), "size_bytes": size_bytes});
    Ok((status, [(header::ETAG, e_tag(digest)), (REPR_DIGEST, repr_digest(digest))], Json(said)).into_response())
}

async fn take_in(call: &Call, digest: Sha256Digest, body: Incoming) -> Result<(bool, u64)> {
    let (upload, admitted) = match begin(call, digest).await {
        Ok(begun) => begun,
        Err(error) => {
            upload::drain(body).await;
            return Err(error);
        }
    };
    let native = call.native();
    let (told, ended) = oneshot::channel();
    let upload = Box::new(Telling { upload, told });
    let (own, limit_bytes) = (Some(native.limit_bytes()), admitted.limit_bytes(0, Some(native.limit_bytes())));
    let received = upload::receive(call.head.uri.path(), body, upload, 0, limit_bytes).await;
    admitted.told(received, 0, own)?;
    let (size_bytes, before) = ended.await.map_err(|_| Error::Interrupted)?;
    let owner = call.owner();
    let is_new = native.add(&call.namespace, (digest, size_bytes), owner.as_deref(), &before).await?;
    Ok((is_new, size_bytes))
}

async fn begin(call: &Call, digest: Sha256Digest) -> Result<(DeclaredUpload, crate::limits::Admitted)> {
    let found = call.native().blob(&call.namespace, digest).await?;
    let (modified, tag) = (found.as_ref().map(|found| found.attributes.modified), e_tag(digest));
    check(precondition(&call.head, modified.as_ref(), found.as_ref().map(|_| &tag)).unwrap_or(StatusCode::OK))?;
    let admitted = call.staging.files().gate().admit(&call.namespace).await?;
    Ok((call.native().upload(digest).await?, admitted))
}

pub(super) async fn remove(State(staging): State<Staging>, request: Request) -> Response {
    problem::answer(try_remove(staging, request).await)
}

async fn try_remove(staging: Staging, request: Request) -> Result<Response> {
    let (call, _) = Call::new(staging.clone(), request, Act::Write).await?;
    let digest = call.digest()?;
    let missing = not_found(&call);
    let is_removed = behind(&staging, async move { call.native().remove_blob(&call.namespace, digest).await }).await?;
    if is_removed { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(missing) }
}

fn not_found(call: &Call) -> Error {
    Error::NotFound { path: format!("blob {} of namespace {}", call.name(), call.namespace) }
}

/// A condition that does not hold, as an error; that nothing is new is none.
pub(super) fn check(status: StatusCode) -> Result<()> {
    match status {
        StatusCode::PRECONDITION_FAILED => Err(Error::Precondition),
        _ => Ok(()),
    }
}

/// What cannot be noted keeps nobody from reading.
pub(super) fn warn(call: &Call, error: &Error) {
    let path = access::masked(call.head.uri.path());
    tracing::warn!(%path, error = error as &dyn std::error::Error, "that a file was read could not be noted");
}

pub(super) fn e_tag(digest: Sha256Digest) -> HeaderValue {
    crate::served::header_of(&format!("\"sha256:{digest}\""))
}

fn repr_digest(digest: Sha256Digest) -> HeaderValue {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.encode(digest.to_bytes());
    crate::served::header_of(&format!("sha-256=:{bytes}:"))
}

pub(super) fn incoming(body: Body) -> Incoming {
    body.into_data_stream().map_err(Into::into).boxed()
}

/// Says at its end what it was.
struct Telling {
    upload: DeclaredUpload,
    told: oneshot::Sender<(u64, Seen)>,
}

#[async_trait]
impl Upload for Telling {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.upload.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        let done = self.upload.finish().await?;
        // Nobody waits who has gone.
        let _ = self.told.send(done);
        Ok(())
    }

    async fn abandon(self: Box<Self>) -> Result<()> {
        self.upload.abandon().await
    }
}
