//! How far behind each log is: how many of its bytes are not safe in the store, and since when they could be.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What kind of log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A container's.
    Pods,
    /// Spark's.
    Events,
}

/// How far behind the logs of one kind are, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// How many logs are followed.
    pub logs: u64,
    /// Bytes in their files that are not safe in the store, together.
    pub bytes: u64,
    /// For how long the oldest of those bytes have been there, about.
    pub longest: Duration,
}

/// All logs that are followed now.
#[derive(Debug, Default)]
pub(crate) struct Lags {
    next: AtomicU64,
    logs: Mutex<HashMap<u64, One>>,
}

#[derive(Debug)]
struct One {
    source: Source,
    bytes: u64,
    /// Where the log ended when it was looked at, and when that was: as long as not all of that is safe.
    mark: Option<(u64, Instant)>,
}

/// One log's part; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Lag<'a> {
    lags: &'a Lags,
    id: u64,
}

impl Lags {
    pub(crate) fn follow(&self, source: Source) -> Lag<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, One { source, bytes: 0, mark: None });
        Lag { lags: self, id }
    }

    pub(crate) fn of(&self, source: Source) -> Behind {
        let logs = self.lock();
        logs.values().filter(|one| one.source == source).fold(Behind::default(), |sum, one| Behind {
            logs: sum.logs + 1,
            bytes: sum.bytes + one.bytes,
            longest: sum.longest.max(one.mark.map(|(_, since)| since.elapsed()).unwrap_or_default()),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, One>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lag<'_> {
    /// Says that the log ends at `end`, and is safe up to `safe`.
    pub(crate) fn set(&self, end: u64, safe: u64) {
        let mut logs = self.lags.lock();
        let Some(one) = logs.get_mut(&self.id) else { return };
        one.bytes = end.saturating_sub(safe);
        if one.mark.is_some_and(|(at, _)| safe >= at) {
            one.mark = None;
        }
        if one.mark.is_none() && end > safe {
            one.mark = Some((end, Instant::now()));
        }
    }
}

impl Drop for Lag<'_> {
    fn drop(&mut self) {
        self.lags.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_kept_up_with_is_not_behind_however_much_comes() {
        let lags = Lags::default();
        let (steady, stuck) = (lags.follow(Source::Pods), lags.follow(Source::Events));
        stuck.set(10, 0);
        let since = Instant::now();
        for round in 1..100 {
            // Never all of it is safe; what was there at the last look is.
            steady.set(round * 10, (round - 1) * 10);
            stuck.set(10 + round, 5);
        }
        let began = lags.lock().values().find(|one| one.source == Source::Pods).and_then(|one| one.mark);
        assert!(began.is_some_and(|(_, at)| at > since));
        let least = since.elapsed();
        assert!(lags.of(Source::Events).longest >= least);
        assert_eq!((lags.of(Source::Pods).bytes, lags.of(Source::Events).bytes), (10, 104));
        drop(stuck);
        assert_eq!(lags.of(Source::Events), Behind::default());
    }
}
