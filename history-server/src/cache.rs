//! Opened applications, and the loads that are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use crate::error::Error;
use crate::opened::OpenApplication;
use crate::progress::Meter;

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
    loading: HashMap<LogKey, Load>,
    clock: u64,
    bytes: u64,
}

struct Load {
    loading: Loading,
    meter: Meter,
    /// Whether somebody waits for what comes of it.
    wanted: bool,
    /// Whether it was started ahead of need: then it ends when what came of it has been stored.
    ahead: bool,
}

struct Ready {
    opened: Arc<OpenApplication>,
    used: u64,
}

/// What the cache has to say of a log.
pub(crate) enum Cached {
    Ready(Arc<OpenApplication>),
    Loading(Loading, Meter),
}

/// What came of a load ahead of need.
pub(crate) enum Ahead {
    /// There is nothing to do: the whole is here.
    There,
    /// Somebody loads it, as it is or as it was.
    UnderWay(Loading),
    Started(Loading),
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
        load: impl FnOnce(Option<Arc<OpenApplication>>, Meter) -> BoxFuture<'static, Result<Arc<OpenApplication>, Error>>,
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
        let start = || {
            let meter = Meter::default();
            Load { loading: load(before, meter.clone()).shared(), meter, wanted: true, ahead: false }
        };
        let load = state.loading.entry(key.clone()).or_insert_with(start);
        load.wanted = true;
        Cached::Loading(load.loading.clone(), load.meter.clone())
    }

    /// Starts a load that nobody waits for yet, and of which nothing is kept unless somebody does.
    pub(crate) fn load_ahead(
        &self,
        key: &LogKey,
        load: impl FnOnce(Meter) -> BoxFuture<'static, Result<Arc<OpenApplication>, Error>>,
    ) -> Ahead {
        let mut state = self.state();
        // Of a log that has grown since, what was read before it ended is no reason to leave it.
        if state.ready.get(key).is_some_and(|ready| ready.opened.complete) {
            return Ahead::There;
        }
        if let Some(load) = state.loading.get(key) {
            return Ahead::UnderWay(load.loading.clone());
        }
        let meter = Meter::default();
        let loading = load(meter.clone()).shared();
        state.loading.insert(key.clone(), Load { loading: loading.clone(), meter, wanted: false, ahead: true });
        Ahead::Started(loading)
    }

    /// Ends a load; what came of it is kept. One that was started ahead only ends here if nothing came of it.
    pub(crate) fn loaded(&self, key: &LogKey, opened: Option<&Arc<OpenApplication>>) {
        let goes_on = self.state().loading.get(key).is_some_and(|load| load.ahead) && opened.is_some();
        if !goes_on {
            self.end(key, opened);
        }
    }

    /// Ends a load; what came of it is kept if somebody wants it.
    pub(crate) fn end(&self, key: &LogKey, opened: Option<&Arc<OpenApplication>>) {
        let mut state = self.state();
        let wanted = state.loading.remove(key).is_some_and(|load| load.wanted);
        if let Some(opened) = opened.filter(|_| wanted) {
            self.insert(&mut state, key, opened);
        }
    }

    /// Puts another form of what is there in its place.
    pub(crate) fn replace(&self, key: &LogKey, opened: &Arc<OpenApplication>) {
        let mut state = self.state();
        if state.ready.contains_key(key) {
            self.insert(&mut state, key, opened);
        }
    }

    fn insert(&self, state: &mut State, key: &LogKey, opened: &Arc<OpenApplication>) {
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
