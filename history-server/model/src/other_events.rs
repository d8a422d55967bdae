//! Events that others than Spark have written, and those that Spark has and nobody here reads.

use std::sync::Arc;

/// An event as its line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherEvent {
    /// Its name: the class that it is of, mostly.
    pub name: Arc<str>,
    /// Its line in the log, from 1.
    pub line: u64,
    /// The whole line, which most likely is JSON.
    pub json: Arc<str>,
}

impl OtherEvent {
    /// Bytes of memory that it takes, about.
    pub fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.json.len() + 32
    }
}
