use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use super::History;
use crate::access::Viewer;
use crate::cache::{Cached, LogKey};
use crate::error::Error;
use crate::event_log::{EventLog, LogSource, find};
use crate::listing::Known;
use crate::load;
use crate::opened::OpenApplication;
use crate::progress::{Meter, Progress};

/// An application, or how far it is.
#[derive(Clone, Debug)]
pub enum Opening {
    /// It is there.
    Ready(Arc<OpenApplication>),
    /// It will be.
    UnderWay(Progress),
}

/// How many ids without an application are remembered.
const MISSES: usize = 10_000;
/// Spark's own ids have about forty characters.
const MAX_ID_BYTES: usize = 200;

impl History {
    /// An attempt of an application, replayed. Without an attempt id only an application whose attempts have none is
    /// meant, as in Spark.
    ///
    /// However many ask at once, a log is replayed once, and the replay goes on when they leave. Of a log that grows what
    /// is new is read, at most once in [`crate::Config::refresh_interval`].
    ///
    /// # Errors
    /// All of [`Error`].
    pub async fn open(
        &self,
        app_id: &str,
        attempt_id: Option<&str>,
        viewer: &Viewer,
    ) -> Result<Arc<OpenApplication>, Error> {
        match self.begin_to_open(app_id, attempt_id, viewer).await? {
            Cached::Ready(opened) => Ok(opened),
            Cached::Loading(loading, _) => loading.await,
        }
    }

    /// The same, for who waits no longer than `patience`. The replay goes on: who asks again later gets what comes of it.
    ///
    /// # Errors
    /// All of [`Error`].
    pub async fn open_within(
        &self,
        app_id: &str,
        attempt_id: Option<&str>,
        viewer: &Viewer,
        patience: Duration,
    ) -> Result<Opening, Error> {
        match self.begin_to_open(app_id, attempt_id, viewer).await? {
            Cached::Ready(opened) => Ok(Opening::Ready(opened)),
            Cached::Loading(loading, meter) => match tokio::time::timeout(patience, loading).await {
                Ok(opened) => opened.map(Opening::Ready),
                Err(_) => Ok(Opening::UnderWay(meter.progress())),
            },
        }
    }

    async fn begin_to_open(&self, app_id: &str, attempt_id: Option<&str>, viewer: &Viewer) -> Result<Cached, Error> {
        self.inner.counts.opens.fetch_add(1, Ordering::Relaxed);
        let known = self.known(app_id, attempt_id).await?;
        self.authorize(app_id, attempt_id, viewer)?;
        let key: LogKey = (known.source, known.log.clone());
        let fresh = |opened: &OpenApplication| self.is_fresh(&key, opened);
        let start = |before, meter| self.start_load(app_id, &known, before, meter, true);
        let found = self.inner.cache.get_or_load(&key, fresh, start);
        if matches!(found, Cached::Ready(_)) {
            self.inner.counts.cache_hits.fetch_add(1, Ordering::Relaxed);
        }
        Ok(found)
    }

    /// The log of an attempt.
    pub(super) async fn known(&self, app_id: &str, attempt_id: Option<&str>) -> Result<Known, Error> {
        let unknown = || Error::UnknownApplication { app_id: app_id.to_owned() };
        let same = |known: &Known| known.attempt_id.as_deref() == attempt_id;
        let mut logs = self.inner.listing.logs(app_id);
        if !logs.iter().any(same) {
            self.find_unseen(app_id, attempt_id).await?;
            logs = self.inner.listing.logs(app_id);
        }
        if logs.is_empty() {
            return Err(unknown());
        }
        let unknown = || Error::UnknownAttempt { app_id: app_id.to_owned(), attempt_id: attempt_id.map(str::to_owned) };
        logs.into_iter().find(same).ok_or_else(unknown)
    }

    /// Lists a log that no scan has seen, if it has a name that Spark gives to logs of this application.
    pub(super) async fn find_unseen(&self, app_id: &str, attempt_id: Option<&str>) -> Result<(), Error> {
        // Nobody has ids like this; and the store need not be asked for them.
        let is_odd = |id: &str| id.is_empty() || id.len() > MAX_ID_BYTES || id.contains(char::is_control);
        if is_odd(app_id) || attempt_id.is_some_and(is_odd) || self.was_missed(app_id, attempt_id) {
            return Ok(());
        }
        if !self.inner.lookups.may_look() {
            return Ok(());
        }
        for (index, source) in self.inner.config.event_logs.iter().enumerate() {
            let attempts: &[Option<&str>] = if attempt_id.is_some() { &[attempt_id] } else { &[None, Some("1")] };
            for attempt in attempts {
                let Some(log) = find::by_id(source, app_id, *attempt).await? else { continue };
                let index = u16::try_from(index).unwrap_or(u16::MAX);
                let known = self.inner.listing.rows().log(index, &log.name).is_some();
                if !known {
                    self.inner.scanner.add(index, log).await?;
                    return Ok(());
                }
            }
        }
        self.missed(app_id, attempt_id);
        Ok(())
    }

    fn was_missed(&self, app_id: &str, attempt_id: Option<&str>) -> bool {
        let misses = self.inner.misses.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (app_id.to_owned(), attempt_id.map(str::to_owned));
        misses.get(&key).is_some_and(|at| at.elapsed() < self.inner.config.refresh_interval)
    }

    fn missed(&self, app_id: &str, attempt_id: Option<&str>) {
        let mut misses = self.inner.misses.lock().unwrap_or_else(PoisonError::into_inner);
        if misses.len() >= MISSES {
            misses.clear();
        }
        misses.insert((app_id.to_owned(), attempt_id.map(str::to_owned)), Instant::now());
    }

    /// Whether what was read of a log is still all there is.
    fn is_fresh(&self, key: &LogKey, opened: &OpenApplication) -> bool {
        let same = |fingerprint| fingerprint == Some(opened.fingerprint);
        if opened.is_broken() {
            return false;
        }
        if opened.complete {
            return same(self.inner.listing.rows().log(key.0, &key.1).map(|row| row.fingerprint));
        }
        let looked_at = *opened.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        looked_at.elapsed() < self.inner.config.refresh_interval
    }

    /// Starts a load. `keep`: what is replayed is stored behind the backs of those who wait.
    pub(super) fn start_load(
        &self,
        app_id: &str,
        known: &Known,
        before: Option<Arc<OpenApplication>>,
        meter: Meter,
        keep: bool,
    ) -> BoxFuture<'static, Result<Arc<OpenApplication>, Error>> {
        let (history, app_id, known) = (self.clone(), app_id.to_owned(), known.clone());
        let failed = Error::ReplayFailed { log: known.log.clone() };
        let task = self.inner.tasks.spawn(async move {
            let key: LogKey = (known.source, known.log.clone());
            let ends = EndLoad { history: &history, key: &key, opened: None };
            let (opened, replayed) = history.load(&app_id, &known, before, &meter, ends).await?;
            if let Some(log) = replayed.filter(|_| keep) {
                history.store_later(&known, log, &opened);
            }
            Ok(opened)
        });
        async move { task.await.unwrap_or(Err(failed)) }.boxed()
    }

    /// The application as it is now, and its log if that had to be replayed.
    async fn load(
        &self,
        app_id: &str,
        known: &Known,
        before: Option<Arc<OpenApplication>>,
        meter: &Meter,
        mut ends: EndLoad<'_>,
    ) -> Result<(Arc<OpenApplication>, Option<EventLog>), Error> {
        let (source, log) = self.find_log(known).await?;
        // What was given up is not read again for every line that is added.
        let unchanged = |before: &&Arc<OpenApplication>| {
            let same = before.fingerprint == log.fingerprint() || (before.is_given_up() && !log.complete);
            same && !before.is_broken()
        };
        if let Some(before) = before.as_ref().filter(unchanged) {
            *before.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            ends.opened = Some(Arc::clone(before));
            return Ok((Arc::clone(before), None));
        }
        let broken = before.as_ref().is_some_and(|before| before.is_broken());
        let (opened, replayed) = match self.open_stored(app_id, known, &log).await.filter(|_| !broken) {
            Some(stored) => (stored, None),
            None => (self.replay(app_id, known, (source, &log), before, meter).await?, Some(log)),
        };
        let opened = Arc::new(opened);
        ends.opened = Some(Arc::clone(&opened));
        Ok((opened, replayed))
    }

    /// The files of a log as they are now. One that was finished since it was listed has another name.
    pub(super) async fn find_log(&self, known: &Known) -> Result<(&LogSource, EventLog), Error> {
        let gone = || Error::LogGone { log: known.log.clone() };
        let source = self.inner.config.event_logs.get(usize::from(known.source)).ok_or_else(gone)?;
        if let Some(log) = find::by_name(source, &known.log).await? {
            return Ok((source, log));
        }
        let finished = match known.log.strip_suffix(".inprogress") {
            Some(finished) => find::by_name(source, finished).await?,
            None => None,
        };
        finished.map(|log| (source, log)).ok_or_else(gone)
    }

    pub(super) async fn replay(
        &self,
        app_id: &str,
        known: &Known,
        (source, log): (&LogSource, &EventLog),
        before: Option<Arc<OpenApplication>>,
        meter: &Meter,
    ) -> Result<OpenApplication, Error> {
        let failed = || Error::ReplayFailed { log: known.log.clone() };
        // The semaphore is never closed.
        let _permit = self.inner.replays.acquire().await.map_err(|_| failed())?;
        let (store, settings, runtime) = (source.store.clone(), self.inner.config.replay.clone(), Handle::current());
        // Tasks that never ended have run until the log was written last, whoever reads it, and whenever.
        let (updated_millis, wanted, meter) = (log.last_modified().timestamp_millis(), log.clone(), meter.clone());
        let started = Instant::now();
        let counts = &self.inner.counts;
        counts.replays.fetch_add(1, Ordering::Relaxed);
        let replayed = tokio::task::spawn_blocking(move || {
            let growing = before.and_then(|before| before.take_growing());
            load::replay(&store, &wanted, &settings, updated_millis, growing, &runtime, &meter)
        });
        let replayed = replayed.await.map_err(|panic| {
            tracing::error!(error = &panic as &dyn std::error::Error, "a replay broke off");
            failed()
        });
        let replayed = replayed.and_then(|replayed| replayed.map_err(Error::from)).inspect_err(|_| {
            counts.replay_failures.fetch_add(1, Ordering::Relaxed);
        })?;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        counts.replay_micros.fetch_add(micros, Ordering::Relaxed);
        counts.replay_bytes.fetch_add(replayed.text_bytes, Ordering::Relaxed);
        counts.replay_faults.fetch_add(replayed.faults, Ordering::Relaxed);
        let attempt_id = known.attempt_id.as_deref();
        let mut opened = OpenApplication::replayed(app_id, attempt_id, log, replayed.model, replayed.problems);
        opened.faulty = replayed.faults > 0;
        if replayed.growing.is_some() {
            // What is held to go on from is as much again.
            opened.size_bytes *= 2;
        }
        *opened.growing.lock().unwrap_or_else(PoisonError::into_inner) = replayed.growing;
        Ok(self.finish(opened))
    }
}

/// Takes a load out of the cache's books however it ends.
struct EndLoad<'a> {
    history: &'a History,
    key: &'a LogKey,
    opened: Option<Arc<OpenApplication>>,
}

impl Drop for EndLoad<'_> {
    fn drop(&mut self) {
        self.history.inner.cache.loaded(self.key, self.opened.as_ref());
    }
}
