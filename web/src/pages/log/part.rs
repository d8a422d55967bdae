//! Which part of a stream a page shows.

use bytes::Bytes;
use chrono::DateTime;
use log_collector::{ContainerLog, Stream};

use crate::error::Error;
use crate::format;
use crate::frame::{Notice, Tab};
use crate::logs::unavailable;
use crate::params::Params;

/// How much of a log one page shows. Whole lines, except where one line is longer than this.
const PART_BYTES: u64 = 96 * 1024;

/// A run of whole lines of a stream.
///
/// The URL says where it is: `from` a byte on, up to a byte (`to`), between two moments (`since` and `until`, milliseconds
/// since the epoch), or else the newest. `line` is the number of the line at that byte, where the link knew it.
pub(crate) struct Part {
    pub(crate) bytes: Bytes,
    start: u64,
    end: u64,
    total: u64,
    /// The number of the first line, counted from 1.
    pub(crate) first_line: Option<u64>,
    pub(crate) notice: Option<Notice>,
}

/// Where in the stream to look.
enum Place {
    From(u64),
    To(u64),
    Newest,
}

impl Part {
    pub(crate) async fn read(log: &ContainerLog, stream: Stream, params: &Params) -> Result<Self, Error> {
        let offset = |name: &str| params.number(name).and_then(|offset| u64::try_from(offset).ok());
        let total = log.size_bytes(stream);
        let line = offset("line");
        match (offset("from"), offset("to"), window(log, stream, params).await?) {
            (Some(from), _, _) => Self::at(log, stream, Place::From(from.min(total)), line).await,
            (_, Some(to), _) => Self::at(log, stream, Place::To(to.min(total)), line).await,
            (_, _, Some((start, end))) if start < end => {
                // Of a long while the end says more than the beginning.
                let place = if end - start > PART_BYTES { Place::To(end) } else { Place::From(start) };
                let mut part = Self::at(log, stream, place, None).await?;
                part.cut(end);
                let text =
                    "These are the lines of the time while the task ran, and of some seconds before and after it.";
                part.notice = Some(Notice { class: "", text: text.to_owned(), details: Vec::new() });
                Ok(part)
            }
            (_, _, Some(_)) => {
                let mut part = Self::at(log, stream, Place::Newest, None).await?;
                let text = "Nothing was written while the task ran. These are the newest lines.";
                part.notice = Some(Notice { class: "", text: text.to_owned(), details: Vec::new() });
                Ok(part)
            }
            _ => Self::at(log, stream, Place::Newest, None).await,
        }
    }

    async fn at(log: &ContainerLog, stream: Stream, place: Place, line: Option<u64>) -> Result<Self, Error> {
        let total = log.size_bytes(stream);
        let wanted = match place {
            Place::From(from) => from..total.min(from + PART_BYTES),
            Place::To(to) => to.saturating_sub(PART_BYTES)..to,
            Place::Newest => total.saturating_sub(PART_BYTES)..total,
        };
        let page = log.page(stream, wanted).await.map_err(|cause| unavailable(&cause))?;
        let mut part = Self {
            start: page.range.start,
            end: page.range.end,
            bytes: page.bytes,
            total,
            first_line: None,
            notice: None,
        };
        match place {
            Place::From(_) => {
                part.end_at_line();
                part.first_line = if part.start == 0 { Some(1) } else { line };
            }
            Place::To(_) | Place::Newest => {
                part.start_at_line();
                let ends = matches!(place, Place::Newest).then(|| log.lines(stream) + 1).or(line);
                part.first_line =
                    if part.start == 0 { Some(1) } else { ends.and_then(|ends| ends.checked_sub(part.line_ends())) };
            }
        }
        Ok(part)
    }

    /// Leaves out what stands before the first line's start.
    fn start_at_line(&mut self) {
        if self.start == 0 {
            return;
        }
        let newline = self.bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        if let Some(skip) = newline.filter(|skip| *skip < self.bytes.len()) {
            self.bytes = self.bytes.slice(skip..);
            self.start += skip as u64;
        }
    }

    /// Leaves out the last line when it goes on behind this part.
    fn end_at_line(&mut self) {
        if self.end == self.total {
            return;
        }
        if let Some(at) = self.bytes.iter().rposition(|byte| *byte == b'\n') {
            self.bytes.truncate(at + 1);
            self.end = self.start + at as u64 + 1;
        }
    }

    fn cut(&mut self, end: u64) {
        if let Ok(length) = usize::try_from(end.saturating_sub(self.start))
            && length < self.bytes.len()
        {
            self.bytes.truncate(length);
            self.end = end;
        }
    }

    fn line_ends(&self) -> u64 {
        self.bytes.iter().filter(|byte| **byte == b'\n').count() as u64
    }

    /// Where one can go from here; no link where there is nothing further.
    pub(crate) fn moves(&self, params: &Params) -> Vec<Tab> {
        let to = |text: &str, from: Option<u64>, to: Option<u64>, line: Option<u64>, anchor: &str| {
            let number = |number: Option<u64>| number.map(|number| number.to_string());
            let (from, to, line) = (number(from), number(to), number(line));
            let changes = [
                ("from", from.as_deref()),
                ("to", to.as_deref()),
                ("line", line.as_deref()),
                ("since", None),
                ("until", None),
                ("follow", None),
            ];
            Tab { text: text.to_owned(), href: format!("{}{anchor}", params.with(&changes)), current: false }
        };
        let none = |text: &str| Tab { text: text.to_owned(), href: String::new(), current: false };
        let next_line = self.first_line.map(|first| first + self.line_ends());
        let (older, newer) = (self.start > 0, self.end < self.total);
        vec![
            if older { to("« Oldest", Some(0), None, None, "") } else { none("« Oldest") },
            if older { to("‹ Older", None, Some(self.start), self.first_line, "#end") } else { none("‹ Older") },
            if newer { to("Newer ›", Some(self.end), None, next_line, "") } else { none("Newer ›") },
            if newer { to("Newest »", None, None, None, "#end") } else { none("Newest »") },
        ]
    }

    /// Which part this is, in words.
    pub(crate) fn range(&self) -> String {
        let size = |bytes: u64| format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
        if self.start == 0 && self.end == self.total {
            return format!("all {}", size(self.total));
        }
        format!("{} – {} of {}", size(self.start), size(self.end), size(self.total))
    }
}

/// The bytes between the moments that the URL names; `None` when it names none.
async fn window(log: &ContainerLog, stream: Stream, params: &Params) -> Result<Option<(u64, u64)>, Error> {
    let moment = |name: &str| params.number(name).and_then(DateTime::from_timestamp_millis);
    let (Some(since), Some(until)) = (moment("since"), moment("until")) else { return Ok(None) };
    let page = log.window(stream, since, until).await.map_err(|cause| unavailable(&cause))?;
    Ok(Some((page.range.start, page.range.end)))
}
