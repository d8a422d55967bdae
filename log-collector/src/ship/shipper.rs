use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use storage::ObjectPath;
use storage::segment::{Position, Run, Writer};
use tokio::time::Instant;

use super::budget::Holding;
use super::find::{Stored, find};
use super::object::{Left, Object, Wrote};
use super::pipe::Pipe;
use super::{Context, Stopped};
use crate::container::STREAMS;
use crate::discover::Found;
use crate::lag::{self, Lag};
use crate::layout::{self, Author, LINK, Note, Owner};
use crate::metrics::{Metrics, Share};
use crate::tail::{Filled, Generation, Parser, Source};
use crate::{Container, End, Gap};

/// What a segment's open frames and footer may come to.
const ENVELOPE_BYTES: usize = 64 * 1024;

/// One container's log on its way into the store.
pub(super) struct Shipper<'a> {
    context: &'a Context,
    folder: ObjectPath,
    /// Absent while it is at work on another thread.
    pipe: Option<Pipe>,
    note: Note,
    /// How much of the source is safe.
    shipped: u64,
    unshipped_since: Option<Instant>,
    /// When an object of it was written last, by the store's clock or, since, by this machine's.
    written_at: DateTime<Utc>,
    /// When something was read last.
    read_at: Instant,
    finished: bool,
    object: Object,
    /// Where links still have to be written.
    links: Vec<ObjectPath>,
    lag: Lag<'a>,
    memory: Share<'a>,
    holding: Holding<'a>,
}

/// How much is read before others have their turn; and where memory is short, as little as can be.
const TURN_BYTES: u64 = 1024 * 1024;
const SHORT_TURN_BYTES: u64 = 1;

impl<'a> Shipper<'a> {
    /// Asks the store how far this container's log came, and goes on from there.
    pub(super) async fn recover(context: &'a Context, found: Found, owner: Option<Owner>) -> Result<Self, Stopped> {
        // It is behind by all that there is, as long as the store does not say how far it came.
        let lag = context.metrics.lags.follow(lag::Source::Pods);
        lag.set(found.generations.iter().map(Generation::size_bytes).sum(), 0);
        let Found { container, live, generations, .. } = found;
        let stored = find(context, &container, owner.as_ref()).await?;
        let last = stored.run.as_ref().map(Run::last);
        let known = last.and_then(|last| Note::parse(&last.note));
        let resume = known.as_ref().map(|note| note.resume.clone()).unwrap_or_default();
        let end = last.map_or_else(|| Position::start(STREAMS), |last| last.end.clone());
        let parser = Parser::resume(resume.record());
        let (at, grace) = (end.source_bytes, context.settings.rotation_grace);
        let opened = tokio::task::spawn_blocking(move || Source::open(live, generations, resume, at, grace)).await;
        let (source, missing) = opened.map_err(std::io::Error::other).flatten().map_err(|error| {
            Metrics::add(&context.metrics.read_errors, 1);
            tracing::warn!(%error, pod.name = container.pod, "a log file cannot be read; trying again when it is found again");
            Stopped
        })?;
        let mut note = known.unwrap_or_else(|| Note::new(container.clone()));
        note.executor = crate::discover::executor_by_name(&container);
        let is_new = stored.run.is_none();
        let writer = Writer::new(end.clone(), &last.map(|last| last.open_lines.clone()).unwrap_or_default());
        let gaps = missing.map(|lost| (end, lost)).into_iter().collect();
        let mut shipper = Self {
            links: if is_new && stored.folder != stored.by_pod { vec![stored.by_pod.clone()] } else { Vec::new() },
            pipe: Some(Pipe { source, parser, writer, gaps, malformed: 0, errors: note.errors }),
            finished: last.is_some_and(|last| last.finished),
            folder: stored.folder.clone(),
            shipped: at,
            unshipped_since: None,
            written_at: stored.run.as_ref().map_or_else(Utc::now, Run::last_modified),
            read_at: Instant::now(),
            object: Object::new(Author { writer: context.writer.clone(), epoch: note.author.epoch + 1 }),
            lag,
            memory: Share::of(&context.metrics.buffered_bytes),
            holding: context.budget.hold(),
            context,
            note,
        };
        shipper.go_on_with(&stored);
        shipper.note_gaps();
        shipper.learn(owner);
        shipper.count();
        Ok(shipper)
    }

    /// Where the last segment can still grow, it does.
    fn go_on_with(&mut self, stored: &Stored) {
        self.object.seal();
        if let Some(run) = stored.run.as_ref().filter(|_| !self.note.sealed)
            && let Ok(path) = self.folder.join(&run.last().start.segment_name())
        {
            self.object.leave(path);
        }
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

    /// Takes files that were found later.
    pub(super) async fn add(&mut self, found: Found) {
        // Their first lines are read, a thousand bytes each.
        self.work(move |pipe| pipe.source.add(found.generations, found.lost)).await;
    }

    /// For how long nothing has been read.
    pub(super) fn quiet_for(&self) -> Duration {
        self.read_at.elapsed()
    }

    /// Whether the store says that nothing will follow.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether there may be something to read, or to learn of the file's end.
    pub(super) fn is_worth_reading(&self) -> bool {
        self.pipe.as_ref().is_some_and(|pipe| pipe.source.is_worth_reading())
    }

    /// Lets go of the files: all of them has been read.
    pub(super) async fn close(&mut self) {
        self.work(|pipe| pipe.source.close()).await;
    }

    /// Reads what there is, for a while, and takes what is complete of it.
    pub(super) async fn read_on(&mut self) -> Filled {
        let segment_bytes = self.context.settings.segment_bytes;
        let turn_bytes = if self.context.budget.is_exceeded() { SHORT_TURN_BYTES } else { TURN_BYTES };
        let _processor = self.context.processors.acquire().await;
        let read = self.work(move |pipe| pipe.run(turn_bytes, segment_bytes)).await;
        let (filled, taken) = read.unwrap_or_else(|error| {
            Metrics::add(&self.context.metrics.read_errors, 1);
            tracing::warn!(%error, pod.name = self.note.container.pod, "a log file cannot be read; trying again");
            (Filled::Idle, 0)
        });
        self.took(taken);
        filled
    }

    /// Takes the rest of what was read: nothing will follow.
    pub(super) async fn take_rest(&mut self) {
        let before = self.position();
        self.work(|pipe| pipe.take(true)).await;
        self.took(self.position() - before);
    }

    /// Does what blocks, or takes long, on a thread for that.
    async fn work<T: Send + 'static>(&mut self, work: impl FnOnce(&mut Pipe) -> T + Send + 'static) -> T {
        let mut pipe = self.pipe.take().expect("whoever takes it waits for it to come back, or is dropped");
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&mut pipe);
            (pipe, result)
        });
        match done.await {
            Ok((pipe, result)) => {
                self.pipe = Some(pipe);
                result
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn took(&mut self, bytes: u64) {
        if let Some(pipe) = &mut self.pipe {
            let malformed = std::mem::take(&mut pipe.malformed);
            Metrics::add(&self.context.metrics.malformed_lines, malformed);
        }
        Metrics::add(&self.context.metrics.read_bytes, bytes);
        if bytes > 0 {
            self.read_at = Instant::now();
            self.unshipped_since.get_or_insert(self.read_at);
        }
        self.note_gaps();
        self.count();
    }

    fn note_gaps(&mut self) {
        let gaps = self.pipe.as_mut().map(|pipe| std::mem::take(&mut pipe.gaps)).unwrap_or_default();
        for (at, lost) in gaps {
            Metrics::add(&self.context.metrics.gaps, 1);
            Metrics::add(&self.context.metrics.lost_bytes, lost.size_bytes.unwrap_or_default());
            tracing::warn!(
                pod.name = self.note.container.pod,
                size_bytes = lost.size_bytes,
                "log files were deleted before they could be read: lines may be missing"
            );
            self.note.add_gap(Gap {
                at_bytes: at.streams.iter().map(|stream| stream.bytes).collect(),
                size_bytes: lost.size_bytes,
                reason: "files were rotated away or deleted before they could be read".to_owned(),
            });
            self.unshipped_since.get_or_insert_with(Instant::now);
        }
    }

    fn position(&self) -> u64 {
        self.pipe.as_ref().map_or(self.shipped, |pipe| pipe.source.position())
    }

    fn stored_bytes(&self) -> usize {
        self.pipe.as_ref().map_or(0, |pipe| pipe.writer.stored_bytes())
    }

    /// When what is there must be written; `None` when all of it is.
    pub(super) fn due(&self) -> Option<Instant> {
        self.unshipped_since.map(|since| since + self.context.settings.flush_interval)
    }

    /// Whether it should be written now, whenever it is due: it is large, or its memory is wanted.
    pub(super) fn is_full(&self) -> bool {
        self.stored_bytes() >= self.context.settings.segment_bytes || self.holding.is_asked()
    }

    /// Has it written once more when it has been silent for so long that it might be taken for one that nobody writes.
    pub(super) fn stay_alive(&mut self) {
        let silence = self.context.settings.longest_silence.and_then(|longest| TimeDelta::from_std(longest).ok());
        if silence.is_some_and(|longest| Utc::now() - self.written_at >= longest) && !self.finished {
            self.unshipped_since.get_or_insert_with(Instant::now);
        }
    }

    /// Whether there is memory for more.
    pub(super) fn may_read(&self) -> bool {
        self.holding.may_grow()
    }

    /// Writes what has not been written; `finished` says that nothing will follow. `false`: another collector has written
    /// meanwhile, and what it has not is read again.
    pub(super) async fn ship(&mut self, finished: bool, end: Option<End>) -> Result<bool, Stopped> {
        let is_told = finished && (!self.finished || (end.is_some() && self.note.end != end));
        if self.unshipped_since.is_some() || is_told || !self.links.is_empty() {
            self.finished = finished;
            self.note.end = end.or(self.note.end.take());
            self.write_links().await?;
            if self.write().await? == Wrote::Others {
                self.go_back().await?;
                self.count();
                return Ok(false);
            }
        }
        if self.note.sealed {
            self.seal();
        } else if self.holding.is_asked() {
            self.leave();
        }
        self.count();
        Ok(true)
    }

    async fn write(&mut self) -> Result<Wrote, Stopped> {
        match self.object.take_up(self.context).await? {
            Left::Nothing => {}
            Left::Segment(earlier) => {
                if !self.work(move |pipe| pipe.writer.put_before(&earlier)).await {
                    return Ok(Wrote::Others);
                }
            }
            Left::Others => return Ok(Wrote::Others),
        }
        let record = self.pipe.as_ref().and_then(|pipe| pipe.parser.open());
        self.note.resume = self.work(move |pipe| pipe.source.resume(record)).await;
        self.note.author = self.object.author().clone();
        self.note.errors = self.pipe.as_ref().map_or(self.note.errors, |pipe| pipe.errors);
        // Why it ended may come later, and is then better told in the segment that there is.
        let is_over = self.finished && self.note.end.is_some();
        self.note.sealed = is_over || self.stored_bytes() >= self.context.settings.sealed_bytes;
        let note = self.note.encode();
        let Some(pipe) = &self.pipe else { return Err(Stopped) };
        let position = pipe.writer.end().source_bytes;
        let Ok(path) = self.folder.join(&pipe.writer.start().segment_name()) else { return Err(Stopped) };
        let (size_bytes, finished) = (pipe.writer.stored_bytes() + ENVELOPE_BYTES, self.finished);
        let encode = || pipe.writer.encode(&note, finished);
        if self.object.put(self.context, &path, size_bytes, encode).await? == Wrote::Others {
            return Ok(Wrote::Others);
        }
        let metrics = &self.context.metrics;
        Metrics::add(&metrics.shipped_bytes, position - self.shipped);
        Metrics::add(&metrics.objects, 1);
        self.shipped = position;
        (self.unshipped_since, self.written_at) = (None, Utc::now());
        self.work(move |pipe| pipe.source.release(position)).await;
        Ok(Wrote::Done)
    }

    /// Another collector has written: goes on from where that one came to, at once if this one is the later of the two, and
    /// otherwise after a while, in which that one may well have done all there is to do.
    async fn go_back(&mut self) -> Result<(), Stopped> {
        let mut is_first = true;
        let (stored, note) = loop {
            let stored = find(self.context, &self.note.container, self.note.owner.as_ref()).await?;
            let note = stored.run.as_ref().and_then(|run| Note::parse(&run.last().note));
            let note = note.unwrap_or_else(|| Note::new(self.note.container.clone()));
            if self.object.overtake(&note.author) || !is_first {
                break (stored, note);
            }
            is_first = false;
            Metrics::add(&self.context.metrics.superseded, 1);
            tracing::warn!(pod.name = self.note.container.pod, "another collector ships this log as well");
            self.context.stand_back().await?;
        };
        let Some(run) = &stored.run else {
            // Removed by others: what is in memory begins it anew.
            self.object.seal();
            return Ok(());
        };
        let (last, resume, errors) = (run.last().clone(), note.resume.clone(), note.errors);
        let end: Vec<u64> = last.end.streams.iter().map(|stream| stream.bytes).collect();
        let at = last.end.source_bytes;
        self.finished = last.finished;
        let went = self.work(move |pipe| pipe.go_to(&last, resume, errors)).await;
        if !went.unwrap_or_default() {
            return Err(Stopped);
        }
        let is_behind = |gap: &Gap| gap.at_bytes.iter().zip(&end).all(|(at, end)| at >= end);
        let known = std::mem::replace(&mut self.note, note);
        self.note.executor = known.executor;
        self.note.owner = self.note.owner.take().or(known.owner);
        for gap in known.gaps.into_iter().filter(is_behind) {
            if !self.note.gaps.contains(&gap) {
                self.note.add_gap(gap);
            }
        }
        (self.folder, self.shipped, self.unshipped_since) = (stored.folder.clone(), at, None);
        self.go_on_with(&stored);
        Ok(())
    }

    async fn write_links(&mut self) -> Result<(), Stopped> {
        let bytes = layout::encode_link(&self.folder);
        while let Some(folder) = self.links.last() {
            let Ok(path) = folder.join(LINK) else { break };
            let put = || self.context.store.put(&path, bytes.clone());
            self.context.ask_briefly("linking a log", bytes.len(), put).await?;
            self.links.pop();
        }
        Ok(())
    }

    /// Lets go of what has been written: what follows begins a new segment.
    fn seal(&mut self) {
        if let Some(pipe) = &mut self.pipe
            && !pipe.writer.is_empty()
        {
            pipe.writer = pipe.writer.next();
            self.object.seal();
        }
    }

    /// Lets go of what has been written: what follows goes on with the segment in the store.
    pub(super) fn leave(&mut self) {
        if let Some(pipe) = &mut self.pipe
            && self.object.is_here()
            && let Ok(path) = self.folder.join(&pipe.writer.start().segment_name())
        {
            pipe.writer = pipe.writer.next();
            self.object.leave(path);
        }
    }

    fn count(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        if self.holding.is_asked() {
            pipe.writer.shrink();
        }
        let held = pipe.memory_bytes() as u64;
        self.memory.set(held);
        self.holding.set(held);
        self.lag.set(pipe.source.left_bytes() + pipe.source.position(), self.shipped);
    }
}
