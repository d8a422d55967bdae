//! Lines, each with the time at which it was written.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use memchr::memchr_iter;

use super::loaded::{ATTEMPTS, corrupt};
use super::{Run, find};
use crate::{Error, Result};

/// A longer line comes in pieces of about this size, all of them with its time.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A line of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where in the stream it starts.
    pub start_bytes: u64,
    /// When its first bytes were written, milliseconds since 1970.
    pub time_ms: i64,
    /// It, with the `\n` at its end if it has one.
    pub bytes: Bytes,
}

impl Run {
    /// The lines of `range` of a stream (of its first and last one, what lies in the range), as they arrive. Holds one frame
    /// at a time, and asks the store once for each.
    #[must_use]
    pub fn lines(&self, stream: usize, range: Range<u64>) -> BoxStream<'static, Result<Line>> {
        let end = range.end.min(self.end().of(stream).bytes);
        let lines = Lines { run: self.clone(), stream, at: range.start, end, ready: VecDeque::new(), open: None };
        stream::try_unfold(lines, |mut lines| async { Ok(lines.next().await?.map(|line| (line, lines))) }).boxed()
    }
}

struct Lines {
    run: Run,
    stream: usize,
    at: u64,
    end: u64,
    ready: VecDeque<Line>,
    /// A line whose end has not been read.
    open: Option<(u64, i64, Vec<u8>)>,
}

/// Content of one frame, and the times of the lines that start in it.
pub(super) struct Piece {
    pub(super) content: Bytes,
    /// Where its first byte goes on with a line: the time of that, as far as the frame knows it.
    pub(super) before_ms: Option<i64>,
    pub(super) stamps: Vec<i64>,
}

impl Lines {
    async fn next(&mut self) -> Result<Option<Line>, Error> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Ok(Some(line));
            }
            if self.at >= self.end {
                let last = self.open.take();
                return Ok(last.map(|(start_bytes, time_ms, line)| Line { start_bytes, time_ms, bytes: line.into() }));
            }
            let piece = self.run.piece(self.stream, self.at..self.end).await?;
            self.take(&piece);
            self.at += piece.content.len() as u64;
        }
    }

    fn take(&mut self, piece: &Piece) {
        let mut stamps = piece.stamps.iter().copied();
        let mut before_ms = piece.before_ms;
        let mut from = 0;
        let ends = memchr_iter(b'\n', &piece.content).map(|end| end + 1);
        let len = piece.content.len();
        for to in ends.chain((piece.content.last() != Some(&b'\n')).then_some(len)) {
            let part = piece.content.slice(from..to);
            let is_ended = part.last() == Some(&b'\n');
            let start = self.at + from as u64;
            from = to;
            // Only the first line of what is read may have begun before.
            let before_ms = before_ms.take();
            let (start_bytes, time_ms, line) = match self.open.take() {
                Some((start, time_ms, mut line)) => {
                    line.extend_from_slice(&part);
                    (start, time_ms, Bytes::from(line))
                }
                None => (start, before_ms.or_else(|| stamps.next()).unwrap_or_default(), part),
            };
            if is_ended || line.len() >= MAX_LINE_BYTES {
                self.ready.push_back(Line { start_bytes, time_ms, bytes: line });
                if !is_ended {
                    self.open = Some((self.at + to as u64, time_ms, Vec::new()));
                }
            } else {
                self.open = Some((start_bytes, time_ms, line.to_vec()));
            }
        }
    }
}

impl Run {
    /// The number (from 0) of the line that the byte at `at` lies in: how many lines end before it.
    ///
    /// # Errors
    /// [`Error::Corrupt`], or a failure of the store.
    pub async fn line_at(&self, stream: usize, at: u64) -> Result<u64> {
        let end = self.end().of(stream);
        if at >= end.bytes {
            return Ok(end.lines);
        }
        let (index, _) = self.segment_of(stream, &(at..end.bytes));
        let loaded = self.load_reaching(stream, at, index).await?;
        let mut frames = loaded.footer.frames_of(stream);
        let frame = frames.find(|frame| frame.start.bytes <= at && at < frame.end_bytes());
        let Some((bytes, lines)) = frame.map(|frame| (frame.start.bytes, frame.start.lines)) else {
            return Err(corrupt(&loaded.meta.path, "bytes are missing from it"));
        };
        let before = self.read(stream, bytes..at).await?;
        Ok(lines + memchr_iter(b'\n', &before).count() as u64)
    }

    /// What one frame has of `range`, from its start on, with the times of its lines: one request.
    async fn piece(&self, stream: usize, range: Range<u64>) -> Result<Piece> {
        let (index, end) = self.segment_of(stream, &range);
        for _ in 0..ATTEMPTS {
            let loaded = self.load_reaching(stream, range.start, index).await?;
            let mut frames = loaded.footer.frames_of(stream);
            let frame = frames.find(|frame| frame.start.bytes <= range.start && range.start < frame.end_bytes());
            let Some(frame) = frame else {
                return Err(corrupt(&loaded.meta.path, "bytes are missing from it"));
            };
            let Some(bytes) = loaded.bytes(self.store(), frame.stored.start..frame.stamps.end).await? else {
                self.reload(index).await?;
                continue;
            };
            let content = loaded.decode(&[frame], &bytes)?;
            let column = usize::try_from(frame.stamps.start - frame.stored.start).ok().and_then(|at| bytes.get(at..));
            let stamps = column.and_then(|column| find::stamps(column, frame.line_starts));
            let stamps =
                stamps.ok_or_else(|| corrupt(&loaded.meta.path, "the timestamps of a frame cannot be read"))?;
            let skip = usize::try_from(range.start - frame.start.bytes).unwrap_or(usize::MAX).min(content.len());
            let keep = usize::try_from(end - frame.start.bytes).unwrap_or(usize::MAX).clamp(skip, content.len());
            let before = find::line_starts_before(&content, frame.line_starts, skip);
            let goes_on = find::line_starts_before(&content, frame.line_starts, skip + 1) == before;
            let time_ms = before.checked_sub(1).and_then(|at| stamps.get(at)).copied().unwrap_or(frame.time_ms.0);
            return Ok(Piece {
                content: content.slice(skip..keep),
                before_ms: goes_on.then_some(time_ms),
                stamps: stamps.get(before..).unwrap_or_default().to_vec(),
            });
        }
        Err(self.changes_too_often(index))
    }
}
