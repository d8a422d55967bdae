use std::sync::atomic::{AtomicU64, Ordering};

use crate::lag::{Behind, Lags, Source};

/// What a collector counts while it runs.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) read_bytes: AtomicU64,
    pub(crate) shipped_bytes: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) objects: AtomicU64,
    pub(crate) store_errors: AtomicU64,
    pub(crate) read_errors: AtomicU64,
    pub(crate) malformed_lines: AtomicU64,
    pub(crate) store_refusals: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) lost_bytes: AtomicU64,
    pub(crate) superseded: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) strangers: AtomicU64,
    pub(crate) undecided: AtomicU64,
    pub(crate) open_files: AtomicU64,
    pub(crate) unopened_files: AtomicU64,
    pub(crate) spilled_bytes: AtomicU64,
    pub(crate) unspilled_bytes: AtomicU64,
    pub(crate) containers: AtomicU64,
    pub(crate) lags: Lags,
    pub(crate) buffered_bytes: AtomicU64,
}

/// A collector's numbers at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Bytes of log files that were read.
    pub read_bytes: u64,
    /// Bytes of log files that are safe in the store. After a restart, only what came since.
    pub shipped_bytes: u64,
    /// Bytes that were sent to the store, compressed; a growing object counts each time.
    pub written_bytes: u64,
    /// How many times an object was written.
    pub objects: u64,
    /// Failures of the store, each of which was tried again.
    pub store_errors: u64,
    /// Log files or folders that could not be read; tried again as well.
    pub read_errors: u64,
    /// Lines that are not in the container runtime's format, shipped as they are.
    pub malformed_lines: u64,
    /// Those of them that no waiting mends: a right that is missing, a bucket that is not there.
    pub store_refusals: u64,
    /// How many times lines were gone before they could be read.
    pub gaps: u64,
    /// How large the files were that were gone, as far as that is known.
    pub lost_bytes: u64,
    /// Times that another collector was found to ship the same log, and was let go first.
    pub superseded: u64,
    /// How many times the work on one container or event log broke off by a fault of this program; each began again.
    pub panics: u64,
    /// Containers that were found to be none of Spark's, and left alone.
    pub strangers: u64,
    /// Containers that are held until it is known whose they are.
    pub undecided: u64,
    /// Log files of containers that are open.
    pub open_files: u64,
    /// Log files that wait to be opened: too many are open, or an error forbids it.
    pub unopened_files: u64,
    /// Bytes that lie in copies of log files, made while the store was away.
    pub spilled_bytes: u64,
    /// Bytes of those files that there was no room for.
    pub unspilled_bytes: u64,
    /// Containers and event logs that are followed now.
    pub containers: u64,
    /// Bytes that lie in log files and are not safe in the store yet.
    pub lag_bytes: u64,
    /// How far behind containers' logs are.
    pub pods_behind: Behind,
    /// How far behind event logs are.
    pub events_behind: Behind,
    /// Memory that holds lines.
    pub buffered_bytes: u64,
}

impl Metrics {
    /// The numbers now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let (pods_behind, events_behind) = (self.lags.of(Source::Pods), self.lags.of(Source::Events));
        let get = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Snapshot {
            read_bytes: get(&self.read_bytes),
            shipped_bytes: get(&self.shipped_bytes),
            written_bytes: get(&self.written_bytes),
            objects: get(&self.objects),
            store_errors: get(&self.store_errors),
            read_errors: get(&self.read_errors),
            malformed_lines: get(&self.malformed_lines),
            store_refusals: get(&self.store_refusals),
            gaps: get(&self.gaps),
            lost_bytes: get(&self.lost_bytes),
            superseded: get(&self.superseded),
            panics: get(&self.panics),
            strangers: get(&self.strangers),
            undecided: get(&self.undecided),
            open_files: get(&self.open_files),
            unopened_files: get(&self.unopened_files),
            spilled_bytes: get(&self.spilled_bytes),
            unspilled_bytes: get(&self.unspilled_bytes),
            containers: get(&self.containers),
            lag_bytes: pods_behind.bytes + events_behind.bytes,
            pods_behind,
            events_behind,
            buffered_bytes: get(&self.buffered_bytes),
        }
    }

    pub(crate) fn add(number: &AtomicU64, value: u64) {
        number.fetch_add(value, Ordering::Relaxed);
    }
}

/// One task's part of a number that goes up and down; takes its part away when the task ends.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    number: &'a AtomicU64,
    part: u64,
}

impl<'a> Share<'a> {
    pub(crate) fn of(number: &'a AtomicU64) -> Self {
        Self { number, part: 0 }
    }

    pub(crate) fn set(&mut self, part: u64) {
        self.number.fetch_add(part.wrapping_sub(self.part), Ordering::Relaxed);
        self.part = part;
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.set(0);
    }
}
