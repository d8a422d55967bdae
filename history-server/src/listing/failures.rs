//! Which places of event logs cannot be listed, and since when.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Utc;

/// Why a place of event logs cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanFailure {
    /// Which one, as its URL.
    pub place: String,
    /// Since when, in milliseconds since the epoch.
    pub since_millis: i64,
    /// What the store said, as a sentence.
    pub reason: String,
    /// Whether it was listed before: what was known then is still shown.
    pub was_listed: bool,
}

/// How it stands with each source.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<Vec<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    was_listed: bool,
    /// Since when, and why.
    failing: Option<(i64, String)>,
}

impl Failures {
    pub(super) fn new(sources: usize) -> Self {
        Self(Mutex::new(vec![State::default(); sources]))
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn answered(&self, source: usize) {
        if let Some(state) = self.states().get_mut(source) {
            *state = State { was_listed: true, failing: None };
        }
    }

    pub(super) fn failed(&self, source: usize, error: &storage::Error) {
        if let Some(state) = self.states().get_mut(source) {
            let since_millis =
                state.failing.as_ref().map_or_else(|| Utc::now().timestamp_millis(), |(since, _)| *since);
            state.failing = Some((since_millis, error.to_string()));
        }
    }

    /// Whether a source could not be listed at the last scan.
    pub(super) fn any(&self) -> bool {
        self.states().iter().any(|state| state.failing.is_some())
    }

    /// Whether every source has been listed at least once.
    pub(crate) fn all_were_listed(&self) -> bool {
        self.states().iter().all(|state| state.was_listed)
    }

    /// What could not be listed at the last scan; `places` are the names of the sources.
    pub(crate) fn told<'a>(&self, places: impl Iterator<Item = &'a str>) -> Vec<ScanFailure> {
        let told = |(place, state): (&str, &State)| {
            let (since_millis, reason) = state.failing.clone()?;
            Some(ScanFailure { place: place.to_owned(), since_millis, reason, was_listed: state.was_listed })
        };
        places.zip(self.states().iter()).filter_map(told).collect()
    }
}
