use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::{ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion};

use super::{Store, Version};
use crate::{Error, ObjectPath, Result, s3};

impl Store {
    /// Writes a whole object, in place of what was there. Readers see the old one or the new one, never a part.
    ///
    /// # Errors
    /// A failure of the store: the object is then the old one or the new one.
    pub async fn put(&self, path: &ObjectPath, bytes: impl Into<Bytes> + Send) -> Result<()> {
        let payload = PutPayload::from_bytes(bytes.into());
        self.inner().put(&self.full(path)?, payload).await.map_err(|e| Error::from_write(path, e))?;
        Ok(())
    }

    /// Writes a whole object where none is; of several writers at once, one wins.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], or a failure of the store. A writer whose first try was applied but whose answer was lost
    /// is told `AlreadyExists` too: one that must know gives its object a mark of its own and reads it back.
    pub async fn put_if_absent(&self, path: &ObjectPath, bytes: impl Into<Bytes> + Send) -> Result<Version> {
        self.put_conditionally(path, bytes.into(), PutMode::Create).await
    }

    /// Writes a whole object in place of exactly the version that the caller has seen ([`Store::get_versioned`], or what
    /// an earlier write returned); of several writers at once, one wins.
    ///
    /// What is changed so should be changed in no other way but [`Store::put_if_absent`] and [`Store::delete`]; the bytes
    /// of a [`BlobWriter`](crate::BlobWriter) and, on OSS, every write without a condition pass this check by.
    ///
    /// # Errors
    /// [`Error::Changed`] when the object is another one by now, or gone, or a failure of the store. As for
    /// [`Store::put_if_absent`], a write of one's own whose answer was lost looks like that of another.
    pub async fn put_if_match(
        &self,
        path: &ObjectPath,
        bytes: impl Into<Bytes> + Send,
        seen: &Version,
    ) -> Result<Version> {
        let seen = UpdateVersion { e_tag: seen.e_tag.clone(), version: seen.version.clone() };
        self.put_conditionally(path, bytes.into(), PutMode::Update(seen)).await
    }

    async fn put_conditionally(&self, path: &ObjectPath, bytes: Bytes, mode: PutMode) -> Result<Version> {
        let creates = mode == PutMode::Create;
        let options = PutOptions { mode, ..PutOptions::default() };
        let put = self.inner().put_opts(&self.full(path)?, PutPayload::from_bytes(bytes), options).await;
        match put.map_err(|e| Error::from_write(path, e)) {
            Ok(put) => Ok(Version { e_tag: put.e_tag, version: put.version }),
            Err(Error::Changed { path }) if creates => Err(Error::AlreadyExists { path }),
            Err(Error::AlreadyExists { path } | Error::NotFound { path }) if !creates => Err(Error::Changed { path }),
            Err(error) => Err(error),
        }
    }

    /// Removes an object. One that is not there is no error.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn delete(&self, path: &ObjectPath) -> Result<()> {
        match self.inner().delete(&self.full(path)?).await.map_err(|e| Error::from_store(path, e)) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes many objects, by as few requests as the store allows (S3: 1,000 in one). Those that are not there are no
    /// error. Goes on after a failure, so that one object that cannot be removed keeps no other.
    ///
    /// # Errors
    /// The first failure of the store.
    pub async fn delete_all(&self, paths: impl IntoIterator<Item = ObjectPath> + Send) -> Result<()> {
        let paths: Vec<ObjectPath> = paths.into_iter().collect();
        let Some(first) = paths.first().cloned() else { return Ok(()) };
        let full: Vec<_> = paths.iter().map(|path| self.full(path)).collect::<Result<_>>()?;
        let mut failed = None;
        let mut removed = self.inner().delete_stream(stream::iter(full.into_iter().map(Ok)).boxed());
        while let Some(result) = removed.next().await {
            match result.map_err(|e| Error::from_store(&first, e)) {
                Err(error) if !error.is_not_found() => failed = failed.or(Some(error)),
                _ => {}
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Copies an object inside the store, over what is at `to`. The bytes do not pass through here, unless the store
    /// does not copy so large an object by itself (S3 and OSS: over 5 GiB).
    ///
    /// # Errors
    /// [`Error::NotFound`], or a failure of the store.
    pub async fn copy(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        if self.url.speaks_s3() && self.head(from).await?.size_bytes > s3::COPY_LIMIT_BYTES {
            return self.copy_through(from, to).await;
        }
        let copied = self.inner().copy(&self.full(from)?, &self.full(to)?).await;
        match copied.map_err(|e| Error::from_write(to, e)) {
            // Stores say in many ways that there is nothing to copy.
            Err(error) if !error.is_not_found() => Err(self.head(from).await.err().unwrap_or(error)),
            Err(_) => Err(Error::NotFound { path: from.clone() }),
            Ok(()) => Ok(()),
        }
    }

    async fn copy_through(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        let (_, mut bytes) = self.read(from, 0).await?;
        let mut writer = self.writer(to);
        while let Some(chunk) = bytes.try_next().await? {
            writer.write(&chunk).await?;
        }
        writer.finish().await.map(|_| ())
    }
}
