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
use crate::owners::Owners;
use crate::resources::{Loaded, Owned, Resource, State};
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
    /// What has been learned of owners, up to a number.
    pub(super) owned: Vec<(ObjectPath, Loaded, Owned)>,
    /// Names that have been free for a while, though their documents are there.
    pub(super) free: BTreeSet<String>,
    /// What documents point to that are not over.
    pub(super) needed: HashSet<Sha256Digest>,
    /// The marks of folders that are as old as an upload gets that nobody reads.
    pub(super) old_folders: Vec<ObjectPath>,
}

impl Survey {
    /// Reads every document. Holds 32 bytes for each content that is needed.
    pub(super) async fn take(
        store: &Store,
        lifetimes: &Lifetimes,
        owners: Option<&(Owners, Duration)>,
        clock: &Clock,
        grace: Duration,
    ) -> Result<Self> {
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
                    let reason = match owners.map(|owners| standing(owners, &name, &loaded.resource, now)) {
                        None | Some(Standing::Nobodys) => {
                            lifetimes.why_gone(&name, &loaded.resource, meta.last_modified, now)
                        }
                        Some(Standing::Stays) => None,
                        Some(Standing::Over) => Some(Reason::OwnerGone),
                        Some(Standing::Learned(owned)) => {
                            survey.learn(&name, &loaded, owned);
                            None
                        }
                    };
                    let reason = reason.filter(|_| !loaded.resource.is_being_written_at(now));
                    survey.note(name, loaded, is_old, reason);
                }
            }
        }
        Ok(survey)
    }

    fn learn(&mut self, name: &ObjectPath, loaded: &Loaded, owned: Owned) {
        if self.owned.len() < MOST {
            self.owned.push((name.clone(), loaded.clone(), owned));
        }
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

/// What an upload is to its owner.
enum Standing {
    /// It has none: time decides.
    Nobodys,
    Stays,
    /// Its owner has been gone for long enough.
    Over,
    /// It stays, and this is to be noted.
    Learned(Owned),
}

fn standing(
    (owners, grace): &(Owners, Duration),
    name: &ObjectPath,
    resource: &Resource,
    now: DateTime<Utc>,
) -> Standing {
    if !matches!(resource.state, State::Complete { .. }) {
        return Standing::Nobodys;
    }
    let is_over = |gone: DateTime<Utc>| now.signed_duration_since(gone).to_std().is_ok_and(|gone| gone >= *grace);
    match (owners.owner_of(name, resource), &resource.owned) {
        (Some(by), owned) => {
            let found = Owned { by, gone: None };
            if owned.as_ref() == Some(&found) { Standing::Stays } else { Standing::Learned(found) }
        }
        (None, None) => Standing::Nobodys,
        (None, Some(Owned { by, gone: None })) => Standing::Learned(Owned { by: by.clone(), gone: Some(now) }),
        (None, Some(Owned { gone: Some(gone), .. })) if is_over(*gone) => Standing::Over,
        (None, Some(_)) => Standing::Stays,
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
