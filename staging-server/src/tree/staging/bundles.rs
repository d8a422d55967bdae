use storage::{ByteStream, Key, ObjectPath, Sha256Digest};
use uuid::Uuid;

use super::names::Names;
use crate::blobs::BlobUpload;
use crate::bundle::Bundle;
use crate::lifetime::Lifetimes;
use crate::resources::{Resource, State};
use crate::status::Attributes;
use crate::tree::folders::BUNDLES;
use crate::{Error, Result};

/// Uploads without a name, which are read with a secret.
pub(crate) struct Bundles {
    names: Names,
    lifetimes: Lifetimes,
    limit_bytes: u64,
}

/// One of them.
pub(crate) struct Found {
    pub(crate) id: Uuid,
    pub(crate) bundle: Bundle,
    pub(crate) size_bytes: u64,
    sha256: Sha256Digest,
    is_use_noted: bool,
}

impl Bundles {
    pub(super) fn new(names: Names, lifetimes: Lifetimes, limit_bytes: u64) -> Self {
        Self { names, lifetimes, limit_bytes }
    }

    /// Starts one.
    pub(crate) fn upload(&self) -> BundleUpload {
        let (names, blob) = (self.names.clone(), BlobUpload::start(&self.names.store));
        BundleUpload { names, blob, size_bytes: 0, limit_bytes: self.limit_bytes }
    }

    /// The bundle of that id; `None` where there is none.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Found>> {
        let name = name(id)?;
        let Some(loaded) = self.names.loaded(&name).await? else { return Ok(None) };
        let now = self.names.clock.now();
        let is_use_noted = !self.lifetimes.is_to_be_noted(&name, &loaded.resource, now);
        Ok(match (loaded.resource.state, loaded.resource.bundle) {
            (State::Complete { size_bytes, sha256 }, Some(bundle)) => {
                Some(Found { id, bundle, size_bytes, sha256, is_use_noted })
            }
            _ => None,
        })
    }

    /// Its bytes. That it is read has been noted by then, where that could be.
    pub(crate) async fn read(&self, found: &Found) -> Result<ByteStream> {
        Ok(self.names.store.read(&Key::Blob(found.sha256).path(), 0).await?.1)
    }

    /// Notes that somebody reads it.
    pub(crate) async fn note_use(&self, found: &Found) -> Result<()> {
        match found.is_use_noted {
            true => Ok(()),
            false => self.names.note_use(&self.lifetimes, &name(found.id)?).await,
        }
    }
}

fn name(id: Uuid) -> Result<ObjectPath> {
    Ok(ObjectPath::parse(BUNDLES)?.join(&id.to_string())?)
}

/// A bundle on its way. It is nobody's before all of it is there, and whose it is may be known at the end only.
pub(crate) struct BundleUpload {
    names: Names,
    blob: BlobUpload,
    size_bytes: u64,
    limit_bytes: u64,
}

impl BundleUpload {
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > self.limit_bytes {
            return Err(Error::TooLarge { path: "the bundle".to_owned(), limit_bytes: self.limit_bytes });
        }
        self.blob.write(bytes).await
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Makes it known by `id`.
    pub(crate) async fn finish(self, id: Uuid, bundle: Bundle) -> Result<()> {
        let name = name(id)?;
        let before = match self.names.condemned.recent().await {
            Ok(before) => before,
            Err(error) => return self.blob.abandon().await.and(Err(error)),
        };
        let written = self.blob.finish().await?;
        let state = State::Complete { size_bytes: written.size_bytes, sha256: written.sha256 };
        let uploaded = Some(self.names.clock.now());
        let resource = Resource {
            bundle: Some(bundle),
            uploaded,
            ..Resource::new(Attributes::folder(), state, Some(Uuid::new_v4()))
        };
        match self.names.put(&before, &name, &resource, false).await? {
            true => Ok(()),
            false => Err(Error::TryAgain(format!("the id {id} is taken"))),
        }
    }

    pub(crate) async fn abandon(self) -> Result<()> {
        self.blob.abandon().await
    }
}
