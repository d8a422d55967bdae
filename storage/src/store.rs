mod list;
mod read;
mod write;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;

pub use list::{After, Page, PageEntry};

use crate::backend::Backend;
use crate::{Error, ObjectPath, Result, StoreUrl, folder};

/// Bytes as they arrive from the store.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// An object store, or a folder of one. Cheap to clone; every clone shares one client.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
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

/// Which of the contents that an object has had: changes with every write. See [`Store::put_if_match`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    e_tag: Option<String>,
    version: Option<String>,
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
        let (backend, prefix) = url.connect(None)?;
        Ok(Self { backend, prefix, url: url.clone() })
    }

    /// As [`Store::open`], for an `s3://` or `oss://` store whose credentials come from the caller.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(url: &StoreUrl, credentials: impl ProvideCredentials + 'static) -> Result<Self> {
        let (backend, prefix) = url.connect(Some(SharedCredentialsProvider::new(credentials)))?;
        Ok(Self { backend, prefix, url: url.clone() })
    }

    /// A store in this process's memory, gone with it.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { backend: Backend::local(InMemory::new()), prefix: ObjectPath::root(), url: StoreUrl::memory() }
    }

    /// The part of this store below `folder`, as a store of its own.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] when the path grows too long.
    pub fn below(&self, folder: &ObjectPath) -> Result<Self> {
        let prefix = if folder.is_root() { self.prefix.clone() } else { self.prefix.join(folder.as_str())? };
        Ok(Self { backend: self.backend.clone(), prefix, url: self.url.below(folder) })
    }

    /// What this store was opened with, safe to show: it never has a credential in it.
    #[must_use]
    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    pub(crate) fn inner(&self) -> &Arc<dyn ObjectStore> {
        &self.backend.objects
    }

    /// The same store with its requests going through `wrap`; it lists in pages only by the requests that `wrap` sees.
    pub(crate) fn wrapped(&self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        let backend = Backend { pages: None, ..self.backend.clone().wrapped(wrap) };
        Self { backend, ..self.clone() }
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

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.url.to_string()).finish()
    }
}
