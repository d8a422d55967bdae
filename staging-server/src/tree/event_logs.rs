use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use storage::growing::{self, GrowingFile};
use storage::{Key, ObjectMeta, ObjectPath, Store};
use tokio::time::Instant;

use super::{Content, File, FilePath, Tree, copy_into, folders};
use crate::status::{Attributes, Entry, Status, Wish};
use crate::upload::Upload;
use crate::{Error, Result};

/// `/event-logs/…`: the objects lie as their paths say, so that anything that reads event logs can read the folder. One
/// that is still being written is a growing file: what has arrived of it is durable, and every replica shows it.
pub(crate) struct EventLogs {
    store: Store,
    flush_bytes: usize,
    flush_interval: Duration,
    being_written: BeingWritten,
}

impl EventLogs {
    pub(crate) fn new(store: Store, flush_bytes: usize, flush_interval: Duration) -> Self {
        Self { store, flush_bytes, flush_interval, being_written: BeingWritten::default() }
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
        let attributes = Attributes::plain("660", meta.last_modified);
        Self { size_bytes: meta.size_bytes, attributes, sha256: None, content: Content::Object(meta.path) }
    }

    fn of_growing(file: GrowingFile) -> Self {
        let attributes = Attributes::plain("660", file.last_modified.unwrap_or_else(chrono::Utc::now));
        Self { size_bytes: file.size_bytes, attributes, sha256: None, content: Content::Growing(file) }
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
        if let Some(meta) = self.object(path).await? {
            return Ok(Some(File::of_object(meta)));
        }
        if let Some(growing) = growing::open(&self.store, &key(path)).await? {
            return Ok(Some(File::of_growing(growing)));
        }
        // It may have been finished between the two looks.
        Ok(self.object(path).await?.map(File::of_object))
    }

    async fn folder(&self, path: &ObjectPath) -> Result<Option<Attributes>> {
        folders::find(&self.store, &key(path)).await
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
        Ok(seen.map(|(path, status)| Entry { name: path.name().to_owned(), status }).collect())
    }

    async fn create(&self, path: &ObjectPath, _: &Wish, overwrite: bool) -> Result<Box<dyn Upload>> {
        let guard = self.being_written.enter(path)?;
        let file = key(path);
        if overwrite {
            // The finished one would hide the new one for as long as that grows.
            self.store.delete(&file).await?;
            if let Some(old) = growing::open(&self.store, &file).await? {
                growing::remove(&self.store, &old).await?;
            }
        }
        growing::create(&self.store, &file).await?;
        Ok(Box::new(LogUpload {
            store: self.store.clone(),
            file,
            start: 0,
            part: Vec::new(),
            flush_at: None,
            flush_bytes: self.flush_bytes,
            flush_interval: self.flush_interval,
            _guard: guard,
        }))
    }

    async fn append(&self, path: &ObjectPath, file: &File) -> Result<Box<dyn Upload>> {
        let guard = self.being_written.enter(path)?;
        let (store, object) = (self.store.clone(), key(path));
        let mut upload = AppendUpload { writer: store.writer(&object), store, object, _guard: guard };
        copy_into(&mut upload, file.read(&self.store, 0..file.size_bytes).await?).await?;
        Ok(Box::new(upload))
    }

    async fn make_folder(&self, path: &ObjectPath, wish: &Wish) -> Result<()> {
        folders::make(&self.store, &key(path), wish).await
    }

    async fn move_file(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        let _guards = (self.being_written.enter(from)?, self.being_written.enter(to)?);
        let (source, target) = (key(from), key(to));
        if self.object(from).await?.is_none() {
            growing::finish(&self.store, &source).await?;
        }
        self.store.copy(&source, &target).await?;
        Ok(self.store.delete(&source).await?)
    }

    async fn move_folder(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        self.being_written.check_below(from)?;
        folders::rename(&self.store, &key(from), &key(to)).await
    }

    async fn remove_file(&self, path: &ObjectPath) -> Result<()> {
        let _guard = self.being_written.enter(path)?;
        self.store.delete(&key(path)).await?;
        match growing::open(&self.store, &key(path)).await? {
            Some(parts) => Ok(growing::remove(&self.store, &parts).await?),
            None => Ok(()),
        }
    }

    async fn remove_folder(&self, path: &ObjectPath) -> Result<()> {
        self.being_written.check_below(path)?;
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

/// An event log on its way. Its last part is written again, longer, until it is full, so that a log that trickles in for
/// hours is still made of few parts.
struct LogUpload {
    store: Store,
    file: ObjectPath,
    /// Where the part begins that is being filled.
    start: u64,
    part: Vec<u8>,
    /// When the part must be written; `None` while the store has all of it.
    flush_at: Option<Instant>,
    flush_bytes: usize,
    flush_interval: Duration,
    _guard: Guard,
}

#[async_trait]
impl Upload for LogUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.part.extend_from_slice(&bytes);
        if self.part.len() < self.flush_bytes {
            self.flush_at.get_or_insert_with(|| Instant::now() + self.flush_interval);
            return Ok(());
        }
        let full = Bytes::from(std::mem::take(&mut self.part));
        let length = full.len() as u64;
        growing::append(&self.store, &self.file, self.start, full).await?;
        self.start += length;
        self.flush_at = None;
        Ok(())
    }

    fn flush_at(&self) -> Option<Instant> {
        self.flush_at
    }

    async fn flush(&mut self) -> Result<()> {
        if self.flush_at.is_some() {
            growing::append(&self.store, &self.file, self.start, Bytes::copy_from_slice(&self.part)).await?;
            self.flush_at = None;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush().await?;
        Ok(growing::finish(&self.store, &self.file).await?)
    }

    /// What has arrived stays: it is the log of an application that died.
    async fn abandon(self: Box<Self>) -> Result<()> {
        self.finish().await
    }
}

/// Bytes at the end of a log: they are seen when they are all there.
struct AppendUpload {
    store: Store,
    object: ObjectPath,
    writer: storage::BlobWriter,
    _guard: Guard,
}

#[async_trait]
impl Upload for AppendUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        Ok(self.writer.write(&bytes).await?)
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        let Self { store, object, writer, _guard } = *self;
        writer.finish().await?;
        match growing::open(&store, &object).await? {
            Some(parts) => Ok(growing::remove(&store, &parts).await?),
            None => Ok(()),
        }
    }

    async fn abandon(self: Box<Self>) -> Result<()> {
        Ok(self.writer.abort().await?)
    }
}

/// The logs that this process is writing. It keeps two requests of one replica from mixing their parts.
#[derive(Clone, Default)]
struct BeingWritten(Arc<Mutex<HashSet<ObjectPath>>>);

/// A place in [`BeingWritten`], free again when dropped.
struct Guard {
    all: BeingWritten,
    path: ObjectPath,
}

impl BeingWritten {
    fn enter(&self, path: &ObjectPath) -> Result<Guard> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone()) {
            true => Ok(Guard { all: self.clone(), path: path.clone() }),
            false => Err(Error::BeingWritten { path: FilePath::of("event-logs", path)?.to_string() }),
        }
    }

    fn check_below(&self, folder: &ObjectPath) -> Result<()> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter().find(|path| path.strip_prefix(folder).is_some()) {
            Some(path) => Err(Error::BeingWritten { path: FilePath::of("event-logs", path)?.to_string() }),
            None => Ok(()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}
