//! Replaying finished applications before anyone asks, one at a time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::History;
use crate::error::Error;
use crate::opened::OpenApplication;
use crate::tables::Identity;

/// How often it is looked whether another application has ended.
const PAUSE: Duration = Duration::from_secs(1);

impl History {
    /// Replays what scans find finished, and keeps it, until `stop`. Nothing of it stays in memory.
    pub(super) async fn replay_ahead(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let Some((app_id, attempt_id)) = self.inner.scanner.next_finished() else {
                stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                continue;
            };
            if let Err(error) = self.keep(&app_id, attempt_id.as_deref()).await {
                tracing::warn!(%app_id, error = &error as &dyn std::error::Error, "cannot replay an application ahead");
            }
        }
    }

    async fn keep(&self, app_id: &str, attempt_id: Option<&str>) -> Result<(), Error> {
        let known = self.known(app_id, attempt_id).await?;
        let (source, log) = self.find_log(&known).await?;
        if !log.complete || self.open_stored(app_id, &known, &log).await.is_some() {
            return Ok(());
        }
        let opened: OpenApplication = self.replay(app_id, &known, source, &log, None).await?;
        let identity = Identity::new(&log, &self.inner.config.replay);
        self.store_now(opened.into(), identity).await.map_err(|_| Error::ReplayFailed { log: log.name })
    }
}
