//! Opened applications, and the loads that are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use crate::error::Error;
use crate::opened::OpenApplication;

/// A load that any number of readers wait for. It goes on when they leave.
pub(crate) type Loading = Shared<BoxFuture<'static, Result<Arc<OpenApplication>, Error>>>;

/// A log: its source and its name.
pub(crate) type LogKey = (u16, String);

/// What is kept in memory, least recently used first out.
pub(crate) struct Cache {
    limit_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ready: HashMap<LogKey, Ready>,
    loading: HashMap<LogKey, Loading>,
    clock: u64,
    bytes: u64,
}

struct Ready {
    opened: Arc<OpenApplication>,
    used: u64,
}

/// What the cache has to say of a log.
pub(crate) enum Cached {
    Ready(Arc<OpenApplication>),
    Loading(Loading),
}

impl Cache {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is there if it is `good`, else the load that is under way, else one that is started now, with what is there
    /// to go on from.
    pub(crate) fn get_or_load(
        &self,
        key: &LogKey,
        good: impl FnOnce(&OpenApplication) -> bool,
        load: impl FnOnce(Option<Arc<OpenApplication>>) -> BoxFuture<'static, Result<Arc<OpenApplication>, Error>>,
    ) -> Cached {
        let mut state = self.state();
        state.clock += 1;
        let used = state.clock;
        let mut before = None;
        if let Some(ready) = state.ready.get_mut(key) {
            ready.used = used;
            if good(&ready.opened) {
                return Cached::Ready(Arc::clone(&ready.opened));
            }
            before = Some(Arc::clone(&ready.opened));
        }
        let loading = state.loading.entry(key.clone()).or_insert_with(|| load(before).shared());
        Cached::Loading(loading.clone())
    }

    /// Ends a load; what came of it is kept.
    pub(crate) fn loaded(&self, key: &LogKey, opened: Option<&Arc<OpenApplication>>) {
        let mut state = self.state();
        state.loading.remove(key);
        let Some(opened) = opened else { return };
        state.clock += 1;
        let ready = Ready { opened: Arc::clone(opened), used: state.clock };
        state.bytes += opened.size_bytes;
        if let Some(old) = state.ready.insert(key.clone(), ready) {
            state.bytes = state.bytes.saturating_sub(old.opened.size_bytes);
        }
        while state.bytes > self.limit_bytes && state.ready.len() > 1 {
            let oldest = state.ready.iter().min_by_key(|(_, ready)| ready.used).map(|(key, _)| key.clone());
            let Some(old) = oldest.and_then(|key| state.ready.remove(&key)) else { break };
            state.bytes = state.bytes.saturating_sub(old.opened.size_bytes);
        }
    }

    /// Forgets a log.
    pub(crate) fn remove(&self, key: &LogKey) {
        let mut state = self.state();
        if let Some(old) = state.ready.remove(key) {
            state.bytes = state.bytes.saturating_sub(old.opened.size_bytes);
        }
    }

    /// How many applications are held, how many bytes they take about, and how many loads are under way.
    pub(crate) fn figures(&self) -> (u64, u64, u64) {
        let state = self.state();
        (state.ready.len() as u64, state.bytes, state.loading.len() as u64)
    }
}
