use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use storage::segment::{Run, StreamPosition};
use storage::{ByteStream, ObjectPath};

use super::damage;
use crate::layout::{self, Note};
use crate::{Container, End, ErrorLines, Gap, Result, STREAMS, Stream};

/// The most that one page holds.
const MAX_PAGE_BYTES: u64 = 16 * 1024 * 1024;

/// The shipped log of one container, as it was when it was looked up. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ContainerLog {
    /// Which container.
    pub container: Container,
    /// The application that it belongs to, where the collector knew it.
    pub application: Option<String>,
    /// The executor that it is, where the collector knew it: `driver`, or a number.
    pub executor: Option<String>,
    /// Whether nothing will follow: the container has ended, and all of its lines are here.
    pub finished: bool,
    /// How it ended, where the collector learned it.
    pub end: Option<End>,
    /// Where lines are missing.
    pub gaps: Vec<Gap>,
    /// For stdout and for stderr, the lines that tell of an error.
    pub errors: [ErrorLines; STREAMS],
    /// When something was added last.
    pub last_shipped: DateTime<Utc>,
    pub(crate) folder: ObjectPath,
    run: Run,
}

/// A part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The bytes; lines end with `\n`. Not always UTF-8.
    pub bytes: Bytes,
    /// Which bytes of the stream they are.
    pub range: Range<u64>,
    /// How long the stream is.
    pub total_bytes: u64,
}

impl ContainerLog {
    pub(super) fn new(folder: ObjectPath, run: Run) -> Self {
        let note = Note::parse(&run.last().note);
        let container = container_of(&folder, note.as_ref());
        let owner = note.as_ref().and_then(|note| note.owner.clone());
        let executor = note.as_ref().and_then(|note| note.executor.clone());
        Self {
            container,
            application: owner.as_ref().map(|owner| owner.application.clone()),
            executor: owner.map(|owner| owner.executor).or(executor),
            finished: run.last().finished,
            end: note.as_ref().and_then(|note| note.end.clone()),
            errors: note.as_ref().map(|note| note.errors).unwrap_or_default(),
            gaps: note.map(|note| note.gaps).unwrap_or_default(),
            last_shipped: run.last_modified(),
            folder,
            run,
        }
    }

    /// How many bytes a stream has.
    #[must_use]
    pub fn size_bytes(&self, stream: Stream) -> u64 {
        self.of(stream).bytes
    }

    /// How many line ends a stream has.
    #[must_use]
    pub fn lines(&self, stream: Stream) -> u64 {
        self.of(stream).lines
    }

    /// How much room both streams take in the store.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.run.stored_bytes()
    }

    /// When the first and the last line were written; `None` when there is none. At most one request.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn times(&self) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>> {
        let times = self.run.time_ms().await?;
        Ok(times.and_then(|(first, last)| Some((time(first)?, time(last)?))))
    }

    /// The bytes of `range`, cut at the stream's end and at 16 MiB. Where the store's copy is damaged, as many bytes say so as
    /// there were.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn page(&self, stream: Stream, range: Range<u64>) -> Result<Page> {
        let total_bytes = self.size_bytes(stream);
        let start = range.start.min(total_bytes);
        let end = range.end.clamp(start, total_bytes).min(start.saturating_add(MAX_PAGE_BYTES));
        let bytes = match self.run.read(stream.index(), start..end).await {
            Err(storage::Error::Corrupt { .. }) => {
                let chunks: Vec<Bytes> = damage::stream(&self.run, stream.index(), start..end).try_collect().await?;
                chunks.concat().into()
            }
            other => other?,
        };
        Ok(Page { range: start..start + bytes.len() as u64, bytes, total_bytes })
    }

    /// The newest `length_bytes`, at most 16 MiB. Does not look for a line's start. No request when the end of the
    /// stream came with what this was looked up by, as it does for most.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn tail(&self, stream: Stream, length_bytes: u64) -> Result<Page> {
        let end = self.size_bytes(stream);
        self.page(stream, end.saturating_sub(length_bytes.min(MAX_PAGE_BYTES))..end).await
    }

    /// The lines of `range`, counted from 0, cut at 16 MiB.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn lines_of(&self, stream: Stream, range: Range<u64>) -> Result<Page> {
        let start = self.run.offset_of_line(stream.index(), range.start).await?;
        let end = self.run.offset_of_line(stream.index(), range.end).await?;
        self.page(stream, start..end).await
    }

    /// The lines that were written from `from` on and before `to`, cut at 16 MiB.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn window(&self, stream: Stream, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Page> {
        let (start, end) = (self.offset_of_time(stream, from).await?, self.offset_of_time(stream, to).await?);
        self.page(stream, start..end).await
    }

    /// Where in a stream the first line starts that was written at `time` or later; its end when there is none.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn offset_of_time(&self, stream: Stream, time: DateTime<Utc>) -> Result<u64> {
        Ok(self.run.offset_of_time(stream.index(), time.timestamp_millis()).await?)
    }

    /// A stream from `start` to its end, as it arrives, with flat memory.
    #[must_use]
    pub fn whole(&self, stream: Stream, start: u64) -> ByteStream {
        self.range(stream, start..u64::MAX)
    }

    /// The bytes of `range`, cut at the stream's end, as they arrive, with flat memory. As in [`ContainerLog::page`], damage
    /// costs no more than itself.
    #[must_use]
    pub fn range(&self, stream: Stream, range: Range<u64>) -> ByteStream {
        damage::stream(&self.run, stream.index(), range)
    }

    /// Whether something behind the end cannot be read, for the store's copy is damaged.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.run.is_damaged()
    }

    /// Which of `streams` has the first line that tells of an error, and where that starts; by the time at which it was
    /// written. No request.
    #[must_use]
    pub fn first_error_of(&self, streams: &[Stream]) -> Option<(Stream, u64, DateTime<Utc>)> {
        let found = Stream::ALL.into_iter().zip(self.errors);
        let found = found.filter(|(stream, errors)| errors.lines > 0 && streams.contains(stream));
        let (stream, first) = found.min_by_key(|(_, errors)| errors.first_ms)?;
        Some((stream, first.first_bytes, time(first.first_ms)?))
    }

    /// Where so many lines end that follow the byte at `start`, or the stream does: at most 16 MiB behind it.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn offset_of_lines_behind(&self, stream: Stream, start: u64, lines: u64) -> Result<u64> {
        let mut bytes = self.range(stream, start..start.saturating_add(MAX_PAGE_BYTES));
        let (mut at, mut left) = (start, lines);
        while let Some(chunk) = bytes.try_next().await? {
            for end in memchr::memchr_iter(b'\n', &chunk) {
                left = left.saturating_sub(1);
                if left == 0 {
                    return Ok(at + end as u64 + 1);
                }
            }
            at += chunk.len() as u64;
        }
        Ok(at)
    }

    /// Where the line starts that has that number, counted from 0; the stream's end when there are fewer.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn offset_of_line(&self, stream: Stream, line: u64) -> Result<u64> {
        Ok(self.run.offset_of_line(stream.index(), line).await?)
    }

    /// The number, counted from 0, of the line that the byte at `offset` lies in.
    ///
    /// # Errors
    /// A failure of the store, or damage.
    pub async fn line_at(&self, stream: Stream, offset: u64) -> Result<u64> {
        Ok(self.run.line_at(stream.index(), offset).await?)
    }

    pub(super) fn lines_in(
        &self,
        stream: Stream,
        range: Range<u64>,
    ) -> BoxStream<'static, storage::Result<storage::segment::Line>> {
        self.run.lines(stream.index(), range)
    }

    /// Executors by number, the driver and what is not known first; then by pod, container and restart.
    pub(super) fn order(&self) -> (Option<u64>, &str, &str, &str, u32) {
        let executor = self.executor.as_deref().unwrap_or_default();
        let c = &self.container;
        (executor.parse().ok(), executor, &c.pod, &c.name, c.restart)
    }

    fn of(&self, stream: Stream) -> StreamPosition {
        self.run.end().of(stream.index())
    }
}

fn time(ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms)
}

/// What a folder says of the container, where no note in it does.
fn container_of(folder: &ObjectPath, note: Option<&Note>) -> Container {
    note.map(|note| note.container.clone()).unwrap_or_else(|| {
        let (uid, name, restart) = layout::parse_folder_name(folder.name()).unwrap_or_default();
        let (namespace, pod) = (String::new(), String::new());
        Container { namespace, pod, pod_uid: uid.to_owned(), name: name.to_owned(), restart }
    })
}
