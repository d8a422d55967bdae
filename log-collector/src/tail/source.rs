//! The log file of one run of one container, as the one stream of bytes that it is, across its rotations.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::OpenRecord;
use super::copied::Lost;
use super::generation::{Generation, is_any_left};

/// How many generations that were read are told from new ones. The kubelet keeps five.
const SEEN: usize = 16;

/// What a reader that starts again must know besides the offset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resume {
    /// Where in the source the generation starts that was read last.
    generation_start: u64,
    /// Its fingerprint.
    generation: Option<String>,
    /// The record that was taken in part.
    record: Option<OpenRecord>,
    /// The fingerprints of generations that were read before, should one of them still be found.
    #[serde(default)]
    passed: Vec<String>,
}

impl Resume {
    pub(crate) fn record(&self) -> Option<OpenRecord> {
        self.record
    }
}

/// What an attempt to read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There is more to parse.
    More,
    /// Nothing at present.
    Idle,
    /// Nothing at present, and soon nothing will come any more: the container is gone, and its file deleted.
    Ending,
    /// Nothing, and nothing will come any more from this generation: another one follows, or the container is gone.
    End,
}

/// How long the generation that is read has been at its end.
#[derive(Clone, Copy, Debug, Default)]
struct Closing {
    /// Since when there has been a later one, or its file has been deleted.
    since: Option<Instant>,
    /// When there was something in it last.
    grew: Option<Instant>,
}

impl Closing {
    fn is_over(&self, grace: Duration) -> bool {
        let is_past = |time: Option<Instant>| time.is_none_or(|time| time.elapsed() >= grace);
        self.since.is_some() && is_past(self.since) && is_past(self.grew)
    }
}

/// A generation, and what is missing before it and behind it.
#[derive(Debug)]
struct Held {
    generation: Generation,
    lost: Option<Lost>,
    lost_behind: Option<Lost>,
}

impl Held {
    fn new(generation: Generation) -> Self {
        let lost_behind = generation.lost_behind();
        Self { generation, lost: None, lost_behind }
    }
}

/// The generations of one log file, oldest first, and how far they were read. All of it blocks on the disk.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path of the newest generation, while there is one.
    live: PathBuf,
    generations: VecDeque<Held>,
    grace: Duration,
    closing: Closing,
    /// Where the first of them starts in the source.
    start: u64,
    /// How far the first of them was read.
    read: u64,
    carry: Vec<u8>,
    /// How much of `carry` has been consumed.
    consumed: usize,
    resume: Resume,
    seen: VecDeque<String>,
    /// What is missing behind the last generation.
    lost: Option<Lost>,
    /// Generations that were read, and where in the source each ends: they are let go of when they have been shipped.
    unreleased: VecDeque<(u64, Generation)>,
}

impl Source {
    /// Goes on where `resume` says, at `source_bytes`. Also tells whether something between there and the first generation
    /// that is left may be missing.
    pub(crate) fn open(
        live: PathBuf,
        generations: Vec<Generation>,
        resume: Resume,
        source_bytes: u64,
        grace: Duration,
    ) -> io::Result<(Self, Option<Lost>)> {
        let known =
            generations.iter().position(|g| resume.generation.is_some() && g.fingerprint() == resume.generation);
        // What has been read must not be read again because what follows it cannot be had.
        let is_passed =
            |generation: &Generation| generation.fingerprint().is_some_and(|it| resume.passed.contains(&it));
        let first = known.or_else(|| Some(generations.iter().rposition(is_passed)? + 1));
        let (start, read) = match known {
            Some(_) => (resume.generation_start, source_bytes.saturating_sub(resume.generation_start)),
            None => (source_bytes, 0),
        };
        let mut left = generations;
        for shipped in left.drain(..first.unwrap_or_default()) {
            shipped.release();
        }
        let generations: VecDeque<_> = left.into_iter().map(Held::new).collect();
        if let Some(first) = generations.front() {
            first.generation.skip(read)?;
        }
        let is_missing = known.is_none() && source_bytes > 0 && !generations.is_empty();
        let source = Self {
            live,
            generations,
            grace,
            closing: Closing::default(),
            start,
            read,
            carry: Vec::new(),
            consumed: 0,
            seen: resume.passed.iter().chain(&resume.generation).cloned().collect(),
            resume,
            lost: None,
            unreleased: VecDeque::new(),
        };
        Ok((source, is_missing.then_some(Lost { size_bytes: None })))
    }

    /// Goes back, or on, to where `resume` says, at `source_bytes`: what lies before is in the store. `false` when the file that
    /// it names is not among those that are held.
    pub(crate) fn reopen(&mut self, resume: Resume, source_bytes: u64) -> io::Result<bool> {
        let read = self.unreleased.drain(..).map(|(_, generation)| Held::new(generation));
        let mut held: VecDeque<Held> = read.chain(self.generations.drain(..)).collect();
        let is_named = |held: &Held| resume.generation.is_some() && held.generation.fingerprint() == resume.generation;
        let known = held.iter().position(is_named);
        if known.is_none() && source_bytes > 0 {
            return Ok(false);
        }
        for shipped in held.drain(..known.unwrap_or_default()) {
            shipped.generation.release();
        }
        for held in &held {
            held.generation.rewind()?;
        }
        self.start = known.map_or(source_bytes, |_| resume.generation_start);
        self.read = source_bytes.saturating_sub(self.start);
        if let Some(first) = held.front() {
            first.generation.skip(self.read)?;
        }
        self.seen.extend(resume.generation.clone());
        (self.generations, self.resume, self.closing) = (held, resume, Closing::default());
        self.carry.clear();
        self.consumed = 0;
        Ok(true)
    }

    /// Takes generations that were found later, oldest first. Those up to the last one that is known already are passed
    /// over: it has been read, or is being read, and so have those before it. `lost`: some before them could not be opened
    /// before they went.
    pub(crate) fn add(&mut self, generations: Vec<Generation>, lost: Option<Lost>) {
        let held: Vec<_> = self.generations.iter().map(|h| (h.generation.inode, h.generation.fingerprint())).collect();
        let is_known = |found: &Generation| {
            let fingerprint = found.fingerprint();
            held.iter().any(|(inode, held)| *inode == found.inode || (held.is_some() && *held == fingerprint))
                || self.seen.iter().any(|seen| fingerprint.as_ref() == Some(seen))
        };
        let new = generations.iter().rposition(is_known).map_or(0, |last| last + 1);
        self.lost = self.lost.take().or(lost);
        for (index, generation) in generations.into_iter().enumerate() {
            if index < new {
                generation.release();
                continue;
            }
            self.generations.push_back(Held { lost: self.lost.take(), ..Held::new(generation) });
        }
    }

    /// Takes what is missing behind the last generation.
    pub(crate) fn take_lost(&mut self) -> Option<Lost> {
        let behind = self.generations.back_mut().and_then(|last| last.lost_behind.take());
        self.lost.take().or(behind)
    }

    /// Lets go of the files that end before `shipped`. One that ends there is what a reader would know its place by.
    pub(crate) fn release(&mut self, shipped: u64) {
        while let Some((_, generation)) = self.unreleased.pop_front_if(|(end, _)| *end < shipped) {
            generation.release();
        }
    }

    /// Lets go of all files: they have been shipped.
    pub(crate) fn close(&mut self) {
        self.release(u64::MAX);
        for held in self.generations.drain(..) {
            held.generation.release();
        }
    }

    /// Whether [`Source::fill`] may bring something. Asks for the size of one file.
    pub(crate) fn is_worth_reading(&self) -> bool {
        let Some(Held { generation, .. }) = self.generations.front() else { return true };
        self.generations.len() > 1 || self.closing.since.is_some() || generation.is_worth_reading(self.read)
    }

    /// Reads on. Gives what follows in [`Source::bytes`].
    pub(crate) fn fill(&mut self) -> io::Result<Filled> {
        let has_next = self.generations.len() > 1;
        let Some(Held { generation: first, .. }) = self.generations.front() else { return Ok(Filled::End) };
        self.carry.drain(..std::mem::take(&mut self.consumed));
        // Asked before reading: what is written between the two is read the next time.
        let is_last = has_next || (first.is_unlinked() && !is_any_left(&self.live));
        // What is compressed has been complete before.
        let is_quiet = first.is_compressed() || (is_last && first.is_quiet_for(self.grace));
        let read = first.read(self.read, &mut self.carry)?;
        self.read += read as u64;
        if read > 0 {
            self.closing.grew = Some(Instant::now());
        }
        self.closing.since = is_last.then(|| self.closing.since.unwrap_or_else(Instant::now));
        Ok(match (read, is_last) {
            (0, true) if is_quiet || self.closing.is_over(self.grace) => Filled::End,
            (0, true) if !has_next => Filled::Ending,
            (0, _) => Filled::Idle,
            _ => Filled::More,
        })
    }

    /// What has been read and not consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.carry.get(self.consumed..).unwrap_or_default()
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.consumed = (self.consumed + bytes).min(self.carry.len());
    }

    /// Gives the memory back that was read into, but for what has not been consumed.
    pub(crate) fn rest(&mut self) {
        self.carry.drain(..std::mem::take(&mut self.consumed));
        self.carry.shrink_to_fit();
    }

    /// Where in the source the first byte lies that has not been consumed.
    pub(crate) fn position(&self) -> u64 {
        self.start + self.read - self.bytes().len() as u64
    }

    /// How many bytes of the files have not been consumed.
    pub(crate) fn left_bytes(&self) -> u64 {
        let size: u64 = self.generations.iter().map(|held| held.generation.size_bytes()).sum();
        (self.start + size).saturating_sub(self.position())
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.carry.capacity()
    }

    /// Goes to the next generation: the first has been read and consumed to its end. `None` when there is none; otherwise
    /// what is missing between the two.
    pub(crate) fn advance(&mut self) -> Option<Option<Lost>> {
        if self.generations.len() < 2 {
            return None;
        }
        self.note();
        self.seen.extend(self.resume.generation.clone());
        let excess = self.seen.len().saturating_sub(SEEN);
        self.seen.drain(..excess);
        self.start += self.read;
        (self.read, self.consumed, self.closing) = (0, 0, Closing::default());
        self.carry.clear();
        let read = self.generations.pop_front();
        let behind = read.as_ref().and_then(|held| held.lost_behind);
        self.unreleased.extend(read.map(|held| (self.start, held.generation)));
        Some(self.generations.front_mut().and_then(|next| next.lost.take()).or(behind))
    }

    /// What a reader must know that goes on from [`Source::position`].
    pub(crate) fn resume(&mut self, record: Option<OpenRecord>) -> Resume {
        self.note();
        let passed = self.seen.iter().filter(|seen| self.resume.generation.as_ref() != Some(seen)).cloned().collect();
        Resume { record, passed, ..self.resume.clone() }
    }

    fn note(&mut self) {
        let is_started = self.read > self.bytes().len() as u64;
        if let Some(first) = self.generations.front().filter(|_| is_started)
            && (self.resume.generation.is_none() || self.resume.generation_start != self.start)
        {
            let generation = first.generation.fingerprint();
            self.resume = Resume { generation_start: self.start, generation, ..Resume::default() };
        }
    }
}
