//! How much room and work one namespace's uploads may take, so that something is left for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use storage::{Key, ObjectPath, Store};

use crate::resources::{Resource, State};
use crate::tree::folders::{BUNDLES, NATIVE, is_reserved};
use crate::{Error, Result};

/// How much uploads may take. Event logs are not uploads.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Uploads under way at once, of all namespaces; each holds up to 40 MiB of memory. Of one process.
    pub uploads: usize,
    /// Those of one namespace.
    pub namespace_uploads: usize,
    /// How many uploads of one namespace may begin in a second; ten times as many after a pause. Of one process.
    pub namespace_uploads_per_second: usize,
    /// How many bytes a namespace's uploads may have together, each name counted; looked at anew twice a minute. `None`: as
    /// many as it likes.
    pub namespace_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { uploads: 100, namespace_uploads: 50, namespace_uploads_per_second: 100, namespace_bytes: None }
    }
}

/// Uploads that may begin at once after a pause, in seconds' worth.
const BURST_SECS: f64 = 10.0;
/// For how long it is believed how much a namespace has.
const KNOWN_FOR: Duration = Duration::from_secs(30);
const READS: usize = 32;
/// So many namespaces are remembered of which nothing is under way.
const NAMESPACES: usize = 1_000;

/// Lets uploads in.
pub(crate) struct Gate {
    limits: Limits,
    store: Store,
    state: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    uploads: usize,
    refused: u64,
    namespaces: HashMap<String, Namespace>,
}

struct Namespace {
    uploads: usize,
    /// How many may begin now.
    tokens: f64,
    filled: Instant,
    /// How much it has, and when that was found.
    bytes: Option<(u64, Instant)>,
}

/// An upload that was let in, until this is dropped.
pub(crate) struct Entered {
    gate: Arc<Gate>,
    namespace: String,
}

impl Gate {
    pub(crate) fn new(store: Store, limits: Limits) -> Self {
        Self { limits, store, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uploads under way, and how many were refused so far.
    pub(crate) fn numbers(&self) -> (u64, u64) {
        let inside = self.lock();
        (inside.uploads as u64, inside.refused)
    }

    /// Lets an upload in that is to lie in a namespace.
    ///
    /// # Errors
    /// [`Error::TooMany`], [`Error::NamespaceFull`], or a failure of the store.
    pub(crate) async fn admit(self: &Arc<Self>, namespace: &str) -> Result<Admitted> {
        let entered = self.enter(namespace)?;
        let room = self.room(namespace).await?;
        Ok(Admitted { entered: Some(entered), room })
    }

    /// Lets an upload in.
    ///
    /// # Errors
    /// [`Error::TooMany`]
    pub(crate) fn enter(self: &Arc<Self>, namespace: &str) -> Result<Entered> {
        let mut inside = self.lock();
        match inside.enter(namespace, &self.limits) {
            Ok(()) => Ok(Entered { gate: Arc::clone(self), namespace: namespace.to_owned() }),
            Err(error) => {
                inside.refused += 1;
                Err(error)
            }
        }
    }

    /// How many bytes more a namespace may have; `None`: as many as it likes.
    ///
    /// # Errors
    /// [`Error::NamespaceFull`], or a failure of the store.
    pub(crate) async fn room(&self, namespace: &str) -> Result<Option<u64>> {
        let Some(limit_bytes) = self.limits.namespace_bytes else { return Ok(None) };
        let known = self.lock().namespaces.get(namespace).and_then(|namespace| namespace.bytes);
        let bytes = match known.filter(|(_, since)| since.elapsed() < KNOWN_FOR) {
            Some((bytes, _)) => bytes,
            None => {
                let bytes = bytes_of(&self.store, namespace).await?;
                if let Some(namespace) = self.lock().namespaces.get_mut(namespace) {
                    namespace.bytes = Some((bytes, Instant::now()));
                }
                bytes
            }
        };
        match limit_bytes.checked_sub(bytes) {
            None | Some(0) => {
                self.lock().refused += 1;
                Err(self.full(namespace))
            }
            room => Ok(room),
        }
    }

    /// Notes what has come to be in a namespace.
    pub(crate) fn add(&self, namespace: &str, more: u64) {
        if let Some((bytes, _)) = self.lock().namespaces.get_mut(namespace).and_then(|found| found.bytes.as_mut()) {
            *bytes += more;
        }
    }

    pub(crate) fn full(&self, namespace: &str) -> Error {
        let limit_bytes = self.limits.namespace_bytes.unwrap_or(u64::MAX);
        Error::NamespaceFull { namespace: namespace.to_owned(), limit_bytes }
    }
}

impl Inside {
    fn enter(&mut self, name: &str, limits: &Limits) -> Result<()> {
        if self.namespaces.len() >= NAMESPACES {
            self.namespaces.retain(|_, namespace| namespace.uploads > 0 || namespace.filled.elapsed() < KNOWN_FOR);
        }
        let most = limits.namespace_uploads_per_second as f64 * BURST_SECS;
        let new = || Namespace { uploads: 0, tokens: most, filled: Instant::now(), bytes: None };
        let namespace = self.namespaces.entry(name.to_owned()).or_insert_with(new);
        let gained = namespace.filled.elapsed().as_secs_f64() * limits.namespace_uploads_per_second as f64;
        (namespace.tokens, namespace.filled) = ((namespace.tokens + gained).min(most), Instant::now());
        if self.uploads >= limits.uploads {
            return Err(Error::TooMany(format!("{} uploads are under way here", self.uploads)));
        }
        if namespace.uploads >= limits.namespace_uploads {
            return Err(Error::TooMany(format!(
                "{} uploads to namespace {name} are under way here",
                namespace.uploads
            )));
        }
        if namespace.tokens < 1.0 {
            let rate = limits.namespace_uploads_per_second;
            return Err(Error::TooMany(format!("namespace {name} begins more than {rate} uploads a second here")));
        }
        namespace.tokens -= 1.0;
        namespace.uploads += 1;
        self.uploads += 1;
        Ok(())
    }
}

/// What is granted to an upload.
pub(crate) struct Admitted {
    entered: Option<Entered>,
    room: Option<u64>,
}

impl Admitted {
    /// What knows no limits: an event log, a template.
    pub(crate) fn freely() -> Self {
        Self { entered: None, room: None }
    }

    /// How long the file may get that begins with `begin_bytes` and may have `own_limit` at most, for itself.
    pub(crate) fn limit_bytes(&self, begin_bytes: u64, own_limit: Option<u64>) -> Option<u64> {
        let room = self.room.map(|room| begin_bytes.saturating_add(room));
        [room, own_limit].into_iter().flatten().min()
    }

    /// What became of it: notes how much it has added, and says whose limit it was that it met.
    pub(crate) fn told(self, received: Result<u64>, begin_bytes: u64, own_limit: Option<u64>) -> Result<()> {
        let Some(entered) = self.entered else { return received.map(|_| ()) };
        match received {
            Ok(size_bytes) => {
                entered.gate.add(&entered.namespace, size_bytes.saturating_sub(begin_bytes));
                Ok(())
            }
            Err(Error::TooLarge { limit_bytes, .. }) if Some(limit_bytes) != own_limit => {
                Err(entered.gate.full(&entered.namespace))
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut inside = self.gate.lock();
        inside.uploads = inside.uploads.saturating_sub(1);
        if let Some(namespace) = inside.namespaces.get_mut(&self.namespace) {
            namespace.uploads = namespace.uploads.saturating_sub(1);
        }
    }
}

/// How many bytes the uploads of a namespace have, those of its bundles too: a request for each upload.
async fn bytes_of(store: &Store, namespace: &str) -> Result<u64> {
    let native = format!("{NATIVE}/{namespace}");
    let folders = [namespace, BUNDLES, native.as_str()]
        .map(|folder| ObjectPath::parse(folder).map(|path| Key::Resource(path).path()));
    let mut sum = 0;
    for folder in folders {
        let found = store.list(&folder?).map_err(Error::from);
        let sizes = found.map_ok(|meta| async move { size_of(store, namespace, &meta.path).await });
        sum += sizes.try_buffer_unordered(READS).try_fold(0, |sum, size| async move { Ok(sum + size) }).await?;
    }
    Ok(sum)
}

async fn size_of(store: &Store, namespace: &str, path: &ObjectPath) -> Result<u64> {
    let Some(Key::Resource(name)) = Key::parse(path).filter(|_| !is_reserved(path.name())) else { return Ok(0) };
    let Some(loaded) = Resource::load(store, &name).await? else { return Ok(0) };
    let is_anothers = loaded.resource.bundle.is_some_and(|bundle| bundle.owner.namespace != namespace);
    match loaded.resource.state {
        State::Complete { size_bytes, .. } if !is_anothers => Ok(size_bytes),
        State::Complete { .. } | State::Uploading | State::Moved => Ok(0),
    }
}
