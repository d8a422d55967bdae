//! Keeping the list as the sources are.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::Utc;
use futures::stream::{self, StreamExt as _};
use tokio::runtime::Handle;

use super::read::summarize;
use super::rows::{Rows, Seen};
use super::summary::Summary;
use super::{Listing, Row};
use crate::event_log::{EventLog, Problem, find};

/// How many logs that have to be read are held at once; at a first scan of a million they would fill the memory.
const WAVE: usize = 8192;
/// Logs read by one blocking task: starting one costs as much as reading a small log.
const LOGS_PER_TASK: usize = 16;

/// How many applications are remembered that have ended; more are replayed when somebody asks for them.
const FINISHED: usize = 10_000;

/// Scans the sources of a list. Scans of one source do not overlap.
pub(crate) struct Scanner {
    listing: Arc<Listing>,
    threads: usize,
    number: AtomicU32,
    finished: Mutex<BTreeSet<Finished>>,
    pub(crate) figures: ScanFigures,
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
        let (number, finished) = (AtomicU32::new(1), Mutex::default());
        Self { listing, threads: threads.max(1), number, finished, figures: ScanFigures::default() }
    }

    /// The list that is kept.
    #[cfg(test)]
    pub(crate) fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    /// Looks at every source once. One that cannot be asked keeps what is known of it.
    pub(crate) async fn scan(&self) {
        let started = Instant::now();
        let number = self.number.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut bad = 0;
        for source in 0..self.listing.sources.len() {
            match self.scan_source(source, number).await {
                Ok(problems) => bad += problems.len() as u64,
                Err(error) => {
                    self.figures.failures.fetch_add(1, Ordering::Relaxed);
                    let place = &self.listing.sources[source].full_path;
                    tracing::warn!(source = %place, error = &error as &dyn std::error::Error, "cannot list event logs");
                }
            }
        }
        self.figures.bad_folders.store(bad, Ordering::Relaxed);
        self.figures.scans.fetch_add(1, Ordering::Relaxed);
        self.figures.last_end_millis.store(Utc::now().timestamp_millis(), Ordering::Relaxed);
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.figures.last_micros.store(micros, Ordering::Relaxed);
    }

    async fn scan_source(&self, source: usize, number: u32) -> storage::Result<Vec<Problem>> {
        let index = u16::try_from(source).unwrap_or(u16::MAX);
        let mut problems = Vec::new();
        // The lister runs ahead by a few thousand names, no more.
        let (sender, mut found) = tokio::sync::mpsc::channel(4 * WAVE);
        let listing = find::scan(&self.listing.sources[source], sender);
        let reading = async {
            let mut wave = Vec::new();
            let mut batch = Vec::with_capacity(1024);
            while found.recv_many(&mut batch, 1024).await > 0 {
                self.compare_all(index, number, batch.drain(..), &mut wave, &mut problems);
                if wave.len() >= WAVE {
                    self.read(index, number, std::mem::take(&mut wave)).await;
                }
            }
            self.read(index, number, wave).await;
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
                return Some(log);
            }
        }
        rows.mark(source, &log.name, scan);
        None
    }

    /// Reads logs, the newest first, on as many threads as are set.
    async fn read(&self, source: u16, scan: u32, mut logs: Vec<EventLog>) {
        if logs.is_empty() {
            return;
        }
        logs.sort_by_key(|log| std::cmp::Reverse(log.last_modified()));
        self.figures.pending.fetch_add(logs.len() as u64, Ordering::Relaxed);
        let per_task = LOGS_PER_TASK.min(logs.len().div_ceil(self.threads));
        let tasks: Vec<Vec<EventLog>> = logs.chunks(per_task).map(<[_]>::to_vec).collect();
        let tasks = stream::iter(tasks).map(|task| self.read_some(source, scan, task));
        tasks.buffer_unordered(self.threads).collect::<()>().await;
    }

    async fn read_some(&self, source: u16, scan: u32, logs: Vec<EventLog>) {
        let Some(place) = self.listing.sources.get(usize::from(source)) else { return };
        let (store, runtime, count) = (place.store.clone(), Handle::current(), logs.len() as u64);
        let read = tokio::task::spawn_blocking(move || {
            let summarize = |log: EventLog| (summarize(&store, &log, &runtime), log);
            logs.into_iter().map(summarize).collect::<Vec<_>>()
        });
        let mut seen = Vec::new();
        for (summary, log) in read.await.unwrap_or_default() {
            match summary {
                Ok(summary) => seen.push(self.seen(source, scan, &log, summary)),
                Err(error) => {
                    // Renamed or removed since it was listed: the next scan sees what became of it.
                    if !error.is_not_found() {
                        self.figures.failures.fetch_add(1, Ordering::Relaxed);
                        tracing::warn!(log = %log.name, error = &error as &dyn std::error::Error, "cannot read an event log");
                    }
                }
            }
        }
        self.insert(seen);
        self.figures.pending.fetch_sub(count, Ordering::Relaxed);
        self.figures.logs_read.fetch_add(count, Ordering::Relaxed);
    }

    fn seen(&self, source: u16, scan: u32, log: &EventLog, summary: Summary) -> Seen {
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
            scan,
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
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let (app_id, attempt_id) = (app_id.clone(), seen.summary.attempt_id.clone());
        finished.insert(Finished { modified_millis: seen.modified_millis, app_id, attempt_id });
        if finished.len() > FINISHED {
            finished.pop_first();
        }
    }

    /// The next attempt whose log was read and has ended, the newest first: the one that people look at.
    pub(crate) fn next_finished(&self) -> Option<Finished> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).pop_last()
    }

    /// Drops what a whole scan has not seen.
    fn forget(&self, source: u16, scan: u32) {
        let gone = self.listing.rows().unseen(source, scan);
        if gone.is_empty() {
            return;
        }
        let mut rows = self.listing.rows_mut();
        for log in gone {
            rows.remove(source, &log);
        }
        self.figures.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Lists one log at once, whether a scan has seen it or not.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn add(&self, source: u16, log: EventLog) -> storage::Result<()> {
        let Some(place) = self.listing.sources.get(usize::from(source)) else { return Ok(()) };
        let (store, runtime) = (place.store.clone(), Handle::current());
        let read = tokio::task::spawn_blocking(move || (summarize(&store, &log, &runtime), log)).await;
        if let Ok((summary, log)) = read {
            self.insert(vec![self.seen(source, self.number.load(Ordering::Relaxed), &log, summary?)]);
        }
        Ok(())
    }
}

fn step(row: &Row, log: &EventLog, fingerprint: u64) -> Step {
    if row.fingerprint == fingerprint {
        return Step::Known;
    }
    // Its start is known, and it has no end yet.
    let grows = row.app.is_some() && !row.complete && !log.complete && log.size_bytes() >= row.size_bytes;
    if grows { Step::Grown } else { Step::Read }
}
