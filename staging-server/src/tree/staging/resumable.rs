use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use storage::growing::{self, GrowingFile};
use storage::{Key, ObjectPath, Sha256Digest, Store};
use tokio::time::Instant;
use uuid::Uuid;

use super::native::Native;
use crate::blobs::BlobUpload;
use crate::resources::{FORMAT, check_format};
use crate::upload::Upload;
use crate::{Error, Result};

const LIMIT_BYTES: u64 = 64 * 1024;

/// So much is held before it becomes durable, and for so long at most.
const PART_BYTES: usize = 4 << 20;
const HELD_FOR: Duration = Duration::from_secs(5);

/// An upload that goes on after either side died: what has arrived of it lies in parts in the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resumable {
    format: u32,
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) namespace: String,
    pub(crate) size_bytes: u64,
    /// What its client says that it is.
    sha256: Option<Sha256Digest>,
    /// What else its client says of it, as it says it.
    #[serde(default)]
    pub(crate) metadata: Option<String>,
    owner: Option<String>,
    pub(crate) expires: DateTime<Utc>,
    /// What it was, once all of it is where it stays.
    pub(crate) done: Option<Sha256Digest>,
}

impl Native {
    /// Starts an upload of so many bytes that can be sent in pieces until `expires`.
    pub(crate) async fn start(
        &self,
        namespace: &str,
        size_bytes: u64,
        (sha256, metadata): (Option<Sha256Digest>, Option<String>),
        owner: Option<String>,
        expires: DateTime<Utc>,
    ) -> Result<Resumable> {
        let (id, namespace, format, done) = (Uuid::new_v4(), namespace.to_owned(), FORMAT, None);
        let upload = Resumable { format, id, namespace, size_bytes, sha256, metadata, owner, expires, done };
        upload.store(self.store()).await?;
        Ok(upload)
    }

    /// The upload of that id; `None` where there is none, or its time is over.
    pub(crate) async fn resumable(&self, namespace: &str, id: Uuid) -> Result<Option<Resumable>> {
        let path = note(id)?;
        let bytes = match self.store().get(&path, LIMIT_BYTES).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let corrupt = |reason: String| Error::Corrupt { path: path.clone(), reason };
        let read: Resumable = serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        check_format(read.format).map_err(corrupt)?;
        let is_meant = read.namespace == namespace && read.expires > self.now();
        Ok(is_meant.then_some(Resumable { id, ..read }))
    }

    /// How much of it is durable.
    pub(crate) async fn offset(&self, upload: &Resumable) -> Result<u64> {
        match upload.done {
            Some(_) => Ok(upload.size_bytes),
            None => Ok(self.parts(upload).await?.map_or(0, |parts| parts.size_bytes.min(upload.size_bytes))),
        }
    }

    /// What takes in more of it, from `offset` on.
    pub(crate) fn more(&self, upload: &Resumable, offset: u64) -> Box<dyn Upload> {
        let next = Instant::now() + HELD_FOR;
        Box::new(Piece { store: self.store().clone(), path: place(upload.id), offset, held: Vec::new(), next })
    }

    /// Puts what has arrived in its place, if that is all, and names it. Safe to do again, after a crash or beside another.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is something else than was said: the upload is over then.
    pub(crate) async fn complete(&self, upload: &Resumable) -> Result<Option<Sha256Digest>> {
        if upload.done.is_some() {
            return Ok(upload.done);
        }
        let parts = match self.parts(upload).await? {
            Some(parts) if parts.size_bytes < upload.size_bytes => return Ok(None),
            None if upload.size_bytes > 0 => return Ok(None),
            parts => parts,
        };
        let put = match upload.sha256 {
            Some(digest) => self.put_declared(digest, parts.as_ref()).await,
            None => self.put_undeclared(parts.as_ref()).await,
        };
        let (sha256, size_bytes, before) = match put {
            Err(error @ Error::Conflict(_)) => {
                self.cancel(upload).await?;
                return Err(error);
            }
            put => put?,
        };
        self.add(&upload.namespace, (sha256, size_bytes), upload.owner.as_deref(), &before).await?;
        Resumable { done: Some(sha256), ..upload.clone() }.store(self.store()).await?;
        if let Some(parts) = parts {
            growing::remove(self.store(), &parts).await?;
        }
        Ok(Some(sha256))
    }

    /// Removes what there is of it. What has become of one that is complete stays.
    pub(crate) async fn cancel(&self, upload: &Resumable) -> Result<()> {
        if let Some(parts) = self.parts(upload).await? {
            growing::remove(self.store(), &parts).await?;
        }
        Ok(self.store().delete(&note(upload.id)?).await?)
    }

    async fn parts(&self, upload: &Resumable) -> Result<Option<GrowingFile>> {
        Ok(growing::open(self.store(), &place(upload.id)).await?)
    }

    async fn put_declared(
        &self,
        digest: Sha256Digest,
        parts: Option<&GrowingFile>,
    ) -> Result<(Sha256Digest, u64, crate::condemned::Seen)> {
        let mut target = self.upload(digest).await?;
        let mut bytes = parts.map(|parts| growing::read(self.store(), parts, 0));
        while let Some(chunk) = next(&mut bytes).await? {
            target.write(chunk).await?;
        }
        let (size_bytes, before) = target.finish().await?;
        Ok((digest, size_bytes, before))
    }

    async fn put_undeclared(&self, parts: Option<&GrowingFile>) -> Result<(Sha256Digest, u64, crate::condemned::Seen)> {
        let before = self.recent().await?;
        let mut target = BlobUpload::start(self.store());
        let mut bytes = parts.map(|parts| growing::read(self.store(), parts, 0));
        while let Some(chunk) = next(&mut bytes).await? {
            target.write(&chunk).await?;
        }
        let written = target.finish().await?;
        Ok((written.sha256, written.size_bytes, before))
    }
}

async fn next(bytes: &mut Option<storage::ByteStream>) -> Result<Option<Bytes>> {
    match bytes {
        Some(bytes) => Ok(bytes.try_next().await?),
        None => Ok(None),
    }
}

impl Resumable {
    async fn store(&self, store: &Store) -> Result<()> {
        let path = note(self.id)?;
        let corrupt = |error: serde_json::Error| Error::Corrupt { path: path.clone(), reason: error.to_string() };
        Ok(store.put(&path, serde_json::to_vec(self).map_err(corrupt)?).await?)
    }
}

/// Where its parts lie: with what a crash leaves of other uploads, so that a sweep removes them in the same way.
fn place(id: Uuid) -> ObjectPath {
    Key::Upload(id).path()
}

fn note(id: Uuid) -> Result<ObjectPath> {
    Ok(growing::note_path(&place(id), "upload")?)
}

/// One piece on its way. What has arrived of it stays, also when it breaks off.
struct Piece {
    store: Store,
    path: ObjectPath,
    /// Where the bytes begin that are held.
    offset: u64,
    held: Vec<u8>,
    next: Instant,
}

#[async_trait]
impl Upload for Piece {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.held.extend_from_slice(&bytes);
        if self.held.len() >= PART_BYTES { self.flush().await } else { Ok(()) }
    }

    fn flush_at(&self) -> Option<Instant> {
        Some(self.next)
    }

    async fn flush(&mut self) -> Result<()> {
        self.next = Instant::now() + HELD_FOR;
        if !self.held.is_empty() {
            let bytes = Bytes::from(std::mem::take(&mut self.held));
            let length = bytes.len() as u64;
            growing::append(&self.store, &self.path, self.offset, bytes).await?;
            self.offset += length;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush().await
    }

    async fn abandon(mut self: Box<Self>) -> Result<()> {
        self.flush().await
    }
}
