use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
};

use crate::{BlobWriter, Error, ObjectPath, Result, StoreUrl, folder, s3};

/// Bytes as they arrive from the store.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// An object store, or a folder of one. Cheap to clone; every clone shares one client.
#[derive(Clone)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    prefix: ObjectPath,
    url: StoreUrl,
}

/// What a store says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Where it lies, relative to the [`Store`] that was asked.
    pub path: ObjectPath,
    /// Its length.
    pub size_bytes: u64,
    /// When it was written last.
    pub last_modified: DateTime<Utc>,
    /// Changes when the content does, where the store has such a thing.
    pub e_tag: Option<String>,
}

/// What lies directly in a folder.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Paths that have something below them, sorted.
    pub folders: Vec<ObjectPath>,
    /// The objects, sorted by path.
    pub objects: Vec<ObjectMeta>,
}

impl Store {
    /// Opens the store that `url` names. Nothing is sent yet, but a `file:` folder is made when it is missing.
    ///
    /// Credentials come from where the cloud's own tools take them: environment, profile, web identity, pod identity,
    /// instance role.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] when the store cannot be reached by what the URL and the environment say.
    pub fn open(url: &StoreUrl) -> Result<Self> {
        let (inner, prefix) = url.connect(None)?;
        Ok(Self { inner, prefix, url: url.clone() })
    }

    /// As [`Store::open`], for an `s3://` or `oss://` store whose credentials come from the caller.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(url: &StoreUrl, credentials: impl ProvideCredentials + 'static) -> Result<Self> {
        let (inner, prefix) = url.connect(Some(SharedCredentialsProvider::new(credentials)))?;
        Ok(Self { inner, prefix, url: url.clone() })
    }

    /// A store in this process's memory, gone with it.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            inner: Arc::new(object_store::memory::InMemory::new()),
            prefix: ObjectPath::root(),
            url: StoreUrl::memory(),
        }
    }

    /// The part of this store below `folder`, as a store of its own.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] when the path grows too long.
    pub fn below(&self, folder: &ObjectPath) -> Result<Self> {
        let prefix = if folder.is_root() { self.prefix.clone() } else { self.prefix.join(folder.as_str())? };
        Ok(Self { inner: Arc::clone(&self.inner), prefix, url: self.url.below(folder) })
    }

    /// What this store was opened with, safe to show: it never has a credential in it.
    #[must_use]
    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// What the store says of one object.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a failure of the store.
    pub async fn head(&self, path: &ObjectPath) -> Result<ObjectMeta> {
        let meta = self.inner.head(&self.full(path)?).await.map_err(|e| Error::from_store(path, e))?;
        Ok(self.meta(path.clone(), &meta))
    }

    /// A whole object, of at most `limit_bytes`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::TooLarge`] before anything is read, or a failure of the store.
    pub async fn get(&self, path: &ObjectPath, limit_bytes: u64) -> Result<Bytes> {
        let got = self.inner.get(&self.full(path)?).await.map_err(|e| Error::from_store(path, e))?;
        if got.meta.size > limit_bytes {
            return Err(Error::TooLarge { path: path.clone(), limit_bytes });
        }
        got.bytes().await.map_err(|e| Error::from_store(path, e))
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

    /// The last `length_bytes` of an object (all of it when it is shorter), and what the store says of it: in one
    /// request, where the store knows how.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a failure of the store.
    pub async fn get_tail(&self, path: &ObjectPath, length_bytes: u64) -> Result<(ObjectMeta, Bytes)> {
        match self.fetch(path, Some(GetRange::Suffix(length_bytes))).await {
            Ok((meta, stream)) => {
                let chunks: Vec<Bytes> = stream.try_collect().await?;
                Ok((meta, chunks.concat().into()))
            }
            // Nothing has no last bytes, say some stores; and Azure does not know this kind of range at all.
            Err(error) if !error.is_not_found() => {
                let meta = self.head(path).await?;
                let start = meta.size_bytes.saturating_sub(length_bytes);
                Ok((meta.clone(), self.get_range(path, start..meta.size_bytes).await?))
            }
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
        let got = self.inner.get_opts(&self.full(path)?, options).await.map_err(|e| Error::from_store(path, e))?;
        let meta = self.meta(path.clone(), &got.meta);
        let stream = match got.payload {
            GetResultPayload::File(file, _) => folder::stream(file, got.range).boxed(),
            GetResultPayload::Stream(stream) => stream,
        };
        Ok((meta, error_at(path, stream)))
    }

    /// Writes a whole object, in place of what was there. Readers see the old one or the new one, never a part.
    ///
    /// # Errors
    /// A failure of the store: the object is then the old one or the new one.
    pub async fn put(&self, path: &ObjectPath, bytes: impl Into<Bytes> + Send) -> Result<()> {
        let payload = PutPayload::from_bytes(bytes.into());
        self.inner.put(&self.full(path)?, payload).await.map_err(|e| Error::from_write(path, e))?;
        Ok(())
    }

    /// Writes a whole object where none is; of several writers at once, one wins.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], or a failure of the store.
    pub async fn put_if_absent(&self, path: &ObjectPath, bytes: impl Into<Bytes> + Send) -> Result<()> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let payload = PutPayload::from_bytes(bytes.into());
        self.inner.put_opts(&self.full(path)?, payload, options).await.map_err(|e| Error::from_write(path, e))?;
        Ok(())
    }

    /// Starts an object that is written as its bytes come, with flat memory. Nothing is visible before
    /// [`BlobWriter::finish`].
    #[must_use]
    pub fn writer(&self, path: &ObjectPath) -> BlobWriter {
        BlobWriter::new(self.clone(), path.clone())
    }

    /// Every object below `folder`, at any depth. Folders and memory answer in no order, clouds sorted.
    pub fn list(&self, folder: &ObjectPath) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, folder) = (self.clone(), folder.clone());
        let full = match self.full(&folder) {
            Ok(full) => full,
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        let inner = if full.as_ref().is_empty() { self.inner.list(None) } else { self.inner.list(Some(&full)) };
        inner
            .map(move |meta| match meta.map_err(|e| Error::from_store(&folder, e)) {
                Ok(meta) => Ok(store.relative(&meta.location).map(|path| store.meta(path, &meta))),
                // Where a part of the path is a file, or it went while it was looked at, there is nothing.
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            })
            .try_filter_map(|meta| async { Ok(meta) })
            .boxed()
    }

    /// What lies directly in `folder`. A folder that is not there is empty: stores know no folders.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn list_folder(&self, folder: &ObjectPath) -> Result<Listing> {
        let full = self.full(folder)?;
        let prefix = (!full.as_ref().is_empty()).then_some(&full);
        let found = match self.inner.list_with_delimiter(prefix).await.map_err(|e| Error::from_store(folder, e)) {
            Err(error) if error.is_not_found() => return Ok(Listing::default()),
            found => found?,
        };
        let mut folders: Vec<_> = found.common_prefixes.iter().filter_map(|p| self.relative(p)).collect();
        let mut objects: Vec<_> =
            (found.objects.iter()).filter_map(|meta| Some(self.meta(self.relative(&meta.location)?, meta))).collect();
        folders.sort_unstable();
        objects.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Listing { folders, objects })
    }

    /// Removes an object. One that is not there is no error.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn delete(&self, path: &ObjectPath) -> Result<()> {
        match self.inner.delete(&self.full(path)?).await.map_err(|e| Error::from_store(path, e)) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
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
        let copied = self.inner.copy(&self.full(from)?, &self.full(to)?).await;
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

    pub(crate) fn inner(&self) -> &Arc<dyn ObjectStore> {
        &self.inner
    }

    pub(crate) fn wrapped(&self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self { inner: wrap(Arc::clone(&self.inner)), ..self.clone() }
    }

    pub(crate) fn full(&self, path: &ObjectPath) -> Result<Path> {
        let full = match (self.prefix.is_root(), path.is_root()) {
            (true, _) => path.as_str().to_owned(),
            (_, true) => self.prefix.as_str().to_owned(),
            _ => format!("{}/{}", self.prefix.as_str(), path.as_str()),
        };
        let full = if self.url.is_folder() { folder::escape(&full).into_owned() } else { full };
        // `parse` keeps the text as it is where `from` would percent-encode it, so that a key reads back as it was written.
        Path::parse(&full)
            .map_err(|_| Error::InvalidPath { text: full, reason: "the store does not take such characters" })
    }

    fn relative(&self, location: &Path) -> Option<ObjectPath> {
        let location = location.as_ref();
        let path = if self.url.is_folder() { folder::unescape(location) } else { Cow::Borrowed(location) };
        ObjectPath::parse(&path).ok()?.strip_prefix(&self.prefix)
    }

    #[expect(clippy::unused_self, reason = "the one place where a store's answer becomes ours")]
    fn meta(&self, path: ObjectPath, meta: &object_store::ObjectMeta) -> ObjectMeta {
        ObjectMeta { path, size_bytes: meta.size, last_modified: meta.last_modified, e_tag: meta.e_tag.clone() }
    }
}

fn error_at(path: &ObjectPath, stream: BoxStream<'static, object_store::Result<Bytes>>) -> ByteStream {
    let path = path.clone();
    stream.map_err(move |e| Error::from_store(&path, e)).boxed()
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.url.to_string()).finish()
    }
}
