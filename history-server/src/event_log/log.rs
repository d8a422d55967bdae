//! One event log.

use chrono::{DateTime, Utc};
use storage::growing::GrowingFile;
use storage::{ObjectMeta, ObjectPath};

use super::name;

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

impl LogFile {
    pub(crate) fn finished(meta: ObjectMeta) -> Self {
        let ObjectMeta { path, size_bytes, last_modified, e_tag } = meta;
        Self { path, size_bytes, last_modified, e_tag, growing: None }
    }

    pub(crate) fn growing(file: GrowingFile) -> Self {
        let last_modified = file.last_modified.unwrap_or_default();
        Self { path: file.path.clone(), size_bytes: file.size_bytes, last_modified, e_tag: None, growing: Some(file) }
    }
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
