use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use storage::ObjectPath;
use tokio::time::Instant;
use uuid::Uuid;

use super::names::{Names, TRIES, busy};
use crate::blobs::BlobUpload;
use crate::condemned::Seen;
use crate::path::FilePath;
use crate::resources::{BEAT, Loaded, Resource, State, Writer, moved_to};
use crate::status::Attributes;
use crate::upload::Upload;
use crate::{Error, Result};

/// An upload that is over so soon is never seen on its way, and costs so much less.
const UNSEEN: Duration = Duration::from_millis(300);

/// A staged file on its way. Nothing of it can be read before it is complete: half a jar is worse than none.
///
/// Its name is taken once it has lasted [`UNSEEN`]; from then on it says every [`BEAT`] that it is alive, so that a server
/// that dies leaves the name free.
pub(super) struct StagedUpload {
    names: Names,
    path: ObjectPath,
    attributes: Attributes,
    blob: BlobUpload,
    overwrite: bool,
    /// The document that says that we are writing, as we wrote it last.
    held: Option<Loaded>,
    next: Instant,
}

impl StagedUpload {
    pub(super) fn create(names: &Names, path: &ObjectPath, attributes: Attributes, overwrite: bool) -> Self {
        let (names, path, blob) = (names.clone(), path.clone(), BlobUpload::start(&names.store));
        Self { names, path, attributes, blob, overwrite, held: None, next: Instant::now() + UNSEEN }
    }

    /// Other content for a file that is there, which is read as it was until this one is complete.
    pub(super) async fn replace(names: &Names, path: &ObjectPath, loaded: Loaded) -> Result<Self> {
        if loaded.resource.is_being_written() && loaded.resource.state == State::Uploading {
            return Err(busy(path));
        }
        let mut upload = Self::create(names, path, loaded.resource.attributes.clone(), true);
        let ours = Resource { writer: Some(writer(upload.id())), ..loaded.resource };
        let Some(version) = ours.swap(&names.store, path, &loaded.version).await? else { return Err(busy(path)) };
        upload.held = Some(Loaded { resource: ours, version });
        upload.next = Instant::now() + BEAT;
        Ok(upload)
    }

    fn id(&self) -> Uuid {
        self.blob.id
    }

    fn take_blob(&mut self) -> BlobUpload {
        let nothing = BlobUpload::nothing(&self.names.store, self.id());
        std::mem::replace(&mut self.blob, nothing)
    }

    /// Takes the name, or says again that it is taken.
    async fn announce(&mut self) -> Result<()> {
        self.next = Instant::now() + BEAT;
        if self.held.is_some() {
            return self.beat().await;
        }
        let before = self.names.condemned.recent().await?;
        let ours = Resource::new(self.attributes.clone(), State::Uploading, Some(self.id()));
        for _ in 0..TRIES {
            if let Some(version) = ours.add(&self.names.store, &self.path).await? {
                self.held = Some(Loaded { resource: ours.clone(), version });
                return self.names.keep(&before, &self.path, &ours).await;
            }
            let Some(found) = Resource::load(&self.names.store, &self.path).await? else { continue };
            if !found.resource.is_free() && !found.resource.is_of(self.id()) {
                // What is replaced stays until its successor is complete.
                return if self.overwrite { Ok(()) } else { Err(self.exists()) };
            }
            if let Some(version) = ours.swap(&self.names.store, &self.path, &found.version).await? {
                self.held = Some(Loaded { resource: ours.clone(), version });
                return self.names.keep(&before, &self.path, &ours).await;
            }
        }
        Err(busy(&self.path))
    }

    async fn beat(&mut self) -> Result<()> {
        let Some(held) = self.find_ours().await? else {
            return Err(Error::Removed { path: FilePath::of("staging", &self.path).to_string() });
        };
        let resource = Resource { writer: Some(writer(self.id())), ..held.resource };
        // Whoever has changed it just now has seen it alive.
        if let Some(version) = resource.swap(&self.names.store, &self.path, &held.version).await? {
            self.held = Some(Loaded { resource, version });
        }
        Ok(())
    }

    /// Our document as it is now, at the name that it has now.
    async fn find_ours(&mut self) -> Result<Option<Loaded>> {
        for _ in 0..TRIES {
            match Resource::load(&self.names.store, &self.path).await? {
                Some(found) if found.resource.is_of(self.id()) && found.resource.state != State::Moved => {
                    return Ok(Some(found));
                }
                _ => match moved_to(&self.names.store, self.id()).await? {
                    Some(path) if path != self.path => self.path = path,
                    _ => return Ok(None),
                },
            }
        }
        Ok(None)
    }

    fn exists(&self) -> Error {
        let path = FilePath::of("staging", &self.path).to_string();
        Error::AlreadyExists { path, hint: ": delete it first, or ask to overwrite it" }
    }

    async fn complete(&mut self, before: &Seen, state: State) -> Result<()> {
        let uploaded = Some(self.names.clock.now());
        let Some(mut held) = self.held.take() else {
            let done = Resource { uploaded, ..Resource::new(self.attributes.clone(), state, Some(self.id())) };
            return if self.names.put(before, &self.path, &done, self.overwrite).await? {
                Ok(())
            } else {
                Err(self.exists())
            };
        };
        for _ in 0..TRIES {
            // What was set meanwhile stays: clients set a permission while they write.
            let attributes = Attributes { modified: Utc::now(), ..held.resource.attributes.clone() };
            let done = Resource { attributes, state: state.clone(), uploaded, used: None, ..held.resource };
            if done.swap(&self.names.store, &self.path, &held.version).await?.is_some() {
                return self.names.keep(before, &self.path, &done).await;
            }
            held = match self.find_ours().await? {
                Some(found) if found.resource.state == state => {
                    return self.names.keep(before, &self.path, &found.resource).await;
                }
                Some(found) => found,
                None => return Err(Error::Removed { path: FilePath::of("staging", &self.path).to_string() }),
            };
        }
        Err(busy(&self.path))
    }
}

fn writer(upload: Uuid) -> Writer {
    Writer { upload, beat: Utc::now() }
}

#[async_trait]
impl Upload for StagedUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if Instant::now() >= self.next {
            self.announce().await?;
        }
        self.blob.write(&bytes).await
    }

    fn flush_at(&self) -> Option<Instant> {
        Some(self.next)
    }

    async fn flush(&mut self) -> Result<()> {
        self.announce().await
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        // Before it is seen whether the content is there already.
        let before = self.names.condemned.recent().await;
        let blob = self.take_blob();
        let placed = match before {
            Ok(before) => blob.finish().await.map(|written| (before, written)),
            Err(error) => blob.abandon().await.and(Err(error)),
        };
        match placed {
            Ok((before, written)) => {
                self.attributes.modified = Utc::now();
                let state = State::Complete { size_bytes: written.size_bytes, sha256: written.sha256 };
                self.complete(&before, state).await
            }
            Err(error) => {
                // Else the name would be taken until it is seen that nobody writes it.
                let _ = self.abandon().await;
                Err(error)
            }
        }
    }

    async fn abandon(mut self: Box<Self>) -> Result<()> {
        let blob = self.take_blob();
        let aborted = blob.abandon().await;
        if self.held.is_some()
            && let Some(found) = self.find_ours().await?
        {
            // A document without a living writer is free, or as it was before: nothing needs to be removed, and so nothing
            // can be that somebody else has put there meanwhile.
            let left = Resource { writer: None, ..found.resource };
            left.swap(&self.names.store, &self.path, &found.version).await?;
        }
        aborted
    }
}
