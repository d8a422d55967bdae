//! What is written down, where that is limited.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::StageKey;
use crate::settings::Settings;

/// Things of one kind that are written down, the next to go first.
#[derive(Clone, Debug)]
pub(crate) struct Kept<K> {
    limit: usize,
    /// When each ended; `None` where it may not go.
    pub(crate) all: BTreeMap<K, Option<i64>>,
    oldest: BTreeSet<(i64, K)>,
}

impl<K: Ord + Clone> Kept<K> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, all: BTreeMap::new(), oldest: BTreeSet::new() }
    }

    /// Writes something down, for the first time or again.
    pub(crate) fn write(&mut self, key: K, ended: Option<i64>) {
        if let Some(Some(before)) = self.all.insert(key.clone(), ended) {
            self.oldest.remove(&(before, key.clone()));
        }
        if let Some(ended) = ended {
            self.oldest.insert((ended, key));
        }
    }

    /// Takes out so many, or as many as may go: those that ended first.
    pub(crate) fn take(&mut self, count: usize) -> Vec<K> {
        let taken: Vec<_> = std::iter::from_fn(|| self.oldest.pop_first()).take(count).map(|(_, key)| key).collect();
        for key in &taken {
            self.all.remove(key);
        }
        taken
    }

    /// How many there are beyond the limit.
    pub(crate) fn over(&self) -> usize {
        self.all.len().saturating_sub(self.limit)
    }

    /// How many of `count` Spark drops: a tenth of the limit at least, so that it has to do so less often.
    pub(crate) fn excess(&self, count: usize) -> usize {
        excess(count, self.limit)
    }
}

pub(crate) fn excess(count: usize, limit: usize) -> usize {
    if count > limit { (limit / 10).max(count - limit) } else { 0 }
}

/// The ended tasks of a stage attempt: rows of its table.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndedTasks {
    /// When each ended, its id, and its row.
    pub(crate) oldest: BinaryHeap<Reverse<(i64, i64, u32)>>,
    /// Rows that are gone, though still in the table.
    pub(crate) dropped: Vec<u32>,
}

/// What is written down of an application, where that is limited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retention {
    pub(crate) jobs: Option<Kept<i32>>,
    pub(crate) stages: Option<Kept<StageKey>>,
    pub(crate) executors: Option<Kept<String>>,
    pub(crate) tasks_of_stage: Option<usize>,
    pub(crate) tasks: BTreeMap<StageKey, EndedTasks>,
}

impl Retention {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            jobs: settings.retained_jobs.map(Kept::new),
            stages: settings.retained_stages.map(Kept::new),
            executors: settings.retained_dead_executors.map(Kept::new),
            tasks_of_stage: settings.retained_tasks,
            tasks: BTreeMap::new(),
        }
    }
}
