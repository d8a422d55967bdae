//! Keeping the list as the sources are.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::Listing;
use super::failures::Failures;
use super::read::{self, Glance};
use super::row::{Listed, Seen};
use super::rows::Rows;
use super::summary::Summary;
use crate::event_log::{EventLog, Problem, find};

/// How many logs that have to be read are held at once; at a first scan of a million they would fill the memory.
const WAVE: usize = 8192;
/// Logs read by one blocking task: starting one costs as much as reading a small log.
const LOGS_PER_TASK: usize = 16;

/// How many applications are remembered that have ended; more are replayed when somebody asks for them.
const FINISHED: usize = 10_000;

/// How long a scan waits for logs of which none gets read. They are read on while it goes on, or are found again by the next one.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many logs at once are read from their start to their end: they may be large, and the others do not wait for them.
const WHOLE_READS: usize = 1;
/// How many applications are remembered whose logs were deleted by others.
const ORPHANS: usize = 10_000;

/// Scans the sources of a list. Scans of one source do not overlap. Cheap to clone; every clone is the same scanner.
#[derive(Clone)]
pub(crate) struct Scanner {
    listing: Arc<Listing>,
    threads: usize,
    shared: Arc<Shared>,
    pub(crate) figures: Arc<ScanFigures>,
}

struct Shared {
    number: AtomicU32,
    finished: Mutex<BTreeSet<Finished>>,
    orphans: Mutex<Vec<(String, Option<String>)>>,
    failures: Failures,
    /// Logs that are being read: source and name.
    reading: Mutex<HashSet<(u16, String)>>,
    /// Reads outlive the scans that began them, so they are owned here.
    tasks: TaskTracker,
    glances: Arc<Semaphore>,
    whole_reads: Arc<Semaphore>,
    stopped: AtomicBool,
}

/// An attempt of an application that has ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finished {
    /// When its log was written last, in milliseconds since the epoch.
    pub(crate) modified_millis: i64,
    pub(crate) app_id: String,
    pub(crate) attempt_id: Option<String>,
}

/// What scanning has come to, for metrics and pages.
#[derive(Debug, Default)]
pub(crate) struct ScanFigures {
    pub(crate) scans: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) logs_read: AtomicU64,
    pub(crate) pending: AtomicU64,
    pub(crate) bad_folders: AtomicU64,
    pub(crate) last_end_millis: AtomicI64,
    pub(crate) last_micros: AtomicU64,
    /// Rises whenever the list changes.
    pub(crate) changes: AtomicU64,
}

/// What to do with a log that was found.
enum Step {
    Known,
    Grown,
    Read,
}

impl Scanner {
    pub(crate) fn new(listing: Arc<Listing>, threads: usize) -> Self {
        let threads = threads.max(1);
        let shared = Shared {
            number: AtomicU32::new(1),
            finished: Mutex::default(),
            orphans: Mutex::default(),
            failures: Failures::new(listing.sources.len()),
            reading: Mutex::default(),
            tasks: TaskTracker::new(),
            glances: Arc::new(Semaphore::new(threads)),
            whole_reads: Arc::new(Semaphore::new(WHOLE_READS)),
            stopped: AtomicBool::new(false),
        };
        Self { listing, threads, shared: Arc::new(shared), figures: Arc::default() }
    }

    /// What could not be listed at the last scan.
    pub(crate) fn failures(&self) -> &Failures {
        &self.shared.failures
    }

    /// Ends reads that are under way, and waits for that.
    pub(crate) async fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// The list that is kept.
    #[cfg(test)]
    pub(crate) fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    /// Keeps logs from being read whole, as long as this is held.
    #[cfg(test)]
    pub(crate) async fn hold_whole_reads(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.shared.whole_reads).acquire_owned().await.unwrap()
    }

    /// Looks at every source once, and reads all that it finds.
    pub(crate) async fn scan(&self) {
        self.look(None).await;
    }

    /// Looks at every source once. What is slow to read is read on behind its back.
    pub(crate) async fn scan_on(&self) {
        self.look(Some(PATIENCE)).await;
    }

    /// One that cannot be asked keeps what is known of it.
    async fn look(&self, patience: Option<Duration>) {
        let started = Instant::now();
        let number = self.shared.number.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut bad = 0;
        for source in 0..self.listing.sources.len() {
            match self.scan_source(source, number, patience).await {
                Ok(problems) => {
                    bad += problems.len() as u64;
                    self.shared.failures.answered(source);
                }
                Err(error) => {
                    self.figures.failures.fetch_add(1, Ordering::Relaxed);
                    let place = &self.listing.sources[source].full_path;
                    tracing::warn!(source = %place, error = &error as &dyn std::error::Error, "cannot list event logs");
                    self.shared.failures.failed(source, &error);
                }
            }
        }
        self.figures.bad_folders.store(bad, Ordering::Relaxed);
        self.figures.scans.fetch_add(1, Ordering::Relaxed);
        if !self.shared.failures.any() {
            self.figures.last_end_millis.store(Utc::now().timestamp_millis(), Ordering::Relaxed);
        }
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.figures.last_micros.store(micros, Ordering::Relaxed);
    }

    async fn scan_source(
        &self,
        source: usize,
        number: u32,
        patience: Option<Duration>,
    ) -> storage::Result<Vec<Problem>> {
        let index = u16::try_from(source).unwrap_or(u16::MAX);
        let mut problems = Vec::new();
        // The lister runs ahead by a few thousand names, no more.
        let (sender, mut found) = tokio::sync::mpsc::channel(4 * WAVE);
        let is_known = self.listing.rows().iter().any(|row| row.source == index);
        let listing = find::scan(&self.listing.sources[source], is_known, sender);
        let reading = async {
            let mut wave = Vec::new();
            let mut batch = Vec::with_capacity(1024);
            while found.recv_many(&mut batch, 1024).await > 0 {
                self.compare_all(index, number, batch.drain(..), &mut wave, &mut problems);
                if wave.len() >= WAVE {
                    self.read(index, std::mem::take(&mut wave), patience).await;
                }
            }
            self.read(index, wave, patience).await;
        };
        let (listed, ()) = futures::join!(listing, reading);
        listed?;
        self.forget(index, number);
        Ok(problems)
    }

    fn compare_all(
        &self,
        source: u16,
        scan: u32,
        found: impl Iterator<Item = find::Found>,
        wave: &mut Vec<EventLog>,
        problems: &mut Vec<Problem>,
    ) {
        let mut rows = self.listing.rows_mut();
        for item in found {
            match item {
                find::Found::Bad(problem) => problems.push(problem),
                find::Found::Log(log) => wave.extend(self.compare(&mut rows, source, scan, log)),
            }
        }
    }

    /// The log, if it has to be read.
    fn compare(&self, rows: &mut Rows, source: u16, scan: u32, log: EventLog) -> Option<EventLog> {
        let fingerprint = log.fingerprint();
        match rows.log(source, &log.name).map_or(Step::Read, |row| step(row, &log, fingerprint)) {
            Step::Known => {}
            Step::Grown => {
                let seen = (fingerprint, log.size_bytes(), log.last_modified().timestamp_millis());
                rows.grown(source, &log.name, seen, Utc::now().timestamp_millis());
                self.figures.changes.fetch_add(1, Ordering::Relaxed);
            }
            Step::Read => {
                rows.mark(source, &log.name, scan);
                return Some(log).filter(|log| !self.reading().contains(&(source, log.name.clone())));
            }
        }
        rows.mark(source, &log.name, scan);
        None
    }

    /// Reads logs, the newest first, on as many threads as are set. With `patience`, those that take long are read on behind its back,
    /// and what nobody has begun with is left to the next scan.
    async fn read(&self, source: u16, mut logs: Vec<EventLog>, patience: Option<Duration>) {
        if logs.is_empty() {
            return;
        }
        logs.sort_by_key(|log| std::cmp::Reverse(log.last_modified()));
        let patience = patience.unwrap_or(Duration::MAX);
        let per_task = LOGS_PER_TASK.min(logs.len().div_ceil(self.threads));
        let mut reads: FuturesUnordered<JoinHandle<Vec<JoinHandle<()>>>> = FuturesUnordered::new();
        let mut whole_reads = Vec::new();
        for some in logs.chunks(per_task) {
            let permit = loop {
                tokio::select! {
                    permit = Arc::clone(&self.shared.glances).acquire_owned() => break permit.ok(),
                    Some(done) = reads.next() => whole_reads.extend(done.unwrap_or_default()),
                    () = tokio::time::sleep(patience) => break None,
                }
            };
            let Some(permit) = permit else { break };
            let (scanner, some) = (self.clone(), some.to_vec());
            self.reading().extend(some.iter().map(|log| (source, log.name.clone())));
            self.figures.pending.fetch_add(some.len() as u64, Ordering::Relaxed);
            reads.push(self.shared.tasks.spawn(async move { scanner.glance_at(source, some, permit).await }));
        }
        while let Ok(Some(done)) = tokio::time::timeout(patience, reads.next()).await {
            whole_reads.extend(done.unwrap_or_default());
        }
        if patience == Duration::MAX {
            futures::future::join_all(whole_reads).await;
        }
    }

    /// Reads the starts and ends of logs. Where these do not say enough, the reads of all the rest are given.
    async fn glance_at(&self, source: u16, logs: Vec<EventLog>, permit: OwnedSemaphorePermit) -> Vec<JoinHandle<()>> {
        let Some(place) = self.listing.sources.get(usize::from(source)) else { return Vec::new() };
        let (store, runtime) = (place.store.clone(), Handle::current());
        let read = tokio::task::spawn_blocking(move || {
            let glance = |log: EventLog| (caught(|| read::glance(&store, &log, &runtime)), log);
            logs.into_iter().map(glance).collect::<Vec<_>>()
        });
        let (mut seen, mut ended, mut whole_reads) = (Vec::new(), Vec::new(), Vec::new());
        for (glance, log) in read.await.unwrap_or_default() {
            match self.told(&log, glance) {
                Some(Glance::Said(summary)) => seen.push(self.seen(source, &log, *summary)),
                Some(Glance::More) => {
                    let scanner = self.clone();
                    whole_reads.push(self.shared.tasks.spawn(async move { scanner.read_whole(source, log).await }));
                    continue;
                }
                None => {}
            }
            ended.push(log);
        }
        drop(permit);
        self.insert(seen);
        ended.iter().for_each(|log| self.read_ended(source, log));
        whole_reads
    }

    async fn read_whole(&self, source: u16, log: EventLog) {
        let permit = self.shared.whole_reads.acquire().await;
        if let (Some(place), Ok(_permit)) = (self.listing.sources.get(usize::from(source)), permit) {
            let (store, wanted, runtime) = (place.store.clone(), log.clone(), Handle::current());
            let shared = Arc::clone(&self.shared);
            let read = tokio::task::spawn_blocking(move || {
                caught(|| read::everything(&store, &wanted, &runtime, &shared.stopped))
            });
            // What was given up says nothing.
            let read = read.await.unwrap_or(None).filter(|_| !self.shared.stopped.load(Ordering::Relaxed));
            if let Some(summary) = self.told(&log, read) {
                self.insert(vec![self.seen(source, &log, summary)]);
            }
        }
        self.read_ended(source, &log);
    }

    /// What was read, if it was; what kept it from being read is logged and counted.
    fn told<T>(&self, log: &EventLog, read: Option<storage::Result<T>>) -> Option<T> {
        match read {
            Some(Ok(read)) => return Some(read),
            // Renamed or removed since it was listed: the next scan sees what became of it.
            Some(Err(error)) if error.is_not_found() => {}
            Some(Err(error)) => {
                self.figures.failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(log = %log.name, error = &error as &dyn std::error::Error, "cannot read an event log");
            }
            None if self.shared.stopped.load(Ordering::Relaxed) => {}
            None => {
                self.figures.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(log = %log.name, "this server failed on an event log: it is not listed");
            }
        }
        None
    }

    fn read_ended(&self, source: u16, log: &EventLog) {
        self.reading().remove(&(source, log.name.clone()));
        self.figures.pending.fetch_sub(1, Ordering::Relaxed);
        self.figures.logs_read.fetch_add(1, Ordering::Relaxed);
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, HashSet<(u16, String)>> {
        self.shared.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self, source: u16, log: &EventLog, summary: Summary) -> Seen {
        let modified_millis = log.last_modified().timestamp_millis();
        let now_millis = Utc::now().timestamp_millis();
        Seen {
            source,
            log: log.name.clone(),
            fingerprint: log.fingerprint(),
            size_bytes: log.size_bytes(),
            modified_millis,
            // Of a log without an end Spark shows when it was looked at last.
            updated_millis: if summary.end_millis.is_some() { modified_millis } else { now_millis },
            found_millis: now_millis,
            complete: log.complete,
            // It was there when its reading began; whether it still is, the next scan says.
            scan: self.shared.number.load(Ordering::Relaxed),
            summary,
        }
    }

    /// Lists logs. All at once: each time, those who ask for the list have to be waited for.
    fn insert(&self, seen: Vec<Seen>) {
        seen.iter().for_each(|seen| self.note_finished(seen));
        let count = seen.len() as u64;
        let mut rows = self.listing.rows_mut();
        seen.into_iter().for_each(|seen| rows.insert(seen));
        drop(rows);
        self.figures.changes.fetch_add(count, Ordering::Relaxed);
    }

    fn note_finished(&self, seen: &Seen) {
        let Some(app_id) = seen.summary.app_id.as_ref().filter(|_| seen.complete && seen.summary.end_millis.is_some())
        else {
            return;
        };
        let mut finished = self.shared.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let (app_id, attempt_id) = (app_id.clone(), seen.summary.attempt_id.clone());
        finished.insert(Finished { modified_millis: seen.modified_millis, app_id, attempt_id });
        if finished.len() > FINISHED {
            finished.pop_first();
        }
    }

    /// The next attempt whose log was read and has ended, the newest first: the one that people look at.
    pub(crate) fn next_finished(&self) -> Option<Finished> {
        self.shared.finished.lock().unwrap_or_else(PoisonError::into_inner).pop_last()
    }

    /// Drops what a whole scan has not seen.
    fn forget(&self, source: u16, scan: u32) {
        let gone = self.listing.rows().unseen(source, scan);
        if gone.is_empty() {
            return;
        }
        let mut rows = self.listing.rows_mut();
        let mut orphans = Vec::new();
        for log in gone {
            let app = rows
                .log(source, &log)
                .and_then(|row| Some((row.app()?.to_owned(), row.attempt_id().map(str::to_owned))));
            rows.remove(source, &log);
            orphans.extend(app.filter(|(app, attempt)| !rows.has_attempt(app, attempt.as_deref())));
        }
        drop(rows);
        let mut known = self.shared.orphans.lock().unwrap_or_else(PoisonError::into_inner);
        let room = ORPHANS.saturating_sub(known.len());
        known.extend(orphans.into_iter().take(room));
        self.figures.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Attempts of applications whose logs were there and are not any more, as far as scans have found that out; each once.
    pub(crate) fn take_orphans(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut *self.shared.orphans.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lists one log at once, whether a scan has seen it or not.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn add(&self, source: u16, log: EventLog) -> storage::Result<()> {
        let Some(place) = self.listing.sources.get(usize::from(source)) else { return Ok(()) };
        let Ok(_permit) = self.shared.glances.acquire().await else { return Ok(()) };
        let (store, runtime) = (place.store.clone(), Handle::current());
        let shared = Arc::clone(&self.shared);
        let read = tokio::task::spawn_blocking(move || {
            let read = caught(|| match read::glance(&store, &log, &runtime)? {
                Glance::Said(summary) => Ok(*summary),
                Glance::More => read::everything(&store, &log, &runtime, &shared.stopped),
            });
            (read, log)
        });
        if let Ok((Some(summary), log)) = read.await {
            self.insert(vec![self.seen(source, &log, summary?)]);
        }
        Ok(())
    }
}

/// What a read gives; nothing where this program fails at it.
fn caught<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

fn step(row: Listed<'_>, log: &EventLog, fingerprint: u64) -> Step {
    if row.fingerprint == fingerprint {
        return Step::Known;
    }
    // Its start is known, and it has no end yet.
    let grows = row.app().is_some() && !row.complete && !log.complete && log.size_bytes() >= row.size_bytes;
    if grows { Step::Grown } else { Step::Read }
}
