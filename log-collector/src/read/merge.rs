//! Several streams as one, line by line in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::ContainerLog;
use crate::{Result, Stream};

/// How many streams are begun at a time.
const AT_ONCE: usize = 16;

/// A line of one of several streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedLine {
    /// Of which of them, counted from 0.
    pub part: usize,
    /// When it was written.
    pub time: DateTime<Utc>,
    /// It, with the `\n` at its end if it has one. One that is longer than a mebibyte comes in pieces.
    pub bytes: Bytes,
}

/// The lines of parts of streams in the order of the times at which they were written; those of one stream stay in their own
/// order. Holds one frame (at most 256 KiB) of each, and asks the store once for each frame.
///
/// # Errors
/// In the stream: a failure of the store, or damage.
#[must_use]
pub fn merge(parts: Vec<(ContainerLog, Stream, Range<u64>)>) -> BoxStream<'static, Result<MergedLine>> {
    stream::once(Merging::begin(parts)).map_ok(Merging::into_stream).try_flatten().boxed()
}

type Lines = BoxStream<'static, storage::Result<storage::segment::Line>>;

struct Merging {
    parts: Vec<Lines>,
    /// The next line of each that has one, by its time and part.
    next: BinaryHeap<Reverse<(i64, usize, Bytes)>>,
}

impl Merging {
    async fn begin(parts: Vec<(ContainerLog, Stream, Range<u64>)>) -> Result<Self> {
        let begun = stream::iter(parts).map(|(log, stream, range)| async move {
            let mut lines = log.lines_in(stream, range);
            let first = lines.try_next().await?;
            Ok::<_, crate::Error>((lines, first))
        });
        let begun: Vec<_> = begun.buffered(AT_ONCE).try_collect().await?;
        let mut merging = Self { parts: Vec::new(), next: BinaryHeap::new() };
        for (part, (lines, first)) in begun.into_iter().enumerate() {
            merging.parts.push(lines);
            merging.next.extend(first.map(|line| Reverse((line.time_ms, part, line.bytes))));
        }
        Ok(merging)
    }

    fn into_stream(self) -> BoxStream<'static, Result<MergedLine>> {
        stream::try_unfold(self, |mut merging| async { Ok(merging.next().await?.map(|line| (line, merging))) }).boxed()
    }

    async fn next(&mut self) -> Result<Option<MergedLine>> {
        let Some(Reverse((time_ms, part, bytes))) = self.next.pop() else { return Ok(None) };
        if let Some(lines) = self.parts.get_mut(part)
            && let Some(line) = lines.try_next().await?
        {
            // A clock that was set back puts no line of a stream before the one above it.
            self.next.push(Reverse((line.time_ms.max(time_ms), part, line.bytes)));
        }
        let time = DateTime::from_timestamp_millis(time_ms).unwrap_or_default();
        Ok(Some(MergedLine { part, time, bytes }))
    }
}
