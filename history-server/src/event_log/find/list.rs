//! Asking a store for its names. A folder of this machine is asked directly, which is many times faster.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use storage::growing::{self, GrowingFile};
use storage::{ObjectMeta, ObjectPath, Result};
use tokio::sync::mpsc;

use super::assemble;
use crate::event_log::log::{EventLog, LogFile};
use crate::event_log::name::{self, ROLLING_PREFIX};
use crate::event_log::{LogSource, Problem};

const GROWING: &str = ".growing";
const EXTENSIONS: [&str; 5] = ["", ".zstd", ".lz4", ".snappy", ".lzf"];

/// What a scan meets.
pub(crate) enum Found {
    Log(EventLog),
    Bad(Problem),
}

/// A top-level name with all that lies under it.
struct Group {
    path: ObjectPath,
    rolling: bool,
    files: Vec<ObjectMeta>,
    has_growing: bool,
}

/// Every log of a source, in no order, to `sink`. Ends early when nobody listens there any more. `is_known`: logs of it were seen
/// before, so a folder that is not there has gone, and with it, perhaps for a moment only, what it is mounted from.
pub(crate) async fn scan(source: &LogSource, is_known: bool, sink: mpsc::Sender<Found>) -> Result<()> {
    // First what grows: a log that is finished meanwhile is then seen twice, and never not at all.
    let growing = growing::list(&source.store, &ObjectPath::root()).await?;
    let by_name = |file: GrowingFile| (name::finished_name(file.path.name()).to_owned(), file);
    let mut growing: HashMap<String, GrowingFile> = growing.into_iter().map(by_name).collect();
    let (sender, mut groups) = mpsc::channel::<Vec<Group>>(4);
    let store = source.store.clone();
    let lister = AbortOnDrop(tokio::spawn(async move {
        match store.url().as_folder() {
            Some(folder) => {
                let blocking = tokio::task::spawn_blocking(move || list_local(&folder, is_known, &sender));
                blocking.await.map_err(|_| interrupted())?
            }
            None => list_remote(&store, &sender).await,
        }
    }));
    let mut batch = Vec::new().into_iter();
    while let Some(group) = next(&mut groups, &mut batch).await {
        if let Some(found) = whole(source, group).await? {
            if let Found::Log(log) = &found
                && !log.rolling
            {
                growing.remove(name::finished_name(&log.name));
            }
            if sink.send(found).await.is_err() {
                return Ok(());
            }
        }
    }
    lister.join().await?;
    for file in growing.into_values() {
        if let Some(log) = assemble::single(LogFile::growing(file))
            && sink.send(Found::Log(log)).await.is_err()
        {
            break;
        }
    }
    Ok(())
}

/// Groups travel many at a time: to wake another thread for each would cost more than to look at it.
const BATCH: usize = 256;

async fn next(groups: &mut mpsc::Receiver<Vec<Group>>, batch: &mut std::vec::IntoIter<Group>) -> Option<Group> {
    loop {
        if let Some(group) = batch.next() {
            return Some(group);
        }
        *batch = groups.recv().await?.into_iter();
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<Result<()>>);

impl AbortOnDrop {
    async fn join(mut self) -> Result<()> {
        (&mut self.0).await.unwrap_or_else(|_| Err(interrupted()))
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn interrupted() -> storage::Error {
    storage::Error::Unavailable { path: ObjectPath::root(), source: "the listing was interrupted".into() }
}

async fn whole(source: &LogSource, group: Group) -> Result<Option<Found>> {
    let Group { path, rolling, files, has_growing } = group;
    let mut files: Vec<_> = files.into_iter().map(LogFile::finished).collect();
    if !rolling {
        return Ok(files.pop().and_then(assemble::single).map(Found::Log));
    }
    if has_growing {
        files.extend(growing::list(&source.store, &path).await?.into_iter().map(LogFile::growing));
    }
    Ok(match assemble::rolling(&path, files) {
        Ok(log) => log.map(Found::Log),
        Err(problem) => Some(Found::Bad(problem)),
    })
}

/// One listing of everything, a thousand names a request; asking folder by folder is a request for each application.
async fn list_remote(store: &storage::Store, groups: &mpsc::Sender<Vec<Group>>) -> Result<()> {
    let mut objects = store.list(&ObjectPath::root());
    if store.url().is_local() {
        // Memory answers in no order.
        let mut all: Vec<_> = objects.try_collect().await?;
        all.sort_by(|a, b| a.path.cmp(&b.path));
        objects = stream::iter(all).map(Ok).boxed();
    }
    let (mut current, mut batch): (Option<Group>, _) = (None, Vec::new());
    while let Some(meta) = objects.try_next().await? {
        let (top, below) = meta.path.as_str().split_once('/').map_or((meta.path.as_str(), None), |(a, b)| (a, Some(b)));
        if current.as_ref().is_none_or(|group| group.path.as_str() != top) {
            batch.extend(current.take());
            if batch.len() >= BATCH && groups.send(std::mem::take(&mut batch)).await.is_err() {
                return Ok(());
            }
            let rolling = below.is_some();
            if rolling && !top.starts_with(ROLLING_PREFIX) {
                continue;
            }
            current = Some(Group { path: ObjectPath::parse(top)?, rolling, files: Vec::new(), has_growing: false });
        }
        let Some(group) = &mut current else { continue };
        match below.and_then(|below| below.split_once('/')) {
            Some((GROWING, _)) => group.has_growing = true,
            Some(_) => {}
            None => group.files.push(meta),
        }
    }
    batch.extend(current);
    // Nobody listens any more: the scan was given up, and this task with it.
    let _ = groups.send(batch).await;
    Ok(())
}

fn list_local(folder: &Path, is_known: bool, groups: &mpsc::Sender<Vec<Group>>) -> Result<()> {
    let mut batch = Vec::new();
    let entries = match fs::read_dir(folder) {
        // As with any other store: a folder comes into being with the first log in it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_known => return Ok(()),
        entries => entries.map_err(|e| io_error(folder, e))?,
    };
    for entry in entries {
        let Ok(entry) = entry else { continue };
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let Ok(path) = ObjectPath::parse(name) else { continue };
        // A file that goes between the two calls is one that this scan does not see.
        let Ok(group) = group_of(&entry.path(), path) else { continue };
        batch.extend(group);
        if batch.len() >= BATCH && groups.blocking_send(std::mem::take(&mut batch)).is_err() {
            return Ok(());
        }
    }
    let _ = groups.blocking_send(batch);
    Ok(())
}

fn group_of(on_disk: &Path, path: ObjectPath) -> std::io::Result<Option<Group>> {
    // Links are no logs: they could lead anywhere.
    let meta = fs::symlink_metadata(on_disk)?;
    if !meta.is_dir() {
        let files = vec![object_meta(path.clone(), &meta)];
        return Ok(meta.is_file().then_some(Group { path, rolling: false, files, has_growing: false }));
    }
    if !path.name().starts_with(ROLLING_PREFIX) {
        return Ok(None);
    }
    let mut group = Group { path, rolling: true, files: Vec::new(), has_growing: false };
    for entry in fs::read_dir(on_disk)?.flatten() {
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str() else { continue };
        group.has_growing |= name == GROWING;
        let (Ok(path), Ok(meta)) = (group.path.join(name), entry.metadata()) else { continue };
        if meta.is_file() {
            group.files.push(object_meta(path, &meta));
        }
    }
    Ok(Some(group))
}

fn object_meta(path: ObjectPath, meta: &fs::Metadata) -> ObjectMeta {
    let last_modified = meta.modified().map(Into::into).unwrap_or_default();
    ObjectMeta { path, size_bytes: meta.len(), last_modified, e_tag: None }
}

fn io_error(folder: &Path, error: std::io::Error) -> storage::Error {
    let path = ObjectPath::parse(&folder.to_string_lossy()).unwrap_or_else(|_| ObjectPath::root());
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => storage::Error::PermissionDenied { path, source: error.into() },
        _ => storage::Error::Unavailable { path, source: error.into() },
    }
}

/// The log with exactly this name.
pub(super) async fn one(source: &LogSource, name: &str) -> Result<Option<EventLog>> {
    let Ok(path) = ObjectPath::parse(name) else { return Ok(None) };
    if path.parts().count() != 1 || name.starts_with('.') {
        return Ok(None);
    }
    let group = match source.store.url().as_folder() {
        Some(folder) => {
            // The same as in a scan, so that a log looks the same however it was found.
            let (on_disk, path) = (folder.join(name), path.clone());
            tokio::task::spawn_blocking(move || group_of(&on_disk, path)).await.ok().and_then(Result::ok).flatten()
        }
        None => group_in_store(source, &path).await?,
    };
    if let Some(group) = group
        && let Some(Found::Log(log)) = whole(source, group).await?
    {
        return Ok(Some(log));
    }
    let growing = growing::open(&source.store, &path).await?;
    Ok(growing.map(LogFile::growing).and_then(assemble::single))
}

async fn group_in_store(source: &LogSource, path: &ObjectPath) -> Result<Option<Group>> {
    let path = path.clone();
    if path.name().starts_with(ROLLING_PREFIX) {
        let listing = source.store.list_folder(&path).await?;
        let has_growing = listing.folders.iter().any(|folder| folder.name() == GROWING);
        if has_growing || !listing.objects.is_empty() {
            return Ok(Some(Group { path, rolling: true, files: listing.objects, has_growing }));
        }
    }
    match source.store.head(&path).await {
        Ok(meta) => Ok(Some(Group { path, rolling: false, files: vec![meta], has_growing: false })),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The log that Spark calls `base`, whatever its layout, codec and state; the finished one first.
pub(crate) async fn try_names(source: &LogSource, base: &str) -> Result<Option<EventLog>> {
    let mut names = vec![format!("{ROLLING_PREFIX}{base}")];
    for suffix in ["", ".inprogress"] {
        names.extend(EXTENSIONS.iter().map(|extension| format!("{base}{extension}{suffix}")));
    }
    let mut answers = stream::iter(names).map(|name| async move { one(source, &name).await }).buffered(11);
    while let Some(answer) = answers.next().await {
        if let Some(log) = answer? {
            return Ok(Some(log));
        }
    }
    Ok(None)
}
