//! Tasks of stored applications that were read lately.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rows::StageKey;
use history_model::tasks::TaskTable;

/// Tables that are held for who asks again, of all applications together; the ones asked for longest ago go first. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RecentStages(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    applications: u64,
    /// The last one asked for comes first.
    held: Vec<Held>,
    bytes: u64,
}

#[derive(Debug)]
struct Held {
    application: u64,
    stage: StageKey,
    table: Arc<TaskTable>,
    bytes: u64,
}

/// How many tables are held at most, however small they are.
const MOST: usize = 1000;

impl RecentStages {
    /// Holds tables of so many bytes, and always the last one.
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self(Arc::new(Shared { limit_bytes, state: Mutex::default() }))
    }

    /// The share of one application, which goes with it.
    pub(super) fn of_application(&self) -> RecentOf {
        let mut state = self.state();
        state.applications += 1;
        RecentOf { recent: self.clone(), application: state.applications }
    }

    /// Bytes of memory that the tables take.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.state().bytes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tables of one application among all.
#[derive(Debug)]
pub(super) struct RecentOf {
    recent: RecentStages,
    application: u64,
}

impl RecentOf {
    pub(super) fn get(&self, stage: StageKey) -> Option<Arc<TaskTable>> {
        let mut state = self.recent.state();
        let at = state.held.iter().position(|held| held.application == self.application && held.stage == stage)?;
        state.held[..=at].rotate_right(1);
        Some(Arc::clone(&state.held[0].table))
    }

    pub(super) fn insert(&self, stage: StageKey, table: Arc<TaskTable>) {
        let bytes = (table.size_bytes() + table.accumulables.len() * 64) as u64;
        let mut state = self.recent.state();
        state.remove(|held| held.application == self.application && held.stage == stage);
        state.held.insert(0, Held { application: self.application, stage, table, bytes });
        state.bytes += bytes;
        while state.held.len() > 1 && (state.bytes > self.recent.0.limit_bytes || state.held.len() > MOST) {
            let Some(oldest) = state.held.pop() else { break };
            state.bytes -= oldest.bytes;
        }
    }
}

impl Drop for RecentOf {
    fn drop(&mut self) {
        self.recent.state().remove(|held| held.application == self.application);
    }
}

impl State {
    fn remove(&mut self, gone: impl Fn(&Held) -> bool) {
        self.held.retain(|held| !gone(held));
        self.bytes = self.held.iter().map(|held| held.bytes).sum();
    }
}
