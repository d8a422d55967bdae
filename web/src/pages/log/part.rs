//! Which part of one stream a page shows.

use bytes::Bytes;
use chrono::DateTime;
use log_collector::{ContainerLog, Stream};
use regex::bytes::Regex;

use super::lines::{LogLine, split};
use super::place::{PART_BYTES, PART_LINES, Shown, elsewhere, has_bad_time, moment, notice, step, wants_first_error};
use crate::error::Error;
use crate::format;
use crate::frame::{Notice, Tab};
use crate::logs::unavailable;
use crate::params::Params;

/// How many lines are shown above one that was asked for, and how far back they are looked for.
const LINES_ABOVE: u64 = 20;
const BYTES_ABOVE: u64 = 8 * 1024;

/// A run of whole lines of a stream.
///
/// The URL says where it is: around a `line`, counted from 1; around a moment (`since`, in milliseconds since the epoch, or
/// `time`), or between two (`until`); around the first error (`error=first`); `from` a byte on, or up to one (`to`), with
/// `line` as the number of the line there; as in Hadoop's log pages by `start`, from the end where that is negative; or else
/// the newest.
struct Part {
    bytes: Bytes,
    start: u64,
    end: u64,
    total: u64,
    /// The number of the first line, counted from 1.
    first_line: Option<u64>,
    /// Where the line starts that was asked for.
    here: Option<u64>,
    notice: Option<Notice>,
}

/// Where in the stream to look.
enum Place {
    From(u64),
    To(u64),
    /// Lines around the one that starts there.
    Around(u64),
    Newest,
}

/// The part of the stream that the URL asks for.
pub(super) async fn read(
    log: &ContainerLog,
    stream: Stream,
    params: &Params,
    base: &str,
    mark: Option<&Regex>,
) -> Result<Shown, Error> {
    let part = Part::find(log, stream, params).await?;
    Ok(Shown {
        lines: part.lines(base, mark),
        moves: part.moves(params),
        range: part.range(),
        notice: part.notice.clone(),
    })
}

impl Part {
    async fn find(log: &ContainerLog, stream: Stream, params: &Params) -> Result<Self, Error> {
        let offset = |name: &str| params.number(name).and_then(|offset| u64::try_from(offset).ok());
        let total = log.size_bytes(stream);
        let line = offset("line");
        if let Some(from) = offset("from").or_else(|| by_start(params, total)) {
            return Self::at(log, stream, Place::From(from.min(total)), line).await;
        }
        if let Some(to) = offset("to") {
            return Self::at(log, stream, Place::To(to.min(total)), line).await;
        }
        if let Some(line) = line {
            return Self::around_line(log, stream, line.max(1)).await;
        }
        if wants_first_error(params) {
            return match log.first_error_of(&[stream]) {
                Some((_, at, _)) => Self::at(log, stream, Place::Around(at), None).await,
                None => Self::newest(log, stream, "No line tells of an error. These are the newest lines.").await,
            };
        }
        if has_bad_time(params) {
            let text = "The time cannot be read: write it as in 2026-11-20T09:38:30. These are the newest lines.";
            return Self::newest(log, stream, text).await;
        }
        let until = params.number("until").and_then(DateTime::from_timestamp_millis);
        match (moment(params).and_then(DateTime::from_timestamp_millis), until) {
            (Some(since), Some(until)) => {
                let page = log.window(stream, since, until).await.map_err(|cause| unavailable(&cause))?;
                Self::window(log, stream, page.range.start, page.range.end).await
            }
            (Some(since), None) => {
                let at = log.offset_of_time(stream, since).await.map_err(|cause| unavailable(&cause))?;
                if at == total {
                    let text = "Nothing was written at that time or later. These are the newest lines.";
                    return Self::newest(log, stream, text).await;
                }
                Self::at(log, stream, Place::Around(at), None).await
            }
            _ => Self::at(log, stream, Place::Newest, None).await,
        }
    }

    async fn newest(log: &ContainerLog, stream: Stream, why: &str) -> Result<Self, Error> {
        let mut part = Self::at(log, stream, Place::Newest, None).await?;
        part.notice = notice(why);
        Ok(part)
    }

    async fn around_line(log: &ContainerLog, stream: Stream, line: u64) -> Result<Self, Error> {
        let first = line.saturating_sub(LINES_ABOVE).max(1);
        let offset_of =
            async |line: u64| log.offset_of_line(stream, line - 1).await.map_err(|cause| unavailable(&cause));
        let (from, at) = (offset_of(first).await?, offset_of(line).await?);
        if at >= log.size_bytes(stream) {
            let text = format!("There is no line {line} yet. These are the newest lines.");
            return Self::newest(log, stream, &text).await;
        }
        let mut part = Self::at(log, stream, Place::From(from), Some(first)).await?;
        part.here = Some(at);
        Ok(part)
    }

    /// What lies between two bytes, where lines start.
    async fn window(log: &ContainerLog, stream: Stream, start: u64, end: u64) -> Result<Self, Error> {
        if start >= end {
            return Self::newest(log, stream, "Nothing was written while the task ran. These are the newest lines.")
                .await;
        }
        // Of a long while the end says more than the beginning.
        let place = if end - start > PART_BYTES { Place::To(end) } else { Place::From(start) };
        let mut part = Self::at(log, stream, place, None).await?;
        part.cut(end);
        part.notice =
            notice("These are the lines of the time while the task ran, and of some seconds before and after it.");
        Ok(part)
    }

    async fn at(log: &ContainerLog, stream: Stream, place: Place, line: Option<u64>) -> Result<Self, Error> {
        let total = log.size_bytes(stream);
        let wanted = match place {
            Place::From(from) => from..total.min(from + PART_BYTES),
            Place::To(to) => to.saturating_sub(PART_BYTES)..to,
            Place::Around(at) => at.saturating_sub(BYTES_ABOVE)..total.min(at + PART_BYTES - BYTES_ABOVE),
            Place::Newest => total.saturating_sub(PART_BYTES)..total,
        };
        let page = log.page(stream, wanted).await.map_err(|cause| unavailable(&cause))?;
        let (start, end) = (page.range.start, page.range.end);
        let mut part = Self { start, end, bytes: page.bytes, total, first_line: None, here: None, notice: None };
        match place {
            Place::From(_) => {
                part.end_at_line();
                part.keep_first(PART_LINES);
                part.first_line = line;
            }
            Place::Around(at) => {
                part.start_at_line();
                part.end_at_line();
                part.keep_around(at);
                part.here = Some(at);
            }
            Place::To(_) | Place::Newest => {
                part.start_at_line();
                let ends = matches!(place, Place::Newest).then(|| log.lines(stream) + 1).or(line);
                let before = ends.and_then(|ends| ends.checked_sub(part.line_ends()));
                let left_out = part.keep_last(PART_LINES);
                part.first_line = before.map(|before| before + left_out);
            }
        }
        if part.start == 0 {
            part.first_line = Some(1);
        }
        if part.first_line.is_none() {
            // Where the store's copy is damaged, lines have no numbers.
            part.first_line = log.line_at(stream, part.start).await.ok().map(|before| before + 1);
        }
        Ok(part)
    }

    /// Leaves out what stands before the first line's start.
    fn start_at_line(&mut self) {
        if self.start == 0 {
            return;
        }
        let newline = memchr::memchr(b'\n', &self.bytes).map(|at| at + 1);
        if let Some(skip) = newline.filter(|skip| *skip < self.bytes.len()) {
            self.skip(skip);
        }
    }

    /// Leaves out the last line when it goes on behind this part.
    fn end_at_line(&mut self) {
        if self.end == self.total {
            return;
        }
        if let Some(at) = memchr::memrchr(b'\n', &self.bytes) {
            self.cut(self.start + at as u64 + 1);
        }
    }

    fn keep_first(&mut self, lines: usize) {
        if let Some(at) = memchr::memchr_iter(b'\n', &self.bytes).nth(lines - 1) {
            self.cut(self.start + at as u64 + 1);
        }
    }

    /// Tells how many line ends were left out.
    fn keep_last(&mut self, lines: usize) -> u64 {
        // The newest line may have no end yet.
        let Some(at) = memchr::memrchr_iter(b'\n', &self.bytes).nth(lines) else { return 0 };
        let before = self.line_ends();
        self.skip(at + 1);
        before - self.line_ends()
    }

    fn keep_around(&mut self, at: u64) {
        let above = usize::try_from(at.saturating_sub(self.start)).unwrap_or_default().min(self.bytes.len());
        let above = self.bytes.get(..above).unwrap_or_default();
        let first = memchr::memrchr_iter(b'\n', above).nth(usize::try_from(LINES_ABOVE).unwrap_or_default());
        if let Some(first) = first {
            self.skip(first + 1);
        }
        self.keep_first(PART_LINES);
    }

    fn skip(&mut self, bytes: usize) {
        self.bytes = self.bytes.slice(bytes..);
        self.start += bytes as u64;
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
        memchr::memchr_iter(b'\n', &self.bytes).count() as u64
    }

    fn lines(&self, base: &str, mark: Option<&Regex>) -> Vec<LogLine> {
        let mut at = self.start;
        let line = |(index, bytes): (usize, &[u8])| {
            let here = self.here == Some(at);
            at += bytes.len() as u64;
            let line = LogLine { here, ..LogLine::new(bytes, mark) };
            let Some(first) = self.first_line else { return line };
            let number = first + index as u64;
            LogLine { id: format!("L{number}"), label: number.to_string(), href: href(base, number), ..line }
        };
        split(&self.bytes).enumerate().map(line).collect()
    }

    /// Where one can go from here.
    fn moves(&self, params: &Params) -> Vec<Tab> {
        let to = |name: &str, at: u64, line: Option<u64>, anchor: &str| {
            let (at, line) = (at.to_string(), line.map(|line| line.to_string()));
            let line = line.as_deref().map(|line| ("line", line));
            let place: Vec<_> = [(name, at.as_str())].into_iter().chain(line).collect();
            format!("{}{anchor}", elsewhere(params, &place))
        };
        let next_line = self.first_line.map(|first| first + self.line_ends());
        let (older, newer) = (self.start > 0, self.end < self.total);
        vec![
            step("« Oldest", older.then(|| to("from", 0, None, ""))),
            step("‹ Older", older.then(|| to("to", self.start, self.first_line, "#end"))),
            step("Newer ›", newer.then(|| to("from", self.end, next_line, ""))),
            step("Newest »", newer.then(|| format!("{}#end", elsewhere(params, &[])))),
        ]
    }

    fn range(&self) -> String {
        let size = |bytes: u64| format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
        if self.start == 0 && self.end == self.total {
            return format!("all {}", size(self.total));
        }
        format!("{} – {} of {}", size(self.start), size(self.end), size(self.total))
    }
}

/// A link to a line by its number: it stays right when others come.
pub(super) fn href(base: &str, number: u64) -> String {
    let joint = if base == "?" { "" } else { "&" };
    format!("{base}{joint}line={number}#L{number}")
}

/// `?start=-4096`: so many bytes before the end; as links of other log pages have it.
fn by_start(params: &Params, total: u64) -> Option<u64> {
    let start = params.number("start")?;
    Some(if start < 0 { total.saturating_sub(start.unsigned_abs()) } else { start.unsigned_abs() })
}
