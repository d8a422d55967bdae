//! Content, each once, under its own digest.

use storage::{BlobWriter, Key, ObjectPath, Sha256Digest, Store, Written};
use uuid::Uuid;

use crate::Result;

/// What is held of an upload before any of it is sent: of so much the digest is known first, and it goes to its place at
/// once.
const SMALL_BYTES: usize = 4 << 20;

/// Content on its way into the store. The digest of what is large is known at its end only, so it waits under a name of its
/// own.
pub(crate) struct BlobUpload {
    store: Store,
    pub(crate) id: Uuid,
    path: ObjectPath,
    small: Vec<u8>,
    large: Option<BlobWriter>,
}

impl BlobUpload {
    pub(crate) fn start(store: &Store) -> Self {
        let id = Uuid::new_v4();
        Self { store: store.clone(), id, path: Key::Upload(id).path(), small: Vec::new(), large: None }
    }

    /// Nothing, in place of an upload that is being ended.
    pub(crate) fn nothing(store: &Store, id: Uuid) -> Self {
        Self { store: store.clone(), id, path: Key::Upload(id).path(), small: Vec::new(), large: None }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.large.is_none() && self.small.len() + bytes.len() <= SMALL_BYTES {
            self.small.extend_from_slice(bytes);
            return Ok(());
        }
        if self.large.is_none() {
            let mut writer = self.store.writer(&self.path);
            writer.write(&std::mem::take(&mut self.small)).await?;
            self.large = Some(writer);
        }
        match &mut self.large {
            Some(writer) => Ok(writer.write(bytes).await?),
            None => Ok(()),
        }
    }

    /// Puts the content where its digest says. Content that is there already stays as it is.
    pub(crate) async fn finish(self) -> Result<Written> {
        let Self { store, path, small, large, .. } = self;
        match large {
            None => put_small(&store, small).await,
            Some(writer) => put_large(&store, writer, &path).await,
        }
    }

    pub(crate) async fn abandon(self) -> Result<()> {
        match self.large {
            Some(writer) => Ok(writer.abort().await?),
            None => Ok(()),
        }
    }
}

async fn put_small(store: &Store, bytes: Vec<u8>) -> Result<Written> {
    let written = Written { size_bytes: bytes.len() as u64, sha256: Sha256Digest::of(&bytes) };
    match store.put_if_absent(&Key::Blob(written.sha256).path(), bytes).await {
        Ok(_) | Err(storage::Error::AlreadyExists { .. }) => Ok(written),
        Err(error) => Err(error.into()),
    }
}

async fn put_large(store: &Store, writer: BlobWriter, path: &ObjectPath) -> Result<Written> {
    let written = writer.finish().await?;
    let blob = Key::Blob(written.sha256).path();
    let moved = match store.head(&blob).await {
        Ok(meta) if meta.size_bytes == written.size_bytes => Ok(()),
        Ok(_) => store.copy(path, &blob).await,
        Err(error) if error.is_not_found() => store.copy(path, &blob).await,
        Err(error) => Err(error),
    };
    store.delete(path).await?;
    moved?;
    Ok(written)
}
