use std::fmt;

use bytes::Bytes;
use object_store::{ObjectStoreExt as _, PutPayload, WriteMultipart};
use sha2::{Digest as _, Sha256};

use crate::{Error, ObjectPath, Result, Sha256Digest, Store};

/// What a finished write put into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// How many bytes.
    pub size_bytes: u64,
    /// Their digest.
    pub sha256: Sha256Digest,
}

/// S3's smallest part, and what a small object is held in before it is sent in one request.
const PART_BYTES: usize = 8 * 1024 * 1024;
const PARTS_IN_FLIGHT: usize = 4;

/// An object in the making. Holds at most five parts of 8 MiB; up to one part is sent as a single request.
///
/// Dropped unfinished, it leaves no object; what a store keeps of an unfinished multipart upload is for the store's own
/// lifecycle rules. Call [`BlobWriter::abort`] to remove that too.
pub struct BlobWriter {
    store: Store,
    path: ObjectPath,
    hash: Sha256,
    size_bytes: u64,
    small: Vec<u8>,
    large: Option<WriteMultipart>,
}

impl Store {
    /// Starts an object that is written as its bytes come, with flat memory. Nothing is visible before
    /// [`BlobWriter::finish`].
    #[must_use]
    pub fn writer(&self, path: &ObjectPath) -> BlobWriter {
        BlobWriter::new(self.clone(), path.clone())
    }
}

impl BlobWriter {
    fn new(store: Store, path: ObjectPath) -> Self {
        Self { store, path, hash: Sha256::new(), size_bytes: 0, small: Vec::new(), large: None }
    }

    /// How many bytes have been written so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The digest of what has been written so far.
    #[must_use]
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::from_bytes(self.hash.clone().finalize().into())
    }

    /// Appends bytes; waits while too many parts are under way.
    ///
    /// # Errors
    /// A failure of the store: the write is over, nothing of it is visible.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        if self.large.is_none() && self.small.len() + bytes.len() <= PART_BYTES {
            self.small.extend_from_slice(bytes);
            return Ok(());
        }
        if self.large.is_none() {
            let full = self.store.full(&self.path)?;
            let upload =
                (self.store.inner().put_multipart(&full).await).map_err(|e| Error::from_write(&self.path, e))?;
            let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
            upload.put(Bytes::from(std::mem::take(&mut self.small)));
            self.large = Some(upload);
        }
        if let Some(upload) = &mut self.large {
            for piece in bytes.chunks(PART_BYTES) {
                upload.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(|e| Error::from_write(&self.path, e))?;
                upload.write(piece);
            }
        }
        Ok(())
    }

    /// Ends the object and makes it visible, in place of what was there.
    ///
    /// # Errors
    /// A failure of the store: the object is then the old one or the new one.
    pub async fn finish(self) -> Result<Written> {
        let written =
            Written { size_bytes: self.size_bytes, sha256: Sha256Digest::from_bytes(self.hash.finalize().into()) };
        let error = |e| Error::from_write(&self.path, e);
        match self.large {
            None => {
                let full = self.store.full(&self.path)?;
                self.store.inner().put(&full, PutPayload::from(self.small)).await.map_err(error)?;
            }
            Some(upload) => {
                upload.finish().await.map_err(error)?;
            }
        }
        Ok(written)
    }

    /// Gives the write up and removes what the store has of it.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn abort(self) -> Result<()> {
        match self.large {
            Some(upload) => upload.abort().await.map_err(|e| Error::from_write(&self.path, e)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobWriter").field("path", &self.path).field("size_bytes", &self.size_bytes).finish()
    }
}
