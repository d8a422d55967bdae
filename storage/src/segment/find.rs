//! Where in a frame something lies.

use std::ops::Range;

use memchr::memchr_iter;

use super::{Footer, Frame, MAX_FRAME_BYTES};
use crate::codec::{self, Cursor};

/// The frames of a stream, from the one that `range` starts in on, that one request can bring. Empty when the segment
/// does not have the first byte.
pub(super) fn frames<'a>(
    footer: &'a Footer,
    stream: usize,
    range: &Range<u64>,
    near_bytes: u64,
    request_bytes: u64,
) -> Vec<&'a Frame> {
    let mut found: Vec<&Frame> = Vec::new();
    for frame in footer.frames_of(stream).skip_while(|frame| frame.end_bytes() <= range.start) {
        let (first, last) = (found.first().copied().unwrap_or(frame), found.last().copied().unwrap_or(frame));
        let is_near = frame.stored.start.saturating_sub(last.stored.end) <= near_bytes
            && frame.stored.end - first.stored.start <= request_bytes;
        let is_wanted = if found.is_empty() { frame.start.bytes <= range.start } else { frame.start.bytes < range.end };
        if !is_wanted || !(is_near || found.is_empty()) {
            break;
        }
        found.push(frame);
    }
    found
}

/// Where the content goes on behind its `nth` line end, counted from one.
pub(super) fn after_line_end(content: &[u8], nth: u64) -> Option<usize> {
    let index = usize::try_from(nth.checked_sub(1)?).ok()?;
    Some(memchr_iter(b'\n', content).nth(index)? + 1)
}

/// Where the line starts that is number `index` (from 0) of the `line_starts` lines that start in a frame.
pub(super) fn line_start(content: &[u8], line_starts: u64, index: usize) -> usize {
    let inner = memchr_iter(b'\n', content).map(|end| end + 1).filter(|&start| start < content.len());
    let starts_at_once = line_starts > inner.clone().count() as u64;
    let mut starts = starts_at_once.then_some(0).into_iter().chain(inner);
    starts.nth(index).unwrap_or(content.len())
}

/// How many of the `line_starts` lines that start in a frame do so before byte `at` of its content.
pub(super) fn line_starts_before(content: &[u8], line_starts: u64, at: usize) -> usize {
    let inner = || memchr_iter(b'\n', content).map(|end| end + 1).filter(|&start| start < content.len());
    let starts_at_once = line_starts > inner().count() as u64;
    usize::from(starts_at_once && at > 0) + inner().take_while(|&start| start < at).count()
}

/// Reads a frame's column of timestamps.
pub(super) fn stamps(bytes: &[u8], line_starts: u64) -> Option<Vec<i64>> {
    const LONGEST: usize = 10;
    let count = usize::try_from(line_starts).ok().filter(|&n| n <= MAX_FRAME_BYTES)?;
    let column = codec::decompress(codec::skippable(bytes, super::write::STAMPS)?, count * LONGEST)?;
    let (mut cursor, mut last) = (Cursor::new(&column), 0i64);
    let mut stamps = Vec::with_capacity(count);
    for _ in 0..count {
        last = last.wrapping_add(cursor.int()?);
        stamps.push(last);
    }
    cursor.is_empty().then_some(stamps)
}
