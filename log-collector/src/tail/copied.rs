//! A copy of a log file that outlives the file and whoever reads it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::memchr;

/// A generation is told from others by its first line, as far as this. The line starts with a time in nanoseconds.
pub(super) const FINGERPRINT_BYTES: usize = 1024;
const CHUNK_BYTES: usize = 256 * 1024;
/// What the name of a copy ends with that may go on, that is compressed, that is of no use before it is complete; and of a file
/// that says how many bytes there was no room for.
const ENDINGS: [&str; 4] = [PART, GZIP, UNFINISHED, LEFT];
const PART: &str = ".part";
const GZIP: &str = ".gz";
const UNFINISHED: &str = ".tmp";
const LEFT: &str = ".left";

/// The copy, as who makes it and who reads the file know it.
#[derive(Clone, Debug)]
pub(crate) struct Copied {
    /// Its path, without an ending.
    base: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    /// Bytes of the file that it has not.
    left_bytes: u64,
    /// Nothing is missing at its end.
    is_complete: bool,
    /// It is not wanted any more.
    is_released: bool,
}

/// Files that existed and can not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// How large they were, if that is known.
    pub(crate) size_bytes: Option<u64>,
}

/// Removes a hard link that keeps a file, and the folders above it that are empty then.
pub(crate) fn release(pin: &Path) {
    match std::fs::remove_file(pin) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, file = %pin.display(), "the link to a log file that was shipped cannot be removed");
        }
        _ => {
            for folder in pin.ancestors().skip(1).take(2) {
                let _ = std::fs::remove_dir(folder);
            }
        }
    }
}

/// Any name of a copy without its endings.
pub(crate) fn base_name(name: &str) -> &str {
    ENDINGS.iter().fold(name, |name, ending| name.strip_suffix(ending).unwrap_or(name))
}

impl Copied {
    /// One that is to be made there.
    pub(crate) fn new(base: PathBuf) -> Self {
        Self { base, state: Arc::default() }
    }

    /// One that was made before; also tells which file holds it.
    pub(crate) fn found(base: PathBuf) -> Option<(Self, PathBuf)> {
        let paths = ["", GZIP, PART].map(|ending| with(&base, ending));
        let (path, meta) = paths.into_iter().find_map(|path| fs::metadata(&path).ok().map(|meta| (path, meta)))?;
        let is_complete = path.extension() != Some(OsStr::new("part"));
        // A part of a record is none.
        let cut = if is_complete { 0 } else { cut_at_line(&path).ok()? };
        let left = fs::read_to_string(with(&base, LEFT)).ok().and_then(|left| left.trim().parse::<u64>().ok());
        let left_bytes = left.map_or(0, |left| left + cut);
        let state = State { bytes: meta.len() - cut, left_bytes, is_complete, is_released: false };
        Some((Self { base, state: Arc::new(Mutex::new(state)) }, path))
    }

    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// How much has been copied.
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// How much there was no room for.
    pub(crate) fn left_bytes(&self) -> u64 {
        self.lock().left_bytes
    }

    /// What may be missing behind it.
    pub(super) fn lost(&self) -> Option<Lost> {
        let state = self.lock();
        let size_bytes = (state.left_bytes > 0).then_some(state.left_bytes);
        (!state.is_complete).then_some(Lost { size_bytes })
    }

    /// Copies on, no more than `room_bytes`, of which it takes its part. `is_over`: nothing will be written to the file any
    /// more. What is compressed is copied whole or not at all.
    pub(crate) fn go_on(&self, file: &File, is_gzip: bool, is_over: bool, room_bytes: &mut u64) -> io::Result<()> {
        let mut state = self.lock();
        if state.is_released || state.is_complete {
            return Ok(());
        }
        let size = file.metadata()?.len();
        // Without its first line it could not be told from others.
        if state.bytes == 0 && !is_gzip && !has_first_line(file)? {
            return Ok(());
        }
        let part = with(&self.base, if is_gzip { UNFINISHED } else { PART });
        let room = if is_gzip && size > *room_bytes { 0 } else { *room_bytes };
        let to = size.min(state.bytes.saturating_add(room));
        fs::create_dir_all(self.base.parent().unwrap_or(&self.base))?;
        if to > state.bytes {
            let mut copy = OpenOptions::new().append(true).create(true).open(&part)?;
            let mut chunk = vec![0; CHUNK_BYTES];
            while state.bytes < to {
                let most = usize::try_from(to - state.bytes).map_or(CHUNK_BYTES, |most| most.min(CHUNK_BYTES));
                let read = file.read_at(chunk.get_mut(..most).unwrap_or_default(), state.bytes)?;
                if read == 0 {
                    break;
                }
                copy.write_all(chunk.get(..read).unwrap_or_default())?;
                state.bytes += read as u64;
                *room_bytes = room_bytes.saturating_sub(read as u64);
            }
        }
        self.note_left(&mut state, size)?;
        if state.left_bytes == 0 && (is_over || is_gzip) && part.exists() {
            fs::rename(&part, with(&self.base, if is_gzip { GZIP } else { "" }))?;
            state.is_complete = true;
        }
        Ok(())
    }

    /// Writes down how much of a file of that size there was no room for, for whoever finds the copy without the file.
    fn note_left(&self, state: &mut State, size: u64) -> io::Result<()> {
        let left = size.saturating_sub(state.bytes);
        if left == state.left_bytes {
            return Ok(());
        }
        state.left_bytes = left;
        let note = with(&self.base, LEFT);
        if left == 0 {
            return fs::remove_file(note);
        }
        // There is something to find, however little.
        OpenOptions::new().append(true).create(true).open(with(&self.base, PART))?;
        fs::write(note, left.to_string())
    }

    /// Removes it: the file has been shipped.
    pub(crate) fn release(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.is_released, true) {
            for path in ENDINGS.iter().chain([&""]).map(|ending| with(&self.base, ending)) {
                release(&path);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes what is behind the last line's end; tells how much that was.
fn cut_at_line(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let size = file.metadata()?.len();
    let (mut end, mut chunk) = (size, vec![0; CHUNK_BYTES]);
    while end > 0 {
        let start = end.saturating_sub(CHUNK_BYTES as u64);
        let most = usize::try_from(end - start).unwrap_or_default();
        let part = chunk.get_mut(..most).unwrap_or_default();
        file.read_exact_at(part, start)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < size {
        file.set_len(end)?;
    }
    Ok(size - end)
}

fn has_first_line(file: &File) -> io::Result<bool> {
    let mut first = [0; FINGERPRINT_BYTES];
    let read = file.read_at(&mut first, 0)?;
    Ok(read == FINGERPRINT_BYTES || memchr(b'\n', first.get(..read).unwrap_or_default()).is_some())
}

fn with(base: &Path, ending: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
