//! The trees of files that clients see, each laid over its own keys in the store.

mod event_logs;
pub(crate) mod folders;
mod pod_templates;
mod staging;

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use storage::growing::{self, GrowingFile};
use storage::{ByteStream, ObjectPath, Store};

pub(crate) use event_logs::EventLogs;
pub(crate) use pod_templates::PodTemplates;
pub(crate) use staging::{
    BundleUpload, Bundles, DeclaredUpload, Manifest, Native, Resumable, StagedFiles, check_namespace,
};

use crate::Result;
use crate::status::{Attributes, Entry, Status, Wish};
use crate::upload::Upload;

/// A file that was found, ready to be read.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) size_bytes: u64,
    pub(crate) attributes: Attributes,
    /// The SHA-256 of the content, where it is known without reading it.
    pub(crate) sha256: Option<storage::Sha256Digest>,
    pub(crate) content: Content,
    /// Whether it need not be noted that somebody reads it.
    pub(crate) is_use_noted: bool,
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

    /// Notes that somebody reads a file.
    async fn note_use(&self, _: &ObjectPath) -> Result<()> {
        Ok(())
    }

    /// What is known of a folder; `None` where there is none.
    async fn folder(&self, path: &ObjectPath) -> Result<Option<Attributes>>;

    /// Whether there is a folder that is not always there.
    async fn is_folder(&self, path: &ObjectPath) -> Result<bool> {
        Ok(self.folder(path).await?.is_some())
    }

    /// Whether a file that is made without `overwrite` finds out by itself that one is there.
    fn takes_its_name(&self) -> bool {
        false
    }

    /// What lies directly in a folder, sorted by name; nothing where there is none.
    async fn entries(&self, path: &ObjectPath) -> Result<Vec<Entry>>;

    /// Starts a file, in place of one that is there when `overwrite` is set.
    async fn create(&self, path: &ObjectPath, wish: &Wish, overwrite: bool) -> Result<Box<dyn Upload>>;

    /// Starts to write other content for `file`, which keeps what else is known of it.
    async fn replace(&self, path: &ObjectPath, file: &File) -> Result<Box<dyn Upload>>;

    async fn make_folder(&self, path: &ObjectPath, wish: &Wish) -> Result<()>;

    /// Moves a file, over one that is there only when `overwrite` is set.
    async fn move_file(&self, from: &ObjectPath, to: &ObjectPath, overwrite: bool) -> Result<()>;

    /// Whether whoever moved a file from one to the other died in between, so that it is at both.
    async fn is_half_moved(&self, _: &ObjectPath, _: &ObjectPath) -> Result<bool> {
        Ok(false)
    }

    /// Moves a folder and all below it. Not at once: a crash leaves both in part, and nothing lost.
    async fn move_folder(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()>;

    async fn remove_file(&self, path: &ObjectPath) -> Result<()>;

    async fn remove_folder(&self, path: &ObjectPath) -> Result<()>;

    /// Sets what it can of permission, owner and times.
    async fn set(&self, path: &ObjectPath, wish: &Wish) -> Result<()>;
}

/// The bytes of a file, in an upload: what an append begins with.
pub(crate) async fn copy_into(upload: &mut dyn Upload, mut start: ByteStream) -> Result<()> {
    while let Some(bytes) = start.next().await {
        let bytes: Bytes = bytes?;
        upload.write(bytes).await?;
    }
    Ok(())
}
