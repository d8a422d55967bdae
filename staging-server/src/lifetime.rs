//! For how long an upload is kept.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use storage::ObjectPath;

use crate::resources::Resource;
use crate::tree::folders::NATIVE;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long uploads live, by the store's clock and the server's, whichever is later: clients' words do not count.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    /// How long one is kept that nobody has read.
    pub first_use: ByPath,
    /// How long one is kept since it was read last.
    pub since_use: ByPath,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { first_use: ByPath::of_all(Some(7 * DAY)), since_use: ByPath::of_all(Some(30 * DAY)) }
    }
}

/// A time for every path below `/staging`; `None` is for ever.
#[derive(Clone, Debug)]
pub struct ByPath {
    other: Option<Duration>,
    below: Vec<(ObjectPath, Option<Duration>)>,
}

impl ByPath {
    /// The same for every path.
    #[must_use]
    pub fn of_all(time: Option<Duration>) -> Self {
        Self { other: time, below: Vec::new() }
    }

    /// Another one for all below `path`, which begins with a namespace; the longest such path counts.
    #[must_use]
    pub fn with(mut self, path: ObjectPath, time: Option<Duration>) -> Self {
        self.below.push((path, time));
        self
    }

    pub(crate) fn of(&self, name: &ObjectPath) -> Option<Duration> {
        let fitting = self.below.iter().filter(|(path, _)| name.strip_prefix(path).is_some());
        fitting.max_by_key(|(path, _)| path.as_str().len()).map_or(self.other, |(_, time)| *time)
    }
}

impl Lifetimes {
    /// Why what is at `name` may go, written last at `written` by the store's clock; `None` while it has to stay.
    pub(crate) fn why_gone(
        &self,
        name: &ObjectPath,
        resource: &Resource,
        written: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Reason> {
        let name = &place(name, resource);
        // What an older Hearth took in may have been read without a note of it.
        let is_unused = resource.used.is_none() && resource.uploaded.is_some();
        let (time, reason) = match is_unused {
            true => (self.first_use.of(name)?, Reason::NeverUsed),
            false => (self.since_use.of(name)?, Reason::NotUsedAnyMore),
        };
        let since = [Some(written), resource.uploaded, resource.used].into_iter().flatten().max()?;
        let end = since.checked_add_signed(TimeDelta::from_std(time).ok()?)?;
        (end < now).then_some(reason)
    }

    /// Whether it is worth noting that somebody has read what is at `name`: the first time, and then a few times within its
    /// life.
    pub(crate) fn is_to_be_noted(&self, name: &ObjectPath, resource: &Resource, now: DateTime<Utc>) -> bool {
        let Some(used) = resource.used else { return true };
        let pause = self.since_use.of(&place(name, resource)).map(|time| (time / 8).min(DAY));
        let pause = pause.and_then(|pause| TimeDelta::from_std(pause).ok());
        pause.is_some_and(|pause| now.signed_duration_since(used) >= pause)
    }
}

/// The path whose time counts: of what has no path of a client's own, its namespace.
fn place(name: &ObjectPath, resource: &Resource) -> ObjectPath {
    let namespace = match &resource.bundle {
        Some(bundle) => Some(bundle.owner.namespace.as_str()),
        None => name.as_str().strip_prefix(NATIVE).and_then(|rest| rest.split('/').nth(1)),
    };
    namespace.and_then(|namespace| ObjectPath::parse(namespace).ok()).unwrap_or_else(|| name.clone())
}

/// Why an upload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    NeverUsed,
    NotUsedAnyMore,
    OwnerGone,
}

impl Reason {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NeverUsed => "nobody has read it in its time",
            Self::NotUsedAnyMore => "nobody has read it for its time",
            Self::OwnerGone => "the driver that it was for has been gone for its time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_counts() {
        let path = |text: &str| ObjectPath::parse(text).unwrap();
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        let times = ByPath::of_all(hours(1)).with(path("a"), hours(2)).with(path("a/keep"), None);
        let found = ["b/x", "a/x", "a/keep/x", "a/keeper", "ab/x"].map(|name| times.of(&path(name)));
        assert_eq!(found, [hours(1), hours(2), None, hours(2), hours(1)]);
    }
}
