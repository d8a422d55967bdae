use std::collections::VecDeque;
use std::io;

use storage::Store;
use tokio::runtime::Handle;

use super::block::{Block, Pool};
use super::decode::Decoder;
use super::{EventLog, LogFile, Problem, open};
use crate::progress::Meter;

/// How an event log is read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// Longer lines are left out and counted, as Spark does (`spark.history.fs.eventLog.maxLineLength`).
    pub max_line_bytes: usize,
    /// How much text a block has, where lines allow.
    pub block_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { max_line_bytes: 256 * 1024 * 1024, block_bytes: 1024 * 1024 }
    }
}

/// Where reading a growing log stopped, always between two lines. Good for the same log when it is longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    file: String,
    /// Where decoding starts anew, in the file, and what of the text behind it is already known.
    offset: u64,
    skip: u64,
    position: u64,
}

/// The text of an event log as blocks of whole lines, every line with its line feed, but the last of the log if it has
/// none. Blocks on I/O: use it on a blocking thread only.
///
/// Of a log that is not complete, a last line without line feed is held back: the rest of it is still to come.
/// A file that is cut short or damaged gives what comes before, and a [`Problem`].
pub struct LineBlocks {
    store: Store,
    runtime: Handle,
    options: ReadOptions,
    files: VecDeque<LogFile>,
    growing: bool,
    current: Option<Current>,
    checkpoint: Option<Checkpoint>,
    /// The start of a line whose end is not read yet.
    carry: Vec<u8>,
    pool: Pool,
    problems: Vec<Problem>,
    lines_too_long: u64,
    text_bytes: u64,
    meter: Meter,
}

struct Current {
    name: String,
    decoder: Decoder,
    /// Where in the text the next byte lies that the decoder gives.
    position: u64,
    skipping_line: bool,
}

impl LineBlocks {
    /// Reads `log`, which lies in `store`, from its start. Stores that are not folders are read by a task on `runtime`.
    #[must_use]
    pub fn new(store: &Store, log: &EventLog, runtime: Handle, options: ReadOptions) -> Self {
        Self {
            store: store.clone(),
            runtime,
            options,
            files: log.files.iter().cloned().collect(),
            growing: !log.complete,
            current: None,
            checkpoint: None,
            carry: Vec::new(),
            pool: Pool::default(),
            problems: Vec::new(),
            lines_too_long: 0,
            text_bytes: 0,
            meter: Meter::default(),
        }
    }

    /// Goes on behind `checkpoint`. `None` when the log is not the same any more: then it must be read from its start.
    #[must_use]
    pub fn resume(
        store: &Store,
        log: &EventLog,
        checkpoint: &Checkpoint,
        runtime: Handle,
        options: ReadOptions,
    ) -> Option<Self> {
        let mut blocks = Self::new(store, log, runtime, options);
        let same = |file: &LogFile| super::name::finished_name(file.path.name()) == checkpoint.file;
        let at = log.files.iter().position(same)?;
        if log.files[at].size_bytes < checkpoint.offset {
            return None;
        }
        blocks.files.drain(..at);
        blocks.checkpoint = Some(checkpoint.clone());
        Some(blocks)
    }

    /// Tells `meter` from now on how much there is to be read, and what was.
    pub(crate) fn tell(&mut self, meter: &Meter) {
        let known = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.offset);
        let all: u64 = self.files.iter().map(|file| file.size_bytes).sum();
        meter.begin(all.saturating_sub(known));
        self.meter = meter.clone();
    }

    /// Where a later [`LineBlocks::resume`] can go on; what has been given is then not given again. `None` before the
    /// first byte of a log.
    pub fn checkpoint(&mut self) -> Option<Checkpoint> {
        if let Some(current) = &mut self.current {
            let position = current.position - self.carry.len() as u64;
            let (offset, skip) = current.decoder.restart_before(position);
            self.checkpoint = Some(Checkpoint { file: current.name.clone(), offset, skip, position });
        }
        self.checkpoint.clone()
    }

    /// What could not be read so far.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        self.problems.clone()
    }

    /// How many lines were left out for their length.
    #[must_use]
    pub fn lines_too_long(&self) -> u64 {
        self.lines_too_long
    }

    /// How much text was given so far.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// The next block; `None` at the end of the log.
    ///
    /// # Errors
    /// A failure of the store. Bad content is none.
    pub fn next_block(&mut self) -> storage::Result<Option<Block>> {
        loop {
            if self.current.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let mut bytes = self.pool.take();
            let ended = self.fill(&mut bytes)?;
            let bytes = if ended { self.end_file(bytes) } else { self.cut(bytes) };
            if !bytes.is_empty() {
                self.text_bytes += bytes.len() as u64;
                return Ok(Some(self.pool.block(bytes)));
            }
        }
    }

    fn open_next(&mut self) -> storage::Result<bool> {
        let Some(file) = self.files.pop_front() else { return Ok(false) };
        let name = super::name::finished_name(file.path.name()).to_owned();
        let at = self.checkpoint.take().filter(|checkpoint| checkpoint.file == name);
        let (offset, skip, position) = at.map_or((0, 0, 0), |at| (at.offset, at.skip, at.position));
        let opened = open::open(&self.store, &file, offset, &self.runtime)
            .and_then(|reader| Decoder::new(self.meter.measure(reader), &name, offset, position - skip))
            .and_then(|mut decoder| skip_text(&mut decoder, skip).map(|()| decoder));
        match opened {
            Ok(decoder) => self.current = Some(Current { name, decoder, position, skipping_line: false }),
            Err(error) => self.problem(&name, error)?,
        }
        Ok(true)
    }

    /// Fills `bytes` with what was carried and what follows; `true` at the end of the file.
    fn fill(&mut self, bytes: &mut Vec<u8>) -> storage::Result<bool> {
        let Some(current) = &mut self.current else { return Ok(true) };
        let block_bytes = self.options.block_bytes.min(self.options.max_line_bytes).max(64);
        // A line longer than a block: twice as much each time, so that its bytes are copied but a few times.
        let wanted = block_bytes.max((self.carry.len() * 2).min(self.options.max_line_bytes + 1));
        let mut filled = self.carry.len();
        // Buffers are used again as they are: to clear them first would cost as much as to read into them.
        if bytes.len() < wanted {
            bytes.resize(wanted, 0);
        }
        bytes[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        let mut ended = false;
        while filled < wanted && !ended {
            match current.decoder.read(&mut bytes[filled..wanted]) {
                Ok(0) => ended = true,
                Ok(read) => {
                    filled += read;
                    current.position += read as u64;
                }
                Err(error) => {
                    let name = current.name.clone();
                    bytes.truncate(filled);
                    self.problem(&name, error)?;
                    return Ok(true);
                }
            }
        }
        bytes.truncate(filled);
        Ok(ended)
    }

    /// Keeps what is behind the last line feed for the next block.
    fn cut(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let end = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        self.drop_long_start(&mut bytes, end);
        let end = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let rest = &bytes[end..];
        let skipping = self.current.as_ref().is_some_and(|current| current.skipping_line);
        if !skipping && rest.len() > self.options.max_line_bytes {
            self.lines_too_long += 1;
            if let Some(current) = &mut self.current {
                current.skipping_line = true;
            }
        } else if !skipping {
            self.carry.extend_from_slice(rest);
        }
        bytes.truncate(end);
        bytes
    }

    /// While a line is skipped, everything up to the end of that line goes.
    fn drop_long_start(&mut self, bytes: &mut Vec<u8>, end: usize) {
        let Some(current) = self.current.as_mut().filter(|current| current.skipping_line) else { return };
        if end == 0 {
            bytes.clear();
            return;
        }
        current.skipping_line = false;
        let first = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        bytes.drain(..first);
    }

    fn end_file(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let end = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let skipping = self.current.as_ref().is_some_and(|current| current.skipping_line);
        self.drop_long_start(&mut bytes, end);
        let still_skipping = skipping && end == 0;
        let last_of_growing = self.growing && self.files.is_empty();
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let rest = bytes.len() - whole;
        if last_of_growing {
            self.carry.extend_from_slice(&bytes[whole..]);
            bytes.truncate(whole);
            let checkpoint = self.checkpoint().filter(|_| !still_skipping);
            self.checkpoint = checkpoint;
        } else if rest > self.options.max_line_bytes {
            self.lines_too_long += 1;
            bytes.truncate(whole);
        } else if rest > 0 && !self.files.is_empty() {
            // The next file begins a line of its own.
            bytes.push(b'\n');
        }
        self.carry.clear();
        self.current = None;
        bytes
    }

    fn problem(&mut self, name: &str, error: io::Error) -> storage::Result<()> {
        let error = match open::store_failure(error) {
            Ok(failure) => return Err(failure),
            Err(content) => content,
        };
        if self.growing && self.files.is_empty() && error.kind() == io::ErrorKind::UnexpectedEof {
            // Still being written: that it ends in the middle is as it should be.
            return Ok(());
        }
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the file is cut short; what comes before the end is shown".to_owned(),
            _ => format!("the file is damaged ({error}); what comes before the damage is shown"),
        };
        self.problems.push(Problem { file: name.to_owned(), message });
        Ok(())
    }
}

fn skip_text(decoder: &mut Decoder, mut skip: u64) -> io::Result<()> {
    let mut scratch = vec![0; 64 * 1024];
    while skip > 0 {
        let most = scratch.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
        match decoder.read(&mut scratch[..most])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => skip -= read as u64,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
