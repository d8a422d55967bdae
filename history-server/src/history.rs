use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Viewer;
use crate::cache::Cache;
use crate::config::Config;
use crate::error::Error;
use crate::listing::{Filter, Found, Listing, Page, ScanFailure, Scanner};
use crate::metrics::Figures;
use crate::redaction::Redaction;
use crate::tables::RecentStages;
use history_model::types::ApplicationInfo;
use lookups::Lookups;

mod ahead;
mod clean;
mod lookups;
mod open;
mod stored;
mod waiting;
mod zip;

pub use open::Opening;
pub use zip::LogEntry;

/// All applications whose event logs lie in some places. Cheap to clone; every clone is the same history.
///
/// [`History::run`] keeps it up to date; without it only applications asked for by id are found.
#[derive(Clone)]
pub struct History {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    listing: Arc<Listing>,
    scanner: Scanner,
    cache: Cache,
    recent: RecentStages,
    /// Loads outlive the requests that asked for them, so they are owned here.
    tasks: TaskTracker,
    replays: Semaphore,
    /// Of these, some wait for the store.
    stored_opens: Semaphore,
    /// One application is written at a time: it must not slow down those who wait for a page.
    writes: Semaphore,
    counts: Counts,
    scanned: AtomicBool,
    /// Ids that nothing was found for, and when: who asks again at once need not bother the store.
    misses: Mutex<HashMap<(String, Option<String>), Instant>>,
    /// Looks for ids that no scan has seen.
    lookups: Lookups,
    /// Answers are printed on threads that may block: no more of them than keep the processor busy.
    printing: Printing,
    /// How much of what waits to be written is held for that alone, in KiB.
    waiting: Semaphore,
}

#[derive(Default)]
struct Counts {
    opens: AtomicU64,
    cache_hits: AtomicU64,
    replays: AtomicU64,
    replay_failures: AtomicU64,
    replay_faults: AtomicU64,
    replay_micros: AtomicU64,
    replay_bytes: AtomicU64,
    stored_opens: AtomicU64,
    stored_writes: AtomicU64,
    stored_skips: AtomicU64,
    cleaned: AtomicU64,
}

/// The list is written at most this often, and at the end; and so that writing it takes a hundredth of the time at most.
const SAVE_INTERVAL: Duration = Duration::from_secs(60);
const SAVE_SHARE: u32 = 100;

/// How many answers may be worked on at once. Who asks now does not stand in line behind those whose long answers go on.
#[derive(Debug)]
pub(crate) struct Printing {
    /// What is needed to begin an answer.
    pub(crate) first: Arc<Semaphore>,
    /// What is needed to go on with one.
    pub(crate) rest: Arc<Semaphore>,
}

impl Printing {
    fn new(at_once: usize) -> Self {
        let permits = || Arc::new(Semaphore::new(at_once));
        Self { first: permits(), rest: permits() }
    }
}

/// How many answers are begun, and how many are continued, at once, for each thread that replays.
const PRINTING_PER_THREAD: usize = 4;

/// How many applications are opened from their stored form at once, for each thread that replays.
const STORED_OPENS_PER_THREAD: usize = 4;

/// Tasks that were read from the stored form may take this part of what applications may.
const RECENT_SHARE: u64 = 4;

/// When the list was written last, and as it was after how many changes.
struct Saved {
    changes: u64,
    at: Instant,
    interval: Duration,
}

impl History {
    /// A history that has looked at nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let listing = Arc::new(Listing::new(config.event_logs.clone(), config.access.clone()));
        let threads = config.replay_threads.max(1);
        let inner = Inner {
            scanner: Scanner::new(Arc::clone(&listing), threads),
            cache: Cache::new(config.cache_bytes),
            recent: RecentStages::new(config.cache_bytes / RECENT_SHARE),
            tasks: TaskTracker::new(),
            replays: Semaphore::new(threads),
            stored_opens: Semaphore::new(STORED_OPENS_PER_THREAD * threads),
            writes: Semaphore::new(1),
            counts: Counts::default(),
            scanned: AtomicBool::new(false),
            misses: Mutex::default(),
            lookups: Lookups::default(),
            printing: Printing::new(PRINTING_PER_THREAD * threads),
            waiting: Semaphore::new(waiting::waiting_kib(config.cache_bytes)),
            listing,
            config,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Keeps the list up to date until `stop`, then writes it down and waits for what is under way.
    ///
    /// A failure of a store is logged and counted, and tried again; it ends nothing.
    pub async fn run(&self, stop: CancellationToken) {
        stop.run_until_cancelled(self.load_list()).await;
        if let Some(max_age) = self.inner.config.replay_ahead.filter(|_| self.inner.config.store.is_some()) {
            let (history, stop) = (self.clone(), stop.clone());
            self.inner.tasks.spawn(async move { history.replay_ahead(max_age, stop).await });
        }
        let mut saved = Saved { changes: self.changes(), at: Instant::now(), interval: Duration::ZERO };
        let mut cleaned_at: Option<Instant> = None;
        while !stop.is_cancelled() {
            stop.run_until_cancelled(self.scan_on()).await;
            stop.run_until_cancelled(self.remove_orphans()).await;
            let interval = self.inner.config.clean.as_ref().map_or(Duration::MAX, |clean| clean.interval);
            if cleaned_at.is_none_or(|at| at.elapsed() >= interval) {
                stop.run_until_cancelled(self.clean()).await;
                cleaned_at = Some(Instant::now());
            }
            if saved.at.elapsed() >= saved.interval {
                self.save_list(&mut saved).await;
            }
            stop.run_until_cancelled(tokio::time::sleep(self.inner.config.scan_interval)).await;
        }
        self.save_list(&mut saved).await;
        self.inner.scanner.stop().await;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// How many answers are worked on at once.
    pub(crate) fn printing(&self) -> &Printing {
        &self.inner.printing
    }

    /// Which values of applications' properties are shown masked.
    pub fn redaction(&self) -> &Redaction {
        &self.inner.config.redaction
    }

    /// Looks at all sources once.
    pub async fn scan(&self) {
        self.inner.scanner.scan().await;
        self.inner.scanned.store(true, Ordering::Relaxed);
    }

    /// The same, but what is slow to read is read on afterwards.
    async fn scan_on(&self) {
        self.inner.scanner.scan_on().await;
        self.inner.scanned.store(true, Ordering::Relaxed);
    }

    /// The places of event logs that could not be listed at the last scan, and why. What was known of them is still shown.
    #[must_use]
    pub fn scan_failures(&self) -> Vec<ScanFailure> {
        let places = self.inner.config.event_logs.iter().map(|source| source.full_path.as_str());
        self.inner.scanner.failures().told(places)
    }

    async fn load_list(&self) {
        let Some(store) = &self.inner.config.store else { return };
        match self.inner.listing.load(store).await {
            Ok(logs) => tracing::info!(logs, "took up the list of event logs as it was left"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot read the list of event logs")
            }
        }
    }

    async fn save_list(&self, saved: &mut Saved) {
        let (Some(store), changes) = (&self.inner.config.store, self.changes()) else { return };
        if changes == saved.changes {
            return;
        }
        let started = Instant::now();
        match self.inner.listing.save(store).await {
            Ok(()) => saved.changes = changes,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot keep the list of event logs");
            }
        }
        saved.interval = SAVE_INTERVAL.max(started.elapsed() * SAVE_SHARE);
        saved.at = Instant::now();
    }

    fn changes(&self) -> u64 {
        self.inner.scanner.figures.changes.load(Ordering::Relaxed)
    }

    /// What this history was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Whether the list is as whole as it can be: all sources were asked at least once, whatever they answered.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.inner.scanned.load(Ordering::Relaxed)
    }

    /// Whether every source has answered at least once: without that, that something is not listed means nothing.
    #[must_use]
    pub fn was_listed(&self) -> bool {
        self.inner.scanner.failures().all_were_listed()
    }

    /// A part of the list, as far as [`Filter::viewer`] may see it.
    #[must_use]
    pub fn applications(&self, filter: &Filter) -> Page {
        self.inner.listing.page(filter)
    }

    /// Which applications a part of the list is of. For a list of any length, ask [`History::listed`] of each.
    pub(crate) fn find(&self, filter: &Filter) -> Found {
        self.inner.listing.find(filter)
    }

    /// An application as the list has it, whoever asks.
    pub(crate) fn listed(&self, app_id: &str) -> Option<ApplicationInfo> {
        self.inner.listing.application(app_id)
    }

    /// One application as the list has it. One that no scan has seen yet is looked for by the names that Spark gives.
    ///
    /// # Errors
    /// [`Error::UnknownApplication`], [`Error::Forbidden`], or a failure of the store.
    pub async fn application(&self, app_id: &str, viewer: &Viewer) -> Result<ApplicationInfo, Error> {
        let unknown = || Error::UnknownApplication { app_id: app_id.to_owned() };
        if self.inner.listing.application(app_id).is_none() {
            self.find_unseen(app_id, None).await?;
        }
        self.authorize(app_id, None, viewer)?;
        self.inner.listing.application(app_id).ok_or_else(unknown)
    }

    /// Whether `viewer` may see an attempt (without one: any, by the newest) of an application.
    ///
    /// # Errors
    /// [`Error::UnknownApplication`] or [`Error::Forbidden`].
    pub fn authorize(&self, app_id: &str, attempt_id: Option<&str>, viewer: &Viewer) -> Result<(), Error> {
        match self.inner.listing.allows(viewer, app_id, attempt_id) {
            Some(true) => Ok(()),
            Some(false) => Err(Error::Forbidden { user: viewer.user.clone().unwrap_or_default() }),
            None => Err(Error::UnknownApplication { app_id: app_id.to_owned() }),
        }
    }

    /// When the last scan ended, in milliseconds since the epoch; 0 before the first.
    #[must_use]
    pub fn last_scan_millis(&self) -> i64 {
        self.inner.scanner.figures.last_end_millis.load(Ordering::Relaxed)
    }

    /// What was done so far, and what is held.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (scan, counts) = (&self.inner.scanner.figures, &self.inner.counts);
        let (cached, cached_bytes, loading) = self.inner.cache.figures();
        let rows = self.inner.listing.rows();
        Figures {
            scans: get(&scan.scans),
            scan_failures: get(&scan.failures),
            last_scan_micros: get(&scan.last_micros),
            last_scan_millis: scan.last_end_millis.load(Ordering::Relaxed),
            logs_read: get(&scan.logs_read),
            logs_pending: get(&scan.pending),
            bad_folders: get(&scan.bad_folders),
            logs: rows.log_count() as u64,
            applications: rows.app_count() as u64,
            opens: get(&counts.opens),
            cache_hits: get(&counts.cache_hits),
            replays: get(&counts.replays),
            replay_failures: get(&counts.replay_failures),
            replay_faults: get(&counts.replay_faults),
            replay_micros: get(&counts.replay_micros),
            replay_bytes: get(&counts.replay_bytes),
            stored_opens: get(&counts.stored_opens),
            stored_writes: get(&counts.stored_writes),
            stored_skips: get(&counts.stored_skips),
            unreachable_places: self.scan_failures().len() as u64,
            cleaned: get(&counts.cleaned),
            cached,
            cached_bytes: cached_bytes + self.inner.recent.size_bytes(),
            loading,
        }
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("config", &self.inner.config).finish_non_exhaustive()
    }
}
