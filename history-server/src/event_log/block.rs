use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whole lines of a log, in order. The buffer is used again when the block is dropped.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    pool: Pool,
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        const POOLED: usize = 8;
        const POOLED_BYTES: usize = 2 * 1024 * 1024;
        let bytes = std::mem::take(&mut self.bytes);
        let mut pool = self.pool.buffers();
        if pool.len() < POOLED && bytes.capacity() <= POOLED_BYTES {
            pool.push(bytes);
        }
    }
}

/// Buffers that were used and can be again.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

impl Pool {
    fn buffers(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer, with whatever is in it.
    pub(super) fn take(&self) -> Vec<u8> {
        self.buffers().pop().unwrap_or_default()
    }

    /// A block of these bytes; the buffer comes back when it is dropped.
    pub(super) fn block(&self, bytes: Vec<u8>) -> Block {
        Block { bytes, pool: self.clone() }
    }
}
