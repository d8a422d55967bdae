use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use storage::growing::{self, GrowingFile};
use storage::{Error, ObjectPath};
use tokio::time::Instant;

use crate::files;
use crate::lag::{Lag, Source};
use crate::metrics::Metrics;
use crate::ship::{Context, Stopped};

/// What Spark puts behind the name of a log that it still writes.
pub(super) const IN_PROGRESS: &str = ".inprogress";
/// A part of this size is not written again.
const SEALED_BYTES: u64 = 1024 * 1024;
/// The most that one part holds.
const PART_BYTES: u64 = 2 * 1024 * 1024;
/// Two files are taken as one if so many of their first bytes, and of their last when they have one size, are the same.
const IDENTITY_BYTES: u64 = 64 * 1024;
/// The mark of a log that ended without its end.
pub(super) const CUT: &str = "cut";
/// What an object in the making holds.
const WRITER_BYTES: usize = 40 * 1024 * 1024;
/// The larger the part that is written again and again, the more rarely that happens.
const SMALL_PART_BYTES: u64 = 64 * 1024;
const LONGEST_INTERVALS: u32 = 6;

/// One file of an event log on its way into the store, held open.
pub(super) struct EventFile<'a> {
    context: &'a Context,
    file: Arc<File>,
    /// Where it lies when it is complete.
    object: ObjectPath,
    /// Where its parts lie as long as it is not.
    growing: ObjectPath,
    /// Where the part starts that is written again with more in it.
    part_start: u64,
    /// How much is safe.
    shipped: u64,
    unshipped_since: Option<Instant>,
    /// Whether the store shows it as a file that grows.
    is_shown: bool,
    lag: Lag<'a>,
}

impl<'a> EventFile<'a> {
    /// Asks the store how far this file came, and goes on from there.
    pub(super) async fn recover(
        context: &'a Context,
        file: File,
        object: ObjectPath,
        growing: ObjectPath,
    ) -> Result<Self, Stopped> {
        let lag = context.metrics.lags.follow(Source::Events);
        let (file, unshipped_since) = (Arc::new(file), None);
        let mut this =
            Self { context, file, object, growing, part_start: 0, shipped: 0, unshipped_since, is_shown: false, lag };
        if let Some(parts) = this.find().await? {
            match parts.size_bytes <= this.size_bytes() && this.begins_with(&parts).await? {
                true => (this.shipped, this.is_shown) = (parts.size_bytes, true),
                // Another file had this name before: what there is of it is kept, beside.
                false => this.cut(Some(parts)).await?,
            }
        }
        this.part_start = this.shipped;
        Ok(this)
    }

    /// What the store has of this file while it grows. Parts behind a gap cannot be gone on with: they are removed.
    async fn find(&self) -> Result<Option<GrowingFile>, Stopped> {
        let context = self.context;
        let open = || growing::open(&context.store, &self.growing);
        let found = context.ask("looking for an event log", 0, open).await?;
        if found.as_ref().is_some_and(|file| file.is_broken) {
            self.remove_parts().await?;
            return Ok(None);
        }
        Ok(found)
    }

    /// Whether the file begins with what has arrived, as far as its first bytes tell. An event log's first lines name the
    /// application, and when it started.
    async fn begins_with(&self, parts: &GrowingFile) -> Result<bool, Stopped> {
        let length = parts.size_bytes.min(IDENTITY_BYTES);
        let read = || async {
            let mut stored = growing::read(&self.context.store, parts, 0);
            let mut first = Vec::new();
            while (first.len() as u64) < length
                && let Some(bytes) = stored.try_next().await?
            {
                first.extend_from_slice(&bytes);
            }
            Ok(first)
        };
        let stored = self.context.ask("comparing an event log", 0, read).await?;
        let local = self.read(0, length).await;
        Ok(local.is_some_and(|local| stored.starts_with(&local) && local.len() as u64 == length))
    }

    fn size_bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len())
    }

    pub(super) fn is_unlinked(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.nlink() == 0)
    }

    /// Whether `path` leads to this very file.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let inode = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
        std::fs::symlink_metadata(path).map(inode).ok() == self.file.metadata().map(inode).ok()
    }

    /// Whether the store has the complete file already.
    pub(super) async fn is_complete(&self) -> Result<bool, Stopped> {
        let head = || async {
            match self.context.store.head(&self.object).await {
                Err(error) if error.is_not_found() => Ok(None),
                other => other.map(Some),
            }
        };
        let meta = self.context.ask("looking for an event log", 0, head).await?;
        let size = self.size_bytes();
        if meta.is_none_or(|meta| meta.size_bytes != size) {
            return Ok(false);
        }
        // Two of one size, of one application started twice: their first and last lines differ.
        for range in [0..size.min(IDENTITY_BYTES), size.saturating_sub(IDENTITY_BYTES)..size] {
            let get = || self.context.store.get_range(&self.object, range.clone());
            let stored = self.context.ask("comparing an event log", 0, get).await?;
            if self.read(range.start, range.end).await.is_none_or(|local| local != stored) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes one object of all that has arrived, under the name of a log in progress: as such, Spark's history server opens
    /// a log that ends in the middle of a line. A mark beside it says that nothing will follow. `other`: it is another file
    /// than the local one, whose place is needed: it gets a name of its own.
    pub(super) async fn cut(&mut self, other: Option<GrowingFile>) -> Result<(), Stopped> {
        let is_other = other.is_some();
        let found = match other {
            Some(found) => Some(found),
            None => self.find().await?,
        };
        let Some(parts) = found.filter(|parts| parts.size_bytes > 0) else { return Ok(()) };
        let store = &self.context.store;
        let Some(target) = (if is_other { cut_name(&parts) } else { Some(self.growing.clone()) }) else {
            return self.remove_parts().await;
        };
        let write = || async {
            let mut writer = store.writer(&target);
            let mut bytes = growing::read(store, &parts, 0);
            while let Some(chunk) = bytes.try_next().await? {
                writer.write(&chunk).await?;
            }
            writer.finish().await?;
            store.put(&growing::note_path(&target, CUT)?, cut_note(Some(parts.size_bytes))).await
        };
        self.context.ask("keeping an event log that was cut", WRITER_BYTES, write).await?;
        Metrics::add(&self.context.metrics.objects, 2);
        tracing::info!(object.key = %target, size_bytes = parts.size_bytes, "an event log ended without its end");
        self.remove_parts().await
    }

    /// Makes the file visible, even when nothing is in it yet.
    pub(super) async fn show(&mut self) -> Result<(), Stopped> {
        if self.is_shown {
            return Ok(());
        }
        let create = || growing::create(&self.context.store, &self.growing);
        self.context.ask("starting an event log", 0, create).await?;
        self.is_shown = true;
        Ok(())
    }

    /// Ships what has been added, if that is due or `now`. `false` when there is nothing more at present.
    pub(super) async fn ship_on(&mut self, now: bool) -> Result<bool, Stopped> {
        let size = self.size_bytes();
        self.lag.set(size, self.shipped);
        if size <= self.shipped {
            return Ok(false);
        }
        let since = *self.unshipped_since.get_or_insert_with(Instant::now);
        let intervals = 1 + (self.shipped - self.part_start) / SMALL_PART_BYTES;
        let intervals = u32::try_from(intervals).unwrap_or(LONGEST_INTERVALS).min(LONGEST_INTERVALS);
        let is_due = since.elapsed() >= self.context.settings.flush_interval * intervals;
        if !(now || is_due || size - self.shipped >= SEALED_BYTES) {
            return Ok(false);
        }
        let end = size.min(self.part_start + PART_BYTES);
        let Some(bytes) = self.read(self.part_start, end).await else { return Ok(false) };
        let end = self.part_start + bytes.len() as u64;
        let append = || growing::append(&self.context.store, &self.growing, self.part_start, bytes.clone());
        let metrics = &self.context.metrics;
        self.context.ask("shipping an event log", bytes.len(), append).await?;
        let added = end.saturating_sub(self.shipped);
        Metrics::add(&metrics.read_bytes, added);
        Metrics::add(&metrics.shipped_bytes, added);
        Metrics::add(&metrics.written_bytes, bytes.len() as u64);
        Metrics::add(&metrics.objects, 1);
        self.shipped = end;
        self.unshipped_since = None;
        if end - self.part_start >= SEALED_BYTES {
            self.part_start = end;
        }
        self.lag.set(size, end);
        Ok(true)
    }

    /// Makes it one object, then removes the parts. The file must not grow any more.
    pub(super) async fn complete(&mut self) -> Result<(), Stopped> {
        if self.shipped > 0 {
            // Should the local file go before the object is there, the parts have it all.
            while self.ship_on(true).await? {}
        }
        if !self.is_complete().await? {
            let write = || self.write_object();
            self.context.ask("completing an event log", WRITER_BYTES, write).await?;
            Metrics::add(&self.context.metrics.objects, 1);
            let size = self.size_bytes();
            Metrics::add(&self.context.metrics.written_bytes, size);
            Metrics::add(&self.context.metrics.shipped_bytes, size.saturating_sub(self.shipped));
            self.shipped = size;
        }
        self.remove_parts().await?;
        self.forget_cut().await
    }

    /// Removes what an earlier file of this name left when it was cut.
    async fn forget_cut(&self) -> Result<(), Stopped> {
        let store = &self.context.store;
        let remove = || async {
            let mark = growing::note_path(&self.growing, CUT)?;
            if self.object == self.growing || store.head(&mark).await.is_err_and(|error| error.is_not_found()) {
                return Ok(());
            }
            store.delete(&self.growing).await?;
            store.delete(&mark).await
        };
        self.context.ask("looking for an event log", 0, remove).await
    }

    async fn write_object(&self) -> storage::Result<()> {
        let mut writer = self.context.store.writer(&self.object);
        let mut at = 0;
        loop {
            let Some(bytes) = self.read(at, at + PART_BYTES).await else {
                writer.abort().await?;
                let reason = "its local file cannot be read; look for a failing disk".to_owned();
                return Err(Error::Corrupt { path: self.object.clone(), reason });
            };
            if bytes.is_empty() {
                break;
            }
            at += bytes.len() as u64;
            writer.write(&bytes).await?;
        }
        writer.finish().await.map(drop)
    }

    async fn remove_parts(&self) -> Result<(), Stopped> {
        let remove = || remove_all(&self.context.store, &self.growing);
        self.context.ask("removing an event log's parts", 0, remove).await
    }

    /// Bytes of the local file, cut at its end; `None` (counted and told) when it cannot be read.
    async fn read(&self, start: u64, end: u64) -> Option<Bytes> {
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
            let mut filled = 0;
            while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match file.read_at(rest, start + filled as u64) {
                    Ok(0) => break,
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            bytes.truncate(filled);
            Ok(Bytes::from(bytes))
        });
        match read.await.map_err(io::Error::other).flatten() {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                Metrics::add(&self.context.metrics.read_errors, 1);
                tracing::warn!(%error, object.key = %self.object, "an event log cannot be read; trying again");
                None
            }
        }
    }
}

/// What the mark of a log that was cut says.
pub(super) fn cut_note(size_bytes: Option<u64>) -> String {
    serde_json::json!({ "format": 1, "sizeBytes": size_bytes }).to_string()
}

/// Removes the parts, backwards, so that what a crash leaves is still a run without a gap.
async fn remove_all(store: &storage::Store, path: &ObjectPath) -> storage::Result<()> {
    match growing::open(store, path).await? {
        Some(file) => growing::remove(store, &file).await,
        None => Ok(()),
    }
}

/// Where a log is kept whose name another one has taken: a name that Spark reads as one of a log in progress, with the codec.
fn cut_name(parts: &GrowingFile) -> Option<ObjectPath> {
    let name = parts.path.name();
    let (first, rest) = name.split_once('.').map_or((name, String::new()), |(first, rest)| (first, format!(".{rest}")));
    let time = parts.last_modified?.timestamp();
    parts.path.parent()?.join(&format!("{first}_cut-{time}{rest}")).ok()
}

/// Opens a file below the folder of event logs; `None` when it is not there (any more), or is none that may be read.
pub(super) async fn open(context: &Context, folder: &Path, path: &Path) -> Option<File> {
    let opened = {
        let (folder, path) = (folder.to_owned(), path.to_owned());
        let open = move || files::open_below(&folder, &path);
        tokio::task::spawn_blocking(open).await.map_err(io::Error::other).flatten()
    };
    match opened {
        Ok(file) => Some(file),
        Err(error) if files::is_nothing_below(&error) => None,
        Err(error) => {
            Metrics::add(&context.metrics.read_errors, 1);
            tracing::warn!(%error, file = %path.display(), "an event log cannot be opened; trying again");
            None
        }
    }
}
