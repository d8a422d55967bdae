//! Which logs are to go.

use super::Listing;
use super::row::Listed;

/// A log that is to be deleted, as it was when that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doomed {
    pub(crate) source: u16,
    pub(crate) log: String,
    pub(crate) fingerprint: u64,
    pub(crate) app_id: Option<String>,
    pub(crate) attempt_id: Option<String>,
}

impl Doomed {
    fn of(row: Listed<'_>) -> Self {
        Self {
            source: row.source,
            log: row.log().to_owned(),
            fingerprint: row.fingerprint,
            app_id: row.app().map(str::to_owned),
            attempt_id: row.attempt_id().map(str::to_owned),
        }
    }
}

impl Listing {
    /// Logs that have not changed since `oldest_millis`; and of the others the oldest that have ended, as long as more than
    /// `max_logs` are left.
    pub(crate) fn doomed(&self, oldest_millis: i64, max_logs: usize) -> Vec<Doomed> {
        let rows = self.rows();
        // A log that says nothing counts from when it was seen first: it may not be one, or be still to come.
        let since = |row: &Listed<'_>| {
            if row.app().is_some() { row.modified_millis } else { row.found_millis.max(row.modified_millis) }
        };
        let (old, mut young): (Vec<Listed<'_>>, Vec<Listed<'_>>) =
            rows.iter().partition(|row| since(row) < oldest_millis);
        let excess = young.len().saturating_sub(max_logs);
        if excess > 0 {
            young.retain(|row| row.ended);
            young.sort_by_key(|row| row.updated_millis);
            young.truncate(excess);
        } else {
            young.clear();
        }
        old.into_iter().chain(young).map(Doomed::of).collect()
    }
}
