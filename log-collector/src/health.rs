use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Metrics;

/// A fault of this program is told of for so long.
const FAULT: Duration = Duration::from_mins(10);
/// What should look at its folder every second and has not for so long is stuck.
const STALE: Duration = Duration::from_mins(2);

/// Whether a collector does its job.
#[derive(Debug)]
pub struct Health {
    troubles: Mutex<BTreeMap<String, Trouble>>,
    /// When each part was seen at work last.
    beats: Mutex<BTreeMap<String, Instant>>,
    metrics: Arc<Metrics>,
    lag_limit: Duration,
}

#[derive(Debug)]
struct Trouble {
    text: String,
    until: Option<Instant>,
}

impl Health {
    pub(crate) fn new(metrics: Arc<Metrics>, lag_limit: Duration) -> Self {
        Self { troubles: Mutex::default(), beats: Mutex::default(), metrics, lag_limit }
    }

    /// What keeps the collector from its job now, a sentence for each; empty when nothing does.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        troubles.retain(|_, trouble| trouble.until.is_none_or(|until| until > now));
        let mut texts: Vec<_> = troubles.values().map(|trouble| trouble.text.clone()).collect();
        texts.extend(self.stuck(STALE));
        texts.extend(self.behind());
        texts
    }

    fn stuck(&self, limit: Duration) -> Vec<String> {
        let beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = beats.iter().filter(|(_, since)| since.elapsed() >= limit);
        stuck
            .map(|(part, since)| format!("{part} has not been looked at for {} s", since.elapsed().as_secs()))
            .collect()
    }

    fn behind(&self) -> Option<String> {
        let now = self.metrics.snapshot();
        let longest = now.pods_behind.longest.max(now.events_behind.longest);
        let bytes = now.pods_behind.bytes + now.events_behind.bytes;
        let text = || format!("{bytes} bytes of logs wait to be shipped, some for {} s", longest.as_secs());
        (longest > self.lag_limit).then(text)
    }

    /// Says that a part is at work, and will say so again; to be ended by [`Health::rests`].
    pub(crate) fn works(&self, part: &str) {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner).insert(part.to_owned(), Instant::now());
    }

    /// Says that a part has no more to do.
    pub(crate) fn rests(&self, part: &str) {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// Tells that `what` is in trouble until it is [`Health::clear`]ed.
    pub(crate) fn tell(&self, what: &str, text: String) {
        self.put(what, Trouble { text, until: None });
    }

    pub(crate) fn clear(&self, what: &str) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }

    /// Tells of a fault of this program, which has been worked around, for some time.
    pub(crate) fn fault(&self, what: &str) {
        let text = format!("the work on {what} broke off by a fault of this program, and began again");
        self.put("fault", Trouble { text, until: Some(Instant::now() + FAULT) });
    }

    fn put(&self, what: &str, trouble: Trouble) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned(), trouble);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_says_nothing_any_more_is_stuck_until_it_has_ended() {
        let health = Health::new(Arc::default(), Duration::MAX);
        health.works("the folder");
        assert!(health.troubles().is_empty());
        assert_eq!(health.stuck(Duration::ZERO), ["the folder has not been looked at for 0 s"]);
        health.rests("the folder");
        assert_eq!(health.stuck(Duration::ZERO), [""; 0]);
    }
}
