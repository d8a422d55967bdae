//! The bytes of one file, pulled by a blocking thread.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use bytes::{Buf as _, Bytes};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use rustix::fs::{CWD, Mode, OFlags, openat};
use storage::{Store, growing};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::LogFile;

/// What one request to a store brings, and how many are under way at once.
const RANGE_BYTES: u64 = 4 * 1024 * 1024;
const RANGES_IN_FLIGHT: usize = 4;

/// Opens `file` at `offset`, up to the length at which it was found: what is added later belongs to the next look.
///
/// A file of this machine is read directly. Everything else is fetched ahead by a task on `runtime`, which ends with the
/// reader. Failures of the store are errors of kind [`io::ErrorKind::Other`].
pub(crate) fn open(store: &Store, file: &LogFile, offset: u64, runtime: &Handle) -> io::Result<Box<dyn Read + Send>> {
    let length = file.size_bytes.saturating_sub(offset);
    if let Some(opened) = open_local(store, file) {
        let opened = opened.and_then(|mut local| {
            local.seek(SeekFrom::Start(offset))?;
            Ok(local)
        });
        // Not `NotFound` and the like: those kinds tell of the content further up.
        return Ok(Box::new(opened.map_err(|e| store_error(local_error(file, e)))?.take(length)));
    }
    let (sender, receiver) = mpsc::channel(2);
    let (store, file) = (store.clone(), file.clone());
    let task = runtime.spawn(async move {
        let mut chunks = match &file.growing {
            Some(growing) => growing::read(&store, growing, offset),
            None => ranges(store, file, offset).boxed(),
        };
        while let Some(chunk) = chunks.next().await {
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
    });
    Ok(Box::new(Fetched { receiver, task, chunk: Bytes::new() }))
}

/// The file, where its store is a folder of this machine. Names that the store writes otherwise go through it.
pub(crate) fn open_local(store: &Store, file: &LogFile) -> Option<io::Result<File>> {
    let plain = file.growing.is_none() && !file.path.as_str().contains(['#', '%']);
    store.url().as_folder().filter(|_| plain).map(|folder| open_beneath(&folder, file.path.as_str()))
}

/// Opens a regular file below a folder. No link is followed: whoever may write event logs could show any file that this process can
/// read; nor waited for what is no file.
fn open_beneath(folder: &Path, path: &str) -> io::Result<File> {
    const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC);
    const FILE: OFlags = READ.union(OFlags::NONBLOCK).union(OFlags::NOFOLLOW);
    let mut at = openat(CWD, folder, READ | OFlags::DIRECTORY, Mode::empty())?;
    // One name after the other, which every system can do.
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    for name in folders.split('/').filter(|name| !name.is_empty()) {
        at = openat(at, name, READ | OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    }
    let file = File::from(openat(at, name, FILE, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::NotFound, "it is not a file")),
    }
}

fn ranges(store: Store, file: LogFile, offset: u64) -> impl futures::Stream<Item = storage::Result<Bytes>> + Send {
    let (path, end) = (file.path, file.size_bytes);
    let starts = (0..end.saturating_sub(offset).div_ceil(RANGE_BYTES)).map(move |i| offset + i * RANGE_BYTES);
    stream::iter(starts)
        .map(move |start| {
            let (store, path) = (store.clone(), path.clone());
            async move { store.get_range(&path, start..end.min(start + RANGE_BYTES)).await }
        })
        .buffered(RANGES_IN_FLIGHT)
        .try_filter(|chunk| futures::future::ready(!chunk.is_empty()))
}

struct Fetched {
    receiver: mpsc::Receiver<storage::Result<Bytes>>,
    task: tokio::task::JoinHandle<()>,
    chunk: Bytes,
}

impl Read for Fetched {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.chunk = chunk.map_err(store_error)?,
                None => return Ok(0),
            }
        }
        let length = out.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut out[..length]);
        Ok(length)
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A failure of this machine's file system, in the store's words.
pub(crate) fn local_error(file: &LogFile, error: io::Error) -> storage::Error {
    let path = file.path.clone();
    match error.kind() {
        io::ErrorKind::NotFound => storage::Error::NotFound { path },
        io::ErrorKind::PermissionDenied => storage::Error::PermissionDenied { path, source: error.into() },
        _ => storage::Error::Unavailable { path, source: error.into() },
    }
}

fn store_error(error: storage::Error) -> io::Error {
    io::Error::other(error)
}

/// The store's failure inside an error of a reader: then the content is not bad, it is out of reach.
pub(crate) fn store_failure(error: io::Error) -> Result<storage::Error, io::Error> {
    error.downcast::<storage::Error>()
}
