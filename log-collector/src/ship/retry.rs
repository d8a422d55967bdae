use std::sync::atomic::AtomicU64;
use std::time::Duration;

use storage::{Error, Result};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// There is no time left to try again. What was not shipped is still in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

/// Tries again, for ever, with growing pauses: a store that fails costs time, never lines.
#[derive(Clone, Debug)]
pub(crate) struct Retry {
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
    /// Cancelled when there is no time left.
    pub(crate) give_up: CancellationToken,
}

impl Retry {
    /// The answer of `call`, as often as it takes. `failures` counts the others.
    pub(crate) async fn until_done<T, F>(
        &self,
        what: &str,
        failures: &AtomicU64,
        call: impl Fn() -> F,
    ) -> Result<T, Stopped>
    where
        F: Future<Output = Result<T>>,
    {
        let mut pause = self.first_pause;
        loop {
            let result = tokio::select! {
                result = call() => result,
                () = self.give_up.cancelled() => return Err(Stopped),
            };
            let error: Error = match result {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            Metrics::add(failures, 1);
            tracing::warn!(error = %Causes(&error), pause_ms = pause.as_millis(), "{what} failed; trying again");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.give_up.cancelled() => return Err(Stopped),
            }
            pause = (pause * 2).min(self.longest_pause);
        }
    }
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
