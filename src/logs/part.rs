//! Which part of which stream is printed.

use std::ops::Range;

use log_collector::{ContainerLog, Stream};

use crate::config::LogsWanted;

/// A part of a container's stream.
pub(super) struct Part {
    pub(super) log: ContainerLog,
    pub(super) stream: Stream,
    pub(super) range: Range<u64>,
}

impl Part {
    /// What `wanted` asks for of a stream: what lies in all the ranges that it gives.
    pub(super) async fn of(log: &ContainerLog, stream: Stream, wanted: &LogsWanted) -> anyhow::Result<Self> {
        let (mut start, mut end) = wanted.bytes.clone().map_or((0, u64::MAX), |bytes| (bytes.start, bytes.end));
        if let Some(since) = wanted.since {
            start = start.max(log.offset_of_time(stream, since.into()).await?);
        }
        if let Some(until) = wanted.until {
            end = end.min(log.offset_of_time(stream, until.into()).await?);
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

    /// Of each log, the first line that tells of an error and some that follow, the earliest log first.
    pub(super) async fn of_first_errors(
        logs: Vec<ContainerLog>,
        streams: &[Stream],
        wanted: &LogsWanted,
        lines: u64,
    ) -> anyhow::Result<Vec<Self>> {
        let first = |log: ContainerLog| {
            let (stream, at, time) = log.first_error_of(streams)?;
            Some((time, log, stream, at))
        };
        let mut found: Vec<_> = logs.into_iter().filter_map(first).collect();
        found.sort_by_key(|(time, ..)| *time);
        let lines = wanted.tail_lines.unwrap_or(lines);
        let mut parts = Vec::new();
        for (_, log, stream, at) in found {
            let end = log.offset_of_lines_behind(stream, at, lines).await?;
            parts.push(Self { log, stream, range: at..end });
        }
        Ok(parts)
    }

    /// How many lines of the stream tell of an error.
    pub(super) fn errors(&self) -> u64 {
        let of_stream = Stream::ALL.into_iter().zip(self.log.errors).find(|(stream, _)| *stream == self.stream);
        of_stream.map_or(0, |(_, errors)| errors.lines)
    }

    /// Whose it is, in short.
    pub(super) fn name(&self) -> String {
        let executor = self.log.executor.as_deref().unwrap_or("?");
        let restart = match self.log.container.restart {
            0 => String::new(),
            restart => format!(" (restart {restart})"),
        };
        format!("{executor}{restart} {}", self.stream.name())
    }

    /// A line that says whose it is, and what is known of it.
    pub(super) fn head(&self) -> String {
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
