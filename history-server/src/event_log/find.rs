//! Which event logs there are, by names alone, with the rules of Spark's own history server
//! (`EventLogFileReaders.scala`).
//!
//! A log is a file, or a folder `eventlog_v2_…` with at least one `events_…` file and one `appstatus…` file. Names that
//! begin with a dot and other folders are no logs. Of a rolling log, what lies before the newest `.compact` file is not
//! read, and a folder whose files leave a gap is refused. Files that are still growing ([`storage::growing`]) are found
//! beside the finished ones; the finished one wins.

mod assemble;
mod list;

use storage::Result;

use list::try_names;
pub(crate) use list::{Found, scan};

use super::{EventLog, LogSource, name};

/// The log of an application by the names that Spark gives to logs; for one that no scan has seen yet.
///
/// # Errors
/// A failure of the store.
pub async fn by_id(source: &LogSource, app_id: &str, attempt_id: Option<&str>) -> Result<Option<EventLog>> {
    try_names(source, &name::for_application(app_id, attempt_id)).await
}

/// One log by the name of its file or folder.
///
/// # Errors
/// A failure of the store.
pub async fn by_name(source: &LogSource, log: &str) -> Result<Option<EventLog>> {
    list::one(source, log).await
}
