//! The resource staging protocol of Spark 2.2's Kubernetes fork, as its submission clients and init containers speak it: a bundle
//! goes up with its owner and comes back for a secret.
//!
//! Nothing is unpacked, and no part of a request becomes a path.

mod form;

use access::{Act, Caller, Denied};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures::TryStreamExt as _;
use serde_json::json;
use storage::Sha256Digest;
use uuid::Uuid;

use crate::bundle::Bundle;
use crate::plain::refuse;
use crate::tree::folders::BUNDLES;
use crate::{Error, Result, Staging};
use form::Form;

const RESOURCES: &str = "/api/v0/resources/";
const OCTETS: &str = "application/octet-stream";
const JSON: &str = "application/json";

pub(crate) fn router() -> Router<Staging> {
    Router::new()
        .route("/api/v0/ping", get(ping))
        .route("/api/v0/ping/", get(ping))
        .route("/api/v0/resources", post(upload))
        .route(RESOURCES, post(upload))
        .route("/api/v0/resources/{id}", get(download))
        .route("/api/v0/resources/{id}/", get(download))
}

async fn ping() -> &'static str {
    "pong"
}

/// What a client needs to have its bundle back.
struct Granted {
    id: Uuid,
    secret: String,
}

async fn upload(State(staging): State<Staging>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let server = staging.clone();
    let received = staging.uploads().spawn(async move { receive(&server, &head, body).await });
    match received.await.unwrap_or(Err(Error::Interrupted)) {
        Ok(granted) => {
            // Old clients fail at any member more.
            let answer = json!({"resourceId": granted.id, "resourceSecret": granted.secret}).to_string();
            (StatusCode::OK, [(header::CONTENT_TYPE, HeaderValue::from_static(JSON))], answer).into_response()
        }
        Err(error) => refuse(&error),
    }
}

async fn receive(staging: &Staging, head: &Parts, body: Body) -> Result<Granted> {
    let caller: Caller = head.extensions.get().cloned().unwrap_or_default();
    let form = Form::of(&head.headers, body)?;
    // Whose it is is known at the end: all bundles together are let in as a namespace is.
    let gate = staging.files().gate();
    let entered = match allow_at_all(staging, &caller).await {
        Ok(()) if accepts(&head.headers, JSON) => gate.enter(BUNDLES),
        Ok(()) => Err(Error::NotAcceptable { has: JSON }),
        Err(error) => Err(error),
    };
    let (entered, allowed) = match entered {
        Ok(entered) => (Some(entered), Ok(())),
        Err(error) => (None, Err(error)),
    };
    let (upload, owner) = form.read(staging.files().bundles(), allowed).await?;
    let id = Uuid::new_v4();
    let path = format!("/staging/{}/{id}", owner.namespace);
    if let Err(denied) = staging.config().rules.check(&caller, Act::Write, &path).await {
        return upload.abandon().await.and(Err(denied.into()));
    }
    let (size_bytes, namespace) = (upload.size_bytes(), owner.namespace.clone());
    let room = match gate.room(&namespace).await {
        Ok(room) if room.is_some_and(|room| room < size_bytes) => Err(gate.full(&namespace)),
        room => room,
    };
    if let Err(error) = room {
        return upload.abandon().await.and(Err(error));
    }
    let secret = secret(id)?;
    let secret_sha256 = Sha256Digest::of(secret.as_bytes());
    upload.finish(id, Bundle { owner, secret_sha256 }).await?;
    gate.add(&namespace, size_bytes);
    drop(entered);
    Ok(Granted { id, secret })
}

/// Whether a caller may upload anything; for which namespace is known at the end only.
async fn allow_at_all(staging: &Staging, caller: &Caller) -> Result<()> {
    match caller {
        Caller::Known(_) => Ok(()),
        Caller::Anonymous => Ok(staging.config().rules.check(caller, Act::Write, "/staging/namespace/bundle").await?),
    }
}

/// A line of printable ASCII that nobody guesses.
fn secret(id: Uuid) -> Result<String> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| Error::Interrupted)?;
    Ok(format!("{id}-{}", Sha256Digest::from_bytes(random)))
}

async fn download(State(staging): State<Staging>, request: Request) -> Response {
    match answer(&staging, &request.into_parts().0).await {
        Ok(response) => response,
        Err(error) => refuse(&error),
    }
}

async fn answer(staging: &Staging, request: &Parts) -> Result<Response> {
    let sent = request.headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().starts_with(JSON.as_bytes()));
    if sent == Some(false) {
        return Err(Error::UnsupportedType { wanted: JSON });
    }
    if !accepts(&request.headers, OCTETS) {
        return Err(Error::NotAcceptable { has: OCTETS });
    }
    let text = request.uri.path().strip_prefix(RESOURCES).unwrap_or_default().trim_end_matches('/');
    let not_found = || Error::NotFound { path: format!("the bundle {text:?}") };
    // Only as it was given out: ids are texts to clients.
    let id = text.parse::<Uuid>().ok().filter(|id| id.to_string() == text).ok_or_else(not_found)?;
    let bundles = staging.files().bundles();
    let found = bundles.find(id).await?.ok_or_else(not_found)?;
    if !is_secret_of(&found.bundle, &request.headers) {
        let why = "the Authorization header has to be the secret that came with the bundle's id, and nothing else";
        return Err(Denied::Unauthenticated(why.to_owned()).into());
    }
    if let Err(error) = bundles.note_use(&found).await {
        tracing::warn!(%id, error = &error as &dyn std::error::Error, "that a bundle was read could not be noted");
    }
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(OCTETS)),
        (header::CONTENT_LENGTH, HeaderValue::from(found.size_bytes)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if request.method == Method::HEAD {
        return Ok((headers, Body::empty()).into_response());
    }
    let bytes = bundles.read(&found).await?.inspect_err(move |error| {
        tracing::error!(%id, error = error as &dyn std::error::Error, "a download broke off at the store");
    });
    Ok((headers, Body::from_stream(bytes)).into_response())
}

/// Compared as digests, and each to its end: how long that takes says nothing of either.
fn is_secret_of(bundle: &Bundle, headers: &HeaderMap) -> bool {
    let Some(given) = headers.get(header::AUTHORIZATION) else { return false };
    let given = Sha256Digest::of(given.as_bytes().trim_ascii()).to_string();
    let right = bundle.secret_sha256.to_string();
    bool::from(subtle::ConstantTimeEq::ct_eq(given.as_bytes(), right.as_bytes()))
}

/// Whether a client takes an answer of this media type.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let all_of_it = kind.split_once('/').map(|(all, _)| format!("{all}/*")).unwrap_or_default();
    let mut wanted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    wanted.peek().is_none()
        || wanted
            .flat_map(|value| value.split(','))
            .map(|part| part.split(';').next().unwrap_or_default().trim())
            .any(|part| part == "*/*" || part == all_of_it || part.eq_ignore_ascii_case(kind))
}
