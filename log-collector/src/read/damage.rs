//! Content of which the store's copy is damaged in places: there, as many bytes say so as there were.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use storage::segment::Run;
use storage::{ByteStream, Error};

/// How much of a damaged place is made up at a time.
const FILL_BYTES: u64 = 64 * 1024;

struct Reading {
    run: Run,
    stream: usize,
    range: Range<u64>,
    now: Option<ByteStream>,
    /// Up to where the place is damaged that `range` starts in.
    damaged_to: u64,
}

/// The bytes of `range` of a stream, cut at its end, as they arrive. What cannot be read for damage is made up, so that what
/// follows lies where it lay.
pub(super) fn stream(run: &Run, stream: usize, range: Range<u64>) -> ByteStream {
    let end = range.end.min(run.end().of(stream).bytes);
    let range = range.start..end;
    let reading = Reading { run: run.clone(), stream, range, now: None, damaged_to: 0 };
    stream::try_unfold(reading, |mut reading| async move { Ok(reading.next().await?.map(|bytes| (bytes, reading))) })
        .boxed()
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Range { start, end } = self.range;
        if start >= end {
            return Ok(None);
        }
        if start < self.damaged_to {
            return Ok(Some(self.fill(false)));
        }
        let now = self.now.get_or_insert_with(|| self.run.stream(self.stream, start..end));
        match now.next().await {
            Some(Ok(bytes)) => {
                self.range.start += bytes.len() as u64;
                Ok(Some(bytes))
            }
            Some(Err(Error::Corrupt { path, reason })) => {
                self.now = None;
                self.damaged_to = self.run.behind_damage(self.stream, start).min(end);
                if self.damaged_to <= start {
                    return Err(Error::Corrupt { path, reason });
                }
                tracing::warn!(%path, reason, "a part of a log in the store is damaged");
                Ok(Some(self.fill(true)))
            }
            Some(Err(error)) => Err(error),
            None => Ok(None),
        }
    }

    fn fill(&mut self, is_first: bool) -> Bytes {
        let filled = fill((self.damaged_to - self.range.start).min(FILL_BYTES), is_first);
        self.range.start += filled.len() as u64;
        filled
    }
}

/// So many bytes, which end a line. The first of them say what has happened.
fn fill(bytes: u64, is_first: bool) -> Bytes {
    const NOTICE: &[u8] = b"[hearth: the store's copy of this part of the log is damaged]";
    let len = usize::try_from(bytes).unwrap_or_default();
    let mut filled = if is_first { NOTICE.to_vec() } else { Vec::new() };
    filled.resize(len, b' ');
    if let Some(last) = filled.last_mut() {
        *last = b'\n';
    }
    filled.into()
}
