use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::signer::Method;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStoreExt as _};

use super::{ByteStream, ObjectMeta, Store, Version};
use crate::{Error, ObjectPath, Result, folder};

impl Store {
    /// What the store says of one object.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a failure of the store.
    pub async fn head(&self, path: &ObjectPath) -> Result<ObjectMeta> {
        let meta = self.inner().head(&self.full(path)?).await.map_err(|e| Error::from_store(path, e))?;
        Ok(self.meta(path.clone(), &meta))
    }

    /// A whole object, of at most `limit_bytes`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::TooLarge`] before anything is read, or a failure of the store.
    pub async fn get(&self, path: &ObjectPath, limit_bytes: u64) -> Result<Bytes> {
        Ok(self.get_versioned(path, limit_bytes).await?.0)
    }

    /// As [`Store::get`], with the version that was read: what [`Store::put_if_match`] compares.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn get_versioned(&self, path: &ObjectPath, limit_bytes: u64) -> Result<(Bytes, Version)> {
        let got = self.inner().get(&self.full(path)?).await.map_err(|e| Error::from_store(path, e))?;
        if got.meta.size > limit_bytes {
            return Err(Error::TooLarge { path: path.clone(), limit_bytes });
        }
        let version = Version { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
        Ok((got.bytes().await.map_err(|e| Error::from_store(path, e))?, version))
    }

    /// The bytes of `range`, cut at the object's end; empty when it starts at or behind the end.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a failure of the store.
    pub async fn get_range(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        match self.fetch(path, Some(GetRange::Bounded(range.clone()))).await {
            Ok((_, stream)) => {
                let chunks: Vec<Bytes> = stream.try_collect().await?;
                Ok(if let [one] = chunks.as_slice() { one.clone() } else { chunks.concat().into() })
            }
            // Stores answer a range that starts behind the end each in their own words: ask for the size instead.
            Err(error) if !error.is_not_found() => match self.head(path).await {
                Ok(meta) if range.start >= meta.size_bytes => Ok(Bytes::new()),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// An object as a stream, from `offset` on. An offset behind the end is an empty stream.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a failure of the store, now or in the stream.
    pub async fn read(&self, path: &ObjectPath, offset: u64) -> Result<(ObjectMeta, ByteStream)> {
        if offset > 0 {
            let meta = self.head(path).await?;
            if offset >= meta.size_bytes {
                return Ok((meta, futures::stream::empty().boxed()));
            }
            return self.fetch(path, Some(GetRange::Offset(offset))).await;
        }
        self.fetch(path, None).await
    }

    /// The bytes of `range` as a stream, cut at the object's end. The range must not be empty and must start before the
    /// object's end.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a failure of the store, now or in the stream.
    pub async fn read_range(&self, path: &ObjectPath, range: Range<u64>) -> Result<ByteStream> {
        Ok(self.fetch(path, Some(GetRange::Bounded(range))).await?.1)
    }

    async fn fetch(&self, path: &ObjectPath, range: Option<GetRange>) -> Result<(ObjectMeta, ByteStream)> {
        let options = GetOptions { range, ..GetOptions::default() };
        let got = self.inner().get_opts(&self.full(path)?, options).await.map_err(|e| Error::from_store(path, e))?;
        let meta = self.meta(path.clone(), &got.meta);
        let stream = match got.payload {
            GetResultPayload::File(file, _) => folder::stream(file, got.range).boxed(),
            GetResultPayload::Stream(stream) => stream,
        };
        Ok((meta, error_at(path, stream)))
    }

    /// A URL by which anybody can read the object for `valid_for` (clouds allow up to seven days), without a credential;
    /// `None` for a store that has no such thing: a folder, memory. Nothing is asked of the store but credentials, so a
    /// URL says nothing of whether the object is there.
    ///
    /// # Errors
    /// A failure to get credentials.
    pub async fn signed_url(&self, path: &ObjectPath, valid_for: Duration) -> Result<Option<url::Url>> {
        let Some(signer) = &self.backend.signer else { return Ok(None) };
        let signed = signer.signed_url(Method::GET, &self.full(path)?, valid_for).await;
        signed.map(Some).map_err(|e| Error::from_store(path, e))
    }
}

fn error_at(path: &ObjectPath, stream: BoxStream<'static, object_store::Result<Bytes>>) -> ByteStream {
    let path = path.clone();
    stream.map_err(move |e| Error::from_store(&path, e)).boxed()
}
