//! How much may wait to be written.

/// What waits to be written may take this part of what applications may; what would take more is not kept, and replayed again.
const WAITING_SHARE: u64 = 4;

/// How much that is, in KiB.
pub(super) fn waiting_kib(cache_bytes: u64) -> usize {
    usize::try_from(cache_bytes / WAITING_SHARE / 1024).unwrap_or(usize::MAX).clamp(1, MOST_WAITING_KIB as usize)
}

/// What a semaphore can count.
const MOST_WAITING_KIB: u32 = u32::MAX >> 3;
