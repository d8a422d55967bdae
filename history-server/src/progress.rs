//! How far a load has come.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far the load of an application has come: how much of its event log was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the log's files that were read.
    pub read_bytes: u64,
    /// Of how many; 0 as long as nothing is read, because the log is looked for, waits for its turn, or was read before.
    pub total_bytes: u64,
}

/// The same, while it goes on. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    total: AtomicU64,
}

impl Meter {
    /// Says how much there is to be read.
    pub(crate) fn begin(&self, total_bytes: u64) {
        self.0.total.store(total_bytes, Ordering::Relaxed);
    }

    /// Counts what was read, or need not be.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn progress(&self) -> Progress {
        let total_bytes = self.0.total.load(Ordering::Relaxed);
        Progress { read_bytes: self.0.read.load(Ordering::Relaxed).min(total_bytes), total_bytes }
    }

    /// A reader of which all that is read is counted.
    pub(crate) fn measure(&self, reader: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        Box::new(Measured { reader, meter: self.clone() })
    }
}

struct Measured {
    reader: Box<dyn Read + Send>,
    meter: Meter,
}

impl Read for Measured {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(out)?;
        self.meter.add(read as u64);
        Ok(read)
    }
}
