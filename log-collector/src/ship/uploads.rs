use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use storage::Error;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Health;
use crate::metrics::Metrics;

/// There is no time left to try again. What was not shipped is still in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

/// How many requests are under way at a time.
const SLOTS: usize = 16;
/// How many bytes those that write hold at most, together; one alone may hold more.
const BYTES_UNDER_WAY: u32 = 8 * 1024 * 1024;
/// So many failures in passing, with no success between them, and the store counts as away: then it is asked by one at a time.
const AWAY_AFTER: u32 = 8;
/// A store that has been away for so long keeps the collector from its job.
const TROUBLE_AFTER: Duration = Duration::from_mins(1);

/// The way to the store: few requests at a time, each tried until it succeeds. A slot is held for an attempt, never for the
/// pause between two.
#[derive(Debug)]
pub(crate) struct Uploads {
    slots: Semaphore,
    bytes: Semaphore,
    /// Taken by who asks a store that is away.
    probe: Semaphore,
    failures: AtomicU32,
    failing_since: Mutex<Option<Instant>>,
    first_pause: Duration,
    longest_pause: Duration,
    /// Cancelled when there is no time left.
    pub(crate) give_up: CancellationToken,
}

const STORE: &str = "the object store";

impl Uploads {
    pub(crate) fn new(first_pause: Duration, longest_pause: Duration, give_up: CancellationToken) -> Self {
        Self {
            slots: Semaphore::new(SLOTS),
            bytes: Semaphore::new(BYTES_UNDER_WAY as usize),
            probe: Semaphore::new(1),
            failures: AtomicU32::new(0),
            failing_since: Mutex::default(),
            first_pause,
            longest_pause,
            give_up,
        }
    }

    /// The answer of `call`, as often as it takes. Each time it may hold `size_bytes` while it is under way.
    pub(crate) async fn until_done<T, F>(
        &self,
        what: &str,
        size_bytes: usize,
        (metrics, health): (&Metrics, &Health),
        call: impl Fn() -> F,
    ) -> Result<T, Stopped>
    where
        F: Future<Output = storage::Result<T>>,
    {
        let mut pause = self.first_pause;
        loop {
            let result = tokio::select! {
                result = self.attempt(size_bytes, &call) => result,
                () = self.give_up.cancelled() => return Err(Stopped),
            };
            let error = match result {
                Ok(answer) => {
                    self.succeeded(health);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            self.failed(&error, metrics, health);
            // Many fail at one time: they must not come again at one time.
            let wait = pause.mul_f64(0.5 + fraction() / 2.0);
            tracing::warn!(error = %Causes(&error), pause_ms = wait.as_millis(), "{what} failed; trying again");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.give_up.cancelled() => return Err(Stopped),
            }
            pause = (pause * 2).min(self.longest_pause);
        }
    }

    async fn attempt<T, F>(&self, size_bytes: usize, call: &impl Fn() -> F) -> storage::Result<T>
    where
        F: Future<Output = storage::Result<T>>,
    {
        let is_away = self.failures.load(Ordering::Relaxed) >= AWAY_AFTER;
        let _probe = if is_away { self.probe.acquire().await.ok() } else { None };
        let _slot = self.slots.acquire().await;
        let bytes = u32::try_from(size_bytes).unwrap_or(BYTES_UNDER_WAY).min(BYTES_UNDER_WAY);
        let _bytes = self.bytes.acquire_many(bytes).await;
        call().await
    }

    /// For how long it has answered nothing but failures.
    pub(crate) fn failing_for(&self) -> Duration {
        let since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn succeeded(&self, health: &Health) {
        self.failures.store(0, Ordering::Relaxed);
        if self.failing_since.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            health.clear(STORE);
        }
    }

    fn failed(&self, error: &Error, metrics: &Metrics, health: &Health) {
        Metrics::add(&metrics.store_errors, 1);
        // Refused is answered: a right that is missing in one folder says nothing of the others.
        if matches!(error, Error::Unavailable { .. }) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        } else {
            Metrics::add(&metrics.store_refusals, 1);
        }
        let mut since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.get_or_insert_with(Instant::now).elapsed() >= TROUBLE_AFTER {
            health.tell(STORE, format!("{STORE} has taken nothing for more than a minute"));
        }
    }
}

/// Anything from 0 to 1.
fn fraction() -> f64 {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    f64::from(nanos.wrapping_mul(2_654_435_769)) / f64::from(u32::MAX)
}

/// An error with everything that caused it.
struct Causes<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
