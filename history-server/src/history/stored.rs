//! Applications that were replayed before, here or elsewhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use super::History;
use super::waiting::waiting_kib;
use crate::event_log::{EventLog, Problem};
use crate::listing::Known;
use crate::log_url::LogUrlPattern;
use crate::opened::{OpenApplication, Replayed};
use crate::tables::{self, Content, Folder, Identity};

/// An application that takes more memory than this is held in its stored form once it has one.
const HELD_BYTES: u64 = 128 * 1024 * 1024;

impl History {
    /// The application as it was kept, if that is of this log as it is now.
    pub(super) async fn open_stored(&self, app_id: &str, known: &Known, log: &EventLog) -> Option<OpenApplication> {
        let store = self.inner.config.store.as_ref().filter(|_| log.complete)?;
        let attempt_id = known.attempt_id.as_deref();
        let identity = Identity::new(log, &self.inner.config.replay, &self.inner.config.redaction);
        // A model may be large, and is held as text while it is taken apart.
        let _permit = self.inner.stored_opens.acquire().await.ok()?;
        let loaded = match Folder::new(app_id, attempt_id) {
            Ok(folder) => tables::load(store, &folder, &identity, &self.inner.recent).await,
            Err(error) => Err(error),
        };
        match loaded {
            Ok(loaded) => {
                let loaded = loaded?;
                self.inner.counts.stored_opens.fetch_add(1, Ordering::Relaxed);
                Some(self.finish(OpenApplication::stored(app_id, attempt_id, log, loaded)))
            }
            Err(error) => {
                tracing::warn!(app.id = app_id, error = &error as &dyn std::error::Error, "cannot read what was kept");
                None
            }
        }
    }

    /// Adds what is not of the log alone: the configured links to executors' logs, and a word on other logs.
    pub(super) fn finish(&self, mut opened: OpenApplication) -> OpenApplication {
        for other in self.inner.listing.hidden_logs(&opened.app_id) {
            if other.attempt_id == opened.attempt_id {
                let message = "another event log of the same application and attempt; it is not shown".to_owned();
                opened.problems.push(Problem { file: other.log, message });
            }
        }
        let config = &self.inner.config;
        let ended = opened.model.attempt.as_ref().is_some_and(|attempt| attempt.end_time.is_some());
        match &config.executor_log_url {
            Some(pattern) if ended || config.executor_log_url_of_incomplete => {
                opened.with_links(&LogUrlPattern::new(pattern))
            }
            _ => opened,
        }
    }

    /// Keeps a replayed application, behind the backs of those who wait for it. Only a log that is complete is kept.
    pub(super) fn store_later(&self, known: &Known, log: EventLog, opened: &Arc<OpenApplication>) {
        let all = waiting_kib(self.inner.config.cache_bytes);
        let size = usize::try_from(opened.size_bytes / 1024).unwrap_or(usize::MAX).clamp(1, all);
        // One alone may be as large as it is.
        let Ok(size) = u32::try_from(size) else { return };
        let (history, known, opened) = (self.clone(), known.clone(), Arc::clone(opened));
        self.inner.tasks.spawn(async move {
            let Ok(_room) = history.inner.waiting.try_acquire_many(size) else {
                tracing::debug!(app.id = %opened.app_id, "too much waits to be written: an application is not kept");
                history.inner.counts.stored_skips.fetch_add(1, Ordering::Relaxed);
                return;
            };
            history.store(&known, &log, opened).await;
        });
    }

    /// Keeps a replayed application. Only a log that is complete is kept; a failure is logged.
    pub(super) async fn store(&self, known: &Known, log: &EventLog, opened: Arc<OpenApplication>) {
        if self.inner.config.store.is_none() || !log.complete || opened.faulty {
            return;
        }
        let identity = Identity::new(log, &self.inner.config.replay, &self.inner.config.redaction);
        let Ok(_permit) = self.inner.writes.acquire().await else { return };
        let large = opened.size_bytes > HELD_BYTES;
        let app_id = opened.app_id.clone();
        if let Err(error) = self.write(opened, identity).await {
            tracing::warn!(app.id = %app_id, error = &error as &dyn std::error::Error, "cannot keep an application");
        } else if large && let Some(stored) = self.open_stored(&app_id, known, log).await {
            self.inner.cache.replace(&(known.source, known.log.clone()), &Arc::new(stored));
        }
    }

    async fn write(&self, opened: Arc<OpenApplication>, identity: Identity) -> std::io::Result<()> {
        let Some(store) = self.inner.config.store.clone() else { return Ok(()) };
        let redaction = self.inner.config.redaction.clone();
        let runtime = Handle::current();
        let written = tokio::task::spawn_blocking(move || {
            let Some(Replayed { strings, stages, peaks, other_events }) = opened.in_memory() else { return Ok(()) };
            let attempt_id = opened.attempt_id.as_deref();
            let folder = Folder::new(&opened.app_id, attempt_id).map_err(std::io::Error::other)?;
            let content = Content {
                app_id: &opened.app_id,
                attempt_id,
                identity,
                model: &opened.model,
                problems: opened.file_problems(),
                logged_links: opened.logged_links(),
                redaction: &redaction,
                strings,
                stages,
                peaks,
                other_events,
            };
            tables::save(&store, &folder, &content, &runtime)
        });
        written.await.map_err(std::io::Error::other)??;
        self.inner.counts.stored_writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
