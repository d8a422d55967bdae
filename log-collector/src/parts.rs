//! Tasks that were started, and what each of them works on: one that breaks off is noticed, and its work begun again.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::time::{Duration, Instant};

use tokio::task::{Id, JoinError};

use crate::Metrics;
use crate::ship::Context;

/// Work that broke off is left alone for so long, lest it does nothing else.
const REST: Duration = Duration::from_secs(1);

/// What the tasks of a `JoinSet` work on.
#[derive(Debug)]
pub(crate) struct Running<K> {
    by_task: HashMap<Id, K>,
    works: HashSet<K>,
    broken: HashMap<K, Instant>,
}

impl<K> Default for Running<K> {
    fn default() -> Self {
        Self { by_task: HashMap::new(), works: HashSet::new(), broken: HashMap::new() }
    }
}

impl<K: Clone + Display + Eq + Hash> Running<K> {
    pub(crate) fn add(&mut self, task: Id, work: K) {
        self.works.insert(work.clone());
        self.by_task.insert(task, work);
    }

    /// Whether somebody works on it, or it broke off a moment ago.
    pub(crate) fn has(&mut self, work: &K) -> bool {
        self.broken.retain(|_, since| since.elapsed() < REST);
        self.works.contains(work) || self.broken.contains_key(work)
    }

    /// What a task that ended has worked on, and its result: none if it broke off, which is told and counted.
    pub(crate) fn take<T>(&mut self, ended: Result<(Id, T), JoinError>, context: &Context) -> Option<(K, Option<T>)> {
        let (task, result) = match ended {
            Ok((task, result)) => (task, Ok(result)),
            Err(error) => (error.id(), Err(error)),
        };
        let work = self.by_task.remove(&task)?;
        self.works.remove(&work);
        match result {
            Ok(result) => Some((work, Some(result))),
            Err(error) => {
                Metrics::add(&context.metrics.panics, 1);
                context.health.fault(&work.to_string());
                tracing::error!(%error, "the work on {work} broke off; beginning it again");
                self.broken.insert(work.clone(), Instant::now());
                Some((work, None))
            }
        }
    }
}
