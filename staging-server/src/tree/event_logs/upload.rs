use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use storage::{BlobWriter, ObjectPath, Store, growing};
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::writer::Claim;
use crate::upload::Upload;
use crate::{Error, Result};

/// What is held of a log that the store does not take at the moment; then its client has to wait.
const HELD_BYTES: usize = 8 << 20;

/// How long to wait between two tries, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(15);

/// How logs are written.
#[derive(Clone)]
pub(super) struct Writing {
    /// After how many bytes what has arrived goes to the store, and after how long at most.
    pub(super) flush_bytes: usize,
    pub(super) flush_interval: Duration,
    /// What goes on behind an answer.
    pub(super) behind: TaskTracker,
}

/// An event log on its way. Its last part is written again, longer, until it is full, so that a log that trickles in for
/// hours is still made of few parts.
///
/// A store that fails ends no log: what has arrived is held, up to [`HELD_BYTES`], and then nothing more is read, for as long
/// as it takes. When the client has ended, it is answered as soon as all parts are durable; that they become one object goes
/// on behind.
pub(super) struct LogUpload {
    store: Store,
    file: ObjectPath,
    /// Where the part begins that is being filled.
    start: u64,
    part: Vec<u8>,
    /// How much of the part the store has.
    stored: usize,
    /// When the part must be written; `None` while the store has all of it.
    flush_at: Option<Instant>,
    /// How long to wait after the next failure.
    wait: Duration,
    writing: Writing,
    claim: Claim,
}

impl LogUpload {
    pub(super) fn new(store: &Store, writing: &Writing, file: ObjectPath, claim: Claim) -> Self {
        Self {
            store: store.clone(),
            file,
            start: 0,
            part: Vec::new(),
            stored: 0,
            flush_at: None,
            wait: FIRST_WAIT,
            writing: writing.clone(),
            claim,
        }
    }

    /// Writes what the store does not have; on failure all of it is still held.
    async fn store_part(&mut self) -> Result<()> {
        if Instant::now() >= self.claim.next_beat {
            self.claim.beat().await?;
        }
        if self.stored < self.part.len() {
            growing::append(&self.store, &self.file, self.start, Bytes::copy_from_slice(&self.part)).await?;
            self.stored = self.part.len();
        }
        if self.part.len() >= self.writing.flush_bytes {
            self.start += self.part.len() as u64;
            self.part.clear();
            self.stored = 0;
        }
        self.flush_at = None;
        self.wait = FIRST_WAIT;
        Ok(())
    }

    /// As [`LogUpload::store_part`]; a store that fails is asked again later.
    async fn try_to_store(&mut self) -> Result<()> {
        match self.store_part().await {
            Err(error) if is_the_stores(&error) => {
                let path = self.file.as_str();
                tracing::warn!(
                    path,
                    held_bytes = self.part.len(),
                    error = &error as &dyn std::error::Error,
                    "the store does not take an event log: what arrives is held, and it is tried again"
                );
                self.flush_at = Some(Instant::now() + self.wait);
                self.wait = (self.wait * 2).min(LAST_WAIT);
                Ok(())
            }
            stored => stored,
        }
    }

    /// One part is as soon put in its place as beside it.
    async fn finish_small(mut self) -> Result<()> {
        loop {
            match self.store.put(&self.file, Bytes::copy_from_slice(&self.part)).await.map_err(Error::from) {
                Ok(()) => break,
                Err(error) if is_the_stores(&error) => {
                    sleep(self.wait).await;
                    self.wait = (self.wait * 2).min(LAST_WAIT);
                    if Instant::now() >= self.claim.next_beat
                        && let Err(lost @ Error::BeingWritten { .. }) = self.claim.beat().await
                    {
                        return Err(lost);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        growing::finish(&self.store, &self.file).await?;
        self.claim.release().await
    }

    async fn store_all(&mut self) -> Result<()> {
        while self.stored < self.part.len() {
            self.try_to_store().await?;
            if let Some(at) = self.flush_at {
                tokio::time::sleep_until(at).await;
            }
        }
        Ok(())
    }
}

/// Whether the store is to blame, and so may be well again some time: also one that refuses or is full, once somebody has
/// seen to it. An event log is worth waiting for.
fn is_the_stores(error: &Error) -> bool {
    match error {
        Error::Store(error) => !matches!(error, storage::Error::InvalidPath { .. } | storage::Error::Corrupt { .. }),
        _ => false,
    }
}

#[async_trait]
impl Upload for LogUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.part.extend_from_slice(&bytes);
        let is_failing = self.wait > FIRST_WAIT;
        if self.part.len() >= self.writing.flush_bytes && !is_failing {
            self.try_to_store().await?;
        }
        while self.part.len() >= HELD_BYTES.max(self.writing.flush_bytes) {
            let wait = self.flush_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
            sleep(wait).await;
            self.try_to_store().await?;
        }
        if !self.part.is_empty() && self.stored < self.part.len() {
            self.flush_at.get_or_insert_with(|| Instant::now() + self.writing.flush_interval);
        }
        Ok(())
    }

    fn flush_at(&self) -> Option<Instant> {
        Some(self.flush_at.map_or(self.claim.next_beat, |at| at.min(self.claim.next_beat)))
    }

    async fn flush(&mut self) -> Result<()> {
        self.try_to_store().await
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        if self.start == 0 {
            return self.finish_small().await;
        }
        self.store_all().await?;
        self.claim.end_soon().await?;
        let Self { store, file, claim, writing, .. } = *self;
        writing.behind.spawn(async move {
            if let Err(error) = put_together(&store, &file, claim).await {
                let path = file.as_str();
                tracing::warn!(
                    path,
                    error = &error as &dyn std::error::Error,
                    "an event log stays in parts: it is read from them, and put together when it is renamed"
                );
            }
        });
        Ok(())
    }

    /// What has arrived stays: it is the log of an application that died.
    async fn abandon(self: Box<Self>) -> Result<()> {
        self.finish().await
    }
}

async fn put_together(store: &Store, file: &ObjectPath, claim: Claim) -> Result<()> {
    let finished = growing::finish(store, file).await;
    claim.release().await?;
    Ok(finished?)
}

/// Other bytes for a log: they are seen when they are all there.
pub(super) struct RewriteUpload {
    store: Store,
    object: ObjectPath,
    writer: BlobWriter,
    claim: Claim,
}

impl RewriteUpload {
    pub(super) fn new(store: &Store, object: ObjectPath, claim: Claim) -> Self {
        Self { writer: store.writer(&object), store: store.clone(), object, claim }
    }
}

#[async_trait]
impl Upload for RewriteUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        Ok(self.writer.write(&bytes).await?)
    }

    fn flush_at(&self) -> Option<Instant> {
        Some(self.claim.next_beat)
    }

    async fn flush(&mut self) -> Result<()> {
        self.claim.beat().await
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        let Self { store, object, writer, mut claim } = *self;
        claim.beat().await?;
        writer.finish().await?;
        if let Some(parts) = growing::open(&store, &object).await? {
            growing::remove(&store, &parts).await?;
        }
        claim.release().await
    }

    async fn abandon(self: Box<Self>) -> Result<()> {
        let Self { writer, claim, .. } = *self;
        writer.abort().await?;
        claim.release().await
    }
}
