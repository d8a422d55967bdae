//! Which part of which stream is wanted.

use std::ops::Range;

use chrono::{DateTime, Utc};

use super::ContainerLog;
use crate::{Result, Stream};

/// What is wanted of a stream: what lies in all the ranges that are given.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only what was written from then on.
    pub since: Option<DateTime<Utc>>,
    /// Only what was written before then.
    pub until: Option<DateTime<Utc>>,
    /// Only these lines, counted from 0.
    pub lines: Option<Range<u64>>,
    /// Only these bytes.
    pub bytes: Option<Range<u64>>,
    /// Only the last so many lines.
    pub tail_lines: Option<u64>,
}

/// A part of a container's stream.
#[derive(Clone, Debug)]
pub struct Part {
    /// Whose.
    pub log: ContainerLog,
    /// Which of its two.
    pub stream: Stream,
    /// Which bytes of it; cut at its end.
    pub range: Range<u64>,
}

impl Part {
    /// What `wanted` asks for of a stream. A few small requests for each range by time or lines.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn of(log: &ContainerLog, stream: Stream, wanted: &Wanted) -> Result<Self> {
        let (mut start, mut end) = wanted.bytes.clone().map_or((0, u64::MAX), |bytes| (bytes.start, bytes.end));
        if let Some(since) = wanted.since {
            start = start.max(log.offset_of_time(stream, since).await?);
        }
        if let Some(until) = wanted.until {
            end = end.min(log.offset_of_time(stream, until).await?);
        }
        if let Some(lines) = &wanted.lines {
            start = start.max(log.offset_of_line(stream, lines.start).await?);
            end = end.min(log.offset_of_line(stream, lines.end).await?);
        }
        // Counted before the pattern is looked for: the last lines, and of those the ones that match.
        if let Some(most) = wanted.tail_lines {
            let lines = log.lines(stream);
            let tail = log.lines_of(stream, lines.saturating_sub(most)..lines.saturating_add(1)).await?;
            start = start.max(tail.range.start);
        }
        Ok(Self { log: log.clone(), stream, range: start..end.max(start) })
    }

    /// Of each log, the first line that tells of an error, as the collector counted them, and so many lines from there on; the
    /// earliest first.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn of_first_errors(logs: Vec<ContainerLog>, streams: &[Stream], lines: u64) -> Result<Vec<Self>> {
        let first = |log: ContainerLog| {
            let (stream, at, time) = log.first_error_of(streams)?;
            Some((time, log, stream, at))
        };
        let mut found: Vec<_> = logs.into_iter().filter_map(first).collect();
        found.sort_by_key(|(time, ..)| *time);
        let mut parts = Vec::new();
        for (_, log, stream, at) in found {
            let end = log.offset_of_lines_behind(stream, at, lines).await?;
            parts.push(Self { log, stream, range: at..end });
        }
        Ok(parts)
    }

    /// How many lines of the stream tell of an error.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let of_stream = Stream::ALL.into_iter().zip(self.log.errors).find(|(stream, _)| *stream == self.stream);
        of_stream.map_or(0, |(_, errors)| errors.lines)
    }

    /// Whose it is, in short.
    #[must_use]
    pub fn name(&self) -> String {
        let executor = self.log.executor.as_deref().unwrap_or("?");
        let restart = match self.log.container.restart {
            0 => String::new(),
            restart => format!(" (restart {restart})"),
        };
        format!("{executor}{restart} {}", self.stream.name())
    }

    /// A line that says whose it is, and what is known of it.
    #[must_use]
    pub fn head(&self) -> String {
        let log = &self.log;
        let executor = log.executor.as_deref().unwrap_or("?");
        let restart = match log.container.restart {
            0 => String::new(),
            restart => format!(", restart {restart}"),
        };
        let end = log.end.as_ref().map(|end| format!(", {end}")).unwrap_or_default();
        let gaps = match log.gaps.len() {
            0 => String::new(),
            1 => ", lines missing in one place".to_owned(),
            gaps => format!(", lines missing in {gaps} places"),
        };
        let damage = if log.is_damaged() { ", its end is damaged in the store" } else { "" };
        format!("==> {executor} {} {}{restart}{end}{gaps}{damage} <==", log.container.pod, self.stream.name())
    }
}
