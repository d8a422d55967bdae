//! A file that is being written beside its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use crate::Failure;

/// Written at once: large enough that handing over to another thread costs nothing, small enough for many files.
const BUFFER_BYTES: usize = 512 * 1024;

/// A file under another name than its own, gone when dropped. Bytes are hashed and written on a thread for blocking
/// work while the next ones arrive.
pub(crate) struct PartFile {
    path: PathBuf,
    buffer: Vec<u8>,
    /// Bytes taken, written or still in the buffer.
    length: u64,
    disk: Disk,
}

enum Disk {
    Idle(Box<Writer>),
    Busy(JoinHandle<(Box<Writer>, io::Result<()>)>),
    /// A write was cut short by a cancelled call.
    Lost,
}

struct Writer {
    file: File,
    hasher: Option<Sha256>,
}

impl PartFile {
    /// Makes the folder and an empty file in it.
    pub(crate) fn create(path: PathBuf, hashed: bool) -> Result<Self, Failure> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| Failure::of_file("make the folder", folder, &e))?;
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|e| Failure::of_file("write", &path, &e))?;
        let writer = Writer { file, hasher: hashed.then(Sha256::new) };
        Ok(Self { path, buffer: Vec::new(), length: 0, disk: Disk::Idle(Box::new(writer)) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.buffer.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        if self.buffer.len() >= BUFFER_BYTES { self.hand_over().await } else { Ok(()) }
    }

    /// Starts over.
    pub(crate) async fn clear(&mut self) -> Result<(), Failure> {
        self.buffer.clear();
        let mut writer = self.writer().await?;
        let cleared = writer.file.set_len(0).and_then(|()| writer.file.rewind());
        cleared.map_err(|e| Failure::of_file("write", &self.path, &e))?;
        if let Some(hasher) = &mut writer.hasher {
            *hasher = Sha256::new();
        }
        self.disk = Disk::Idle(writer);
        self.length = 0;
        Ok(())
    }

    /// Writes what is left, and returns the hash, if one was asked for.
    pub(crate) async fn finish(&mut self) -> Result<Option<[u8; 32]>, Failure> {
        self.hand_over().await?;
        let mut writer = self.writer().await?;
        let digest = writer.hasher.take().map(|hasher| hasher.finalize().into());
        self.disk = Disk::Idle(writer);
        Ok(digest)
    }

    async fn hand_over(&mut self) -> Result<(), Failure> {
        let mut writer = self.writer().await?;
        let bytes = std::mem::take(&mut self.buffer);
        self.disk = Disk::Busy(tokio::task::spawn_blocking(move || {
            let written = writer.file.write_all(&bytes);
            if let Some(hasher) = &mut writer.hasher {
                hasher.update(&bytes);
            }
            (writer, written)
        }));
        Ok(())
    }

    async fn writer(&mut self) -> Result<Box<Writer>, Failure> {
        match std::mem::replace(&mut self.disk, Disk::Lost) {
            Disk::Idle(writer) => Ok(writer),
            Disk::Busy(task) => {
                let (writer, written) = task.await.map_err(|e| Failure::lasting(format!("writing ended: {e}")))?;
                written.map_err(|e| Failure::of_file("write", &self.path, &e))?;
                Ok(writer)
            }
            Disk::Lost => Err(Failure::lasting("writing was given up")),
        }
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // Gone already when it has been put in its place.
        let _ = std::fs::remove_file(&self.path);
    }
}
