//! Removes what is over: uploads that nobody read in their time, content that no name needs, and what crashes left behind.
//!
//! Every step leaves a state from which any other sweep can go on. An upload that is over first loses its name, by
//! compare-and-swap, so that one that is being read at that moment stays. Content and freed names are old enough before they
//! are looked at, are announced ([`crate::condemned`]), and are looked at again before they go. A document that cannot be read
//! ends a sweep before anything is removed: what it needs is not known.
//!
//! Two sweeps at once do no harm: each removes only what stands in the list as it wrote that.

mod owned;
mod survey;
mod totals;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use storage::{Key, Lease, ObjectPath, Store, Version};
use uuid::Uuid;

use crate::Result;
use crate::clock::Clock;
use crate::condemned::{Condemned, List, Phase};
use crate::lifetime::Lifetimes;
use crate::owners::Owning;
use crate::resources::Resource;
use crate::tree::folders::NATIVE;
use survey::{Survey, unneeded};
use totals::Totals;
pub use totals::{SweepTotals, Swept};

/// The store's clock and this machine's may differ by so much; by more, nobody knows how old anything is.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(10);

/// How many objects are removed before it is asked again whether they still may be.
const AT_ONCE: usize = 500;

const LEASE: &str = "staging-sweep";

/// When what is over is removed.
#[derive(Clone, Copy, Debug)]
pub struct Sweeps {
    /// The pause between two sweeps.
    pub interval: Duration,
    /// How old at least content is that is removed, what a crash left behind, and a name that is free.
    pub grace: Duration,
    /// How long a sweep waits between saying what it will remove and removing it. All replicas have to have the same one.
    pub notice: Duration,
    /// How long an upload waits while what it needs is being removed.
    pub patience: Duration,
}

impl Default for Sweeps {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3600),
            grace: Duration::from_secs(24 * 3600),
            notice: Duration::from_secs(120),
            // A client waits a minute for its answer.
            patience: Duration::from_secs(40),
        }
    }
}

/// Sweeps one store. It starts nothing by itself.
#[derive(Clone)]
pub struct Sweeper {
    store: Store,
    lifetimes: Lifetimes,
    owning: Option<Owning>,
    sweeps: Sweeps,
    clock: Clock,
    condemned: Arc<Condemned>,
    totals: Arc<Totals>,
}

impl Sweeper {
    pub(crate) fn new(
        store: Store,
        lifetimes: Lifetimes,
        owning: Option<Owning>,
        sweeps: Sweeps,
        clock: Clock,
        condemned: Arc<Condemned>,
    ) -> Self {
        Self { store, lifetimes, owning, sweeps, clock, condemned, totals: Arc::default() }
    }

    /// What all sweeps of this process came to.
    #[must_use]
    pub fn totals(&self) -> SweepTotals {
        self.totals.read()
    }

    /// Sweeps again and again, for as long as this is polled, while no other replica does. Failures are told and tried
    /// again.
    pub async fn run(self) -> std::convert::Infallible {
        // A sweep may take longer than the lease: two at once do no harm.
        let pause = self.sweeps.notice / 3;
        let mut lease = Lease::new(self.store.clone(), LEASE, self.sweeps.notice * 4);
        let (mut next, mut known) = (Instant::now(), HashSet::new());
        loop {
            if let Err(error) = self.condemned.look().await {
                tracing::debug!(%error, "what is about to be removed could not be looked at");
            }
            match self.turn(&mut lease, Instant::now() >= next, &mut known).await {
                Ok(None) => {}
                Ok(Some(swept)) => {
                    next = Instant::now() + self.sweeps.interval;
                    if swept != Swept::default() {
                        tracing::info!(?swept, "removed what was over of the uploads");
                    }
                }
                Err(error) => {
                    self.totals.count_failure();
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "uploads that are over could not all be removed; trying again");
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Keeps the lease if it can be had, and sweeps where that `is_due`.
    async fn turn(&self, lease: &mut Lease, is_due: bool, known: &mut HashSet<String>) -> Result<Option<Swept>> {
        if !lease.take().await? {
            return Ok(None);
        }
        if !is_due {
            return self.meet_owners(known).await.map(|()| None);
        }
        let theirs = self.store.head(&Key::Lease(LEASE.to_owned()).path()).await?.last_modified;
        let apart = self.clock.now().signed_duration_since(theirs);
        if apart.abs() > CLOCKS_APART {
            tracing::error!(
                apart_seconds = apart.num_seconds(),
                "the clocks of this machine and of the store differ: nothing is removed before one of them is set right"
            );
            self.totals.count_failure();
            return Ok(Some(Swept::default()));
        }
        self.sweep().await.map(Some)
    }

    /// What a sweep would take from uploads now, as lines for people: `path: reason`.
    ///
    /// # Errors
    /// A failure of the store, or a document in it that cannot be read.
    pub async fn preview(&self) -> Result<Vec<String>> {
        let survey = self.survey().await?;
        let expired = survey.expired.iter();
        Ok(expired.map(|gone| format!("{}: {}", shown(&gone.name), gone.reason.text())).collect())
    }

    /// Looks once, and removes what is over.
    ///
    /// # Errors
    /// A failure of the store, or a document in it that cannot be read: what was not removed is the next time.
    pub async fn sweep(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        let done = self.sweep_into(&mut swept).await;
        // What went before a failure has gone, too.
        self.totals.add(&swept, done.is_ok().then(|| self.clock.now()));
        done.map(|()| swept)
    }

    async fn sweep_into(&self, swept: &mut Swept) -> Result<()> {
        // Nothing goes while it is not known what is somebody's.
        let survey = self.survey().await?;
        self.go_on().await?;
        self.note_owners(survey.owned).await?;
        let mut needed = survey.needed;
        for gone in survey.expired {
            let contents = gone.loaded.resource.contents();
            match Resource::free().swap(&self.store, &gone.name, &gone.loaded.version).await? {
                Some(_) => {
                    tracing::info!(path = %access::masked(gone.name.as_str()), reason = gone.reason.text(), "removed an upload");
                    swept.uploads += 1;
                }
                // Somebody has come for it meanwhile.
                None => needed.extend(contents),
            }
        }
        swept.folders = self.remove_folders(&survey.old_folders).await?;
        swept.leftovers = self.remove_leftovers().await?;
        let old = self.clock.before(self.sweeps.grace);
        let blobs = unneeded(&self.store, old, &needed).await?;
        let list = List::new(blobs.keys().copied().collect(), survey.free);
        if list.is_empty() {
            return Ok(());
        }
        let Some((list, version)) = self.agree_on(list).await? else { return Ok(()) };
        let sizes = list.blobs.iter().filter_map(|blob| blobs.get(blob));
        (swept.blobs, swept.bytes) = (list.blobs.len() as u64, sizes.sum());
        self.remove(&list, version).await
    }

    /// Ends what another sweep began, or this one's last.
    async fn go_on(&self) -> Result<()> {
        let (mut list, version) = self.condemned.read().await?;
        let Some(version) = version.filter(|_| list.phase == Phase::Removing && !list.is_empty()) else {
            return Ok(());
        };
        // Under another name, so that the other one stops if it is still there.
        list.sweep = Uuid::new_v4();
        match self.condemned.write(&list, Some(&version)).await? {
            Some(version) => self.remove(&list, version).await,
            None => Ok(()),
        }
    }

    /// Announces what is to go, waits, and looks again. What is left may go; `None` when another sweep came between.
    async fn agree_on(&self, list: List) -> Result<Option<(List, Version)>> {
        let (others, seen) = self.condemned.read().await?;
        let is_another_at_it = others.phase == Phase::Removing && !others.is_empty();
        if is_another_at_it || self.condemned.write(&list, seen.as_ref()).await?.is_none() {
            return Ok(None);
        }
        tokio::time::sleep(self.condemned.notice()).await;
        let survey = self.survey().await?;
        loop {
            let (mut now, version) = self.condemned.read().await?;
            let Some(version) = version.filter(|_| now.sweep == list.sweep) else { return Ok(None) };
            if now.phase == Phase::Removing {
                // Ours, whose answer was lost.
                return Ok(Some((now, version)));
            }
            now.blobs.retain(|blob| !survey.needed.contains(blob));
            now.names.retain(|name| survey.free.contains(name));
            now.phase = Phase::Removing;
            if let Some(version) = self.condemned.write(&now, Some(&version)).await? {
                return Ok(Some((now, version)));
            }
        }
    }

    /// Removes what is listed, for as long as the list is the one of `version`, and ends it.
    async fn remove(&self, list: &List, version: Version) -> Result<()> {
        let blobs = list.blobs.iter().map(|blob| Key::Blob(*blob).path());
        let names = list.names.iter().map(|name| Ok(Key::Resource(ObjectPath::parse(name)?).path()));
        let all: Vec<ObjectPath> = blobs.map(Ok).chain(names).collect::<Result<_, storage::Error>>()?;
        for some in all.chunks(AT_ONCE) {
            if self.condemned.read().await?.1.as_ref() != Some(&version) {
                return Ok(());
            }
            self.store.delete_all(some.to_vec()).await?;
        }
        self.condemned.write(&List::new(Default::default(), Default::default()), Some(&version)).await.map(|_| ())
    }

    /// Removes the marks of folders that are old and have nothing in them.
    async fn remove_folders(&self, marks: &[ObjectPath]) -> Result<u64> {
        let mut removed = 0;
        for mark in marks {
            let Some(folder) = mark.parent() else { continue };
            let inside: Vec<_> = take_two(self.store.list(&folder)).await?;
            if inside.len() == 1 && inside.first() == Some(mark) {
                self.store.delete(mark).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes what uploads left behind whose server died: content without a place, and words about their new names.
    async fn remove_leftovers(&self) -> Result<u64> {
        let mut removed = 0;
        for folder in ["staging/uploads", "staging/moved"] {
            let found = self.store.list(&ObjectPath::parse(folder)?);
            let old =
                found.try_filter_map(|meta| async move { Ok(self.is_old(meta.last_modified).then_some(meta.path)) });
            let old: Vec<ObjectPath> = old.try_collect().await?;
            removed += old.len() as u64;
            self.store.delete_all(old).await?;
        }
        Ok(removed)
    }

    fn is_old(&self, written: DateTime<Utc>) -> bool {
        written < self.clock.before(self.sweeps.grace)
    }

    async fn survey(&self) -> Result<Survey> {
        let owners = self.owners().await?;
        Survey::take(&self.store, &self.lifetimes, owners.as_ref(), &self.clock, self.sweeps.grace).await
    }
}

/// The address of what a document is of, where clients see it.
fn shown(name: &ObjectPath) -> String {
    match name.as_str().strip_prefix(NATIVE).and_then(|rest| rest.strip_prefix('/')?.split_once('/')) {
        Some((namespace, rest)) => format!("/v1/namespaces/{namespace}/{rest}"),
        None => format!("/staging/{name}"),
    }
}

async fn take_two(
    found: futures::stream::BoxStream<'static, storage::Result<storage::ObjectMeta>>,
) -> Result<Vec<ObjectPath>> {
    use futures::StreamExt as _;
    Ok(found.take(2).map_ok(|meta| meta.path).try_collect().await?)
}
