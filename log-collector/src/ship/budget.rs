use std::sync::atomic::{AtomicU64, Ordering};

/// The memory that all containers together may hold lines in.
///
/// It is a bound for reading on, not for what is held already: each container may always hold one chunk, so that all of
/// them get on however little there is.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, used_bytes: AtomicU64::new(0) }
    }

    /// Whether somebody should give memory back before reading on.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.used_bytes.load(Ordering::Relaxed) > self.limit_bytes
    }

    /// The number to take a share of.
    pub(crate) fn used(&self) -> &AtomicU64 {
        &self.used_bytes
    }
}
