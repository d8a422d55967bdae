//! The log file of one run of one container, as the one stream of bytes that it is, across its rotations.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use flate2::read::MultiGzDecoder;
use memchr::memchr;
use serde::{Deserialize, Serialize};
use storage::Sha256Digest;

use super::OpenRecord;
use crate::files;

/// How much is read at a time.
const CHUNK_BYTES: usize = 128 * 1024;
/// A generation is told from others by its first line, as far as this. The line starts with a time in nanoseconds.
const FINGERPRINT_BYTES: usize = 1024;
/// How many generations that were read are told from new ones. The kubelet keeps five.
const SEEN: usize = 16;

/// What a reader that starts again must know besides the offset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resume {
    /// Where in the source the generation starts that was read last.
    generation_start: u64,
    /// Its fingerprint.
    generation: Option<String>,
    /// The record that was taken in part.
    record: Option<OpenRecord>,
}

impl Resume {
    pub(crate) fn record(&self) -> Option<OpenRecord> {
        self.record
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
}

impl Generation {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = files::open_plain(path)?;
        let meta = file.metadata()?;
        let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
        let gzip =
            is_gzip.then(|| file.try_clone()).transpose()?.map(|file| Arc::new(Mutex::new(MultiGzDecoder::new(file))));
        Ok(Self { file: Arc::new(file), gzip, inode: (meta.dev(), meta.ino()) })
    }

    /// Appends at most a chunk of the content from `at` on. A compressed one is read from front to back only.
    fn read(&self, at: u64, buffer: &mut Vec<u8>) -> io::Result<usize> {
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

    fn skip(&self, bytes: u64) -> io::Result<()> {
        if let Some(gzip) = &self.gzip {
            let mut gzip = gzip.lock().unwrap_or_else(PoisonError::into_inner);
            io::copy(&mut (&mut *gzip).take(bytes), &mut io::sink())?;
        }
        Ok(())
    }

    /// What tells it from all others; `None` while its first line is not complete.
    fn fingerprint(&self) -> Option<String> {
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

    fn size_bytes(&self) -> u64 {
        if self.gzip.is_some() { 0 } else { self.file.metadata().map_or(0, |meta| meta.len()) }
    }

    fn is_unlinked(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.nlink() == 0)
    }

    /// Whether it has neither been written, renamed nor deleted for so long, by the clock of its file system.
    fn is_quiet_for(&self, time: Duration) -> bool {
        let changed = |meta: std::fs::Metadata| {
            let (seconds, nanoseconds) = (u64::try_from(meta.ctime()).ok()?, u64::try_from(meta.ctime_nsec()).ok()?);
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds))
        };
        let changed = self.file.metadata().ok().and_then(changed);
        changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age >= time)
    }
}

/// Whether there is still a file of this log: the one that is written to, or a rotated one.
fn is_any_left(live: &Path) -> bool {
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

/// What an attempt to read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There is more to parse.
    More,
    /// Nothing at present.
    Idle,
    /// Nothing at present, and soon nothing will come any more: the container is gone, and its file deleted.
    Ending,
    /// Nothing, and nothing will come any more from this generation: another one follows, or the container is gone.
    End,
}

/// How long the generation that is read has been at its end.
#[derive(Clone, Copy, Debug, Default)]
struct Closing {
    /// Since when there has been a later one, or its file has been deleted.
    since: Option<Instant>,
    /// When there was something in it last.
    grew: Option<Instant>,
}

impl Closing {
    fn is_over(&self, grace: Duration) -> bool {
        let is_past = |time: Option<Instant>| time.is_none_or(|time| time.elapsed() >= grace);
        self.since.is_some() && is_past(self.since) && is_past(self.grew)
    }
}

/// The generations of one log file, oldest first, and how far they were read.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path of the newest generation, while there is one.
    live: PathBuf,
    generations: VecDeque<Generation>,
    grace: Duration,
    /// When the first was seen to be the last that will be written to it, and when it was last seen to grow.
    closing: Closing,
    /// Where the first of them starts in the source.
    start: u64,
    /// How far the first of them was read.
    read: u64,
    carry: Vec<u8>,
    /// How much of `carry` has been consumed.
    consumed: usize,
    resume: Resume,
    seen: VecDeque<String>,
}

impl Source {
    /// Goes on where `resume` says, at `source_bytes`. Also tells whether something between there and the first generation
    /// that is left may be missing. Blocks on the disk.
    pub(crate) fn open(
        live: PathBuf,
        generations: Vec<Generation>,
        resume: Resume,
        source_bytes: u64,
        grace: Duration,
    ) -> io::Result<(Self, bool)> {
        let mut generations = VecDeque::from(generations);
        let known =
            generations.iter().position(|g| resume.generation.is_some() && g.fingerprint() == resume.generation);
        let is_new = source_bytes == 0;
        let (start, read) = match known {
            Some(known) => {
                generations.drain(..known);
                (resume.generation_start, source_bytes.saturating_sub(resume.generation_start))
            }
            None => (source_bytes, 0),
        };
        if let Some(first) = generations.front() {
            first.skip(read)?;
        }
        let missing = known.is_none() && !is_new && !generations.is_empty();
        let seen = resume.generation.iter().cloned().collect();
        let (carry, consumed, closing) = (Vec::new(), 0, Closing::default());
        Ok((Self { live, generations, grace, closing, start, read, carry, consumed, resume, seen }, missing))
    }

    /// Takes generations that were found later, oldest first. Those up to the last one that is known already are passed
    /// over: it has been read, or is being read, and so have those before it. Blocks on the disk.
    pub(crate) fn add(&mut self, generations: Vec<Generation>) {
        let held: Vec<_> = self.generations.iter().map(|held| (held.inode, held.fingerprint())).collect();
        let is_known = |found: &Generation| {
            let fingerprint = found.fingerprint();
            held.iter().any(|(inode, held)| *inode == found.inode || (held.is_some() && *held == fingerprint))
                || self.seen.iter().any(|seen| fingerprint.as_ref() == Some(seen))
        };
        let new = generations.iter().rposition(is_known).map_or(0, |last| last + 1);
        self.generations.extend(generations.into_iter().skip(new));
    }

    /// Reads on. Gives what follows in [`Source::bytes`].
    pub(crate) async fn fill(&mut self) -> io::Result<Filled> {
        let Some(first) = self.generations.front().cloned() else { return Ok(Filled::End) };
        let has_next = self.generations.len() > 1;
        let (live, at, grace) = (self.live.clone(), self.read, self.grace);
        let mut carry = std::mem::take(&mut self.carry);
        carry.drain(..std::mem::take(&mut self.consumed));
        let (carry, result) = tokio::task::spawn_blocking(move || {
            // Asked before reading: what is written between the two is read the next time.
            let is_last = has_next || (first.is_unlinked() && !is_any_left(&live));
            // Asked before reading too. What is compressed has been complete before.
            let is_quiet = first.gzip.is_some() || (is_last && first.is_quiet_for(grace));
            let read = first.read(at, &mut carry);
            (carry, read.map(|read| (read, is_last, is_quiet)))
        })
        .await
        .map_err(io::Error::other)?;
        self.carry = carry;
        let (read, is_last, is_quiet) = result?;
        self.read += read as u64;
        if read > 0 {
            self.closing.grew = Some(Instant::now());
        }
        self.closing.since = is_last.then(|| self.closing.since.unwrap_or_else(Instant::now));
        Ok(match (read, is_last) {
            (0, true) if is_quiet || self.closing.is_over(self.grace) => Filled::End,
            (0, true) if !has_next => Filled::Ending,
            (0, _) => Filled::Idle,
            _ => Filled::More,
        })
    }

    /// What has been read and not consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.carry.get(self.consumed..).unwrap_or_default()
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.consumed = (self.consumed + bytes).min(self.carry.len());
        if self.consumed == self.carry.len() {
            self.consumed = 0;
            self.carry.clear();
        }
    }

    /// Gives the memory back that a chunk was read into.
    pub(crate) fn rest(&mut self) {
        if self.carry.is_empty() {
            self.carry = Vec::new();
        }
    }

    /// Where in the source the first byte lies that has not been consumed.
    pub(crate) fn position(&self) -> u64 {
        self.start + self.read - self.bytes().len() as u64
    }

    /// How many bytes of the files have not been consumed.
    pub(crate) fn left_bytes(&self) -> u64 {
        let size: u64 = self.generations.iter().map(Generation::size_bytes).sum();
        (self.start + size).saturating_sub(self.position())
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.carry.capacity()
    }

    /// Goes to the next generation: the first has been read and consumed to its end. `false` when there is none.
    pub(crate) fn advance(&mut self) -> bool {
        if self.generations.len() < 2 {
            return false;
        }
        self.note();
        self.seen.extend(self.resume.generation.clone());
        let excess = self.seen.len().saturating_sub(SEEN);
        self.seen.drain(..excess);
        self.start += self.read;
        (self.read, self.consumed, self.closing) = (0, 0, Closing::default());
        self.carry.clear();
        self.generations.pop_front();
        true
    }

    /// What a reader must know that goes on from [`Source::position`]. Blocks on the disk, once for each generation.
    pub(crate) fn resume(&mut self, record: Option<OpenRecord>) -> Resume {
        self.note();
        Resume { record, ..self.resume.clone() }
    }

    fn note(&mut self) {
        let is_started = self.read > self.bytes().len() as u64;
        if let Some(first) = self.generations.front().filter(|_| is_started)
            && (self.resume.generation.is_none() || self.resume.generation_start != self.start)
        {
            self.resume = Resume { generation_start: self.start, generation: first.fingerprint(), record: None };
        }
    }
}
