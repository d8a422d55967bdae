use std::ops::Range;

use super::{MAX_FRAME_BYTES, MAX_NOTE_BYTES, MAX_STREAMS, Position, StreamPosition};
use crate::codec::{self, Cursor};

/// The layout of what follows; a reader refuses a number that it does not know.
const FORMAT: u64 = 1;
const MAGIC: &[u8; 8] = b"HEARTHSG";
/// Payload length, its CRC-32, the magic bytes.
const TRAILER_BYTES: usize = 16;
const KIND: u8 = 13;
/// What a frame of incompressible content can grow to, with room to spare.
const MAX_STORED_BYTES: u64 = 2 * MAX_FRAME_BYTES as u64;

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Where it starts: what its name says too.
    pub start: Position,
    /// Where it ends, and the next one starts.
    pub end: Position,
    /// For each stream, whether the segment ends in the middle of a line.
    pub open_lines: Vec<bool>,
    /// Whether nothing will follow.
    pub finished: bool,
    /// Its content frames, in the order in which they lie in the object.
    pub frames: Vec<Frame>,
    /// The writer's own bytes.
    pub note: Vec<u8>,
}

/// One content frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which stream it is of.
    pub stream: usize,
    /// Where it lies in the object.
    pub stored: Range<u64>,
    /// Where the timestamps of its lines lie in the object.
    pub stamps: Range<u64>,
    /// Where in the stream its content starts.
    pub start: StreamPosition,
    /// How long its content is.
    pub size_bytes: u64,
    /// How many line ends it has.
    pub line_ends: u64,
    /// How many lines start in it.
    pub line_starts: u64,
    /// The earliest and the latest time of what it holds (a line goes on later than it started), milliseconds since 1970.
    pub time_ms: (i64, i64),
    /// Which bytes of the source it was made from; records of other streams may lie between them.
    pub source: Range<u64>,
}

impl Frame {
    /// Where in the stream its content ends.
    #[must_use]
    pub fn end_bytes(&self) -> u64 {
        self.start.bytes + self.size_bytes
    }
}

impl Footer {
    /// Appends the footer to a segment's frames.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::with_capacity(64 + self.frames.len() * 24 + self.note.len());
        let p = &mut payload;
        codec::put_uint(p, FORMAT);
        codec::put_uint(p, u64::from(self.finished));
        codec::put_uint(p, self.start.source_bytes);
        codec::put_uint(p, self.end.source_bytes - self.start.source_bytes);
        codec::put_uint(p, self.start.streams.len() as u64);
        for (start, open) in self.start.streams.iter().zip(&self.open_lines) {
            codec::put_uint(p, start.bytes);
            codec::put_uint(p, start.lines);
            codec::put_uint(p, u64::from(*open));
        }
        codec::put_uint(p, self.frames.len() as u64);
        for frame in &self.frames {
            codec::put_uint(p, frame.stream as u64);
            codec::put_uint(p, frame.stored.end - frame.stored.start);
            codec::put_uint(p, frame.stamps.end - frame.stamps.start);
            codec::put_uint(p, frame.size_bytes);
            codec::put_uint(p, frame.line_ends);
            codec::put_uint(p, frame.line_starts);
            codec::put_int(p, frame.time_ms.0);
            codec::put_uint(p, frame.time_ms.1.abs_diff(frame.time_ms.0));
            codec::put_uint(p, frame.source.start - self.start.source_bytes);
            codec::put_uint(p, frame.source.end - frame.source.start);
        }
        codec::put_uint(p, self.note.len() as u64);
        p.extend_from_slice(&self.note);
        let (length, crc) = (payload.len() as u32, crc32fast::hash(&payload));
        payload.extend_from_slice(&length.to_le_bytes());
        payload.extend_from_slice(&crc.to_le_bytes());
        payload.extend_from_slice(MAGIC);
        codec::put_skippable(out, KIND, &payload);
    }

    /// How many bytes at an object's end the footer takes, from the last bytes of it; `None` when that is no segment.
    pub(super) fn size_bytes(tail: &[u8]) -> Option<u64> {
        let (_, trailer) = tail.split_last_chunk::<TRAILER_BYTES>()?;
        let (length, rest) = trailer.split_first_chunk::<4>()?;
        let whole = codec::SKIPPABLE_HEADER_BYTES + TRAILER_BYTES;
        rest.ends_with(MAGIC).then(|| u64::from(u32::from_le_bytes(*length)) + whole as u64)
    }

    /// Reads the footer that lies at the end of `tail`, the last bytes of an object of `object_bytes`.
    pub(super) fn parse(tail: &[u8], object_bytes: u64) -> Result<Self, &'static str> {
        let size_bytes = Self::size_bytes(tail).ok_or("it does not end as a segment does")?;
        let start = (usize::try_from(size_bytes).ok()).and_then(|size| tail.len().checked_sub(size));
        let frame = start.and_then(|start| tail.get(start..)).ok_or("its footer is longer than it is")?;
        let payload = codec::skippable(frame, KIND).ok_or("its footer has the wrong length")?;
        let (payload, trailer) = payload.split_last_chunk::<TRAILER_BYTES>().ok_or("its footer is too short")?;
        let crc = trailer.get(4..8).and_then(|crc| crc.try_into().ok()).map(u32::from_le_bytes);
        if crc != Some(crc32fast::hash(payload)) {
            return Err("the checksum of its footer does not match");
        }
        let mut cursor = Cursor::new(payload);
        if cursor.uint() != Some(FORMAT) {
            return Err("its format number is not known here; a newer version wrote it");
        }
        let frames_end = object_bytes.checked_sub(size_bytes).ok_or("its footer is longer than it is")?;
        Self::parse_payload(&mut cursor, frames_end).ok_or("its footer does not fit its content")
    }

    fn parse_payload(cursor: &mut Cursor<'_>, frames_end: u64) -> Option<Self> {
        let finished = flag(cursor)?;
        let source_start = cursor.uint()?;
        let source_end = source_start.checked_add(cursor.uint()?)?;
        let count = usize::try_from(cursor.uint()?).ok().filter(|n| (1..=MAX_STREAMS).contains(n))?;
        let (mut streams, mut open_lines) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for _ in 0..count {
            streams.push(StreamPosition { bytes: cursor.uint()?, lines: cursor.uint()? });
            open_lines.push(flag(cursor)?);
        }
        let start = Position { source_bytes: source_start, streams };
        let mut end = Position { source_bytes: source_end, streams: start.streams.clone() };
        let (mut frames, mut at) = (Vec::new(), 0);
        for _ in 0..cursor.uint()? {
            let frame = Frame::parse(cursor, &mut end, source_start, at)?;
            at = frame.stamps.end;
            frames.push(frame);
        }
        let length = cursor.uint().filter(|&length| length <= MAX_NOTE_BYTES as u64)?;
        let note = cursor.bytes(length)?.to_vec();
        (at == frames_end && cursor.is_empty()).then_some(Self { start, end, open_lines, finished, frames, note })
    }

    /// The content frames of one stream, in order.
    pub fn frames_of(&self, stream: usize) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(move |frame| frame.stream == stream)
    }
}

impl Frame {
    /// Reads a row, and moves `end` behind the frame.
    fn parse(cursor: &mut Cursor<'_>, end: &mut Position, source_start: u64, at: u64) -> Option<Self> {
        let stream = usize::try_from(cursor.uint()?).ok()?;
        let place = end.streams.get_mut(stream)?;
        let stored_bytes = cursor.uint().filter(|&n| n <= MAX_STORED_BYTES)?;
        let stamps_bytes = cursor.uint().filter(|&n| n <= MAX_STORED_BYTES)?;
        let stored = at..at.checked_add(stored_bytes)?;
        let stamps = stored.end..stored.end.checked_add(stamps_bytes)?;
        let size_bytes = cursor.uint().filter(|&n| (1..=MAX_FRAME_BYTES as u64).contains(&n))?;
        let line_ends = cursor.uint().filter(|&n| n <= size_bytes)?;
        let line_starts = cursor.uint().filter(|&n| n <= line_ends.saturating_add(1))?;
        let first = cursor.int()?;
        let time_ms = (first, first.checked_add_unsigned(cursor.uint()?)?);
        let source_from = source_start.checked_add(cursor.uint()?)?;
        let source = source_from..source_from.checked_add(cursor.uint()?)?;
        let start = *place;
        place.bytes = start.bytes.checked_add(size_bytes)?;
        place.lines = start.lines.checked_add(line_ends)?;
        Some(Self { stream, stored, stamps, start, size_bytes, line_ends, line_starts, time_ms, source })
    }
}

fn flag(cursor: &mut Cursor<'_>) -> Option<bool> {
    match cursor.uint()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
