use std::ops::Range;

use bytes::Bytes;
use memchr::memchr_iter;

use super::{Footer, Frame, MAX_FRAME_BYTES, MAX_NOTE_BYTES, Position, StreamPosition, Whole};
use crate::codec;

/// A frame is closed at the first line's end from here on.
const FRAME_BYTES: usize = 128 * 1024;
/// … or when so many lines start in it, so that the timestamps of empty lines stay bounded too.
const FRAME_LINES: usize = 16 * 1024;
pub(super) const STAMPS: u8 = 1;

/// A piece of a stream, as it came from the source.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Which stream; must be one that the run has.
    pub stream: usize,
    /// The bytes.
    pub content: &'a [u8],
    /// Whether a line's end (`\n`) follows them.
    pub ends_line: bool,
    /// When they were written, milliseconds since 1970.
    pub time_ms: i64,
    /// Where in the source this record starts.
    pub source_start: u64,
    /// Where in the source it ends. Never before an earlier record's end.
    pub source_end: u64,
}

/// Makes one segment: takes records, and gives the object's bytes as often as asked.
///
/// Holds the segment in compressed form, and less than 256 KiB of each stream uncompressed.
#[derive(Debug)]
pub struct Writer {
    start: Position,
    source_end: u64,
    streams: Vec<Open>,
    stored: Vec<u8>,
    frames: Vec<Frame>,
}

/// The frame of a stream that is not closed yet.
#[derive(Clone, Debug, Default)]
struct Open {
    start: StreamPosition,
    content: Vec<u8>,
    line_ends: u64,
    stamps: Vec<i64>,
    /// Whether the stream stands in the middle of a line.
    in_line: bool,
    /// The earliest and the latest time of its records, also of those that only go on with a line.
    time_ms: (i64, i64),
    source: Range<u64>,
}

impl Writer {
    /// A segment that starts at `start`; `open_lines` says for each stream whether a line is open there (as the
    /// [`Footer`] before it says; missing ones are not).
    #[must_use]
    pub fn new(start: Position, open_lines: &[bool]) -> Self {
        let streams = start.streams.iter().enumerate().map(|(n, &at)| Open {
            start: at,
            in_line: open_lines.get(n).copied().unwrap_or_default(),
            ..Open::default()
        });
        let streams = streams.collect();
        Self { source_end: start.source_bytes, streams, start, stored: Vec::new(), frames: Vec::new() }
    }

    /// The segment that follows this one.
    #[must_use]
    pub fn next(&self) -> Self {
        Self::new(self.end(), &self.open_lines())
    }

    /// Puts what `earlier` holds before what this one holds, so that the two are one. `false`, and nothing is done, when
    /// `earlier` does not end where this one starts.
    pub fn put_before(&mut self, earlier: &Whole) -> bool {
        if earlier.footer.end != self.start {
            return false;
        }
        let shift = earlier.frames().len() as u64;
        let shifted = |range: &Range<u64>| range.start + shift..range.end + shift;
        let later = self.frames.iter().map(|frame| Frame {
            stored: shifted(&frame.stored),
            stamps: shifted(&frame.stamps),
            ..frame.clone()
        });
        self.frames = earlier.footer.frames.iter().cloned().chain(later).collect();
        self.stored = [earlier.frames(), &self.stored].concat();
        self.start = earlier.footer.start.clone();
        true
    }

    /// Where it starts.
    #[must_use]
    pub fn start(&self) -> &Position {
        &self.start
    }

    /// Where it ends so far.
    #[must_use]
    pub fn end(&self) -> Position {
        Position { source_bytes: self.source_end, streams: self.streams.iter().map(Open::end).collect() }
    }

    /// For each stream, whether it stands in the middle of a line.
    #[must_use]
    pub fn open_lines(&self) -> Vec<bool> {
        self.streams.iter().map(|open| open.in_line).collect()
    }

    /// Whether no source byte has gone into it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.source_end == self.start.source_bytes
    }

    /// How many bytes of memory it holds, those that it keeps for more among them.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let open = |open: &Open| open.content.capacity() + size_of::<i64>() * open.stamps.capacity();
        let frames = size_of::<Frame>() * self.frames.capacity();
        self.stored.capacity() + frames + self.streams.iter().map(open).sum::<usize>()
    }

    /// Gives back the memory that it keeps for more.
    pub fn shrink(&mut self) {
        self.stored.shrink_to_fit();
        self.frames.shrink_to_fit();
        for open in &mut self.streams {
            open.content.shrink_to_fit();
            open.stamps.shrink_to_fit();
        }
    }

    /// How large the object is so far: its closed frames, and what the open ones may come to at a tenth of their size.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        self.stored.len() + self.streams.iter().map(|open| open.content.len() / 10).sum::<usize>()
    }

    /// Takes a record. One of a stream that the run does not have is counted as read and otherwise dropped.
    pub fn push(&mut self, record: Record<'_>) {
        self.source_end = self.source_end.max(record.source_end);
        let mut content = record.content;
        let mut ends_line = record.ends_line;
        loop {
            let Some(open) = self.streams.get_mut(record.stream) else { return };
            let room = MAX_FRAME_BYTES - open.content.len();
            let (now, later) = content.split_at(content.len().min(room));
            let ends_here = ends_line && later.is_empty() && now.len() < room;
            open.push(now, ends_here, &record);
            content = later;
            ends_line &= !ends_here;
            let full = open.content.len() >= MAX_FRAME_BYTES;
            let enough = open.content.len() >= FRAME_BYTES || open.stamps.len() >= FRAME_LINES;
            if full || (enough && !open.in_line) {
                self.close(record.stream);
            }
            if content.is_empty() && !ends_line {
                return;
            }
        }
    }

    fn close(&mut self, stream: usize) {
        let Some(open) = self.streams.get_mut(stream) else { return };
        let next = Open { start: open.end(), in_line: open.in_line, ..Open::default() };
        let closed = std::mem::replace(open, next);
        if !closed.content.is_empty() {
            closed.put(stream, &mut self.stored, &mut self.frames);
        }
    }

    /// The whole object as it is now. `note` (at most [`MAX_NOTE_BYTES`]; longer ones are cut) goes into its footer;
    /// `finished` says that nothing will follow.
    #[must_use]
    pub fn encode(&self, note: &[u8], finished: bool) -> Bytes {
        let mut bytes = Vec::with_capacity(self.stored.len() + 64 * 1024);
        bytes.extend_from_slice(&self.stored);
        let mut frames = self.frames.clone();
        for (stream, open) in self.streams.iter().enumerate().filter(|(_, open)| !open.content.is_empty()) {
            open.put(stream, &mut bytes, &mut frames);
        }
        let note = note.get(..MAX_NOTE_BYTES).unwrap_or(note).to_vec();
        let (start, end, open_lines) = (self.start.clone(), self.end(), self.open_lines());
        Footer { start, end, open_lines, finished, frames, note }.put(&mut bytes);
        bytes.into()
    }
}

impl Open {
    fn end(&self) -> StreamPosition {
        StreamPosition { bytes: self.start.bytes + self.content.len() as u64, lines: self.start.lines + self.line_ends }
    }

    /// Takes bytes, and a line's end behind them.
    fn push(&mut self, bytes: &[u8], ends_line: bool, record: &Record<'_>) {
        if bytes.is_empty() && !ends_line {
            return;
        }
        if self.content.is_empty() {
            self.source = record.source_start..record.source_end;
            self.time_ms = (record.time_ms, record.time_ms);
        }
        self.time_ms = (self.time_ms.0.min(record.time_ms), self.time_ms.1.max(record.time_ms));
        self.source.end = self.source.end.max(record.source_end);
        let ends = memchr_iter(b'\n', bytes).count() + usize::from(ends_line);
        let is_ended = ends_line || bytes.last() == Some(&b'\n');
        // A line starts at the first byte, unless one is open, and behind every line's end but the last byte's.
        let starts = usize::from(!self.in_line) + ends - usize::from(is_ended);
        self.stamps.extend(std::iter::repeat_n(record.time_ms, starts));
        self.line_ends += ends as u64;
        self.in_line = !is_ended;
        self.content.extend_from_slice(bytes);
        self.content.extend(ends_line.then_some(b'\n'));
    }

    fn put(&self, stream: usize, out: &mut Vec<u8>, frames: &mut Vec<Frame>) {
        let (mut column, mut last) = (Vec::with_capacity(self.stamps.len()), 0i64);
        for &stamp in &self.stamps {
            codec::put_int(&mut column, stamp.wrapping_sub(last));
            last = stamp;
        }
        let from = out.len() as u64;
        codec::put_compressed(out, &self.content);
        let middle = out.len() as u64;
        codec::put_skippable_compressed(out, STAMPS, &column);
        frames.push(Frame {
            stream,
            stored: from..middle,
            stamps: middle..out.len() as u64,
            start: self.start,
            size_bytes: self.content.len() as u64,
            line_ends: self.line_ends,
            line_starts: self.stamps.len() as u64,
            time_ms: self.time_ms,
            source: self.source.clone(),
        });
    }
}
