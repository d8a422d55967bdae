//! The trees of files that clients see, each laid over its own keys in the store.

mod event_logs;
pub(crate) mod folders;
mod pod_templates;
mod staging;

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use storage::growing::{self, GrowingFile};
use storage::{ByteStream, ObjectPath, Store};

pub(crate) use event_logs::EventLogs;
pub(crate) use pod_templates::PodTemplates;
pub(crate) use staging::StagedFiles;

use crate::status::{Attributes, Entry, Status, Wish};
use crate::upload::Upload;
use crate::{Error, Result};

/// A path as clients write it, from `/` on, decoded and without empty parts, `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePath(ObjectPath);

impl FilePath {
    /// Reads a decoded path.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match ObjectPath::parse(text) {
            Ok(path) => Ok(Self(path)),
            Err(storage::Error::InvalidPath { text, reason }) => {
                Err(Error::Invalid(format!("Invalid path name {text:?}: {reason}")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The path `inside` the tree `tree`.
    pub(crate) fn of(tree: &str, inside: &ObjectPath) -> Result<Self> {
        Self::parse(&format!("{tree}/{}", inside.as_str()))
    }

    /// The first part, and what follows it.
    pub(crate) fn split(&self) -> (&str, ObjectPath) {
        let (tree, inside) = self.0.as_str().split_once('/').unwrap_or((self.0.as_str(), ""));
        // A part of a good path is one.
        (tree, ObjectPath::parse(inside).unwrap_or_else(|_| ObjectPath::root()))
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_root()
    }

    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    pub(crate) fn join(&self, name: &str) -> Result<Self> {
        Self::parse(&format!("{}/{name}", self.0.as_str()))
    }

    pub(crate) fn parent(&self) -> Option<Self> {
        self.0.parent().map(Self)
    }

    pub(crate) fn is_below(&self, folder: &Self) -> bool {
        self.0.strip_prefix(&folder.0).is_some_and(|rest| !rest.is_root())
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.as_str())
    }
}

/// A file that was found, ready to be read.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) size_bytes: u64,
    pub(crate) attributes: Attributes,
    /// The SHA-256 of the content, where it is known without reading it.
    pub(crate) sha256: Option<storage::Sha256Digest>,
    pub(crate) content: Content,
}

/// Where a file's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Object(ObjectPath),
    Growing(GrowingFile),
    /// Under way, and nothing of it can be had before its end.
    Uploading,
}

impl File {
    pub(crate) fn status(&self) -> Status {
        Status::file(self.size_bytes, self.attributes.clone())
    }

    /// The bytes of `range`, which must lie inside the file.
    pub(crate) async fn read(&self, store: &Store, range: Range<u64>) -> Result<ByteStream> {
        match &self.content {
            _ if range.is_empty() => Ok(futures::stream::empty().boxed()),
            Content::Uploading => Ok(futures::stream::empty().boxed()),
            Content::Object(path) => Ok(store.read_range(path, range).await?),
            Content::Growing(file) => {
                let length = range.end - range.start;
                Ok(crate::range::first_bytes(growing::read(store, file, range.start), length))
            }
        }
    }
}

/// One of the trees. Paths are relative to it.
///
/// A method that is given a path does not ask again whether something is there or may be there: [`crate::file_system`]
/// does that, once for all trees.
#[async_trait]
pub(crate) trait Tree: Send + Sync {
    /// The first part of the paths in it.
    fn name(&self) -> &'static str;

    /// Whether `path` is a folder that is always there, whatever is in it.
    fn is_fixed(&self, path: &ObjectPath) -> bool;

    /// Whether a file or folder of that name may be made.
    fn check(&self, path: &ObjectPath, folder: bool) -> Result<()>;

    /// The largest file that it takes.
    fn limit_bytes(&self) -> Option<u64>;

    async fn file(&self, path: &ObjectPath) -> Result<Option<File>>;

    /// What is known of a folder; `None` where there is none.
    async fn folder(&self, path: &ObjectPath) -> Result<Option<Attributes>>;

    /// What lies directly in a folder, sorted by name; nothing where there is none.
    async fn entries(&self, path: &ObjectPath) -> Result<Vec<Entry>>;

    /// Starts a file, in place of one that is there when `overwrite` is set.
    async fn create(&self, path: &ObjectPath, wish: &Wish, overwrite: bool) -> Result<Box<dyn Upload>>;

    /// Starts to write at the end of `file`.
    async fn append(&self, path: &ObjectPath, file: &File) -> Result<Box<dyn Upload>>;

    async fn make_folder(&self, path: &ObjectPath, wish: &Wish) -> Result<()>;

    /// Moves a file, over one that is there.
    async fn move_file(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()>;

    /// Moves a folder and all below it. Not at once: a crash leaves both in part, and nothing lost.
    async fn move_folder(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()>;

    async fn remove_file(&self, path: &ObjectPath) -> Result<()>;

    async fn remove_folder(&self, path: &ObjectPath) -> Result<()>;

    /// Sets what it can of permission, owner and times.
    async fn set(&self, path: &ObjectPath, wish: &Wish) -> Result<()>;
}

/// The bytes of `start`, in an upload, before anything else: what an append begins with.
pub(crate) async fn copy_into(upload: &mut dyn Upload, mut start: ByteStream) -> Result<()> {
    while let Some(bytes) = start.next().await {
        let bytes: Bytes = bytes?;
        upload.write(bytes).await?;
    }
    Ok(())
}
