use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// What one sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Uploads whose time was over.
    pub uploads: u64,
    /// Contents that nothing needed any more.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Empty folders.
    pub folders: u64,
    /// Objects that a crash had left behind.
    pub leftovers: u64,
}

/// What all sweeps of a process came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepTotals {
    /// Sweeps that came to their end.
    pub sweeps: u64,
    /// Those that did not.
    pub failures: u64,
    /// What was removed.
    pub removed: Swept,
    /// When the last one ended that came to its end.
    pub last: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub(super) struct Totals {
    sums: Mutex<SweepTotals>,
    /// Why nothing is removed.
    trouble: Mutex<Option<String>>,
}

impl Totals {
    fn lock(&self) -> MutexGuard<'_, SweepTotals> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes why nothing is removed, or that this is over; `true` when that is news.
    pub(super) fn set_trouble(&self, trouble: Option<String>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.is_some() != trouble.is_some();
        *known = trouble;
        is_news
    }

    pub(super) fn read(&self) -> SweepTotals {
        *self.lock()
    }

    pub(super) fn count_failure(&self) {
        self.lock().failures += 1;
    }

    /// Adds what a sweep removed, which came to its end at `ended` if it did.
    pub(super) fn add(&self, swept: &Swept, ended: Option<DateTime<Utc>>) {
        let mut all = self.lock();
        let sum = &mut all.removed;
        sum.uploads += swept.uploads;
        sum.blobs += swept.blobs;
        sum.bytes += swept.bytes;
        sum.folders += swept.folders;
        sum.leftovers += swept.leftovers;
        if ended.is_some() {
            all.sweeps += 1;
            all.last = ended;
        }
    }
}
