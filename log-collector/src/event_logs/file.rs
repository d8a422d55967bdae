use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use storage::growing;
use storage::{Error, ObjectMeta, ObjectPath};
use tokio::time::Instant;

use crate::files;
use crate::metrics::{Metrics, Share};
use crate::ship::{Context, Stopped};

/// A part of this size is not written again.
const SEALED_BYTES: u64 = 1024 * 1024;
/// The most that one part holds.
const PART_BYTES: u64 = 2 * 1024 * 1024;
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
    lag: Share<'a>,
}

impl<'a> EventFile<'a> {
    /// Asks the store how far this file came, and goes on from there.
    pub(super) async fn recover(
        context: &'a Context,
        file: File,
        object: ObjectPath,
        growing: ObjectPath,
    ) -> Result<Self, Stopped> {
        let lag = Share::of(&context.metrics.lag_bytes);
        let (file, unshipped_since) = (Arc::new(file), None);
        let mut this =
            Self { context, file, object, growing, part_start: 0, shipped: 0, unshipped_since, is_shown: false, lag };
        let open = || async {
            match growing::open(&context.store, &this.growing).await {
                // A part that is missing cannot be had again but by starting anew.
                Err(Error::Corrupt { .. }) => Ok(Some(None)),
                other => other.map(|file| file.map(Some)),
            }
        };
        let found = context.retry.until_done("looking for an event log", &context.metrics.store_errors, open).await?;
        match found {
            Some(Some(parts)) if parts.size_bytes <= this.size_bytes() => {
                (this.shipped, this.is_shown) = (parts.size_bytes, true);
            }
            // Another file had this name before.
            Some(_) => this.remove_parts().await?,
            None => {}
        }
        this.part_start = this.shipped;
        Ok(this)
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
        let failures = &self.context.metrics.store_errors;
        let meta = self.context.retry.until_done("looking for an event log", failures, head).await?;
        Ok(meta.is_some_and(|meta| meta.size_bytes == self.size_bytes()))
    }

    /// Makes the file visible, even when nothing is in it yet.
    pub(super) async fn show(&mut self) -> Result<(), Stopped> {
        if self.is_shown {
            return Ok(());
        }
        let create = || growing::create(&self.context.store, &self.growing);
        let failures = &self.context.metrics.store_errors;
        self.context.retry.until_done("starting an event log", failures, create).await?;
        self.is_shown = true;
        Ok(())
    }

    /// Ships what has been added, if that is due or `now`. `false` when there is nothing more at present.
    pub(super) async fn ship_on(&mut self, now: bool) -> Result<bool, Stopped> {
        let size = self.size_bytes();
        self.lag.set(size.saturating_sub(self.shipped));
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
        let _slot = self.context.uploads.acquire().await;
        let end = size.min(self.part_start + PART_BYTES);
        let Some(bytes) = self.read(self.part_start, end).await else { return Ok(false) };
        let end = self.part_start + bytes.len() as u64;
        let append = || growing::append(&self.context.store, &self.growing, self.part_start, bytes.clone());
        let metrics = &self.context.metrics;
        self.context.retry.until_done("shipping an event log", &metrics.store_errors, append).await?;
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
        self.lag.set(size - end);
        Ok(true)
    }

    /// Makes it one object, then removes the parts. The file must not grow any more.
    pub(super) async fn complete(&mut self) -> Result<(), Stopped> {
        if self.shipped > 0 {
            // Should the local file go before the object is there, the parts have it all.
            while self.ship_on(true).await? {}
        }
        if !self.is_complete().await? {
            let failures = &self.context.metrics.store_errors;
            let _slot = self.context.uploads.acquire().await;
            let write = || self.write_object();
            self.context.retry.until_done("completing an event log", failures, write).await?;
            Metrics::add(&self.context.metrics.objects, 1);
            let size = self.size_bytes();
            Metrics::add(&self.context.metrics.written_bytes, size);
            Metrics::add(&self.context.metrics.shipped_bytes, size.saturating_sub(self.shipped));
            self.shipped = size;
        }
        self.remove_parts().await
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

    async fn remove_parts(&mut self) -> Result<(), Stopped> {
        let store = &self.context.store;
        let remove = || async {
            match growing::open(store, &self.growing).await {
                Ok(Some(file)) => growing::remove(store, &file).await,
                Ok(None) => Ok(()),
                Err(Error::Corrupt { .. }) => remove_all(store, &self.growing).await,
                Err(error) => Err(error),
            }
        };
        self.context.retry.until_done("removing an event log's parts", &self.context.metrics.store_errors, remove).await
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

async fn remove_all(store: &storage::Store, path: &ObjectPath) -> storage::Result<()> {
    let folder = path.parent().unwrap_or_else(ObjectPath::root).join(growing::FOLDER)?.join(path.name())?;
    let mut parts: Vec<ObjectMeta> = store.list(&folder).try_collect().await?;
    parts.sort_by(|a, b| b.path.cmp(&a.path));
    for part in parts {
        store.delete(&part.path).await?;
    }
    Ok(())
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
