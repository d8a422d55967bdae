//! Who writes a log, among all replicas: a small object beside its parts, which says for how long it counts.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use storage::{ObjectPath, Store, Version, growing};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::path::FilePath;
use crate::resources::check_format;
use crate::{Error, Result};

const NAME: &str = "writer";
const FORMAT: u32 = 1;
const LIMIT_BYTES: u64 = 4096;

/// How often a writer says that it is alive, and after how long of silence it is passed over.
const BEAT: Duration = Duration::from_secs(15);
const SILENT_SECS: i64 = 60;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Document {
    format: u32,
    writer: Uuid,
    beat: DateTime<Utc>,
    /// Said by the writer itself: all bytes are there, and it will soon have ended.
    #[serde(default)]
    is_ending: bool,
    /// Said by the writer itself: it has ended.
    #[serde(default)]
    ended: bool,
}

/// For how long a log that is being ended is waited for: clients rename one as soon as they have closed it. Shorter than
/// their patience, which is a minute.
const ENDS_WITHIN: Duration = Duration::from_secs(50);
const POLL: Duration = Duration::from_millis(50);

impl Document {
    fn is_alive(&self) -> bool {
        !self.ended && Utc::now().signed_duration_since(self.beat) < TimeDelta::seconds(SILENT_SECS)
    }
}

enum Taken {
    Ours(Box<Claim>),
    Ending,
    Theirs,
}

/// The right to change a log. It is given back by [`Claim::release`], or ends when its holder no longer says that it is
/// alive.
pub(super) struct Claim {
    store: Store,
    path: ObjectPath,
    log: ObjectPath,
    writer: Uuid,
    version: Version,
    pub(super) next_beat: Instant,
}

impl Claim {
    /// Takes the log at `log` for this request; waits for one that is being ended.
    ///
    /// # Errors
    /// [`Error::BeingWritten`] while another holds it, here or on another replica.
    pub(super) async fn take(store: &Store, log: &ObjectPath) -> Result<Self> {
        let deadline = Instant::now() + ENDS_WITHIN;
        loop {
            match Self::try_to_take(store, log).await? {
                Taken::Ours(claim) => return Ok(*claim),
                Taken::Ending if Instant::now() < deadline => sleep(POLL).await,
                Taken::Ending | Taken::Theirs => return Err(taken(log)),
            }
        }
    }

    async fn try_to_take(store: &Store, log: &ObjectPath) -> Result<Taken> {
        let (path, writer) = (object(log)?, Uuid::new_v4());
        let bytes = bytes_of(writer, false, false)?;
        let version = match store.put_if_absent(&path, bytes.clone()).await {
            Ok(version) => version,
            Err(storage::Error::AlreadyExists { .. }) => {
                let found = load(store, &path).await?;
                // Gone between the two.
                let Some((document, seen)) = found else { return Ok(Taken::Ending) };
                // An answer that was lost looks like another's claim.
                if document.writer == writer {
                    seen
                } else if document.is_alive() {
                    return Ok(if document.is_ending { Taken::Ending } else { Taken::Theirs });
                } else {
                    match store.put_if_match(&path, bytes, &seen).await {
                        Ok(version) => version,
                        Err(storage::Error::Changed { .. }) => return Ok(Taken::Theirs),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        };
        let (store, log) = (store.clone(), log.clone());
        let next_beat = Instant::now() + BEAT;
        Ok(Taken::Ours(Box::new(Self { store, path, log, writer, version, next_beat })))
    }

    /// Says that the holder is alive.
    ///
    /// # Errors
    /// [`Error::BeingWritten`] when somebody else has taken the log: nothing more may be written to it.
    pub(super) async fn beat(&mut self) -> Result<()> {
        self.say(false).await
    }

    /// Says that all bytes are there: whoever wants the log may wait for it.
    ///
    /// # Errors
    /// As [`Claim::beat`].
    pub(super) async fn end_soon(&mut self) -> Result<()> {
        self.say(true).await
    }

    async fn say(&mut self, is_ending: bool) -> Result<()> {
        match self.store.put_if_match(&self.path, bytes_of(self.writer, is_ending, false)?, &self.version).await {
            Ok(version) => self.version = version,
            Err(storage::Error::Changed { .. }) => match load(&self.store, &self.path).await? {
                Some((document, version)) if document.writer == self.writer => self.version = version,
                _ => return Err(taken(&self.log)),
            },
            Err(error) => return Err(error.into()),
        }
        self.next_beat = Instant::now() + BEAT;
        Ok(())
    }

    /// Gives the log back.
    pub(super) async fn release(self) -> Result<()> {
        // Nobody passes over a holder that was alive just now. Of an older one, only what is still ours is ended.
        if Instant::now() < self.next_beat {
            return Ok(self.store.delete(&self.path).await?);
        }
        match self.store.put_if_match(&self.path, bytes_of(self.writer, true, true)?, &self.version).await {
            Ok(_) => Ok(self.store.delete(&self.path).await?),
            Err(storage::Error::Changed { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a log below `folder` is being written.
pub(super) async fn check_below(store: &Store, folder: &ObjectPath) -> Result<()> {
    let mut all = store.list(folder);
    while let Some(found) = all.try_next().await? {
        let Some(log) = log_of(&found.path) else { continue };
        if load(store, &found.path).await?.is_some_and(|(document, _)| document.is_alive()) {
            return Err(taken(&log));
        }
    }
    Ok(())
}

fn object(log: &ObjectPath) -> Result<ObjectPath> {
    let folder = log.parent().unwrap_or_else(ObjectPath::root);
    Ok(folder.join(&format!("{}/{}/{NAME}", growing::FOLDER, log.name()))?)
}

/// The log of a writer's object; `None` for any other.
fn log_of(object: &ObjectPath) -> Option<ObjectPath> {
    let run = object.parent().filter(|_| object.name() == NAME)?;
    let parts = run.parent().filter(|parts| parts.name() == growing::FOLDER)?;
    parts.parent()?.join(run.name()).ok()
}

async fn load(store: &Store, path: &ObjectPath) -> Result<Option<(Document, Version)>> {
    let (bytes, version) = match store.get_versioned(path, LIMIT_BYTES).await {
        Ok(got) => got,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let read = serde_json::from_slice::<Document>(&bytes).map_err(|e| e.to_string());
    match read.and_then(|read| check_format(read.format).map(|()| read)) {
        Ok(read) => Ok(Some((read, version))),
        Err(reason) => Err(Error::Corrupt { path: path.clone(), reason }),
    }
}

fn bytes_of(writer: Uuid, is_ending: bool, ended: bool) -> Result<Vec<u8>> {
    let document = Document { format: FORMAT, writer, beat: Utc::now(), is_ending, ended };
    serde_json::to_vec(&document).map_err(|e| Error::Corrupt { path: ObjectPath::root(), reason: e.to_string() })
}

fn taken(log: &ObjectPath) -> Error {
    let inside = log.as_str().split_once('/').map_or("", |(_, inside)| inside);
    let path = ObjectPath::parse(inside).map(|inside| FilePath::of("event-logs", &inside).to_string());
    Error::BeingWritten { path: path.unwrap_or_default() }
}
