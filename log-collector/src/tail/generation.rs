//! One file of a log, between two rotations.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;
use memchr::memchr;
use storage::Sha256Digest;

use super::copied::{Copied, FINGERPRINT_BYTES, Lost, release};
use crate::files;

/// How much is read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// How many files are open; one less when it goes.
#[derive(Debug)]
pub(crate) struct Counted(Arc<AtomicU64>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A file between two rotations, held open: it stays readable when it is renamed, compressed or deleted.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    file: Arc<File>,
    /// Present when the file is compressed: where its content has been read to.
    gzip: Option<Arc<Mutex<MultiGzDecoder<File>>>>,
    /// Device and inode.
    pub(crate) inode: (u64, u64),
    /// Where it was when it was opened.
    path: PathBuf,
    /// A hard link that keeps it, if there is one.
    pin: Option<PathBuf>,
    /// A copy of it, made or to be made, if there is one; and whether this is the copy itself.
    copy: Option<Copied>,
    is_copy: bool,
    counted: Arc<Counted>,
}

impl Generation {
    /// Opens the file at `path`, and counts it in `open_files` as long as anybody holds it.
    pub(crate) fn open(path: &Path, open_files: &Arc<AtomicU64>) -> io::Result<Self> {
        let file = files::open_plain(path)?;
        let meta = file.metadata()?;
        let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
        let gzip =
            is_gzip.then(|| file.try_clone()).transpose()?.map(|file| Arc::new(Mutex::new(MultiGzDecoder::new(file))));
        open_files.fetch_add(1, Ordering::Relaxed);
        let counted = Arc::new(Counted(Arc::clone(open_files)));
        Ok(Self {
            file: Arc::new(file),
            gzip,
            inode: (meta.dev(), meta.ino()),
            path: path.to_owned(),
            pin: None,
            copy: None,
            is_copy: false,
            counted,
        })
    }

    /// Where it was when it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// There as long as anybody holds it.
    pub(crate) fn watch(&self) -> Weak<Counted> {
        Arc::downgrade(&self.counted)
    }

    /// Whether a hard link keeps it.
    pub(crate) fn is_pinned(&self) -> bool {
        self.pin.is_some()
    }

    /// The same, kept by the hard link at `pin`.
    pub(crate) fn pinned_at(self, pin: PathBuf) -> Self {
        Self { pin: Some(pin), ..self }
    }

    /// The same, of which a copy is made, or has been.
    pub(crate) fn copied_by(self, copy: Copied) -> Self {
        Self { copy: Some(copy), ..self }
    }

    /// The same, which is that copy.
    pub(crate) fn being_copy(self, copy: Copied) -> Self {
        Self { copy: Some(copy), is_copy: true, ..self }
    }

    /// Its copy, made or to be made.
    pub(crate) fn copy(&self) -> Option<&Copied> {
        self.copy.as_ref()
    }

    /// Whether it is no container runtime's file but a copy of one.
    pub(crate) fn is_copy(&self) -> bool {
        self.is_copy
    }

    /// What may be missing behind it.
    pub(super) fn lost_behind(&self) -> Option<Lost> {
        self.copy.as_ref().filter(|_| self.is_copy).and_then(Copied::lost)
    }

    /// The file, for as long as anybody reads it.
    pub(crate) fn file(&self) -> Weak<File> {
        Arc::downgrade(&self.file)
    }

    /// Lets go of the hard link and of the copy: it has been shipped.
    pub(super) fn release(&self) {
        if let Some(pin) = &self.pin {
            release(pin);
        }
        if let Some(copy) = &self.copy {
            copy.release();
        }
    }

    /// Whether there is something behind `at`, or its file has been deleted.
    pub(super) fn is_worth_reading(&self, at: u64) -> bool {
        self.gzip.is_some() || self.is_unlinked() || self.size_bytes() != at
    }

    /// Whether it was compressed when it was opened, and so was complete.
    pub(crate) fn is_compressed(&self) -> bool {
        self.gzip.is_some()
    }

    /// Appends at most a chunk of the content from `at` on. A compressed one is read from front to back only.
    pub(super) fn read(&self, at: u64, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let before = buffer.len();
        if self.gzip.is_none() && self.file.metadata()?.len() <= at {
            return Ok(0);
        }
        buffer.resize(before + CHUNK_BYTES, 0);
        let chunk = buffer.get_mut(before..).unwrap_or_default();
        let read = match &self.gzip {
            Some(gzip) => gzip.lock().unwrap_or_else(PoisonError::into_inner).read(chunk),
            None => self.file.read_at(chunk, at),
        };
        buffer.truncate(before + read.as_ref().map_or(0, |&read| read));
        read
    }

    /// Reads from the front again.
    pub(super) fn rewind(&self) -> io::Result<()> {
        if let Some(gzip) = &self.gzip {
            let mut file = self.file.try_clone()?;
            file.rewind()?;
            *gzip.lock().unwrap_or_else(PoisonError::into_inner) = MultiGzDecoder::new(file);
        }
        Ok(())
    }

    pub(super) fn skip(&self, bytes: u64) -> io::Result<()> {
        if let Some(gzip) = &self.gzip {
            let mut gzip = gzip.lock().unwrap_or_else(PoisonError::into_inner);
            io::copy(&mut (&mut *gzip).take(bytes), &mut io::sink())?;
        }
        Ok(())
    }

    /// What tells it from all others; `None` while its first line is not complete.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let mut first = vec![0; FINGERPRINT_BYTES];
        let read = match &self.gzip {
            // Its own offset must not move: what is read for this is not read from there.
            Some(_) => {
                MultiGzDecoder::new(AtStart { file: &self.file, at: 0 }).take(FINGERPRINT_BYTES as u64).read_to_end({
                    first.clear();
                    &mut first
                })
            }
            None => self.file.read_at(&mut first, 0),
        };
        first.truncate(read.ok()?);
        let line = match memchr(b'\n', &first) {
            Some(end) => first.get(..end)?,
            None if first.len() == FINGERPRINT_BYTES => &first,
            None => return None,
        };
        Some(Sha256Digest::of(line).to_string().chars().take(32).collect())
    }

    /// How large it is, where that is known: of a compressed one it is not.
    pub(crate) fn size_bytes(&self) -> u64 {
        if self.gzip.is_some() { 0 } else { self.file.metadata().map_or(0, |meta| meta.len()) }
    }

    /// Whether it is nowhere any more but in our own hands.
    pub(super) fn is_unlinked(&self) -> bool {
        self.is_copy || self.file.metadata().is_ok_and(|meta| meta.nlink() <= u64::from(self.pin.is_some()))
    }

    /// Whether it has neither been written, renamed nor deleted for so long, by the clock of its file system.
    pub(super) fn is_quiet_for(&self, time: Duration) -> bool {
        let changed = |meta: std::fs::Metadata| {
            let (seconds, nanoseconds) = (u64::try_from(meta.ctime()).ok()?, u64::try_from(meta.ctime_nsec()).ok()?);
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds))
        };
        let changed = self.file.metadata().ok().and_then(changed);
        changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age >= time)
    }
}

/// Whether there is still a file of this log: the one that is written to, or a rotated one.
pub(super) fn is_any_left(live: &Path) -> bool {
    let Some((folder, name)) = live.parent().zip(live.file_name()) else { return false };
    let is_of_log =
        |entry: std::fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(name.as_encoded_bytes());
    folder.read_dir().is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(is_of_log)))
}

/// Reads a file from its start whatever the descriptor's own offset is.
struct AtStart<'a> {
    file: &'a File,
    at: u64,
}

impl Read for AtStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
