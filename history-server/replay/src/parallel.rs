//! A log read on several threads: each takes the next block, reads its events, and applies them when it is its turn. So one
//! thread may fetch or decompress while others read and one applies, and no one waits for a round to end.

use std::any::Any;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::event::Batch;

/// Cuts whole lines into pieces of whole lines, of about `piece_bytes`.
pub(crate) fn pieces(bytes: &[u8], piece_bytes: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let from = piece_bytes.min(rest.len());
        let end = memchr::memchr(b'\n', &rest[from..]).map_or(rest.len(), |at| from + at + 1);
        let (piece, others) = rest.split_at(end);
        rest = others;
        Some(piece)
    })
}

/// Where blocks come from; who holds it takes the next one.
struct Source<F> {
    next: F,
    taken: usize,
    ended: bool,
}

/// Where they go to, one after the other.
struct Target<F> {
    apply: F,
    applied: usize,
    /// What a thread panicked with: nothing is applied any more.
    panicked: Option<Box<dyn Any + Send>>,
}

struct Work<N, A> {
    source: Mutex<Source<N>>,
    target: Mutex<Target<A>>,
    changed: Condvar,
    max_line_bytes: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B, N, A> Work<N, A>
where
    B: Deref<Target = [u8]>,
    N: FnMut() -> Option<B>,
    A: FnMut(&[u8], usize, Batch<'_>) -> bool,
{
    fn take(&self) -> Option<(usize, B)> {
        let mut source = lock(&self.source);
        let block = if source.ended { None } else { (source.next)() };
        source.ended = block.is_none();
        source.taken += 1;
        Some((source.taken - 1, block?))
    }

    fn read_and_apply(&self) {
        while let Some((at, block)) = self.take() {
            let end = memchr::memrchr(b'\n', &block).map_or(0, |at| at + 1);
            let batch = Batch::read(&block[..end], self.max_line_bytes);
            let mut target = lock(&self.target);
            while target.applied < at && target.panicked.is_none() {
                target = self.changed.wait(target).unwrap_or_else(PoisonError::into_inner);
            }
            if target.panicked.is_some() {
                return;
            }
            if !(target.apply)(&block, end, batch) {
                lock(&self.source).ended = true;
            }
            target.applied += 1;
            drop(target);
            self.changed.notify_all();
        }
    }

    /// Whatever happens, no other thread is left waiting for this one.
    fn run(&self) {
        if let Err(panicked) = catch_unwind(AssertUnwindSafe(|| self.read_and_apply())) {
            lock(&self.source).ended = true;
            lock(&self.target).panicked.get_or_insert(panicked);
            self.changed.notify_all();
        }
    }
}

/// Takes blocks from `next` until there are none, reads their whole lines on so many threads and one more, and gives each
/// block to `apply`, in order, with the end of its last whole line and what the lines say, as long as that says to go on.
///
/// # Errors
/// What one of the threads panicked with; what comes before was applied.
pub(crate) fn in_order<B: Deref<Target = [u8]>>(
    threads: usize,
    max_line_bytes: usize,
    next: impl FnMut() -> Option<B> + Send,
    apply: impl FnMut(&[u8], usize, Batch<'_>) -> bool + Send,
) -> std::thread::Result<()> {
    let work = Work {
        source: Mutex::new(Source { next, taken: 0, ended: false }),
        target: Mutex::new(Target { apply, applied: 0, panicked: None }),
        changed: Condvar::new(),
        max_line_bytes,
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work.run());
        }
        work.run();
    });
    let target = work.target.into_inner().unwrap_or_else(PoisonError::into_inner);
    target.panicked.map_or(Ok(()), Err)
}
