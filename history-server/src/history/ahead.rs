//! Replaying finished applications before anyone asks, one at a time.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::CancellationToken;

use super::History;
use crate::cache::{Ahead, LogKey};
use crate::error::Error;

/// How often it is looked whether another application has ended.
const PAUSE: Duration = Duration::from_secs(1);

impl History {
    /// Replays what scans find finished no longer than `max_age` ago, and keeps it, until `stop`. Nothing of it stays in memory, but for
    /// who opens it meanwhile.
    pub(super) async fn replay_ahead(&self, max_age: Duration, stop: CancellationToken) {
        let max_age_millis = i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX);
        while !stop.is_cancelled() {
            let Some(next) = self.inner.scanner.next_finished() else {
                stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                continue;
            };
            if Utc::now().timestamp_millis().saturating_sub(next.modified_millis) > max_age_millis {
                continue;
            }
            if let Err(error) = self.keep(&next.app_id, next.attempt_id.as_deref()).await {
                let app_id = &next.app_id;
                tracing::warn!(%app_id, error = &error as &dyn std::error::Error, "cannot replay an application ahead");
            }
        }
    }

    async fn keep(&self, app_id: &str, attempt_id: Option<&str>) -> Result<(), Error> {
        let known = self.known(app_id, attempt_id).await?;
        let key: LogKey = (known.source, known.log.clone());
        // Stored here and not behind our back: only so many applications may wait for it.
        let start = |meter| self.start_load(app_id, &known, None, meter, false);
        let opened = loop {
            match self.inner.cache.load_ahead(&key, start) {
                Ahead::There => return Ok(()),
                // Perhaps of the log before its end: what comes of it is kept by who asked, or it is loaded again.
                Ahead::UnderWay(other) => drop(other.await),
                Ahead::Started(loading) => break loading.await?,
            }
        };
        // Until it is stored, who opens it is given what was replayed here.
        let found = self.find_log(&known).await;
        if let Ok((_, log)) = &found
            && opened.in_memory().is_some()
            && opened.fingerprint == log.fingerprint()
        {
            self.store(&known, log, Arc::clone(&opened)).await;
        }
        self.inner.cache.end(&key, Some(&opened));
        found.map(drop)
    }
}
