//! How many connections there may be, and which of them gives way.
//!
//! A connection that waits for its client (that is idle, or whose header is not whole) gives way to a new one when there are
//! no more to be had: the oldest first. So a client that opens many and says nothing drives out only its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What the process itself needs of its files: the runtime's, log files, listeners, the admin port's connections.
const OWN_FILES: u64 = 64;

/// A number of connections, of one server or of several that share it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    free: Arc<Semaphore>,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: BTreeMap<u64, Arc<Progress>>,
    evicted: u64,
}

/// The right to one connection. It is given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    id: u64,
    progress: Arc<Progress>,
    open: Arc<Mutex<Open>>,
    _permit: OwnedSemaphorePermit,
}

/// What a connection is doing.
#[derive(Debug)]
pub(crate) struct Progress {
    phase: Mutex<Phase>,
    /// Bytes of an answer wait for the client to take them.
    blocked: AtomicBool,
    evicted: CancellationToken,
}

/// What is awaited of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing: between two requests.
    Idle(Instant),
    /// The rest of a request's header.
    Header(Instant),
    /// A request is under way.
    Busy { stream: bool },
}

/// A request under way; over when dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Progress>);

/// How many connections do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) open: u64,
    /// Requests under way, streams included.
    pub(crate) requests: u64,
    /// Those of them that are as long as an application.
    pub(crate) streams: u64,
    /// How many gave way to new ones so far.
    pub(crate) evicted: u64,
}

impl Connections {
    /// At most `limit`, which is at least 1.
    pub(crate) fn new(limit: usize) -> Self {
        let free = Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS)));
        Self { free, open: Arc::default() }
    }

    /// A slot, as soon as there is one.
    pub(crate) async fn slot(&self) -> Slot {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => {
                self.evict();
                Arc::clone(&self.free).acquire_owned().await.ok()
            }
        };
        let Some(permit) = permit else { return std::future::pending().await };
        let progress = Arc::new(Progress {
            phase: Mutex::new(Phase::Header(Instant::now())),
            blocked: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        });
        let mut open = lock(&self.open);
        let id = open.next;
        open.next += 1;
        open.all.insert(id, Arc::clone(&progress));
        Slot { id, progress, open: Arc::clone(&self.open), _permit: permit }
    }

    /// Ends the connection that has waited longest for its client, if one does.
    pub(crate) fn evict(&self) {
        let mut open = lock(&self.open);
        let waiting = open.all.values().filter(|progress| !progress.evicted.is_cancelled());
        let longest = waiting.filter_map(|progress| Some((progress.waiting_since()?, progress))).min_by_key(|w| w.0);
        let Some((_, progress)) = longest else { return };
        progress.evicted.cancel();
        open.evicted += 1;
    }

    /// What the connections are doing now.
    pub(crate) fn census(&self) -> Census {
        let open = lock(&self.open);
        let mut census = Census { open: open.all.len() as u64, evicted: open.evicted, ..Census::default() };
        for progress in open.all.values() {
            if let Phase::Busy { stream } = progress.phase() {
                census.requests += 1;
                census.streams += u64::from(stream);
            }
        }
        census
    }
}

impl Slot {
    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.open).all.remove(&self.id);
    }
}

impl Progress {
    pub(crate) fn phase(&self) -> Phase {
        *lock(&self.phase)
    }

    /// The first byte of a request has come.
    pub(crate) fn bytes_came(&self) {
        let mut phase = lock(&self.phase);
        if matches!(*phase, Phase::Idle(_)) {
            *phase = Phase::Header(Instant::now());
        }
    }

    /// A header is whole.
    pub(crate) fn begin(self: &Arc<Self>, stream: bool) -> UnderWay {
        *lock(&self.phase) = Phase::Busy { stream };
        UnderWay(Arc::clone(self))
    }

    /// Whether a request is under way, or the end of an answer.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.phase(), Phase::Busy { .. }) || self.blocked.load(Ordering::Acquire)
    }

    pub(crate) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Release);
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.phase() == Phase::Busy { stream: true }
    }

    pub(crate) fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    fn waiting_since(&self) -> Option<Instant> {
        match self.phase() {
            Phase::Idle(since) | Phase::Header(since) if !self.is_busy() => Some(since),
            _ => None,
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        *lock(&self.0.phase) = Phase::Idle(Instant::now());
    }
}

/// How many connections a process may have that may open `files` files: a request may need a file or a socket of its own.
pub(crate) fn within(files: u64, wanted: usize) -> usize {
    let half = usize::try_from(files.saturating_sub(OWN_FILES) / 2).unwrap_or(usize::MAX);
    wanted.min(half).max(1)
}

/// How many connections there may be if an operator wants `wanted`, after this process took as many files as the system lets
/// it have.
pub(crate) fn open_files(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit on open files could not be raised");
            limit.current
        }
    };
    within(files.unwrap_or(u64::MAX), wanted)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is whole after any single assignment, also one whose thread panicked.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_connection_that_waited_longest_gives_way_and_a_busy_one_does_not() {
        let connections = Connections::new(3);
        let (busy, first, second) = (connections.slot().await, connections.slot().await, connections.slot().await);
        let under_way = busy.progress().begin(false);
        let mut next = Box::pin(connections.slot());
        assert!(futures::poll!(&mut next).is_pending());
        assert!(first.progress().evicted().is_cancelled());
        assert!(!second.progress().evicted().is_cancelled() && !busy.progress().evicted().is_cancelled());
        drop(first);
        let _next = next.await;
        let census = connections.census();
        assert_eq!((census.open, census.requests, census.evicted), (3, 1, 1));
        drop(under_way);
        assert!(!busy.progress().is_busy());
    }

    #[test]
    fn connections_leave_files_for_what_they_ask_for() {
        assert_eq!(within(256, 10_000), 96);
        assert_eq!(within(1_048_576, 10_000), 10_000);
        assert_eq!(within(10, 10_000), 1);
    }
}
