//! Replayed applications as they are kept: once, by whichever replica replays first, for all.
//!
//! ```text
//! history/<app>/<attempt>/model.zst                 what pages need, all but tasks: zstd of two lines of JSON
//! history/<app>/<attempt>/tasks.parquet             … and the tables below
//! ```
//!
//! `<app>` and `<attempt>` are ids with everything but letters, digits, `-`, `_` and `.` percent-encoded; the attempt of an
//! application that has no attempt ids is `default`. The model is written last and says which log it is of and in which
//! format it is: when the log has changed or the format has, the application is replayed and written again.
//!
//! The tables are for everybody: `docs/tables.md` names every column of them. Those without rows are not written, but for a few that
//! every application has: an empty object costs a write and a place in every listing.

mod column;
mod content;
mod decode;
mod place;
mod read;
mod recent;
mod rows;
mod schema;
mod services;
mod sheet;
mod streaming;
mod write;

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use storage::{Key, ObjectPath};
use uuid::Uuid;

use crate::event_log::{EventLog, Problem};
use crate::log_url::Links;
use crate::redaction::Redaction;
pub(crate) use content::Content;
use history_model::Application;
use history_replay::Settings;
pub(crate) use read::{Loaded, StoredTasks, load};
pub(crate) use recent::RecentStages;
use rows::StageRows;
pub(crate) use write::save;

/// Changes whenever what is stored does, or what a replay makes of the same log.
const FORMAT: u32 = 5;

/// Which log a stored application is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) log: String,
    pub(crate) fingerprint: u64,
    /// What the replay kept and what is masked, as words: a server with other limits keeps other things.
    pub(crate) settings: String,
}

impl Identity {
    pub(crate) fn new(log: &EventLog, settings: &Settings, redaction: &Redaction) -> Self {
        let Settings { retained_jobs, retained_stages, retained_tasks, retained_dead_executors, .. } = settings;
        let limits = [retained_jobs, retained_stages, retained_tasks, retained_dead_executors];
        let limits = limits.into_iter().chain([&settings.retained_executions]).chain(settings.service_limits());
        let limits: Vec<String> =
            limits.map(|limit| limit.map_or_else(String::new, |limit| limit.to_string())).collect();
        Self {
            log: log.name.clone(),
            fingerprint: log.fingerprint(),
            settings: format!(
                "{} {} {} {}",
                limits.join(","),
                settings.max_line_bytes,
                settings.memory_bytes,
                redaction.pattern()
            ),
        }
    }
}

/// The first line of `model.zst`: what decides whether to read the rest.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct StoredHead {
    format: u32,
    identity: Identity,
    /// Which writing this is of: all its tables have the same, and no others.
    generation: Uuid,
}

/// The rest.
#[derive(Serialize, Deserialize)]
struct Stored<A, S> {
    problems: Vec<Problem>,
    /// Links to executors' logs that differ from those in the model: those of the event log.
    logged_links: Links,
    /// The texts of the tasks' tables, in order of their codes.
    strings: S,
    stages: Vec<StageRows>,
    /// How many rows the table of other events has.
    other_events: usize,
    /// Where the row groups of those tables are that are read here, too, in order.
    places: Places,
    model: A,
}

/// Row groups by table.
type Places = BTreeMap<String, Vec<place::Place>>;

type StoredModel = Stored<Application, Vec<Box<str>>>;

/// Where an application's stored form is.
#[derive(Clone, Debug)]
pub(crate) struct Folder(ObjectPath);

impl Folder {
    /// # Errors
    /// [`storage::Error::InvalidPath`] for an id that is too long.
    pub(crate) fn new(app_id: &str, attempt_id: Option<&str>) -> storage::Result<Self> {
        const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
        let part = |id: &str| {
            let text = utf8_percent_encode(id, KEPT).to_string();
            // A name that begins with a dot is hidden from Spark, and `.` or `..` are no names.
            if let Some(rest) = text.strip_prefix('.') { format!("%2E{rest}") } else { text }
        };
        let attempt = attempt_id.map_or_else(|| "default".to_owned(), part);
        Ok(Self(Key::History(ObjectPath::parse(&format!("{}/{attempt}", part(app_id)))?).path()))
    }

    fn model(&self) -> storage::Result<ObjectPath> {
        self.0.join("model.zst")
    }

    fn table(&self, name: &str) -> storage::Result<ObjectPath> {
        self.0.join(&format!("{name}.parquet"))
    }

    /// Removes everything of the application.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn remove(&self, store: &storage::Store) -> storage::Result<()> {
        // First the model: without it nothing else is looked at.
        store.delete(&self.model()?).await?;
        for object in store.list_folder(&self.0).await?.objects {
            store.delete(&object.path).await?;
        }
        Ok(())
    }
}
