//! Reading a log for the list: its head, its tail, and the rest only when these do not say enough.

use std::fs::File;
use std::io::{Cursor, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::TryStreamExt as _;
use storage::{Store, growing};
use tokio::runtime::Handle;

use super::summary::{END, Summary};
use crate::event_log::{Codec, Decoder, EventLog, LineBlocks, LogFile, ReadOptions, local_error, open_local};

/// A file of at most this is read in one go; of a larger one this much from its start.
const HEAD_BYTES: u64 = 1024 * 1024;
/// Where the end is looked for first, and where then; Spark's `endEventReparseChunkSize` is the latter.
const TAILS_BYTES: [u64; 2] = [64 * 1024, 1024 * 1024];
/// How much text the head may be, and how long a line of it.
const HEAD_TEXT_BYTES: usize = 32 * 1024 * 1024;
/// How much of it is decoded at a time.
const STEP_BYTES: usize = 256 * 1024;

/// What the start and the end of a log say.
pub(crate) enum Glance {
    /// All that the list needs.
    Said(Box<Summary>),
    /// Too little: [`everything`] has to be read.
    More,
}

/// Reads what the list needs of `log`, as far as that is to be had without reading all of it. Blocks: for blocking threads only.
///
/// # Errors
/// A failure of the store. A log that cannot be understood gives a [`Summary`] without an application.
pub(crate) fn glance(store: &Store, log: &EventLog, runtime: &Handle) -> storage::Result<Glance> {
    let mut summary = Summary::default();
    let [first, ..] = log.files.as_slice() else { return Ok(Glance::Said(Box::default())) };
    let head = fetch(store, first, 0..first.size_bytes.min(HEAD_BYTES), runtime)?;
    let whole = log.files.len() == 1 && head.len() as u64 >= first.size_bytes;
    let is_long = head.len() as u64 >= HEAD_BYTES;
    let all = whole && log.complete;
    let taken = take(first.path.name(), head, &mut summary, |summary| !all && summary.has_start());
    if all && taken.complete {
        return Ok(Glance::Said(Box::new(checked(log, summary))));
    }
    if !summary.has_start() {
        // What has no event in so many bytes is something else: a dump, an archive, a sparse file.
        let is_other = is_long && !taken.has_event;
        return Ok(if is_other { Glance::Said(Box::default()) } else { Glance::More });
    }
    if log.complete && summary.end_millis.is_none() {
        find_end(store, log, &mut summary, runtime)?;
        if summary.end_millis.is_none() {
            return Ok(Glance::More);
        }
    }
    Ok(Glance::Said(Box::new(checked(log, summary))))
}

fn checked(log: &EventLog, summary: Summary) -> Summary {
    if summary.malformed && log.complete {
        tracing::info!(log = %log.name, "a start, an end or an environment is not JSON: the event log is not listed");
        return Summary { malformed: true, ..Summary::default() };
    }
    summary
}

/// Reads every line, as Spark does when it has not found the end. Of a log that is not complete, up to where its start is known.
///
/// # Errors
/// A failure of the store.
pub(crate) fn everything(
    store: &Store,
    log: &EventLog,
    runtime: &Handle,
    stopped: &AtomicBool,
) -> storage::Result<Summary> {
    let enough = |summary: &Summary| !log.complete && summary.has_start();
    let mut summary = Summary::default();
    let options = ReadOptions { max_line_bytes: HEAD_TEXT_BYTES, ..ReadOptions::default() };
    let mut blocks = LineBlocks::new(store, log, runtime.clone(), options);
    while let Some(block) = blocks.next_block()? {
        summary.take_text(&block, enough);
        if enough(&summary) || stopped.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(checked(log, summary))
}

/// What came of taking in the start of a file.
struct Taken {
    /// The bytes decoded up to their end, or to where there was enough.
    complete: bool,
    /// Whether a line looks like an event.
    has_event: bool,
}

/// Takes in the lines of a file that starts with these bytes, until there is enough. A line that is cut off says nothing.
fn take(name: &str, bytes: Bytes, summary: &mut Summary, enough: impl Fn(&Summary) -> bool) -> Taken {
    let mut taken = Taken { complete: false, has_event: false };
    let mut take = |text: &[u8], summary: &mut Summary| {
        taken.has_event |= text.starts_with(b"{") || memchr::memmem::find(text, b"\n{").is_some();
        summary.take_text(text, &enough);
    };
    if Codec::of(name, &bytes) == Codec::Plain {
        take(&bytes, summary);
        return Taken { complete: true, ..taken };
    }
    let Ok(mut decoder) = Decoder::new(Box::new(Cursor::new(bytes)), name, 0, 0) else { return taken };
    let (mut text, mut filled, mut decoded) = (vec![0; STEP_BYTES], 0, 0);
    while decoded < HEAD_TEXT_BYTES {
        match decoder.read(&mut text[filled..]) {
            Ok(0) => {
                take(&text[..filled], summary);
                return Taken { complete: true, ..taken };
            }
            Ok(read) => (filled, decoded) = (filled + read, decoded + read),
            Err(_) => {
                take(&text[..filled], summary);
                return taken;
            }
        }
        if filled < text.len() {
            continue;
        }
        let lines = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
        take(&text[..lines], summary);
        if enough(summary) {
            return Taken { complete: true, ..taken };
        }
        text.copy_within(lines.., 0);
        filled -= lines;
        if lines == 0 {
            text.resize(text.len() * 2, 0);
        }
    }
    taken
}

/// Looks for the end in the last file: from behind, in whole units of its codec.
fn find_end(store: &Store, log: &EventLog, summary: &mut Summary, runtime: &Handle) -> storage::Result<()> {
    let Some(last) = log.files.last() else { return Ok(()) };
    for tail_bytes in TAILS_BYTES {
        let start = last.size_bytes.saturating_sub(tail_bytes);
        let tail = fetch(store, last, start..last.size_bytes, runtime)?;
        if let Some(text) = tail_text(last.path.name(), &tail, start == 0) {
            summary.take_text(&text, |_| false);
        }
        if summary.end_millis.is_some() || start == 0 {
            break;
        }
    }
    Ok(())
}

/// Text at the end of a file that has the end of an application in it, from the last bytes of that file.
///
/// Of a compressed file the units that end it are found by their magic numbers. Bytes that only look like one do not
/// decode up to the very end of the file.
fn tail_text(name: &str, tail: &Bytes, from_start: bool) -> Option<Vec<u8>> {
    let head = if from_start { tail.as_ref() } else { &[] };
    let codec = Codec::of(name, head);
    let has_end = |text: &[u8]| memchr::memmem::rfind(text, END).is_some();
    if codec == Codec::Plain {
        let first_line = memchr::memchr(b'\n', tail).map_or(0, |at| at + 1);
        let text = if from_start { tail } else { &tail[first_line..] };
        return has_end(text).then(|| text.to_vec());
    }
    if from_start {
        let text = decode(name, tail.clone(), HEAD_TEXT_BYTES);
        return has_end(&text.bytes).then_some(text.bytes);
    }
    let magic = codec.unit_magic()?;
    let tries = memchr::memmem::rfind_iter(tail, magic).take(64);
    tries.map(|at| decode(name, tail.slice(at..), HEAD_TEXT_BYTES)).find_map(|text| {
        // A unit may begin inside a line; that line is then none of the four.
        (text.complete && has_end(&text.bytes)).then_some(text.bytes)
    })
}

struct Text {
    bytes: Vec<u8>,
    /// The bytes decoded up to their end, and that was within the limit.
    complete: bool,
}

fn decode(name: &str, bytes: Bytes, limit: usize) -> Text {
    let mut text = Vec::new();
    if Codec::of(name, &bytes) == Codec::Plain {
        return Text { bytes: bytes.into(), complete: true };
    }
    let Ok(mut decoder) = Decoder::new(Box::new(Cursor::new(bytes)), name, 0, 0) else {
        return Text { bytes: text, complete: false };
    };
    let mut filled = 0;
    while filled < limit {
        text.resize((filled * 2).clamp(256 * 1024, limit), 0);
        while filled < text.len() {
            match decoder.read(&mut text[filled..]) {
                Ok(0) => {
                    text.truncate(filled);
                    return Text { bytes: text, complete: true };
                }
                Ok(read) => filled += read,
                Err(_) => {
                    text.truncate(filled);
                    return Text { bytes: text, complete: false };
                }
            }
        }
    }
    Text { bytes: text, complete: false }
}

fn fetch(store: &Store, file: &LogFile, range: Range<u64>, runtime: &Handle) -> storage::Result<Bytes> {
    if let Some(local) = open_local(store, file) {
        let read = |mut local: File| {
            let mut bytes = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap_or_default());
            if range.start > 0 {
                local.seek(SeekFrom::Start(range.start))?;
            }
            local.take(range.end - range.start).read_to_end(&mut bytes)?;
            Ok(Bytes::from(bytes))
        };
        return local.and_then(read).map_err(|e| local_error(file, e));
    }
    if let Some(growing) = &file.growing {
        let mut bytes = Vec::new();
        let mut chunks = growing::read(store, growing, range.start);
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        while bytes.len() < wanted {
            let Some(chunk) = runtime.block_on(chunks.try_next())? else { break };
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(wanted);
        return Ok(bytes.into());
    }
    runtime.block_on(store.get_range(&file.path, range))
}
