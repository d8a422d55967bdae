mod upload;
mod writer;

use std::time::Duration;

use async_trait::async_trait;
use storage::growing::{self, GrowingFile};
use storage::{Key, ObjectMeta, ObjectPath, Store};
use tokio_util::task::TaskTracker;

use super::{Content, File, Tree, folders};
use crate::Result;
use crate::path::unescape;
use crate::status::{Attributes, Entry, Status, Wish};
use crate::upload::Upload;
use upload::{LogUpload, RewriteUpload, Writing};
use writer::Claim;

/// `/event-logs/…`: the objects lie as their paths say, so that anything that reads event logs can read the folder. One
/// that is still being written is a growing file: what has arrived of it is durable, and every replica shows it.
pub(crate) struct EventLogs {
    store: Store,
    writing: Writing,
}

impl EventLogs {
    /// Puts logs together on `behind`, which is waited for before the server ends.
    pub(crate) fn new(store: Store, flush_bytes: usize, flush_interval: Duration, behind: TaskTracker) -> Self {
        Self { store, writing: Writing { flush_bytes, flush_interval, behind } }
    }

    async fn object(&self, path: &ObjectPath) -> Result<Option<ObjectMeta>> {
        match self.store.head(&key(path)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn key(path: &ObjectPath) -> ObjectPath {
    Key::EventLog(path.clone()).path()
}

impl File {
    fn of_object(meta: ObjectMeta) -> Self {
        let attributes = Attributes::plain(0o660, meta.last_modified);
        Self {
            size_bytes: meta.size_bytes,
            attributes,
            sha256: None,
            content: Content::Object(meta.path),
            is_use_noted: true,
        }
    }

    fn of_growing(file: GrowingFile) -> Self {
        let attributes = Attributes::plain(0o660, file.last_modified.unwrap_or_else(chrono::Utc::now));
        Self {
            size_bytes: file.size_bytes,
            attributes,
            sha256: None,
            content: Content::Growing(file),
            is_use_noted: true,
        }
    }
}

#[async_trait]
impl Tree for EventLogs {
    fn name(&self) -> &'static str {
        "event-logs"
    }

    fn is_fixed(&self, path: &ObjectPath) -> bool {
        path.is_root()
    }

    fn check(&self, path: &ObjectPath, _: bool) -> Result<()> {
        folders::check_names(self.name(), path)
    }

    fn limit_bytes(&self) -> Option<u64> {
        None
    }

    async fn file(&self, path: &ObjectPath) -> Result<Option<File>> {
        if path.is_root() {
            return Ok(None);
        }
        // In this order: one that is put together meanwhile is there whole before its first part goes.
        let growing = growing::open(&self.store, &key(path)).await?;
        if let Some(meta) = self.object(path).await? {
            return Ok(Some(File::of_object(meta)));
        }
        Ok(growing.map(File::of_growing))
    }

    async fn folder(&self, path: &ObjectPath) -> Result<Option<Attributes>> {
        folders::find(&self.store, &key(path), |_| true).await
    }

    async fn entries(&self, path: &ObjectPath) -> Result<Vec<Entry>> {
        let folder = key(path);
        // In this order: one that is finished between the two is seen by either look, or by both.
        let growing = growing::list(&self.store, &folder).await?;
        let listing = self.store.list_folder(&folder).await?;
        let files = listing.objects.into_iter().map(|meta| (meta.path.clone(), File::of_object(meta).status()));
        // Of a file that is there twice, the finished one wins: it is put last.
        let files = growing.into_iter().map(|file| (file.path.clone(), File::of_growing(file).status())).chain(files);
        let folders = listing.folders.into_iter().map(|path| (path, Status::folder(Attributes::folder())));
        let all: std::collections::BTreeMap<_, _> = files.chain(folders).collect();
        let seen = all.into_iter().filter(|(path, _)| !folders::is_reserved(path.name()));
        Ok(seen.map(|(path, status)| Entry { name: unescape(path.name()), status }).collect())
    }

    async fn is_folder(&self, path: &ObjectPath) -> Result<bool> {
        folders::is_there(&self.store, &key(path), |_| true).await
    }

    async fn create(&self, path: &ObjectPath, _: &Wish, overwrite: bool) -> Result<Box<dyn Upload>> {
        let file = key(path);
        let claim = Claim::take(&self.store, &file).await?;
        if overwrite {
            // The finished one would hide the new one for as long as that grows.
            self.store.delete(&file).await?;
        }
        // Parts that an earlier writer left, of a log that was removed or that is replaced, would be read as this one's.
        if let Some(old) = growing::open(&self.store, &file).await? {
            growing::remove(&self.store, &old).await?;
        }
        growing::create(&self.store, &file).await?;
        Ok(Box::new(LogUpload::new(&self.store, &self.writing, file, claim)))
    }

    async fn replace(&self, path: &ObjectPath, _: &File) -> Result<Box<dyn Upload>> {
        let file = key(path);
        let claim = Claim::take(&self.store, &file).await?;
        Ok(Box::new(RewriteUpload::new(&self.store, file, claim)))
    }

    async fn make_folder(&self, path: &ObjectPath, wish: &Wish) -> Result<()> {
        folders::make(&self.store, &key(path), wish).await
    }

    async fn move_file(&self, from: &ObjectPath, to: &ObjectPath, _: bool) -> Result<()> {
        let (source, target) = (key(from), key(to));
        let (one, other) = (Claim::take(&self.store, &source).await?, Claim::take(&self.store, &target).await?);
        growing::finish(&self.store, &source).await?;
        // Parts under the new name would come to light when it is removed.
        if let Some(old) = growing::open(&self.store, &target).await? {
            growing::remove(&self.store, &old).await?;
        }
        self.store.copy(&source, &target).await?;
        self.store.delete(&source).await?;
        one.release().await?;
        other.release().await
    }

    async fn move_folder(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        writer::check_below(&self.store, &key(from)).await?;
        folders::rename(&self.store, &key(from), &key(to)).await
    }

    async fn remove_file(&self, path: &ObjectPath) -> Result<()> {
        let file = key(path);
        let claim = Claim::take(&self.store, &file).await?;
        let parts = growing::open(&self.store, &file).await?;
        self.store.delete(&file).await?;
        if let Some(parts) = parts {
            growing::remove(&self.store, &parts).await?;
        }
        claim.release().await
    }

    async fn remove_folder(&self, path: &ObjectPath) -> Result<()> {
        writer::check_below(&self.store, &key(path)).await?;
        folders::remove(&self.store, &key(path)).await
    }

    /// Of files the store keeps nothing but its own time; clients merely want not to fail.
    async fn set(&self, path: &ObjectPath, wish: &Wish) -> Result<()> {
        match path.is_root() || self.file(path).await?.is_some() {
            true => Ok(()),
            false => folders::make(&self.store, &key(path), wish).await,
        }
    }
}
