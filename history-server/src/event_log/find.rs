//! Which event logs there are, by names alone, with the rules of Spark's own history server
//! (`EventLogFileReaders.scala`).
//!
//! A log is a file, or a folder `eventlog_v2_…` with at least one `events_…` file and one `appstatus…` file. Names that
//! begin with a dot and other folders are no logs. Of a rolling log, what lies before the newest `.compact` file is not
//! read, and a folder whose files leave a gap is refused. Files that are still growing ([`storage::growing`]) are found
//! beside the finished ones; the finished one wins.

mod assemble;
mod list;

use chrono::{DateTime, Utc};
use storage::growing::GrowingFile;
use storage::{ObjectPath, Result};

use list::try_names;
pub(crate) use list::{Found, scan};

use super::{LogSource, name};

/// One event log: the files that make it, in the order in which they are read.
#[derive(Clone, Debug)]
pub struct EventLog {
    /// The name of its file or folder.
    pub name: String,
    /// Whether it is a folder of files.
    pub rolling: bool,
    /// Whether its name says that nothing will be added to it.
    pub complete: bool,
    /// What is read; never empty.
    pub files: Vec<LogFile>,
    /// Of a rolling log, the files that are not read: the status marker, and what a compaction made redundant.
    pub others: Vec<LogFile>,
}

/// A file of an event log, at the length at which it was found.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// Where it is in its source's store.
    pub path: ObjectPath,
    /// Its length.
    pub size_bytes: u64,
    /// When it was written last.
    pub last_modified: DateTime<Utc>,
    /// What changes with its content, where the store has such a thing.
    pub e_tag: Option<String>,
    /// Its parts, while it is still growing in a store that cannot append.
    pub growing: Option<GrowingFile>,
}

impl EventLog {
    /// When the newest file was written last.
    #[must_use]
    pub fn last_modified(&self) -> DateTime<Utc> {
        self.files.last().map(|file| file.last_modified).unwrap_or_default()
    }

    /// The length of all that is read.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The index of a rolling log's newest file.
    #[must_use]
    pub fn last_index(&self) -> Option<u64> {
        let last = self.files.last().filter(|_| self.rolling)?;
        match name::RollingFile::parse(last.path.name()) {
            Some(name::RollingFile::Events { index, .. }) => Some(index),
            _ => None,
        }
    }

    /// A number that changes when the log does: names, lengths, times, tags, completion. The same in every process.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        hash.bytes(&[u8::from(self.complete)]);
        for file in &self.files {
            hash.bytes(file.path.as_str().as_bytes());
            hash.bytes(&file.size_bytes.to_le_bytes());
            // A store's list and its answer on one object may give times in different precision, but one tag.
            match &file.e_tag {
                Some(tag) => hash.bytes(tag.as_bytes()),
                None => hash.bytes(&file.last_modified.timestamp_millis().to_le_bytes()),
            }
        }
        hash.0
    }
}

/// FNV-1a: persisted, so it must never change; the standard library promises nothing of the kind.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().copied().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

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
