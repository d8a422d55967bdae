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

/// How many parts are fetched before they are asked for; parts are small.
const PARTS_AHEAD: usize = 4;

/// A file that is still being written: what has arrived of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrowingFile {
    /// The path that it will have when it is complete.
    pub path: ObjectPath,
    /// How many bytes of it have arrived.
    pub size_bytes: u64,
    /// When the last of them arrived; `None` while there are none.
    pub last_modified: Option<DateTime<Utc>>,
    /// Whether there are bytes behind a gap: something that this crate never leaves has happened to the store. What is
    /// before the gap can be read.
    pub is_broken: bool,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    path: ObjectPath,
    start: u64,
    end: u64,
    size_bytes: u64,
    /// Where the bytes begin that no part before it has.
    from: u64,
}

/// Makes an empty growing file, so that it can be seen before its first byte. An existing one is left as it is.
///
/// # Errors
/// A failure of the store.
pub async fn create(store: &Store, path: &ObjectPath) -> Result<()> {
    match store.put_if_absent(&part_path(path, 0)?, Bytes::new()).await {
        Ok(_) | Err(Error::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error),
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
/// A failure of the store.
pub async fn open(store: &Store, path: &ObjectPath) -> Result<Option<GrowingFile>> {
    let mut parts: Vec<ObjectMeta> = store.list(&folder_of(path)?).try_collect().await?;
    parts.retain(|part| part_offset(&part.path).is_some());
    Ok((!parts.is_empty()).then(|| assemble(path.clone(), parts)))
}

/// Every growing file directly in `folder`, sorted by path.
///
/// # Errors
/// A failure of the store.
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
    Ok(files.into_iter().map(|(path, parts)| assemble(path, parts)).collect())
}

/// The bytes of a growing file from `offset` to the end that [`open`] or [`list`] saw; also when it is finished meanwhile.
#[must_use]
pub fn read(store: &Store, file: &GrowingFile, offset: u64) -> ByteStream {
    let (store, finished) = (store.clone(), file.path.clone());
    let wanted: Vec<_> = file.parts.iter().filter(|part| part.end > part.from.max(offset)).cloned().collect();
    stream::iter(wanted)
        .map(move |part| {
            let (store, finished, from) = (store.clone(), finished.clone(), part.from.max(offset));
            async move {
                match store.get_range(&part.path, from - part.start..part.end - part.start).await {
                    // Parts go when the whole is there, and only then.
                    Err(error) if error.is_not_found() => store.get_range(&finished, from..part.end).await,
                    got => got,
                }
            }
        })
        .buffered(PARTS_AHEAD)
        .boxed()
}

/// Makes the parts into the one object at the file's path, then removes them. Safe to call again after a crash: an
/// object that is there already and not shorter is the one that an earlier call made, and stays; a file that has no parts
/// (any more) is left as it is. To write a path anew, remove its object first.
///
/// # Errors
/// [`Error::Corrupt`] when a part is missing in the middle; a failure of the store. The parts are then still there.
pub async fn finish(store: &Store, path: &ObjectPath) -> Result<()> {
    let Some(file) = open(store, path).await? else { return Ok(()) };
    let arrived = file.parts.iter().map(|part| part.start + part.size_bytes).max().unwrap_or_default();
    let made_bytes = match store.head(path).await {
        Ok(made) => Some(made.size_bytes),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error),
    };
    // All of it is there; that parts are missing is what an earlier call has left.
    if made_bytes.is_some_and(|made| made >= arrived) {
        return remove(store, &file).await;
    }
    if file.is_broken {
        let reason = format!("a part is missing behind its first {} bytes", file.size_bytes);
        return Err(Error::Corrupt { path: path.clone(), reason });
    }
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
    store.delete_all(file.parts.iter().map(|part| part.path.clone())).await
}

fn assemble(path: ObjectPath, mut found: Vec<ObjectMeta>) -> GrowingFile {
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let last_modified = found.iter().filter(|part| part.size_bytes > 0).map(|part| part.last_modified).max();
    let mut file = GrowingFile { path, size_bytes: 0, last_modified, is_broken: false, parts: Vec::new() };
    for part in found {
        let start = part_offset(&part.path).unwrap_or_default();
        let end = start + part.size_bytes;
        file.is_broken |= start > file.size_bytes;
        // A part may reach into the next: a writer that died between the two wrote it again, longer, when it came back.
        let from = file.size_bytes.max(start);
        if !file.is_broken {
            file.size_bytes = end.max(from);
        }
        let read_to = if file.is_broken { from } else { end };
        file.parts.push(Part { path: part.path, start, end: read_to, size_bytes: part.size_bytes, from });
    }
    file
}

/// Where something of that name about a growing file lies, beside its parts: it stays when they go. Names of twenty digits
/// are the parts' own.
///
/// # Errors
/// [`Error::InvalidPath`].
pub fn note_path(path: &ObjectPath, name: &str) -> Result<ObjectPath> {
    folder_of(path)?.join(name)
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
