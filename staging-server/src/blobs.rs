//! Content, each once, under its own digest.

use storage::{BlobWriter, Key, ObjectPath, Store, Written};
use uuid::Uuid;

use crate::Result;

/// Content on its way into the store. Its digest is known at its end only, so it waits under a name of its own.
pub(crate) struct BlobUpload {
    store: Store,
    pub(crate) id: Uuid,
    path: ObjectPath,
    writer: BlobWriter,
}

impl BlobUpload {
    pub(crate) fn start(store: &Store) -> Self {
        let id = Uuid::new_v4();
        let path = Key::Upload(id).path();
        Self { store: store.clone(), id, writer: store.writer(&path), path }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.writer.write(bytes).await?)
    }

    /// Puts the content where its digest says. Content that is there already stays as it is.
    pub(crate) async fn finish(self) -> Result<Written> {
        let Self { store, path, writer, .. } = self;
        let written = writer.finish().await?;
        let blob = Key::Blob(written.sha256).path();
        let moved = match store.head(&blob).await {
            Ok(meta) if meta.size_bytes == written.size_bytes => Ok(()),
            Ok(_) => store.copy(&path, &blob).await,
            Err(error) if error.is_not_found() => store.copy(&path, &blob).await,
            Err(error) => Err(error),
        };
        store.delete(&path).await?;
        moved?;
        Ok(written)
    }

    pub(crate) async fn abandon(self) -> Result<()> {
        Ok(self.writer.abort().await?)
    }
}
