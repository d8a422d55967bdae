use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use storage::segment::Run;
use storage::{ObjectMeta, ObjectPath, Store};

mod archive;
mod container;
mod damage;
mod follow;
mod grep;
mod merge;
mod part;
mod text;

pub use archive::archive;
pub use container::{ContainerLog, Page};
pub use follow::Added;
pub use grep::{Search, pattern};
pub use merge::{MergedLine, merge};
pub use part::{Part, Wanted};
pub use text::{Shown, Text};

use crate::Result;
use crate::layout::{self, LINK};

/// How many containers' footers are asked for at a time.
const AT_ONCE: usize = 16;
const LINK_LIMIT_BYTES: u64 = 16 * 1024;

/// Reads shipped logs. Cheap to clone.
///
/// What a call answers is as of that call: ask again for what a container has written since.
#[derive(Clone, Debug)]
pub struct Logs {
    store: Store,
    poll: Duration,
}

/// A line waits longer than that before it is shipped.
const POLL: Duration = Duration::from_secs(1);

impl Logs {
    /// The logs in that store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, poll: POLL }
    }

    /// The same, but what is followed is asked for so often; once a second otherwise.
    #[must_use]
    pub fn with_poll_interval(self, poll: Duration) -> Self {
        Self { poll, ..self }
    }

    /// The applications that have logs, by id. One listing of a folder.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn applications(&self) -> Result<Vec<String>> {
        let names = self.names(&layout::root()).await?;
        Ok(names.into_iter().filter(|name| !name.starts_with('_')).collect())
    }

    /// The executors of an application that have logs: `driver` first, then by number. One listing of a folder.
    ///
    /// # Errors
    /// As [`Logs::of_application`].
    pub async fn executors(&self, application: &str) -> Result<Vec<String>> {
        let mut names = self.names(&layout::of_application(application)?).await?;
        names.sort_by_cached_key(|name| (name.parse::<u64>().ok(), name.clone()));
        Ok(names)
    }

    async fn names(&self, folder: &ObjectPath) -> Result<Vec<String>> {
        let listing = self.store.list_folder(folder).await?;
        Ok(listing.folders.iter().map(|folder| folder.name().to_owned()).collect())
    }

    /// Every container of an application, executors in order, oldest container first; empty when nothing was shipped.
    ///
    /// One listing, and one read for each container, several at once. Only what was shipped by application: what was
    /// shipped by pod name alone is found by [`Logs::of_pod`].
    ///
    /// # Errors
    /// [`crate::Error::InvalidName`], or a failure of the store.
    pub async fn of_application(&self, application: &str) -> Result<Vec<ContainerLog>> {
        self.below(&layout::of_application(application)?).await
    }

    /// The containers of one executor (`driver`, or its number), oldest first. One listing, one read for each.
    ///
    /// # Errors
    /// As [`Logs::of_application`].
    pub async fn of_executor(&self, application: &str, executor: &str) -> Result<Vec<ContainerLog>> {
        self.below(&layout::of_executor(application, executor)?).await
    }

    /// The containers of a pod, oldest first. One listing, one or two reads for each.
    ///
    /// # Errors
    /// As [`Logs::of_application`].
    pub async fn of_pod(&self, namespace: &str, pod: &str) -> Result<Vec<ContainerLog>> {
        self.below(&layout::of_pod(namespace, pod)?).await
    }

    /// The same container, as it is now; `None` when its logs have been removed.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn refresh(&self, log: &ContainerLog) -> Result<Option<ContainerLog>> {
        let objects: Vec<_> = self.store.list(&log.folder).try_collect().await?;
        self.open(log.folder.clone(), objects).await
    }

    async fn below(&self, folder: &ObjectPath) -> Result<Vec<ContainerLog>> {
        let mut folders: BTreeMap<ObjectPath, Vec<ObjectMeta>> = BTreeMap::new();
        let mut objects = self.store.list(folder);
        while let Some(object) = objects.try_next().await? {
            let Some(parent) = object.path.parent() else { continue };
            if layout::parse_folder_name(parent.name()).is_some() {
                folders.entry(parent).or_default().push(object);
            }
        }
        let logs = stream::iter(folders).map(|(folder, objects)| self.open(folder, objects)).buffered(AT_ONCE);
        let mut logs: Vec<ContainerLog> = logs.try_filter_map(|log| async { Ok(log) }).try_collect().await?;
        logs.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(logs)
    }

    /// Opens what lies in a container's folder: its segments, or those that a link there leads to.
    async fn open(&self, folder: ObjectPath, objects: Vec<ObjectMeta>) -> Result<Option<ContainerLog>> {
        let link = objects.iter().find(|object| object.path.name() == LINK).map(|object| object.path.clone());
        if let Some(run) = Run::of_objects(&self.store, objects).await? {
            return Ok(Some(ContainerLog::new(folder, run)));
        }
        let Some(link) = link else { return Ok(None) };
        let Some(target) = layout::parse_link(&self.store.get(&link, LINK_LIMIT_BYTES).await?) else { return Ok(None) };
        let run = Run::open(&self.store, &target).await?;
        Ok(run.map(|run| ContainerLog::new(target, run)))
    }
}
