//! See [`crate::CleanConfig`].

use std::sync::atomic::Ordering;

use chrono::Utc;
use storage::{Store, growing};

use super::History;
use crate::clean::CleanConfig;
use crate::error::Error;
use crate::event_log::{EventLog, LogFile, find};
use crate::listing::Doomed;
use crate::tables::Folder;

impl History {
    /// Deletes what is too old or too much, as configured; how many logs that were. Nothing without a configuration.
    ///
    /// A failure of a store is logged, and what it concerned is left for the next time.
    pub async fn clean(&self) -> usize {
        let Some(config) = &self.inner.config.clean else { return 0 };
        let max_age_millis = i64::try_from(config.max_age.as_millis()).unwrap_or(i64::MAX);
        let oldest_millis = Utc::now().timestamp_millis().saturating_sub(max_age_millis);
        let CleanConfig { max_logs, .. } = config;
        let mut deleted = 0;
        for doomed in self.inner.listing.doomed(oldest_millis, *max_logs) {
            match self.delete(&doomed).await {
                Ok(gone) => deleted += usize::from(gone),
                Err(error) => {
                    tracing::warn!(log = %doomed.log, error = &error as &dyn std::error::Error, "cannot delete an event log");
                }
            }
        }
        self.inner.counts.cleaned.fetch_add(deleted as u64, Ordering::Relaxed);
        deleted
    }

    /// Removes what was kept of applications whose logs were deleted by others. A failure of the store is logged, and what it concerned
    /// stays.
    pub(super) async fn remove_orphans(&self) {
        let Some(store) = &self.inner.config.store else { return };
        for (app_id, attempt_id) in self.inner.scanner.take_orphans() {
            // It may be there again, under another name.
            if self.inner.listing.rows().has_attempt(&app_id, attempt_id.as_deref()) {
                continue;
            }
            let removed = match Folder::new(&app_id, attempt_id.as_deref()) {
                Ok(folder) => folder.remove(store).await,
                Err(error) => Err(error),
            };
            if let Err(error) = removed {
                tracing::warn!(%app_id, error = &error as &dyn std::error::Error, "cannot remove what was kept of a deleted log");
            }
        }
    }

    async fn delete(&self, doomed: &Doomed) -> Result<bool, Error> {
        let Some(source) = self.inner.config.event_logs.get(usize::from(doomed.source)) else { return Ok(false) };
        if let Some(log) = find::by_name(source, &doomed.log).await? {
            if log.fingerprint() != doomed.fingerprint {
                // It has changed since it was judged.
                return Ok(false);
            }
            tracing::info!(log = %doomed.log, source = %source.full_path, "deleting an old event log");
            delete_files(&source.store, log).await?;
        }
        self.inner.listing.rows_mut().remove(doomed.source, &doomed.log);
        self.inner.scanner.figures.changes.fetch_add(1, Ordering::Relaxed);
        self.inner.cache.remove(&(doomed.source, doomed.log.clone()));
        if let (Some(store), Some(app_id)) = (&self.inner.config.store, &doomed.app_id) {
            Folder::new(app_id, doomed.attempt_id.as_deref())?.remove(store).await?;
        }
        Ok(true)
    }
}

async fn delete_files(store: &Store, log: EventLog) -> storage::Result<()> {
    // First the marker of a rolling log: without it the folder is no log any more, whatever else is still there.
    for file in log.others.into_iter().chain(log.files) {
        match file {
            LogFile { growing: Some(growing), .. } => growing::remove(store, &growing).await?,
            LogFile { path, .. } => store.delete(&path).await?,
        }
    }
    Ok(())
}
