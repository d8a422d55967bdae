//! Files that are still being written, on stores that cannot append.
//!
//! A growing file is an ordered run of immutable parts, each named by the offset at which it starts:
//!
//! ```text
//! <folder>/.growing/<name>/00000000000000000000      bytes 0 to 65,535
//! <folder>/.growing/<name>/00000000000000065536      bytes 65,536 to …
//! ```
//!
//! A part that is written again after a crash has the same name, so nothing is there twice. When the file is complete its
//! parts become the one object `<folder>/<name>`, and then they go. Spark ignores names that begin with a dot, so a folder
//! of event logs stays readable for its own history server.
//!
//! One writer at a time: two that append to one file at once overwrite each other's parts.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::store::ByteStream;
use crate::{Error, ObjectMeta, ObjectPath, Result, Store};

/// The name of the folder that holds the parts; no file may be called so.
pub const FOLDER: &str = ".growing";

/// A file that is still being written: what has arrived of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrowingFile {
    /// The path that it will have when it is complete.
    pub path: ObjectPath,
    /// How many bytes of it have arrived.
    pub size_bytes: u64,
    /// When the last of them arrived; `None` while there are none.
    pub last_modified: Option<DateTime<Utc>>,
    parts: Vec<ObjectMeta>,
}

/// Makes an empty growing file, so that it can be seen before its first byte. An existing one is left as it is.
///
/// # Errors
/// A failure of the store.
pub async fn create(store: &Store, path: &ObjectPath) -> Result<()> {
    match store.put_if_absent(&part_path(path, 0)?, Bytes::new()).await {
        Err(Error::AlreadyExists { .. }) => Ok(()),
        other => other,
    }
}

/// Writes the bytes that start at `offset`. They are durable when this returns. Give the offset where the file ends
/// ([`GrowingFile::size_bytes`]); the same offset again replaces the part that starts there.
///
/// # Errors
/// A failure of the store.
pub async fn append(store: &Store, path: &ObjectPath, offset: u64, bytes: impl Into<Bytes> + Send) -> Result<()> {
    store.put(&part_path(path, offset)?, bytes).await
}

/// What has arrived of a growing file; `None` when there is no such file.
///
/// # Errors
/// [`Error::Corrupt`] when a part is missing in the middle; a failure of the store.
pub async fn open(store: &Store, path: &ObjectPath) -> Result<Option<GrowingFile>> {
    let mut parts: Vec<ObjectMeta> = store.list(&folder_of(path)?).try_collect().await?;
    parts.retain(|part| part_offset(&part.path).is_some());
    if parts.is_empty() {
        return Ok(None);
    }
    assemble(path.clone(), parts).map(Some)
}

/// Every growing file directly in `folder`, sorted by path.
///
/// # Errors
/// [`Error::Corrupt`] when a part is missing in the middle of one; a failure of the store.
pub async fn list(store: &Store, folder: &ObjectPath) -> Result<Vec<GrowingFile>> {
    let mut parts: Vec<ObjectMeta> = store.list(&folder.join(FOLDER)?).try_collect().await?;
    parts.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let mut files: Vec<(ObjectPath, Vec<ObjectMeta>)> = Vec::new();
    for part in parts.into_iter().filter(|part| part_offset(&part.path).is_some()) {
        let Some(name) = part.path.parent().map(|run| run.name().to_owned()) else { continue };
        let path = folder.join(&name)?;
        match files.last_mut() {
            Some((last, parts)) if *last == path => parts.push(part),
            _ => files.push((path, vec![part])),
        }
    }
    files.into_iter().map(|(path, parts)| assemble(path, parts)).collect()
}

/// The bytes of a growing file from `offset` to the end that [`open`] or [`list`] saw.
#[must_use]
pub fn read(store: &Store, file: &GrowingFile, offset: u64) -> ByteStream {
    let store = store.clone();
    let wanted: Vec<_> = (file.parts.iter())
        .filter_map(|part| {
            let start = part_offset(&part.path)?;
            (start + part.size_bytes > offset).then(|| (part.clone(), offset.saturating_sub(start)))
        })
        .collect();
    stream::iter(wanted)
        .then(move |(part, skip)| {
            let store = store.clone();
            async move { store.get_range(&part.path, skip..part.size_bytes).await }
        })
        .boxed()
}

/// Makes the parts into the one object at the file's path, in place of what was there, then removes them. Safe to call
/// again after a crash; a file that has no parts (any more) is left as it is.
///
/// # Errors
/// [`Error::Corrupt`] when a part is missing in the middle; a failure of the store. The parts are then still there.
pub async fn finish(store: &Store, path: &ObjectPath) -> Result<()> {
    let Some(file) = open(store, path).await? else { return Ok(()) };
    let mut writer = store.writer(path);
    let mut bytes = read(store, &file, 0);
    while let Some(chunk) = bytes.try_next().await? {
        writer.write(&chunk).await?;
    }
    writer.finish().await?;
    remove(store, &file).await
}

/// Removes a growing file and all its bytes.
///
/// # Errors
/// A failure of the store.
pub async fn remove(store: &Store, file: &GrowingFile) -> Result<()> {
    // Backwards, so that what a crash leaves is still a run without a gap.
    for part in file.parts.iter().rev() {
        store.delete(&part.path).await?;
    }
    Ok(())
}

fn assemble(path: ObjectPath, mut parts: Vec<ObjectMeta>) -> Result<GrowingFile> {
    parts.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let mut size_bytes = 0;
    for part in &parts {
        let start = part_offset(&part.path).unwrap_or_default();
        if start != size_bytes {
            let reason = format!("its parts leave a gap or overlap: {size_bytes} bytes, then a part at {start}");
            return Err(Error::Corrupt { path, reason });
        }
        size_bytes += part.size_bytes;
    }
    let last_modified = parts.iter().filter(|part| part.size_bytes > 0).map(|part| part.last_modified).max();
    Ok(GrowingFile { path, size_bytes, last_modified, parts })
}

fn folder_of(path: &ObjectPath) -> Result<ObjectPath> {
    let folder = path.parent().unwrap_or_else(ObjectPath::root);
    folder.join(&format!("{FOLDER}/{}", path.name()))
}

fn part_path(path: &ObjectPath, offset: u64) -> Result<ObjectPath> {
    folder_of(path)?.join(&format!("{offset:020}"))
}

fn part_offset(part: &ObjectPath) -> Option<u64> {
    let name = part.name();
    (name.len() == 20 && name.bytes().all(|b| b.is_ascii_digit())).then(|| name.parse().ok()).flatten()
}
