//! Manifests: artifacts that belong together, each a name and a digest. All of it is there, or nothing.

use std::collections::BTreeSet;

use access::Act;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use storage::Sha256Digest;

use super::blobs::{check, e_tag, incoming, warn};
use super::call::{Call, NAMESPACES, behind, digest};
use super::problem;
use crate::served::{Served, http_date, precondition};
use crate::tree::Manifest;
use crate::{Error, Result, Staging};

/// How many artifacts a manifest has at most, how long their names are, and how much JSON is read for it.
const MOST: usize = 1000;
const NAME_CHARACTERS: usize = 255;
const LIMIT_BYTES: usize = 512 << 10;
/// How often a manifest is written that somebody else has changed meanwhile.
const TRIES: usize = 16;
const IN_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// What a client sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    artifacts: Vec<SentArtifact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentArtifact {
    name: String,
    digest: String,
}

pub(super) async fn read(State(staging): State<Staging>, request: Request) -> Response {
    problem::answer(try_read(staging, request).await)
}

async fn try_read(staging: Staging, request: Request) -> Result<Response> {
    let (call, _) = Call::new(staging, request, Act::Read).await?;
    let found = find(&call).await?;
    let tag = e_tag(found.digest());
    match precondition(&call.head, Some(&found.modified), Some(&tag)) {
        Some(status) => {
            check(status)?;
            Ok((status, headers_of(&found)).into_response())
        }
        None => {
            note_use(&call, &found).await;
            Ok((headers_of(&found), Json(shown(&call, &found))).into_response())
        }
    }
}

pub(super) async fn artifact(State(staging): State<Staging>, request: Request) -> Response {
    problem::answer(try_artifact(staging, request).await)
}

async fn try_artifact(staging: Staging, request: Request) -> Result<Response> {
    let (call, _) = Call::new(staging, request, Act::Read).await?;
    let manifest = find(&call).await?;
    let name = call.rest.get(3..).unwrap_or_default().join("/");
    let file = manifest.artifact(&name);
    let file = file.ok_or_else(|| Error::NotFound { path: format!("artifact {name} of manifest {}", call.name()) })?;
    let served = Served::of(&call.head, &file, file.sha256.map(e_tag).as_ref());
    check(served.status)?;
    if served.is_read() {
        note_use(&call, &manifest).await;
    }
    served.answer(call.native().store(), &file, call.head.uri.path().to_owned()).await
}

pub(super) async fn write(State(staging): State<Staging>, request: Request) -> Response {
    problem::answer(try_write(staging, request).await)
}

async fn try_write(staging: Staging, request: Request) -> Result<Response> {
    let (call, body) = Call::new(staging.clone(), request, Act::Write).await?;
    check_name(call.name())?;
    let is_json = call.head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json =
        is_json.is_some_and(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json"));
    if !is_json {
        return Err(Error::UnsupportedType { wanted: "application/json" });
    }
    let _entered = call.staging.files().gate().enter(&call.namespace)?;
    let wanted = understood(&whole(body).await?)?;
    behind(&staging, async move { put(&call, wanted).await }).await
}

async fn put(call: &Call, wanted: Vec<(String, Sha256Digest)>) -> Result<Response> {
    for _ in 0..TRIES {
        let (native, namespace, name) = (call.native(), &call.namespace, call.name());
        let seen = native.manifest(namespace, name).await?;
        let (modified, tag) = (seen.as_ref().map(|seen| seen.modified), seen.as_ref().map(|seen| e_tag(seen.digest())));
        check(precondition(&call.head, modified.as_ref(), tag.as_ref()).unwrap_or(StatusCode::OK))?;
        let owner = call.owner();
        let put = native.put_manifest(namespace, name, wanted.clone(), seen.as_ref(), owner.as_deref()).await?;
        if let Some(put) = put {
            let status = if seen.is_some() { StatusCode::OK } else { StatusCode::CREATED };
            return Ok((status, headers_of(&put), Json(shown(call, &put))).into_response());
        }
    }
    Err(Error::TryAgain(format!("manifest {} is being changed by others", call.name())))
}

pub(super) async fn remove(State(staging): State<Staging>, request: Request) -> Response {
    problem::answer(try_remove(staging, request).await)
}

async fn try_remove(staging: Staging, request: Request) -> Result<Response> {
    let (call, _) = Call::new(staging.clone(), request, Act::Write).await?;
    behind(&staging, async move {
        for _ in 0..TRIES {
            let found = find(&call).await?;
            let tag = e_tag(found.digest());
            check(precondition(&call.head, Some(&found.modified), Some(&tag)).unwrap_or(StatusCode::OK))?;
            if call.native().remove_manifest(&call.namespace, call.name(), &found).await? {
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
        }
        Err(Error::TryAgain(format!("manifest {} is being changed by others", call.name())))
    })
    .await
}

async fn find(call: &Call) -> Result<Manifest> {
    check_name(call.name())?;
    let found = call.native().manifest(&call.namespace, call.name()).await?;
    found.ok_or_else(|| Error::NotFound { path: format!("manifest {} of namespace {}", call.name(), call.namespace) })
}

async fn note_use(call: &Call, found: &Manifest) {
    let noted = call.native().note_use_of_manifest(&call.namespace, call.name(), found).await;
    noted.unwrap_or_else(|error| warn(call, &error));
}

/// What can be the name of a manifest: as of a file, in one part, of characters that every address takes.
fn check_name(name: &str) -> Result<()> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = (1..=128).contains(&name.len()) && name.bytes().all(is_good);
    match is_name && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) {
        true => Ok(()),
        false => Err(Error::Invalid(format!(
            "{name:?} cannot be a manifest's name: 1 to 128 letters, digits, '-', '_' and '.', and a letter or digit first"
        ))),
    }
}

async fn whole(body: Body) -> Result<Vec<u8>> {
    let (mut body, mut all) = (incoming(body), Vec::new());
    while let Some(bytes) = body.next().await {
        let path = || "the manifest".to_owned();
        all.extend_from_slice(&bytes.map_err(|source| Error::BrokenOff { path: path(), source })?);
        if all.len() > LIMIT_BYTES {
            return Err(Error::TooLarge { path: path(), limit_bytes: LIMIT_BYTES as u64 });
        }
    }
    Ok(all)
}

fn understood(text: &[u8]) -> Result<Vec<(String, Sha256Digest)>> {
    let sent: Sent = serde_json::from_slice(text).map_err(|error| Error::Invalid(format!("the manifest: {error}")))?;
    if !(1..=MOST).contains(&sent.artifacts.len()) {
        return Err(Error::Invalid(format!("a manifest has 1 to {MOST} artifacts, and not {}", sent.artifacts.len())));
    }
    let mut seen = BTreeSet::new();
    let read = |artifact: SentArtifact| {
        check_artifact(&artifact.name)?;
        match seen.insert(artifact.name.clone()) {
            true => Ok((artifact.name, digest(&artifact.digest)?)),
            // As of two members of one name in an object: one would hide the other.
            false => Err(Error::Conflict(format!("there are two artifacts {:?}", artifact.name))),
        }
    };
    sent.artifacts.into_iter().map(read).collect()
}

fn check_artifact(name: &str) -> Result<()> {
    let is_path = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let is_plain = name.chars().count() <= NAME_CHARACTERS && !name.chars().any(|c| c.is_control() || c == ':');
    match is_path && is_plain {
        true => Ok(()),
        false => Err(Error::Invalid(format!(
            "artifact {name:?}: a name is a relative path of at most {NAME_CHARACTERS} characters, without '.', '..' and empty \
             parts, ':' and control characters"
        ))),
    }
}

fn headers_of(manifest: &Manifest) -> HeaderMap {
    let headers = [(header::ETAG, e_tag(manifest.digest())), (header::LAST_MODIFIED, http_date(&manifest.modified))];
    HeaderMap::from_iter(headers)
}

fn shown(call: &Call, manifest: &Manifest) -> serde_json::Value {
    let base = format!("{NAMESPACES}{}/manifests/{}/artifacts", call.namespace, call.name());
    let artifacts: Vec<_> = (manifest.artifacts.iter())
        .map(|artifact| {
            let path = format!("{base}/{}", utf8_percent_encode(&artifact.name, &IN_PATH));
            json!({"name": artifact.name, "digest": format!("sha256:{}", artifact.sha256),
                "size_bytes": artifact.size_bytes, "path": path})
        })
        .collect();
    json!({"namespace": call.namespace, "name": call.name(), "artifacts": artifacts})
}
