use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use storage::{ObjectPath, Store};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Budget, Stopped, Uploads};
use crate::discover::Identities;
use crate::{Health, Metrics, lag};

/// A store that has answered nothing but failures for so long is away.
const AWAY: Duration = Duration::from_secs(1);

/// What all tasks share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) store: Store,
    /// The name of this collector, for others that write to the same store.
    pub(crate) writer: String,
    pub(crate) identities: Identities,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    pub(crate) budget: Budget,
    pub(crate) uploads: Uploads,
    /// How many read, parse and compress at a time.
    pub(crate) processors: Semaphore,
    /// How many log files of containers are open.
    pub(crate) open_files: Arc<AtomicU64>,
    /// Cancelled when everything that is there is to be shipped, and no more.
    pub(crate) stop: CancellationToken,
    pub(crate) settings: Settings,
}

/// What the tasks go by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) flush_interval: Duration,
    pub(crate) poll_interval: Duration,
    /// How long a pod waits for its labels before it is asked for by itself.
    pub(crate) identity_timeout: Duration,
    /// How long a file that was rotated away or deleted must have been quiet before it is taken as complete.
    pub(crate) rotation_grace: Duration,
    /// How long the reason why a container ended is waited for when its file is gone.
    pub(crate) end_timeout: Duration,
    /// How long the store may take for a request.
    pub(crate) request_timeout: Duration,
    /// A segment of this size is written, however new it is.
    pub(crate) segment_bytes: usize,
    /// A segment of this size is not written again.
    pub(crate) sealed_bytes: usize,
    /// A log that may go on is written again after so long, lest it be taken for one that nobody writes.
    pub(crate) longest_silence: Option<Duration>,
}

fn no_answer(late: tokio::time::error::Elapsed) -> storage::Error {
    storage::Error::Unavailable { path: ObjectPath::root(), source: Box::new(late) }
}

impl Context {
    /// The answer of the store to `call`, as often as it takes; it may hold `size_bytes` while it is under way.
    pub(crate) async fn ask<T, F>(&self, what: &str, size_bytes: usize, call: impl Fn() -> F) -> Result<T, Stopped>
    where
        F: Future<Output = storage::Result<T>>,
    {
        self.uploads.until_done(what, size_bytes, (&self.metrics, &self.health), call).await
    }

    /// As [`Context::ask`], for what is done in a moment: when it is not, that is a failure like any other.
    pub(crate) async fn ask_briefly<T, F>(
        &self,
        what: &str,
        size_bytes: usize,
        call: impl Fn() -> F,
    ) -> Result<T, Stopped>
    where
        F: Future<Output = storage::Result<T>>,
    {
        let limit = self.settings.request_timeout;
        let call = || {
            let answer = tokio::time::timeout(limit, call());
            async move { answer.await.unwrap_or_else(|late| Err(no_answer(late))) }
        };
        self.ask(what, size_bytes, call).await
    }

    /// Waits until there may be more to read.
    pub(crate) async fn pause(&self) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(self.settings.poll_interval) => {}
            () = self.stop.cancelled() => {}
        }
        if self.has_given_up() { Err(Stopped) } else { Ok(()) }
    }

    /// Leaves a log to another collector for a while: until that one should have shipped what there is, or has ended.
    pub(crate) async fn stand_back(&self) -> Result<(), Stopped> {
        const LEAST: Duration = Duration::from_secs(1);
        tokio::select! {
            () = tokio::time::sleep((self.settings.flush_interval * 4).max(LEAST)) => {}
            () = self.stop.cancelled() => {}
        }
        if self.has_given_up() { Err(Stopped) } else { Ok(()) }
    }

    /// Whether what has been read may have to wait for long: the store takes nothing, or too little.
    pub(crate) fn is_away(&self) -> bool {
        let longest = self.metrics.lags.of(lag::Source::Pods).longest;
        self.uploads.failing_for() >= AWAY || longest >= self.settings.flush_interval * 4 + AWAY
    }

    /// Whether there is no time left.
    pub(crate) fn has_given_up(&self) -> bool {
        self.uploads.give_up.is_cancelled()
    }
}
