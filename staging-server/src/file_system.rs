//! What a file system does, over any of the trees: what must be there, what must not, and in which order things go.
//!
//! Checks and changes are several requests to the store, so two clients that change the same path at once may both
//! succeed; the later one is then seen. Content is never mixed.

use axum::body::Body;
use futures::future::try_join_all;
use storage::{ObjectPath, Store};

use crate::status::{Attributes, Entry, Kind, Status, Wish};
use crate::tree::{Content, EventLogs, File, FilePath, PodTemplates, StagedFiles, Tree, folders};
use crate::upload;
use crate::{Config, Error, Result};

/// All trees together, under one root.
pub(crate) struct FileSystem {
    store: Store,
    staging: StagedFiles,
    event_logs: EventLogs,
    pod_templates: PodTemplates,
}

/// How much lies under a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) size_bytes: u64,
    pub(crate) files: u64,
    pub(crate) folders: u64,
}

impl FileSystem {
    pub(crate) fn new(store: &Store, config: &Config) -> Self {
        Self {
            store: store.clone(),
            staging: StagedFiles::new(store.clone(), config.max_upload_bytes),
            event_logs: EventLogs::new(store.clone(), config.event_log_flush_bytes, config.event_log_flush_interval),
            pod_templates: PodTemplates::new(store.clone(), config.max_pod_template_bytes),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
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

    /// What lies at `path`; `None` where nothing does.
    pub(crate) async fn find(&self, path: &FilePath) -> Result<Option<Status>> {
        if path.is_root() {
            return Ok(Some(Status::folder(Attributes::folder())));
        }
        match self.file(path).await {
            Ok(file) => Ok(Some(file.status())),
            Err(Error::IsDirectory { .. }) => {
                let Some((tree, inside)) = self.tree(path) else { return Ok(None) };
                Ok(folder(tree, &inside).await?.map(Status::folder))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What lies at `path`.
    pub(crate) async fn status(&self, path: &FilePath) -> Result<Status> {
        self.find(path).await?.ok_or_else(|| Error::NotFound { path: path.to_string() })
    }

    /// What lies in a folder, sorted by name; of a file, the file itself, with an empty name.
    pub(crate) async fn list(&self, path: &FilePath) -> Result<Vec<Entry>> {
        let status = self.status(path).await?;
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
        count(&self.status(path).await?, path.clone(), &mut open);
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

    /// Whether a file may be made at `path`. Asked before a client sends its bytes, and again when they come.
    pub(crate) async fn check_create(&self, path: &FilePath, overwrite: bool) -> Result<()> {
        let (tree, inside) = self.writable(path)?;
        tree.check(&inside, false)?;
        self.check_parents(path).await?;
        match self.find(path).await? {
            Some(status) if status.is_folder() => {
                Err(Error::AlreadyExists { path: path.to_string(), hint: " as a directory" })
            }
            Some(_) if !overwrite => {
                Err(Error::AlreadyExists { path: path.to_string(), hint: ": delete it first, or ask to overwrite it" })
            }
            _ => Ok(()),
        }
    }

    /// Makes a file of a request's body.
    pub(crate) async fn create(&self, path: &FilePath, wish: &Wish, overwrite: bool, body: Body) -> Result<()> {
        self.check_create(path, overwrite).await?;
        let (tree, inside) = self.writable(path)?;
        let upload = tree.create(&inside, wish, overwrite).await?;
        upload::receive(&path.to_string(), body, upload, 0, tree.limit_bytes()).await
    }

    /// Whether there is a file at `path` that bytes can be added to.
    pub(crate) async fn check_append(&self, path: &FilePath) -> Result<File> {
        self.writable(path)?;
        self.complete_file(path).await
    }

    /// Adds a request's body to the end of a file.
    pub(crate) async fn append(&self, path: &FilePath, body: Body) -> Result<()> {
        let file = self.check_append(path).await?;
        let (tree, inside) = self.writable(path)?;
        let upload = tree.append(&inside, &file).await?;
        upload::receive(&path.to_string(), body, upload, file.size_bytes, tree.limit_bytes()).await
    }

    /// Makes a folder and those above it; one that is there is fine.
    pub(crate) async fn make_folder(&self, path: &FilePath, wish: &Wish) -> Result<()> {
        if path.is_root() {
            return Ok(());
        }
        let (tree, inside) = self.writable(path)?;
        if tree.is_fixed(&inside) {
            return Ok(());
        }
        tree.check(&inside, true)?;
        self.check_parents(path).await?;
        match self.find(path).await? {
            Some(status) if status.is_folder() => Ok(()),
            Some(_) => Err(Error::AlreadyExists { path: path.to_string(), hint: " as a file" }),
            None => tree.make_folder(&inside, wish).await,
        }
    }

    /// Moves what is at `from` to `to`, or into it when `to` is a folder.
    pub(crate) async fn rename(&self, from: &FilePath, to: &FilePath, overwrite: bool) -> Result<()> {
        let status = self.status(from).await?;
        let target = self.find(to).await?;
        let (to, target) = match target {
            Some(found) if found.is_folder() && from != to => {
                let inside = to.join(from.name())?;
                let found = self.find(&inside).await?;
                (inside, found)
            }
            found => (to.clone(), found),
        };
        if *from == to {
            return Ok(());
        }
        let ((tree, source), (other, inside)) = (self.writable(from)?, self.writable(&to)?);
        if tree.name() != other.name() {
            let text = format!(
                "{from} cannot become {to}: between /{} and /{} things are copied, not moved",
                tree.name(),
                other.name()
            );
            return Err(Error::Forbidden(text));
        }
        if tree.is_fixed(&source) || to.is_below(from) {
            return Err(Error::Forbidden(format!("{from} cannot be moved to {to}")));
        }
        if target.is_some_and(|found| !overwrite || found.is_folder()) {
            return Err(Error::AlreadyExists { path: to.to_string(), hint: ": delete it first" });
        }
        tree.check(&inside, status.is_folder())?;
        self.check_target_folder(&to).await?;
        match status.kind {
            Kind::File { .. } => tree.move_file(&source, &inside).await?,
            Kind::Folder => tree.move_folder(&source, &inside).await?,
        }
        keep_parent(tree, &source).await
    }

    /// Removes what is at `path`; `false` when nothing is.
    pub(crate) async fn remove(&self, path: &FilePath, recursive: bool) -> Result<bool> {
        if path.is_root() {
            return Err(Error::Forbidden("/ stays: delete what is in it".to_owned()));
        }
        let Some(status) = self.find(path).await? else { return Ok(false) };
        let (tree, inside) = self.writable(path)?;
        if inside.is_root() {
            return Err(Error::Forbidden(format!("{path} stays: delete what is in it")));
        }
        if !status.is_folder() {
            tree.remove_file(&inside).await?;
        } else if recursive || tree.entries(&inside).await?.is_empty() {
            tree.remove_folder(&inside).await?;
        } else {
            return Err(Error::NotEmpty { path: path.to_string() });
        }
        keep_parent(tree, &inside).await?;
        Ok(true)
    }

    /// Sets what can be set of permission, owner and times.
    pub(crate) async fn set(&self, path: &FilePath, wish: &Wish) -> Result<()> {
        self.status(path).await?;
        match self.tree(path) {
            Some((tree, inside)) => tree.set(&inside, wish).await,
            None => Ok(()),
        }
    }

    async fn check_target_folder(&self, path: &FilePath) -> Result<()> {
        self.check_parents(path).await?;
        let Some(parent) = path.parent() else { return Ok(()) };
        self.status(&parent).await.map(|_| ())
    }

    /// None of the folders above `path` may be a file.
    async fn check_parents(&self, path: &FilePath) -> Result<()> {
        let (tree, inside) = self.writable(path)?;
        let above = std::iter::successors(inside.parent(), ObjectPath::parent).filter(|path| !tree.is_fixed(path));
        try_join_all(above.map(|folder| async move {
            match tree.file(&folder).await? {
                Some(_) => Err(Error::ParentIsFile { path: FilePath::of(tree.name(), &folder)?.to_string() }),
                None => Ok(()),
            }
        }))
        .await
        .map(|_| ())
    }
}

async fn folder(tree: &dyn Tree, path: &ObjectPath) -> Result<Option<Attributes>> {
    match tree.folder(path).await? {
        None if tree.is_fixed(path) => Ok(Some(Attributes::folder())),
        found => Ok(found),
    }
}

/// A folder outlives the last thing in it, as in every file system that people know.
async fn keep_parent(tree: &dyn Tree, path: &ObjectPath) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    if tree.is_fixed(&parent) || tree.folder(&parent).await?.is_some() {
        return Ok(());
    }
    tree.make_folder(&parent, &Wish::default()).await
}
