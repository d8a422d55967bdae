//! What a file system does, over any of the trees: what must be there, what must not, and in which order things go.
//!
//! Checks and changes are several requests to the store, so two clients that change the same path at once may both
//! succeed; the later one is then seen. Content is never mixed.

mod change;
mod known;
mod parents;
mod rename;

use std::sync::Arc;

use storage::{ObjectPath, Store};
use tokio_util::task::TaskTracker;

pub(crate) use change::Creation;
use known::KnownFolders;

use crate::condemned::Condemned;
use crate::limits::{Admitted, Gate};
use crate::path::FilePath;
use crate::status::{Attributes, Entry, Kind, Status};
use crate::tree::{Bundles, Content, EventLogs, File, Native, PodTemplates, StagedFiles, Tree, folders};
use crate::{Config, Error, Result};

/// All trees together, under one root.
pub(crate) struct FileSystem {
    store: Store,
    staging: StagedFiles,
    event_logs: EventLogs,
    pod_templates: PodTemplates,
    known: KnownFolders,
    gate: Arc<Gate>,
}

/// How much lies under a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) size_bytes: u64,
    pub(crate) files: u64,
    pub(crate) folders: u64,
}

impl FileSystem {
    /// What goes on behind an answer does so on `behind`.
    pub(crate) fn new(store: &Store, config: &Config, condemned: Arc<Condemned>, behind: &TaskTracker) -> Self {
        Self {
            store: store.clone(),
            staging: StagedFiles::new(store.clone(), config, condemned),
            event_logs: EventLogs::new(
                store.clone(),
                config.event_log_flush_bytes,
                config.event_log_flush_interval,
                behind.clone(),
            ),
            pod_templates: PodTemplates::new(store.clone(), config.max_pod_template_bytes),
            known: KnownFolders::default(),
            gate: Arc::new(Gate::new(store.clone(), config.limits)),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Uploads that have no name.
    pub(crate) fn bundles(&self) -> &Bundles {
        self.staging.bundles()
    }

    /// What the native protocol keeps.
    pub(crate) fn native(&self) -> &Native {
        self.staging.native()
    }

    /// What lets uploads in.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Lets an upload in.
    async fn admit(&self, tree: &dyn Tree, inside: &ObjectPath) -> Result<Admitted> {
        match inside.parts().next().filter(|_| tree.name() == self.staging.name()) {
            Some(namespace) => self.gate.admit(namespace).await,
            None => Ok(Admitted::freely()),
        }
    }

    fn trees(&self) -> [&dyn Tree; 3] {
        [&self.event_logs, &self.pod_templates, &self.staging]
    }

    fn tree(&self, path: &FilePath) -> Option<(&dyn Tree, ObjectPath)> {
        let (name, inside) = path.split();
        self.trees().into_iter().find(|tree| tree.name() == name).map(|tree| (tree, inside))
    }

    /// The tree of a path that is to be changed.
    fn writable(&self, path: &FilePath) -> Result<(&dyn Tree, ObjectPath)> {
        self.tree(path).ok_or_else(|| {
            Error::Forbidden(format!(
                "{path} is not served here: write below /staging/<namespace>, /event-logs or /pod-templates/<namespace>"
            ))
        })
    }

    /// The file at `path`.
    pub(crate) async fn file(&self, path: &FilePath) -> Result<File> {
        let not_found = || Error::NotFound { path: path.to_string() };
        let (tree, inside) = self.tree(path).ok_or_else(not_found)?;
        if inside.parts().any(folders::is_reserved) {
            return Err(not_found());
        }
        match tree.file(&inside).await? {
            Some(file) => Ok(file),
            None if folder(tree, &inside).await?.is_some() => Err(Error::IsDirectory { path: path.to_string() }),
            None => Err(not_found()),
        }
    }

    /// The file at `path`, if its bytes can be had.
    pub(crate) async fn complete_file(&self, path: &FilePath) -> Result<File> {
        let file = self.file(path).await?;
        match file.content {
            Content::Uploading => Err(Error::BeingWritten { path: path.to_string() }),
            _ => Ok(file),
        }
    }

    /// Notes that somebody reads the file at `path`: its time begins anew. What cannot be noted keeps nobody from reading.
    pub(crate) async fn note_use(&self, path: &FilePath, file: &File) {
        if let Some((tree, inside)) = self.tree(path).filter(|_| !file.is_use_noted)
            && let Err(error) = tree.note_use(&inside).await
        {
            let path = path.to_string();
            let (path, error) = (access::masked(&path), &error as &dyn std::error::Error);
            tracing::warn!(%path, error, "that a file was read could not be noted");
        }
    }

    /// What lies at `path`; `None` where nothing does.
    pub(crate) async fn find(&self, path: &FilePath) -> Result<Option<Status>> {
        if path.is_root() {
            return Ok(Some(Status::folder(Attributes::folder())));
        }
        let Some((tree, inside)) = self.tree(path) else { return Ok(None) };
        if inside.parts().any(folders::is_reserved) {
            return Ok(None);
        }
        match tree.file(&inside).await? {
            Some(file) => Ok(Some(file.status())),
            None => Ok(folder(tree, &inside).await?.map(Status::folder)),
        }
    }

    /// What lies at `path`.
    pub(crate) async fn status(&self, path: &FilePath) -> Result<Status> {
        self.find(path).await?.ok_or_else(|| Error::NotFound { path: path.to_string() })
    }

    /// As [`FileSystem::status`], but what lies below a file is told apart from what is missing.
    async fn status_not_below_file(&self, path: &FilePath) -> Result<Status> {
        match self.find(path).await? {
            Some(status) => Ok(status),
            None => {
                self.check_not_below_file(path).await?;
                Err(Error::NotFound { path: path.to_string() })
            }
        }
    }

    /// What lies in a folder, sorted by name; of a file, the file itself, with an empty name.
    pub(crate) async fn list(&self, path: &FilePath) -> Result<Vec<Entry>> {
        let status = self.status_not_below_file(path).await?;
        match (status.kind.clone(), self.tree(path)) {
            (Kind::File { .. }, _) => Ok(vec![Entry { name: String::new(), status }]),
            (Kind::Folder, Some((tree, inside))) => tree.entries(&inside).await,
            (Kind::Folder, None) => Ok((self.trees().into_iter())
                .map(|tree| Entry { name: tree.name().to_owned(), status: status.clone() })
                .collect()),
        }
    }

    /// How much lies at `path` and below it.
    pub(crate) async fn summary(&self, path: &FilePath) -> Result<Summary> {
        let mut summary = Summary::default();
        let mut open = Vec::new();
        let mut count = |status: &Status, path: FilePath, open: &mut Vec<FilePath>| match status.kind {
            Kind::File { size_bytes } => {
                summary.files += 1;
                summary.size_bytes += size_bytes;
            }
            Kind::Folder => {
                summary.folders += 1;
                open.push(path);
            }
        };
        count(&self.status_not_below_file(path).await?, path.clone(), &mut open);
        while let Some(folder) = open.pop() {
            let entries = match self.tree(&folder) {
                Some((tree, inside)) => tree.entries(&inside).await?,
                None => self.list(&folder).await?,
            };
            for entry in entries {
                count(&entry.status, folder.join(&entry.name)?, &mut open);
            }
        }
        Ok(summary)
    }
}

async fn folder(tree: &dyn Tree, path: &ObjectPath) -> Result<Option<Attributes>> {
    match tree.folder(path).await? {
        None if tree.is_fixed(path) => Ok(Some(Attributes::folder())),
        found => Ok(found),
    }
}
