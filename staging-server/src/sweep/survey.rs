//! What there is of names: which are over, which are free, and what content the others need.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::stream::{StreamExt as _, TryStreamExt as _};
use storage::{Key, ObjectMeta, ObjectPath, Sha256Digest, Store};

use crate::Result;
use crate::clock::Clock;
use crate::condemned::{BLOBS, NAMES};
use crate::lifetime::{Lifetimes, Reason};
use crate::resources::{Loaded, Resource, State};
use crate::tree::folders::is_reserved;

/// How many documents are read at once.
const READS: usize = 32;

/// How much of a kind one sweep takes; the rest is the next one's.
const MOST: usize = 10_000;

/// An upload whose time is over.
pub(super) struct Gone {
    pub(super) name: ObjectPath,
    pub(super) loaded: Loaded,
    pub(super) reason: Reason,
}

#[derive(Default)]
pub(super) struct Survey {
    /// Up to a number; the content of what is over beyond that is needed.
    pub(super) expired: Vec<Gone>,
    /// Names that have been free for a while, though their documents are there.
    pub(super) free: BTreeSet<String>,
    /// What documents point to that are not over.
    pub(super) needed: HashSet<Sha256Digest>,
    /// The marks of folders that are as old as an upload gets that nobody reads.
    pub(super) old_folders: Vec<ObjectPath>,
}

impl Survey {
    /// Reads every document. Holds 32 bytes for each content that is needed.
    pub(super) async fn take(store: &Store, lifetimes: &Lifetimes, clock: &Clock, grace: Duration) -> Result<Self> {
        let (now, mut survey) = (clock.now(), Self::default());
        let found = store.list(&Key::Resource(ObjectPath::root()).path());
        let read = found.map_err(crate::Error::from).map_ok(|meta| async move {
            let Some(Key::Resource(name)) = Key::parse(&meta.path) else { return Ok(None) };
            match is_reserved(name.name()) {
                true => Ok(Some((name, meta, None))),
                // What has gone since it was listed is no more.
                false => Ok(Resource::load(store, &name).await?.map(|loaded| (name, meta, Some(loaded)))),
            }
        });
        let mut read = read.try_buffer_unordered(READS).boxed();
        while let Some(found) = read.try_next().await? {
            let Some((name, meta, loaded)) = found else { continue };
            match loaded {
                None => survey.note_folder(&name, meta, lifetimes, clock),
                Some(loaded) => {
                    let is_old = meta.last_modified < clock.before(grace);
                    let reason = lifetimes.why_gone(&name, &loaded.resource, meta.last_modified, now);
                    let reason = reason.filter(|_| !loaded.resource.is_being_written_at(now));
                    survey.note(name, loaded, is_old, reason);
                }
            }
        }
        Ok(survey)
    }

    fn note(&mut self, name: ObjectPath, loaded: Loaded, is_old: bool, reason: Option<Reason>) {
        if !matches!(loaded.resource.state, State::Complete { .. }) {
            if is_old && loaded.resource.is_free() && self.free.len() < NAMES {
                self.free.insert(name.as_str().to_owned());
            }
            return;
        }
        match reason.filter(|_| self.expired.len() < MOST) {
            Some(reason) => self.expired.push(Gone { name, loaded, reason }),
            None => self.needed.extend(loaded.resource.contents()),
        }
    }

    /// A namespace keeps what was set of it.
    fn note_folder(&mut self, mark: &ObjectPath, meta: ObjectMeta, lifetimes: &Lifetimes, clock: &Clock) {
        let is_over = lifetimes.first_use.of(mark).is_some_and(|time| meta.last_modified < clock.before(time));
        if is_over && mark.parts().count() > 2 && self.old_folders.len() < MOST {
            self.old_folders.push(meta.path);
        }
    }
}

/// Content written before `old` that is not `needed`, and how long each is; up to a number.
pub(super) async fn unneeded(
    store: &Store,
    old: DateTime<Utc>,
    needed: &HashSet<Sha256Digest>,
) -> Result<BTreeMap<Sha256Digest, u64>> {
    let mut found = store.list(&ObjectPath::parse("staging/blobs/sha256")?);
    let mut blobs = BTreeMap::new();
    while let Some(meta) = found.try_next().await? {
        let Some(Key::Blob(digest)) = Key::parse(&meta.path) else { continue };
        if meta.last_modified < old && !needed.contains(&digest) {
            blobs.insert(digest, meta.size_bytes);
        }
        if blobs.len() == BLOBS {
            break;
        }
    }
    Ok(blobs)
}
