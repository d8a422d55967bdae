//! What can be asked of the list.

use crate::access::Viewer;
use history_model::types::ApplicationAttemptInfo;

/// What is asked of the list. The default asks for everything in Spark's order: latest end first.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Applications whose newest attempt has ended.
    pub completed: bool,
    /// Applications whose newest attempt has not.
    pub running: bool,
    /// On an attempt's start, in milliseconds since the epoch; both ends belong to it.
    pub start_millis: (i64, i64),
    /// On an attempt's end. Of running applications: they are left out when its latest moment has passed.
    pub end_millis: (i64, i64),
    /// So many of those that pass all filters are passed over.
    pub skip: usize,
    /// At most this many of the others.
    pub limit: usize,
    /// In the application's name, in any case.
    pub name: Option<String>,
    /// Exactly the user that ran it.
    pub user: Option<String>,
    /// Of any version of Spark that begins with this.
    pub spark_version: Option<String>,
    /// What became of an attempt; of any, when empty.
    pub outcome: Option<Outcome>,
    /// In the application's id, in any case.
    pub id: Option<String>,
    /// In name, user or id, in any case.
    pub search: Option<String>,
    /// In which order.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
    /// Behind the last application of a page: that page's [`next_cursor`](super::Page::next_cursor).
    pub cursor: Option<String>,
    /// Who asks; others' applications are left out.
    pub viewer: Viewer,
}

/// What became of an attempt, as far as its event log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its driver ended, and without an error if it says so: Spark does from 4.0 on.
    Completed,
    /// Its driver ended with an error.
    Failed,
    /// Its driver was told to end, or killed, by a signal.
    Killed,
    /// Its event log has no end, and grows.
    InProgress,
    /// Its event log has no end, and has not grown for an hour.
    Lost,
}

impl Outcome {
    /// An event log without an end that has not grown for so long belongs to a driver that is gone, it seems.
    const SILENT_MILLIS: i64 = 3_600_000;

    /// That of an attempt, at this moment.
    pub fn of(attempt: &ApplicationAttemptInfo, now_millis: i64) -> Self {
        Self::told(attempt.completed, attempt.exit_code, attempt.last_updated.0, now_millis)
    }

    pub(super) fn told(ended: bool, exit_code: Option<i32>, updated_millis: i64, now_millis: i64) -> Self {
        match (ended, exit_code.unwrap_or(0)) {
            (true, 0) => Self::Completed,
            // As a shell tells it: 128, and the number of the signal.
            (true, 130 | 137 | 143) => Self::Killed,
            (true, _) => Self::Failed,
            (false, _) if now_millis.saturating_sub(updated_millis) > Self::SILENT_MILLIS => Self::Lost,
            (false, _) => Self::InProgress,
        }
    }
}

/// What the list is sorted by; ties by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Latest end first; then those that run.
    #[default]
    End,
    /// Latest start first.
    Start,
    /// Longest first.
    Duration,
    /// Last changed first.
    Updated,
    /// By name, from A to Z.
    Name,
    /// By user, from A to Z.
    User,
    /// By id.
    Id,
}

impl Default for Filter {
    fn default() -> Self {
        // Spark's own bounds: 2010-01-01 to 3000-01-01.
        const ALWAYS: (i64, i64) = (1_262_304_000_000, 32_503_680_000_000);
        Self {
            completed: true,
            running: true,
            start_millis: ALWAYS,
            end_millis: ALWAYS,
            skip: 0,
            limit: usize::MAX,
            name: None,
            user: None,
            spark_version: None,
            outcome: None,
            id: None,
            search: None,
            sort: Sort::default(),
            reverse: false,
            cursor: None,
            viewer: Viewer::default(),
        }
    }
}
