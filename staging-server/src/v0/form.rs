//! The form of an upload: the bundle first, then whose it is.

use std::error::Error as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use multer::{Field, Multipart};
use tokio::time::timeout;

use crate::bundle::Owner;
use crate::tree::{BundleUpload, Bundles, check_namespace};
use crate::{Error, Result};

/// An owner is a few hundred bytes.
const OWNER_LIMIT_BYTES: usize = 64 * 1024;

/// How long is read on what is refused, so that the client comes to read why: it looks at the answer when it has sent all.
const DRAIN_TIME: Duration = Duration::from_secs(60);

/// Not read yet.
pub(super) struct Form(Multipart<'static>);

/// What is read of it.
#[derive(Default)]
struct Parts {
    upload: Option<BundleUpload>,
    owner: Option<Owner>,
}

impl Form {
    /// # Errors
    /// [`Error::UnsupportedType`] when it is no form; [`Error::Invalid`] without a boundary.
    pub(super) fn of(headers: &HeaderMap, body: Body) -> Result<Self> {
        const FORM: &str = "multipart/form-data";
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        match multer::parse_boundary(kind) {
            Ok(boundary) => Ok(Self(Multipart::new(body.into_data_stream(), boundary))),
            Err(multer::Error::NoBoundary) => Err(Error::Invalid(format!("{FORM} has no boundary"))),
            Err(_) => Err(Error::UnsupportedType { wanted: FORM }),
        }
    }

    /// Reads it to its end: the content of the first `resources`, and the first `resourcesOwner`, in any order. Where it
    /// is not `allowed`, or something is wrong, what was taken in is given up, and the rest is read and thrown away.
    pub(super) async fn read(mut self, bundles: &Bundles, allowed: Result<()>) -> Result<(BundleUpload, Owner)> {
        let mut parts = Parts::default();
        let read = match allowed {
            Ok(()) => self.read_into(&mut parts, bundles).await,
            Err(error) => Err(error),
        };
        let missing = if parts.owner.is_some() { "resources" } else { "resourcesOwner" };
        match (read, parts.upload, parts.owner) {
            (Ok(()), Some(upload), Some(owner)) => Ok((upload, owner)),
            (read, upload, _) => {
                if let Some(upload) = upload {
                    // What it leaves goes with a sweep.
                    let _ = upload.abandon().await;
                }
                self.drain().await;
                read.and(Err(Error::Invalid(format!("the form has no part {missing:?}"))))
            }
        }
    }

    async fn read_into(&mut self, parts: &mut Parts, bundles: &Bundles) -> Result<()> {
        while let Some(mut field) = self.0.next_field().await.map_err(broken)? {
            match field.name() {
                Some("resources") if parts.upload.is_none() => {
                    let upload = parts.upload.insert(bundles.upload());
                    if let Err(error) = take_in(&mut field, upload).await {
                        drop(field);
                        if let Some(upload) = parts.upload.take() {
                            let _ = upload.abandon().await;
                        }
                        return Err(error);
                    }
                }
                Some("resourcesOwner") if parts.owner.is_none() => parts.owner = Some(read_owner(&mut field).await?),
                _ => {}
            }
        }
        Ok(())
    }

    async fn drain(&mut self) {
        let rest = async { while let Ok(Some(_)) = self.0.next_field().await {} };
        // Too slow is the client's loss: it sees the connection close.
        let _ = timeout(DRAIN_TIME, rest).await;
    }
}

async fn take_in(field: &mut Field<'static>, upload: &mut BundleUpload) -> Result<()> {
    let encoding = field.headers().get("content-transfer-encoding").and_then(|value| value.to_str().ok());
    let is_base64 = encoding.is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("base64"));
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await.map_err(broken)? {
        if !is_base64 {
            upload.write(&bytes).await?;
            continue;
        }
        text.extend(bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
        let whole = text.len() - text.len() % 4;
        let decoded = STANDARD.decode(text.drain(..whole).as_slice());
        upload.write(&decoded.map_err(|error| Error::Invalid(format!("resources: {error}")))?).await?;
    }
    match text.is_empty() {
        true => Ok(()),
        false => Err(Error::Invalid("resources: its base64 is cut off".to_owned())),
    }
}

async fn read_owner(field: &mut Field<'static>) -> Result<Owner> {
    let kind = field.content_type().map(|kind| (kind.type_().as_str(), kind.subtype().as_str(), kind.suffix()));
    let is_json = match kind {
        Some(("application" | "text", "json", _)) => true,
        Some(("application", _, Some(suffix))) => suffix == "json",
        _ => false,
    };
    if !is_json {
        return Err(Error::Invalid("resourcesOwner has to be application/json".to_owned()));
    }
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await.map_err(broken)? {
        text.extend_from_slice(&bytes);
        if text.len() > OWNER_LIMIT_BYTES {
            let path = "resourcesOwner".to_owned();
            return Err(Error::TooLarge { path, limit_bytes: OWNER_LIMIT_BYTES as u64 });
        }
    }
    let owner = Owner::parse(&text).map_err(|error| Error::Invalid(format!("resourcesOwner: {error}")))?;
    check_namespace("staging", &storage::ObjectPath::parse(&owner.namespace)?)?;
    Ok(owner)
}

fn broken(error: multer::Error) -> Error {
    let path = "the bundle".to_owned();
    match error {
        multer::Error::StreamReadFailed(source) => Error::BrokenOff { path, source },
        multer::Error::IncompleteFieldData { .. } | multer::Error::IncompleteStream => {
            Error::BrokenOff { path, source: error.into() }
        }
        other => Error::Invalid(other.source().map_or_else(|| other.to_string(), |cause| format!("{other}: {cause}"))),
    }
}
