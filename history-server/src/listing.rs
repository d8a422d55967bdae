//! Which applications there are.
//!
//! The list is made from names, heads and tails of logs: what a log's start and end say, as Spark's own server lists it.
//! A scan asks each source for its names and reads only logs that are new or have changed; of one that merely grows
//! nothing is read. What is known is kept in the store ([`persist`]), so that a restart reads what changed meanwhile.

mod doomed;
mod failures;
mod filter;
mod order;
mod persist;
mod query;
mod read;
mod row;
mod rows;
mod scan;
mod sorted;
mod summary;
mod symbols;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::Utc;

pub(crate) use doomed::Doomed;
pub use failures::ScanFailure;
pub use filter::{Filter, Outcome, Sort};
pub(crate) use query::Found;
pub use query::Page;
use row::Listed;
use rows::Rows;
pub(crate) use scan::Scanner;

use crate::access::{AccessConfig, Viewer};
use crate::event_log::LogSource;
use history_model::types::ApplicationInfo;

/// The list, shared by those who ask and the one who scans.
pub(crate) struct Listing {
    rows: RwLock<Rows>,
    pub(crate) sources: Vec<LogSource>,
    pub(crate) access: AccessConfig,
}

/// One log of an attempt, as the list knows it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) source: u16,
    pub(crate) log: String,
    pub(crate) attempt_id: Option<String>,
}

impl Listing {
    pub(crate) fn new(sources: Vec<LogSource>, access: AccessConfig) -> Self {
        Self { rows: RwLock::default(), sources, access }
    }

    pub(crate) fn rows(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rows_mut(&self) -> RwLockWriteGuard<'_, Rows> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<T>(&self, question: impl FnOnce(query::Asked<'_>) -> T) -> T {
        let rows = self.rows();
        let now_millis = Utc::now().timestamp_millis();
        question(query::Asked { rows: &rows, sources: &self.sources, access: &self.access, now_millis })
    }

    pub(crate) fn page(&self, filter: &Filter) -> Page {
        self.ask(|asked| asked.page(filter))
    }

    pub(crate) fn find(&self, filter: &Filter) -> Found {
        self.ask(|asked| asked.find(filter))
    }

    /// An application, whoever asks.
    pub(crate) fn application(&self, app_id: &str) -> Option<ApplicationInfo> {
        self.ask(|asked| asked.application(app_id))
    }

    /// The logs of an application's attempts, newest first.
    pub(crate) fn logs(&self, app_id: &str) -> Vec<Known> {
        let rows = self.rows();
        let attempts = rows.attempts(app_id).into_iter().flatten();
        attempts.map(Known::of).collect()
    }

    /// Logs of the same attempts that are not shown.
    pub(crate) fn hidden_logs(&self, app_id: &str) -> Vec<Known> {
        self.rows().hidden_logs(app_id).map(Known::of).collect()
    }

    /// Whether `viewer` may see an attempt of an application; `None` when there is no such thing.
    pub(crate) fn allows(&self, viewer: &Viewer, app_id: &str, attempt_id: Option<&str>) -> Option<bool> {
        let rows = self.rows();
        let row = rows.attempts(app_id)?.find(|row| attempt_id.is_none() || row.attempt_id() == attempt_id)?;
        Some(self.access.allows(viewer, rows.symbols.get(row.user), rows.acls(row.acls)))
    }
}

impl Known {
    fn of(row: Listed<'_>) -> Self {
        Self { source: row.source, log: row.log().to_owned(), attempt_id: row.attempt_id().map(str::to_owned) }
    }
}

#[cfg(test)]
mod tests;
