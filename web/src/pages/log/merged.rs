//! Several streams as one, line by line in the order of time.

use std::collections::VecDeque;
use std::ops::Range;

use chrono::DateTime;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use log_collector::{ContainerLog, MergedLine, Stream};
use regex::bytes::Regex;

use super::lines::LogLine;
use super::place::{PART_BYTES, PART_LINES, Shown, elsewhere, has_bad_time, moment, notice, step, wants_first_error};
use crate::error::Error;
use crate::format;
use crate::frame::Notice;
use crate::logs::unavailable;
use crate::params::Params;

/// How many streams are looked into at a time.
const AT_ONCE: usize = 16;

/// The streams that are shown as one.
pub(super) struct Merged {
    pub(super) parts: Vec<(ContainerLog, Stream)>,
    /// Whose each of them is, in short.
    pub(super) names: Vec<String>,
}

/// Where in time to look, in milliseconds since the epoch.
enum Place {
    /// From a moment on, up to another.
    From(i64, Option<i64>),
    /// What was written before a moment; the newest without one.
    Before(Option<i64>),
}

/// Lines in a row, and whether more come before and behind them.
struct Part {
    lines: VecDeque<MergedLine>,
    bytes: u64,
    older: bool,
    newer: bool,
    /// More was written in one millisecond than one page shows.
    burst: bool,
}

impl Merged {
    /// The part that the URL asks for: from a moment on (`since`, `time`, `error=first`), before one (`until`), between two,
    /// or the newest.
    pub(super) async fn read(&self, params: &Params, mark: Option<&Regex>) -> Result<Shown, Error> {
        let mut said: Option<Notice> = None;
        let mut since = moment(params);
        if wants_first_error(params) {
            since = self.first_error_ms();
            said =
                if since.is_none() { notice("No line tells of an error. These are the newest lines.") } else { None };
        } else if has_bad_time(params) {
            said = notice("The time cannot be read: write it as in 2026-11-20T09:38:30. These are the newest lines.");
        }
        let until = params.number("until");
        let mut part = match since {
            Some(since) => self.part(Place::From(since, until)).await?,
            None => self.part(Place::Before(until)).await?,
        };
        if part.lines.is_empty() && since.is_some() {
            said = notice("Nothing was written at that time or later. These are the newest lines.");
            part = self.part(Place::Before(None)).await?;
        }
        if part.burst {
            said = notice("More was written in this one millisecond than fits here: look at each stream by itself.");
        }
        let here = wants_first_error(params).then_some(since).flatten();
        let base = elsewhere(params, &[]);
        let mut lines: Vec<LogLine> = part.lines.iter().map(|line| self.line(line, &base, mark)).collect();
        // Others may be of the same millisecond.
        let first = lines.iter_mut().find(|line| here.is_some() && line.time_ms == here && line.class == "error");
        first.into_iter().for_each(|line| line.here = true);
        Ok(Shown { lines, moves: part.moves(params), range: part.range(), notice: said })
    }

    /// A line as a page shows it.
    pub(super) fn line(&self, line: &MergedLine, base: &str, mark: Option<&Regex>) -> LogLine {
        let ms = line.time.timestamp_millis();
        let joint = if base == "?" { "" } else { "&" };
        LogLine {
            label: line.time.format("%H:%M:%S%.3f").to_string(),
            time_ms: Some(ms),
            href: format!("{base}{joint}since={ms}"),
            source: self.names.get(line.part).cloned().unwrap_or_default(),
            ..LogLine::new(&line.bytes, mark)
        }
    }

    fn first_error_ms(&self) -> Option<i64> {
        let first = |(log, stream): &(ContainerLog, Stream)| log.first_error_of(&[*stream]).map(|(_, _, time)| time);
        self.parts.iter().filter_map(first).min().map(|time| time.timestamp_millis())
    }

    /// Of each stream, what lies from one moment on and before another.
    pub(super) async fn ranges(
        &self,
        since: Option<i64>,
        until: Option<i64>,
    ) -> Result<Vec<(ContainerLog, Stream, Range<u64>)>, Error> {
        let offset = async |log: &ContainerLog, stream: Stream, ms: Option<i64>, otherwise: u64| {
            let Some(time) = ms.and_then(DateTime::from_timestamp_millis) else { return Ok(otherwise) };
            log.offset_of_time(stream, time).await.map_err(|cause| unavailable(&cause))
        };
        let ranges = stream::iter(self.parts.clone()).map(|(log, stream)| async move {
            let start = offset(&log, stream, since, 0).await?;
            let end = offset(&log, stream, until, log.size_bytes(stream)).await?;
            Ok::<_, Error>((log, stream, start..end.max(start)))
        });
        ranges.buffered(AT_ONCE).try_collect().await
    }

    async fn part(&self, place: Place) -> Result<Part, Error> {
        match place {
            Place::From(since, until) => self.from(since, until).await,
            Place::Before(until) => self.before(until).await,
        }
    }

    async fn from(&self, since: i64, until: Option<i64>) -> Result<Part, Error> {
        let ranges = self.ranges(Some(since), until).await?;
        let mut part = Part::new(ranges.iter().any(|(.., range)| range.start > 0));
        let cut = |(log, stream, range): (ContainerLog, Stream, Range<u64>)| {
            (log, stream, range.start..range.end.min(range.start + PART_BYTES))
        };
        let ends_before_end = ranges.iter().any(|(log, stream, range)| range.end < log.size_bytes(*stream));
        let mut lines = log_collector::merge(ranges.into_iter().map(cut).collect());
        while let Some(line) = lines.try_next().await.map_err(|cause| unavailable(&cause))? {
            if part.is_full(&line) {
                part.end_before(line.time.timestamp_millis());
                return Ok(part);
            }
            part.push(line);
        }
        part.newer = ends_before_end;
        Ok(part)
    }

    async fn before(&self, until: Option<i64>) -> Result<Part, Error> {
        let ranges = self.ranges(None, until).await?;
        let newer = ranges.iter().any(|(log, stream, range)| range.end < log.size_bytes(*stream));
        // The last bytes of all are among the last bytes of each.
        let cut = |(log, stream, range): (ContainerLog, Stream, Range<u64>)| {
            (log, stream, range.end.saturating_sub(PART_BYTES)..range.end)
        };
        let ranges: Vec<_> = ranges.into_iter().map(cut).collect();
        let mut part = Part::new(false);
        let is_cut = ranges.iter().any(|(.., range)| range.start > 0);
        let mut lines = log_collector::merge(ranges);
        let mut left_out = None;
        while let Some(line) = lines.try_next().await.map_err(|cause| unavailable(&cause))? {
            while part.is_full(&line) {
                left_out = part.pop_first().or(left_out);
            }
            part.push(line);
        }
        part.newer = newer;
        if let Some(left_out) = left_out.or_else(|| if is_cut { part.pop_first() } else { None }) {
            part.begin_behind(left_out);
        }
        Ok(part)
    }
}

impl Part {
    fn new(older: bool) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, older, newer: false, burst: false }
    }

    /// Whether the line does not fit any more. One always does.
    fn is_full(&self, next: &MergedLine) -> bool {
        let is_too_much = self.bytes + next.bytes.len() as u64 >= PART_BYTES || self.lines.len() >= PART_LINES;
        !self.lines.is_empty() && is_too_much
    }

    fn push(&mut self, line: MergedLine) {
        self.bytes += line.bytes.len() as u64;
        self.lines.push_back(line);
    }

    /// Tells when that line was written.
    fn pop_first(&mut self) -> Option<i64> {
        let line = self.lines.pop_front()?;
        self.bytes -= line.bytes.len() as u64;
        Some(line.time.timestamp_millis())
    }

    /// The next part begins with a moment, so this one has nothing of that moment, if it can.
    fn end_before(&mut self, ms: i64) {
        self.newer = true;
        if self.lines.front().is_some_and(|line| line.time.timestamp_millis() >= ms) {
            self.burst = true;
            return;
        }
        while self.lines.back().is_some_and(|line| line.time.timestamp_millis() >= ms) {
            self.lines.pop_back();
        }
    }

    /// The part before ends with a moment.
    fn begin_behind(&mut self, ms: i64) {
        self.older = true;
        if self.lines.back().is_some_and(|line| line.time.timestamp_millis() <= ms) {
            self.burst = true;
            return;
        }
        while self.lines.front().is_some_and(|line| line.time.timestamp_millis() <= ms) {
            self.lines.pop_front();
        }
    }

    fn moves(&self, params: &Params) -> Vec<crate::frame::Tab> {
        let ms = |line: Option<&MergedLine>| line.map(|line| line.time.timestamp_millis());
        let (first, last) = (ms(self.lines.front()), ms(self.lines.back()));
        let at = |name: &str, ms: i64| elsewhere(params, &[(name, ms.to_string().as_str())]);
        let (older, newer) = (self.older && first.is_some(), self.newer && last.is_some());
        vec![
            step("« Oldest", older.then(|| at("since", 0))),
            step("‹ Older", first.filter(|_| older).map(|first| format!("{}#end", at("until", first)))),
            step("Newer ›", last.filter(|_| newer).map(|last| at("since", last + 1))),
            step("Newest »", newer.then(|| format!("{}#end", elsewhere(params, &[])))),
        ]
    }

    fn range(&self) -> String {
        let Some((first, last)) = self.lines.front().zip(self.lines.back()) else { return String::new() };
        let lines = format::plural(i64::try_from(self.lines.len()).unwrap_or(i64::MAX), "line");
        let time = |line: &MergedLine| line.time.format("%Y-%m-%d %H:%M:%S").to_string();
        format!("{lines}, {} to {} UTC", time(first), time(last))
    }
}
