//! What a sweep is about to remove, told to all replicas before it is done.
//!
//! No store removes an object only if nobody has come to need it meanwhile. So a sweep first says what it will remove, waits
//! for a notice, looks again at what is needed, and removes only then. Whoever comes to need something (content that is
//! there already, or a name that was free) first writes down that it does, and then asks the list:
//!
//! - it was looked at less than a notice before that, and has nothing of this in it: a sweep that has begun since looks again
//!   later, and finds what was written;
//! - it names it, and nothing is being removed yet: it is taken out of the list, by compare-and-swap, which the sweep's own
//!   next step does not pass;
//! - it names it, and that is being removed: it waits for the end of that, and then for what is there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use storage::{Key, ObjectPath, Sha256Digest, Store, Version};
use uuid::Uuid;

use crate::resources::{FORMAT, check_format};
use crate::{Error, Result};

/// What one list holds at most: so many names make less than its limit.
pub(crate) const NAMES: usize = 1_000;
pub(crate) const BLOBS: usize = 10_000;
const LIMIT_BYTES: u64 = 4 << 20;

const POLL: Duration = Duration::from_millis(50);

/// What is about to go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct List {
    format: u32,
    /// Whose it is.
    pub(crate) sweep: Uuid,
    pub(crate) phase: Phase,
    pub(crate) blobs: BTreeSet<Sha256Digest>,
    /// Of documents, below their root.
    pub(crate) names: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    #[default]
    Announced,
    Removing,
}

impl List {
    pub(crate) fn new(blobs: BTreeSet<Sha256Digest>, names: BTreeSet<String>) -> Self {
        Self { format: FORMAT, sweep: Uuid::new_v4(), phase: Phase::Announced, blobs, names }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blobs.is_empty() && self.names.is_empty()
    }

    fn has(&self, name: &ObjectPath, blobs: &[Sha256Digest]) -> bool {
        self.names.contains(name.as_str()) || blobs.iter().any(|blob| self.blobs.contains(blob))
    }
}

/// The list, and when it was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    list: Arc<List>,
    at: Instant,
}

/// The list of one store. What this process has seen of it is believed for three quarters of a notice.
pub(crate) struct Condemned {
    store: Store,
    notice: Duration,
    patience: Duration,
    seen: Mutex<Option<Seen>>,
}

impl Condemned {
    pub(crate) fn new(store: Store, notice: Duration, patience: Duration) -> Self {
        Self { store, notice, patience, seen: Mutex::default() }
    }

    /// How long a sweep waits between its word and its deed.
    pub(crate) fn notice(&self) -> Duration {
        self.notice
    }

    /// The list as it was a short time ago at most: what [`Condemned::keep`] is given.
    pub(crate) async fn recent(&self) -> Result<Seen> {
        let known = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known.filter(|seen| seen.at.elapsed() < self.notice * 3 / 4) {
            Some(known) => Ok(known),
            None => self.look().await,
        }
    }

    /// Looks at the list, so that no upload has to.
    pub(crate) async fn look(&self) -> Result<Seen> {
        let at = Instant::now();
        let seen = Seen { list: Arc::new(self.read().await?.0), at };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen.clone());
        Ok(seen)
    }

    /// Sees to it that a document stays that was written at `name` after `before` was looked at, and the content that was
    /// found to be there after that, too. `false` when one of them has gone.
    ///
    /// # Errors
    /// A failure of the store: they may go.
    pub(crate) async fn keep(&self, before: &Seen, name: &ObjectPath, blobs: &[Sha256Digest]) -> Result<bool> {
        if before.at.elapsed() < self.notice && !before.list.has(name, blobs) {
            return Ok(true);
        }
        let deadline = Instant::now() + self.patience;
        loop {
            let (mut list, version) = self.read().await?;
            if !list.has(name, blobs) {
                break;
            }
            if list.phase == Phase::Announced {
                list.names.remove(name.as_str());
                for blob in blobs {
                    list.blobs.remove(blob);
                }
                if self.write(&list, version.as_ref()).await?.is_some() {
                    break;
                }
            } else if Instant::now() < deadline {
                tokio::time::sleep(POLL).await;
            } else {
                return Err(Error::TryAgain("what this upload needs is just being removed".to_owned()));
            }
        }
        let is_there = async |key: Key| match self.store.head(&key.path()).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(Error::from(error)),
        };
        for blob in blobs {
            if !is_there(Key::Blob(*blob)).await? {
                return Ok(false);
            }
        }
        is_there(Key::Resource(name.clone())).await
    }

    /// The list as it is, and its version; without one there is none.
    pub(crate) async fn read(&self) -> Result<(List, Option<Version>)> {
        let path = Key::Condemned.path();
        let (bytes, version) = match self.store.get_versioned(&path, LIMIT_BYTES).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok((List::default(), None)),
            Err(error) => return Err(error.into()),
        };
        let corrupt = |reason: String| Error::Corrupt { path: path.clone(), reason };
        let list: List = serde_json::from_slice(&bytes).map_err(|e| corrupt(e.to_string()))?;
        check_format(list.format).map_err(corrupt)?;
        Ok((list, Some(version)))
    }

    /// Puts a list in place of the version that was seen; `None` when it is another one by now.
    pub(crate) async fn write(&self, list: &List, seen: Option<&Version>) -> Result<Option<Version>> {
        let path = Key::Condemned.path();
        let bytes =
            serde_json::to_vec(list).map_err(|e| Error::Corrupt { path: path.clone(), reason: e.to_string() })?;
        let written = match seen {
            Some(seen) => self.store.put_if_match(&path, bytes, seen).await,
            None => self.store.put_if_absent(&path, bytes).await,
        };
        match written {
            Ok(version) => Ok(Some(version)),
            Err(storage::Error::Changed { .. } | storage::Error::AlreadyExists { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
