use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use storage::segment::{Position, Record, Run, Writer};
use storage::{Key, ObjectMeta, ObjectPath};
use tokio::time::Instant;

use super::Stopped;
use super::task::Context;
use crate::container::STREAMS;
use crate::discover::Found;
use crate::layout::{self, LINK, Note, Owner};
use crate::metrics::{Metrics, Share};
use crate::tail::{Filled, Generation, Parser, Source};
use crate::{Container, End, Gap};

const LINK_LIMIT_BYTES: u64 = 16 * 1024;
/// The larger the segment that is written again and again, the more rarely that happens: each so many bytes of it add one
/// interval, …
const SMALL_SEGMENT_BYTES: usize = 64 * 1024;
/// … up to so many.
const LONGEST_INTERVALS: u32 = 6;

/// One container's log on its way into the store.
pub(super) struct Shipper<'a> {
    context: &'a Context,
    folder: ObjectPath,
    source: Source,
    parser: Parser,
    writer: Writer,
    note: Note,
    /// How much of the source is safe.
    shipped: u64,
    unshipped_since: Option<Instant>,
    finished: bool,
    /// Whether this segment was written before.
    is_begun: bool,
    /// Where links still have to be written.
    links: Vec<ObjectPath>,
    lag: Share<'a>,
    memory: Share<'a>,
    used: Share<'a>,
}

/// What the store has of a container.
struct Stored {
    folder: ObjectPath,
    run: Option<Run>,
    by_pod: ObjectPath,
}

impl<'a> Shipper<'a> {
    /// Asks the store how far this container's log came, and goes on from there.
    pub(super) async fn recover(context: &'a Context, found: Found, owner: Option<Owner>) -> Result<Self, Stopped> {
        let Found { container, live, generations } = found;
        let stored = find(context, &container, owner.as_ref()).await?;
        let last = stored.run.as_ref().map(Run::last);
        let known = last.and_then(|last| Note::parse(&last.note));
        let resume = known.as_ref().map(|note| note.resume.clone()).unwrap_or_default();
        let end = last.map_or_else(|| Position::start(STREAMS), |last| last.end.clone());
        let parser = Parser::resume(resume.record());
        let at = end.source_bytes;
        let grace = context.settings.rotation_grace;
        let opened = tokio::task::spawn_blocking(move || Source::open(live, generations, resume, at, grace)).await;
        let (source, missing) = opened.map_err(std::io::Error::other).flatten().map_err(|error| {
            Metrics::add(&context.metrics.read_errors, 1);
            tracing::warn!(%error, pod.name = container.pod, "a log file cannot be read; trying again when it is found again");
            Stopped
        })?;
        let mut note = known.unwrap_or_else(|| Note::new(container.clone()));
        note.executor = crate::discover::executor_by_name(&container);
        if missing {
            Metrics::add(&context.metrics.gaps, 1);
            tracing::warn!(
                pod.name = container.pod,
                "log files were deleted while no collector ran: lines may be missing"
            );
            let reason = "files were rotated away or deleted before they could be read".to_owned();
            note.add_gap(Gap { at_bytes: end.streams.iter().map(|stream| stream.bytes).collect(), reason });
        }
        let is_new = stored.run.is_none();
        let mut shipper = Self {
            links: if is_new && stored.folder != stored.by_pod { vec![stored.by_pod] } else { Vec::new() },
            writer: Writer::new(end, &last.map(|last| last.open_lines.clone()).unwrap_or_default()),
            finished: last.is_some_and(|last| last.finished),
            folder: stored.folder,
            shipped: at,
            unshipped_since: None,
            is_begun: false,
            lag: Share::of(&context.metrics.lag_bytes),
            memory: Share::of(&context.metrics.buffered_bytes),
            used: Share::of(context.budget.used()),
            context,
            source,
            parser,
            note,
        };
        shipper.learn(owner);
        Ok(shipper)
    }

    pub(super) fn container(&self) -> &Container {
        &self.note.container
    }

    pub(super) fn has_owner(&self) -> bool {
        self.note.owner.is_some()
    }

    /// Remembers whose container it is, once that is known.
    pub(super) fn learn(&mut self, owner: Option<Owner>) {
        let Some(owner) = owner.filter(|owner| self.note.owner.as_ref() != Some(owner)) else { return };
        let name = layout::folder_name(&self.note.container);
        let folder =
            layout::of_executor(&owner.application, &owner.executor).and_then(|folder| Ok(folder.join(&name)?));
        if let Ok(folder) = folder.as_ref()
            && *folder != self.folder
        {
            self.links.push(folder.clone());
        }
        self.note.owner = folder.is_ok().then_some(owner);
    }

    pub(super) async fn add(&mut self, generations: Vec<Generation>) {
        // Their first lines are read, a thousand bytes each.
        self.source.add(generations);
    }

    /// Reads a chunk and takes what is complete of it.
    pub(super) async fn read_on(&mut self) -> Filled {
        let filled = match self.source.fill().await {
            Ok(filled) => filled,
            Err(error) => {
                Metrics::add(&self.context.metrics.read_errors, 1);
                tracing::warn!(%error, pod.name = self.note.container.pod, "a log file cannot be read; trying again");
                Filled::Idle
            }
        };
        self.parse(filled == Filled::End);
        self.count();
        filled
    }

    /// Takes what is complete; with `at_end`, the rest too.
    pub(super) fn parse(&mut self, at_end: bool) {
        let before = self.source.position();
        loop {
            let at = self.source.position();
            let Some(piece) = self.parser.next(self.source.bytes(), at_end) else { break };
            let size = piece.size;
            self.writer.push(Record {
                stream: piece.stream,
                content: piece.content,
                ends_line: piece.ends_line,
                time_ms: piece.time_ms,
                source_start: at,
                source_end: at + size as u64,
            });
            Metrics::add(&self.context.metrics.malformed_lines, u64::from(piece.malformed));
            self.source.consume(size);
        }
        let read = self.source.position() - before;
        Metrics::add(&self.context.metrics.read_bytes, read);
        if read > 0 {
            self.unshipped_since.get_or_insert_with(Instant::now);
        } else {
            self.source.rest();
        }
    }

    /// Goes to the file that follows, or says that there is none.
    pub(super) fn advance(&mut self) -> bool {
        self.source.advance()
    }

    /// When what is there must be written; `None` when all of it is.
    pub(super) fn due(&self) -> Option<Instant> {
        let since = self.unshipped_since?;
        let intervals = 1 + self.writer.stored_bytes() / SMALL_SEGMENT_BYTES;
        let intervals = u32::try_from(intervals).unwrap_or(LONGEST_INTERVALS).min(LONGEST_INTERVALS);
        let interval: Duration = self.context.settings.flush_interval * intervals;
        Some(since + interval)
    }

    /// Whether no more may be taken before a write.
    pub(super) fn is_full(&self) -> bool {
        self.writer.stored_bytes() >= self.context.settings.segment_bytes
            || (self.unshipped_since.is_some() && self.context.budget.is_exceeded())
    }

    /// Writes what has not been written; `finished` says that nothing will follow.
    pub(super) async fn ship(&mut self, finished: bool, end: Option<End>) -> Result<(), Stopped> {
        let is_told = finished && (!self.finished || (end.is_some() && self.note.end != end));
        if self.unshipped_since.is_none() && !is_told && self.links.is_empty() {
            return Ok(());
        }
        self.finished = finished;
        self.note.end = end.or(self.note.end.take());
        self.note.resume = self.source.resume(self.parser.open());
        self.write_links().await?;
        let position = self.writer.end().source_bytes;
        let bytes = self.writer.encode(&self.note.encode(), self.finished);
        let size = bytes.len() as u64;
        let metrics = &self.context.metrics;
        let Ok(path) = self.folder.join(&self.writer.start().segment_name()) else { return Err(Stopped) };
        {
            let _slot = self.context.uploads.acquire().await;
            let put = || self.put(&path, bytes.clone());
            self.context.retry.until_done("shipping a log", &metrics.store_errors, put).await?;
        }
        self.is_begun = true;
        Metrics::add(&metrics.shipped_bytes, position - self.shipped);
        Metrics::add(&metrics.written_bytes, size);
        Metrics::add(&metrics.objects, 1);
        self.shipped = position;
        self.unshipped_since = None;
        let is_large = self.writer.stored_bytes() >= self.context.settings.sealed_bytes;
        if !self.finished && !self.writer.is_empty() && (is_large || self.context.budget.is_exceeded()) {
            self.writer = self.writer.next();
            self.is_begun = false;
        }
        self.count();
        Ok(())
    }

    /// Writes the segment. The first write of it must find nothing: so the last one of a collector that was killed, should it
    /// still be under way, cannot replace more by less. Both write the same bytes as far as they go.
    async fn put(&self, path: &ObjectPath, bytes: Bytes) -> storage::Result<()> {
        if !self.is_begun {
            match self.context.store.put_if_absent(path, bytes.clone()).await {
                Err(storage::Error::AlreadyExists { .. }) => {}
                other => return other.map(|_| ()),
            }
        }
        self.context.store.put(path, bytes).await
    }

    async fn write_links(&mut self) -> Result<(), Stopped> {
        let bytes = layout::encode_link(&self.folder);
        while let Some(folder) = self.links.last() {
            let Ok(path) = folder.join(LINK) else { break };
            let put = || self.context.store.put(&path, bytes.clone());
            self.context.retry.until_done("linking a log", &self.context.metrics.store_errors, put).await?;
            self.links.pop();
        }
        Ok(())
    }

    fn count(&mut self) {
        let held = (self.writer.memory_bytes() + self.source.memory_bytes()) as u64;
        self.memory.set(held);
        self.used.set(held);
        self.lag.set(self.source.left_bytes() + self.source.position() - self.shipped);
    }
}

/// Looks for what the store has: under the pod's name first, where there are segments, or a link to them.
async fn find(context: &Context, container: &Container, owner: Option<&Owner>) -> Result<Stored, Stopped> {
    let name = layout::folder_name(container);
    let below = |folder: crate::Result<ObjectPath>| folder.ok()?.join(&name).ok();
    let Some(by_pod) = below(layout::of_pod(&container.namespace, &container.pod)) else { return Err(Stopped) };
    let store = &context.store;
    let failures = &context.metrics.store_errors;
    let ask = &context.retry;
    let list = || async { store.list(&by_pod).try_collect::<Vec<ObjectMeta>>().await };
    let objects = ask.until_done("looking for what was shipped", failures, list).await?;
    let link = objects.iter().find(|object| object.path.name() == LINK).map(|object| object.path.clone());
    let target = match link {
        Some(link) => {
            let get = || store.get(&link, LINK_LIMIT_BYTES);
            layout::parse_link(&ask.until_done("reading a link", failures, get).await?)
        }
        None => None,
    };
    let is_by_pod = objects.iter().any(|object| Position::parse_segment_name(object.path.name()).is_some());
    let of_owner = || below(layout::of_executor(&owner?.application, &owner?.executor));
    let folder = if is_by_pod { by_pod.clone() } else { target.or_else(of_owner).unwrap_or_else(|| by_pod.clone()) };
    debug_assert!(matches!(Key::parse(&folder), Some(Key::Log(_))));
    let open = || Run::open(store, &folder);
    let run = ask.until_done("reading what was shipped", failures, open).await?;
    Ok(Stored { folder, run, by_pod })
}
