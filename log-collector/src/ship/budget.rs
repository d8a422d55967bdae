use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The memory that all containers together may hold lines in.
///
/// It is a bound for reading on. When it is reached, those that hold most are asked to write what they hold and let go of
/// it, whether they are busy or idle; until they have, only such containers read on as hold next to nothing, so that all
/// of them get on however little there is.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: u64,
    used_bytes: AtomicU64,
    next: AtomicU64,
    holders: Mutex<HashMap<u64, Arc<Holder>>>,
}

#[derive(Debug, Default)]
struct Holder {
    bytes: AtomicU64,
    /// Whether it has been asked to let go.
    is_asked: AtomicBool,
}

/// What one container holds; counts no more when it is dropped.
#[derive(Debug)]
pub(crate) struct Holding<'a> {
    budget: &'a Budget,
    id: u64,
    holder: Arc<Holder>,
}

/// Whoever holds no more than this may read on in any case, and is not asked for it.
const LITTLE_BYTES: u64 = 64 * 1024;

impl Budget {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, used_bytes: AtomicU64::new(0), next: AtomicU64::new(0), holders: Mutex::default() }
    }

    /// A place for a container.
    pub(crate) fn hold(&self) -> Holding<'_> {
        let (id, holder) = (self.next.fetch_add(1, Ordering::Relaxed), Arc::<Holder>::default());
        self.holders.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&holder));
        Holding { budget: self, id, holder }
    }

    /// Whether more is held than may be.
    pub(super) fn is_exceeded(&self) -> bool {
        self.used_bytes.load(Ordering::Relaxed) > self.limit_bytes
    }

    /// Asks the largest to let go, so many of them as are too much.
    fn ask(&self) {
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut largest: Vec<_> =
            holders.values().map(|holder| (holder.bytes.load(Ordering::Relaxed), holder)).collect();
        largest.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let mut excess = self.used_bytes.load(Ordering::Relaxed).saturating_sub(self.limit_bytes);
        for (bytes, holder) in largest.into_iter().take_while(|(bytes, _)| *bytes > LITTLE_BYTES) {
            if excess == 0 {
                break;
            }
            holder.is_asked.store(true, Ordering::Relaxed);
            excess = excess.saturating_sub(bytes);
        }
    }
}

impl Holding<'_> {
    /// Says how much it holds now.
    pub(crate) fn set(&self, bytes: u64) {
        let before = self.holder.bytes.swap(bytes, Ordering::Relaxed);
        self.budget.used_bytes.fetch_add(bytes.wrapping_sub(before), Ordering::Relaxed);
        if bytes <= LITTLE_BYTES {
            self.holder.is_asked.store(false, Ordering::Relaxed);
        }
        if bytes > before && self.budget.is_exceeded() {
            self.budget.ask();
        }
    }

    /// Whether there is room for it to read on.
    pub(crate) fn may_grow(&self) -> bool {
        !self.budget.is_exceeded() || self.holder.bytes.load(Ordering::Relaxed) <= LITTLE_BYTES
    }

    /// Whether it should write what it holds and let go of it.
    pub(crate) fn is_asked(&self) -> bool {
        self.holder.is_asked.load(Ordering::Relaxed)
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.set(0);
        self.budget.holders.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_asked_and_the_small_read_on() {
        let budget = Budget::new(1_000_000);
        let (small, middle, large) = (budget.hold(), budget.hold(), budget.hold());
        small.set(1000);
        middle.set(300_000);
        large.set(600_000);
        assert!(small.may_grow() && large.may_grow() && !large.is_asked());
        large.set(900_000);
        assert!(large.is_asked() && !middle.is_asked() && !small.is_asked());
        assert!(small.may_grow() && !middle.may_grow() && !large.may_grow());
        large.set(0);
        assert!(!large.is_asked() && middle.may_grow());
        drop(middle);
        assert_eq!(budget.used_bytes.load(Ordering::Relaxed), 1000);
    }
}
