//! What of the logs in the store is deleted, and when: nothing, unless told otherwise.
//!
//! An application goes as a whole: its containers' logs, its event logs, and what was made of them. Of containers whose
//! application is not known each goes by itself. What was written to a short time ago stays, whatever else is asked for, and
//! so does what has not finished, for twice the age: a collector that has a log which may go on writes its last object again before
//! half of the age is over, and so it stays for as long as its container runs. One collector of all looks at a time, by a lease.

mod remove;
mod survey;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use storage::{Lease, Store};

pub use remove::Removed;
use survey::{Group, Survey};

/// Which logs are deleted.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Those of applications that nothing was added to for this long; `None`: none for their age.
    pub max_age: Option<Duration>,
    /// The oldest, while all of them together have more bytes than this; `None`: none for their size.
    pub max_bytes: Option<u64>,
    /// The pause between two looks.
    pub interval: Duration,
    /// What was written to so short a time ago is taken to be written still, and stays.
    pub quiet: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_hours(1);
        Self { max_age: None, max_bytes: None, interval: HOUR, quiet: HOUR }
    }
}

impl Retention {
    /// Whether there is anything to do.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.max_age.is_none() && self.max_bytes.is_none()
    }

    /// How long a log that may go on may have nothing added to; then its last object is written again.
    pub(crate) fn longest_silence(&self) -> Option<Duration> {
        (!self.is_off()).then(|| self.kept_unfinished() / 4)
    }

    /// What was written to so long ago and has not finished never will.
    fn kept_unfinished(&self) -> Duration {
        self.max_age.unwrap_or(self.quiet).max(self.quiet) * 2
    }

    /// Looks once, and deletes what is to go. Holds a few hundred bytes for each container that has logs.
    ///
    /// # Errors
    /// A failure of the store: what was not deleted is the next time.
    pub async fn sweep(&self, store: &Store) -> storage::Result<Removed> {
        let now = Utc::now();
        let survey = Survey::take(store).await?;
        let mut removed = Removed::default();
        for group in self.choose(&survey.groups, now) {
            if self.is_kept_longer(store, group, now).await? {
                continue;
            }
            let gone = remove::group(store, group).await?;
            tracing::info!(logs = %group.name, objects = gone.objects, bytes = gone.bytes, "deleted logs for their age or for room");
            removed.groups += 1;
            removed.objects += gone.objects;
            removed.bytes += gone.bytes;
        }
        removed.objects += remove::dangling(store, &survey, before(now, self.quiet)).await?;
        Ok(removed)
    }

    /// The groups that are to go, oldest first.
    fn choose<'a>(&self, groups: &'a [Group], now: DateTime<Utc>) -> Vec<&'a Group> {
        let mut oldest: Vec<&Group> = groups.iter().filter(|group| group.newest < before(now, self.quiet)).collect();
        oldest.sort_by_key(|group| group.newest);
        let mut left: u64 = groups.iter().map(|group| group.bytes).sum();
        let mut chosen = Vec::new();
        for group in oldest {
            let is_old = self.max_age.is_some_and(|age| group.newest < before(now, age));
            let is_too_much = self.max_bytes.is_some_and(|most| left > most);
            if is_old || is_too_much {
                left -= group.bytes;
                chosen.push(group);
            }
        }
        chosen
    }

    /// Whether something of it may still be written: it has not finished, and is not so old that whoever wrote it is gone.
    async fn is_kept_longer(&self, store: &Store, group: &Group, now: DateTime<Utc>) -> storage::Result<bool> {
        if group.newest < before(now, self.kept_unfinished()) {
            return Ok(false);
        }
        Ok(!group.is_finished(store).await?)
    }

    /// Sweeps again and again, for as long as this is polled; errors are told and tried again.
    pub(crate) async fn run(self, store: Store) -> std::convert::Infallible {
        // Nothing is wrong with two at a time; most of the time there is one.
        let mut lease = Lease::new(store.clone(), "log-retention", self.interval * 2);
        // Those that write first: after a long outage of all collectors, what they go on with is older than it should be.
        tokio::time::sleep(self.interval.min(Duration::from_mins(5))).await;
        loop {
            match lease.take().await {
                Ok(true) => {
                    if let Err(error) = self.sweep(&store).await {
                        tracing::warn!(%error, "not all old logs could be deleted; trying again");
                    }
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the lease on old logs cannot be asked for; trying again"),
            }
            tokio::time::sleep(self.interval).await;
        }
    }
}

fn before(now: DateTime<Utc>, age: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(age).ok().and_then(|age| now.checked_sub_signed(age)).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
