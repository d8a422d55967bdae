use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::loaded::{ATTEMPTS, Loaded, corrupt};
use super::{Footer, Frame, Position, find};
use crate::store::ByteStream;
use crate::{Error, ObjectMeta, ObjectPath, Result, Store};

/// Frames of one stream that lie nearer to each other than this are read in one request …
const NEAR_BYTES: u64 = 64 * 1024;
/// … of at most this size.
const REQUEST_BYTES: u64 = 4 * 1024 * 1024;
/// How many segments before one are looked at for bytes that it lacks.
const LONGEST_OVERLAP: usize = 8;

/// A run of segments as it was when it was opened. Cheap to clone.
///
/// A run that is still being written can be read meanwhile: what was there when it was opened stays readable.
#[derive(Clone, Debug)]
pub struct Run {
    store: Store,
    segments: Arc<[Segment]>,
    last: Arc<Loaded>,
    damaged: bool,
    /// The footer that was read last: pages of one place ask for it several times.
    recent: Arc<Mutex<Recent>>,
}

type Recent = Option<(usize, Arc<Loaded>)>;

#[derive(Clone, Debug)]
struct Segment {
    start: Position,
    meta: ObjectMeta,
}

impl Run {
    /// Opens the run that lies in `folder`: one listing and one read. `None` when there is no segment.
    ///
    /// A segment that is damaged costs what lies in it and no more: at the end of the run, the run ends before it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when no segment can be read; a failure of the store.
    pub async fn open(store: &Store, folder: &ObjectPath) -> Result<Option<Self>> {
        let objects = store.list(folder).try_collect().await?;
        Self::of_objects(store, objects).await
    }

    /// Opens a run whose folder has been listed already; objects that are no segments are passed over.
    ///
    /// # Errors
    /// As [`Run::open`].
    pub async fn of_objects(store: &Store, objects: Vec<ObjectMeta>) -> Result<Option<Self>> {
        let segments = objects.into_iter().filter_map(|meta| {
            let start = Position::parse_segment_name(meta.path.name())?;
            Some(Segment { start, meta })
        });
        let mut segments: Vec<_> = segments.collect();
        segments.sort_by(|a, b| a.meta.path.cmp(&b.meta.path));
        let mut damaged = None;
        while let Some(last) = segments.last() {
            match Loaded::read(store, &last.meta).await {
                Ok(last) => {
                    let (last, recent) = (Arc::new(last), Arc::default());
                    let damaged = damaged.is_some();
                    return Ok(Some(Self { store: store.clone(), segments: segments.into(), last, damaged, recent }));
                }
                Err(error @ Error::Corrupt { .. }) => damaged = Some(error),
                Err(error) => return Err(error),
            }
            segments.pop();
        }
        damaged.map_or(Ok(None), Err)
    }

    /// The footer of the last segment: where the run ends, whether it is finished, and the writer's latest note.
    #[must_use]
    pub fn last(&self) -> &Footer {
        &self.last.footer
    }

    /// Whether something behind the end cannot be read.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Where the run ends.
    #[must_use]
    pub fn end(&self) -> &Position {
        &self.last.footer.end
    }

    /// When the run was written to last.
    #[must_use]
    pub fn last_modified(&self) -> DateTime<Utc> {
        self.last.meta.last_modified
    }

    /// How much room its objects take.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.meta.size_bytes).sum()
    }

    /// The earliest and the latest timestamp in the last segment, or in the first one: milliseconds since 1970.
    ///
    /// # Errors
    /// [`Error::Corrupt`], or a failure of the store.
    pub async fn time_ms(&self) -> Result<Option<(i64, i64)>> {
        let first = if self.segments.len() > 1 { self.load(0).await? } else { Arc::clone(&self.last) };
        let times = |footer: &Footer| -> Option<(i64, i64)> {
            let times = || footer.frames.iter().map(|frame| frame.time_ms);
            Some((times().map(|time| time.0).min()?, times().map(|time| time.1).max()?))
        };
        let (first, last) = (times(&first.footer), times(&self.last.footer));
        Ok(first.or(last).zip(last.or(first)).map(|(first, last)| (first.0, last.1)))
    }

    /// The bytes of `range` of a stream, cut at its end. Holds all of them in memory: the caller bounds the range.
    ///
    /// # Errors
    /// [`Error::Corrupt`], or a failure of the store.
    pub async fn read(&self, stream: usize, range: Range<u64>) -> Result<Bytes> {
        let chunks: Vec<Bytes> = self.stream(stream, range).try_collect().await?;
        Ok(if let [one] = chunks.as_slice() { one.clone() } else { chunks.concat().into() })
    }

    /// The bytes of `range` of a stream, cut at its end, as they arrive. Holds at most one request's frames.
    #[must_use]
    pub fn stream(&self, stream: usize, range: Range<u64>) -> ByteStream {
        let end = range.end.min(self.end().of(stream).bytes);
        let chunks = stream::try_unfold((self.clone(), range.start), move |(run, at)| async move {
            if at >= end {
                return Ok(None);
            }
            let content = run.read_some(stream, at..end).await?;
            let next = at + content.len() as u64;
            Ok::<_, Error>(Some((content, (run, next))))
        });
        chunks.boxed()
    }

    /// Where in a stream the line with that number (from 0) starts; the stream's end when there are fewer.
    ///
    /// # Errors
    /// [`Error::Corrupt`], or a failure of the store.
    pub async fn offset_of_line(&self, stream: usize, line: u64) -> Result<u64> {
        let end = self.end().of(stream);
        if line == 0 || line > end.lines {
            return Ok(if line == 0 { 0 } else { end.bytes });
        }
        // Line n starts behind line end n: in the last segment that has fewer line ends than that before it.
        let at = self.segments.partition_point(|segment| segment.start.of(stream).lines < line);
        let mut index = at.saturating_sub(1);
        loop {
            let loaded = self.load(index).await?;
            let frame = loaded.footer.frames_of(stream).find(|f| f.start.lines + f.line_ends >= line).cloned();
            if let Some(frame) = frame {
                let content = self.read(stream, frame.start.bytes..frame.end_bytes()).await?;
                let before = find::after_line_end(&content, line - frame.start.lines);
                return Ok(frame.start.bytes + before.unwrap_or(content.len()) as u64);
            }
            index += 1;
            if index >= self.segments.len() {
                return Ok(end.bytes);
            }
        }
    }

    /// Where in a stream the first line starts that was written at `time_ms` (milliseconds since 1970) or later; the
    /// stream's end when there is none. Lines are taken to be in order of time, as they are but for the clock's jumps.
    ///
    /// # Errors
    /// [`Error::Corrupt`], or a failure of the store.
    pub async fn offset_of_time(&self, stream: usize, time_ms: i64) -> Result<u64> {
        let (mut low, mut high) = (0, self.segments.len());
        while low < high {
            let middle = low.midpoint(high);
            let frames = &self.load(middle).await?.footer.frames;
            // One without content is the last: what is looked for lies before it, or nowhere.
            let reaches = frames.is_empty() || frames.iter().any(|frame| frame.time_ms.1 >= time_ms);
            if reaches { high = middle } else { low = middle + 1 }
        }
        for index in low..self.segments.len() {
            let loaded = self.load(index).await?;
            for frame in loaded.footer.frames_of(stream).filter(|frame| frame.time_ms.1 >= time_ms) {
                let stamps = self.stamps(index, frame).await?;
                if let Some(line) = stamps.iter().position(|&stamp| stamp >= time_ms) {
                    let content = self.read(stream, frame.start.bytes..frame.end_bytes()).await?;
                    return Ok(frame.start.bytes + find::line_start(&content, frame.line_starts, line) as u64);
                }
            }
        }
        Ok(self.end().of(stream).bytes)
    }

    /// Which segment should have the first byte of `range`, and up to where that one counts.
    pub(super) fn segment_of(&self, stream: usize, range: &Range<u64>) -> (usize, u64) {
        let at = self.segments.partition_point(|segment| segment.start.of(stream).bytes <= range.start);
        // Where the next segment starts, it counts.
        let end = self.segments.get(at).map_or(range.end, |next| next.start.of(stream).bytes.min(range.end));
        (at.saturating_sub(1), end)
    }

    /// The segment at `index`, or, where that one ends before the byte at `start`, one before it that reaches further: a
    /// writer that was thought dead may have begun a short one late.
    pub(super) async fn load_reaching(&self, stream: usize, start: u64, index: usize) -> Result<Arc<Loaded>> {
        let first = self.load(index).await?;
        if first.footer.end.of(stream).bytes > start {
            return Ok(first);
        }
        for index in (index.saturating_sub(LONGEST_OVERLAP)..index).rev() {
            let earlier = self.load(index).await?;
            if earlier.footer.end.of(stream).bytes > start {
                return Ok(earlier);
            }
        }
        Ok(first)
    }

    /// At least one byte from the start of `range`, which lies within the stream; at most one request's worth.
    async fn read_some(&self, stream: usize, range: Range<u64>) -> Result<Bytes> {
        let (index, end) = self.segment_of(stream, &range);
        for _ in 0..ATTEMPTS {
            let loaded = self.load_reaching(stream, range.start, index).await?;
            let frames = find::frames(&loaded.footer, stream, &(range.start..end), NEAR_BYTES, REQUEST_BYTES);
            let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
                let reason = format!("bytes {range:?} of stream {stream} are missing from it");
                return Err(Error::Corrupt { path: loaded.meta.path.clone(), reason });
            };
            match loaded.bytes(&self.store, first.stored.start..last.stored.end).await? {
                Some(bytes) => {
                    let content = loaded.decode(&frames, &bytes)?;
                    let skip = usize::try_from(range.start - first.start.bytes).unwrap_or(usize::MAX);
                    let keep = usize::try_from(end - first.start.bytes).unwrap_or(usize::MAX).min(content.len());
                    return Ok(content.slice(skip.min(keep)..keep));
                }
                None => self.reload(index).await?,
            }
        }
        Err(self.changes_too_often(index))
    }

    /// Where in a stream what can be read goes on behind the segment that has the byte at `at`, for whom that one is damaged.
    pub fn behind_damage(&self, stream: usize, at: u64) -> u64 {
        self.segment_of(stream, &(at..self.end().of(stream).bytes)).1
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    async fn stamps(&self, index: usize, frame: &Frame) -> Result<Vec<i64>> {
        for _ in 0..ATTEMPTS {
            let loaded = self.load(index).await?;
            let Some(same) = loaded.footer.frames_of(frame.stream).find(|f| f.start == frame.start) else { break };
            match loaded.bytes(&self.store, same.stamps.clone()).await? {
                Some(bytes) => {
                    let stamps = find::stamps(&bytes, same.line_starts);
                    return stamps
                        .ok_or_else(|| corrupt(&loaded.meta.path, "the timestamps of a frame cannot be read"));
                }
                None => self.reload(index).await?,
            }
        }
        Err(self.changes_too_often(index))
    }

    async fn load(&self, index: usize) -> Result<Arc<Loaded>> {
        if let Some((at, loaded)) = self.recent.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
            && *at == index
        {
            return Ok(Arc::clone(loaded));
        }
        let loaded = match self.segments.get(index) {
            Some(segment) if index + 1 < self.segments.len() => {
                Arc::new(Loaded::read(&self.store, &segment.meta).await?)
            }
            _ => Arc::clone(&self.last),
        };
        *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = Some((index, Arc::clone(&loaded)));
        Ok(loaded)
    }

    /// Reads a segment's footer again: it was written anew since it was listed.
    pub(super) async fn reload(&self, index: usize) -> Result<()> {
        let Some(segment) = self.segments.get(index) else { return Ok(()) };
        let meta = self.store.head(&segment.meta.path).await?;
        let loaded = Arc::new(Loaded::read(&self.store, &meta).await?);
        *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = Some((index, loaded));
        Ok(())
    }

    pub(super) fn changes_too_often(&self, index: usize) -> Error {
        let path = self.segments.get(index).map_or_else(ObjectPath::root, |segment| segment.meta.path.clone());
        Error::Corrupt { path, reason: "it changes faster than it can be read".to_owned() }
    }
}
