//! Large pieces of a log, read on several threads and applied in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::event::Batch;

/// How many bytes of lines are read at a time, about.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// How many pieces may be ready and not yet applied, for each thread.
const AHEAD: usize = 4;

/// Cuts whole lines into pieces of whole lines.
pub(crate) fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let from = PIECE_BYTES.min(rest.len());
        let end = memchr::memchr(b'\n', &rest[from..]).map_or(rest.len(), |at| from + at + 1);
        let (piece, others) = rest.split_at(end);
        rest = others;
        Some(piece)
    })
}

/// What the threads share: the pieces that nobody has taken, and the batches that were not applied.
struct Work<'a> {
    next: usize,
    applied: usize,
    ready: BTreeMap<usize, Batch<'a>>,
}

struct Desk<'a> {
    pieces: Vec<&'a [u8]>,
    work: Mutex<Work<'a>>,
    changed: Condvar,
    ahead: usize,
    max_line_bytes: usize,
}

impl<'a> Desk<'a> {
    fn work(&self) -> MutexGuard<'_, Work<'a>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader: takes pieces until there are none, and waits where it is too far ahead.
    fn read(&self) {
        loop {
            let mut work = self.work();
            while work.next < self.pieces.len() && work.next >= work.applied + self.ahead {
                work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
            }
            let Some(piece) = self.pieces.get(work.next) else {
                return;
            };
            let at = work.next;
            work.next += 1;
            drop(work);
            let batch = Batch::read(piece, self.max_line_bytes);
            self.work().ready.insert(at, batch);
            self.changed.notify_all();
        }
    }

    /// The next batch in order; reads one itself rather than waiting.
    fn batch(&self, wanted: usize) -> Batch<'a> {
        let mut work = self.work();
        loop {
            if let Some(batch) = work.ready.remove(&wanted) {
                work.applied = wanted + 1;
                self.changed.notify_all();
                return batch;
            }
            let own = work.next;
            if own < self.pieces.len() && own < work.applied + self.ahead {
                work.next += 1;
                drop(work);
                let batch = Batch::read(self.pieces[own], self.max_line_bytes);
                work = self.work();
                work.ready.insert(own, batch);
            } else {
                work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// Reads whole lines on so many threads, and gives what they say to `apply` in order.
pub(crate) fn in_order(bytes: &[u8], threads: usize, max_line_bytes: usize, mut apply: impl FnMut(Batch<'_>)) {
    let desk = Desk {
        pieces: pieces(bytes).collect(),
        work: Mutex::new(Work { next: 0, applied: 0, ready: BTreeMap::new() }),
        changed: Condvar::new(),
        ahead: threads * AHEAD,
        max_line_bytes,
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| desk.read());
        }
        for wanted in 0..desk.pieces.len() {
            apply(desk.batch(wanted));
        }
    });
}
