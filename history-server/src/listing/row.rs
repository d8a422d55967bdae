//! One log in the list, and the texts that belong to it alone.

use std::ops::{Deref, Range};

use super::summary::Summary;
use super::symbols::Symbol;

/// One log, but for its texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Where its texts are.
    pub(super) text: Span,
    /// Where in these its application's id and attempt are. The log's name comes first.
    parts: Parts,
    pub(crate) name: Symbol,
    pub(crate) user: Symbol,
    pub(crate) spark_version: Symbol,
    pub(crate) acls: u32,
    /// The scan that saw it last.
    pub(crate) scan: u32,
    pub(crate) start_millis: i64,
    /// -1 while there is no end.
    pub(crate) end_millis: i64,
    pub(crate) updated_millis: i64,
    /// When the log was read last; for cleaning those without an application.
    pub(crate) found_millis: i64,
    pub(crate) modified_millis: i64,
    pub(crate) size_bytes: u64,
    pub(crate) fingerprint: u64,
    pub(crate) exit_code: Option<i32>,
    /// The index of its source.
    pub(crate) source: u16,
    pub(crate) ended: bool,
    pub(crate) complete: bool,
}

/// A log as it was found, with what its events say.
pub(crate) struct Seen {
    pub(crate) source: u16,
    pub(crate) log: String,
    pub(crate) summary: Summary,
    pub(crate) fingerprint: u64,
    pub(crate) size_bytes: u64,
    pub(crate) modified_millis: i64,
    pub(crate) updated_millis: i64,
    pub(crate) found_millis: i64,
    pub(crate) complete: bool,
    pub(crate) scan: u32,
}

/// A part of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    at: u32,
    len: u32,
}

impl Span {
    /// `None` behind four gigabytes of text.
    pub(super) fn new(at: usize, len: usize) -> Option<Self> {
        u32::try_from(at + len).ok()?;
        Some(Self { at: at as u32, len: len as u32 })
    }

    pub(super) fn range(self) -> Range<usize> {
        self.at as usize..self.at as usize + self.len as usize
    }
}

/// Where in its texts a log's names are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    log_len: u32,
    app: Option<Span>,
    attempt: Option<Span>,
}

impl Parts {
    /// The texts of a log as one: most names of logs begin with the id.
    pub(super) fn of(seen: &Seen) -> Option<(String, Self)> {
        let mut text = seen.log.clone();
        let mut part = |part: &Option<String>| match part {
            None => Some(None),
            Some(part) => {
                let at = text.find(part.as_str()).unwrap_or(text.len());
                if at == text.len() {
                    text.push_str(part);
                }
                Span::new(at, part.len()).map(Some)
            }
        };
        let (app, attempt) = (part(&seen.summary.app_id)?, part(&seen.summary.attempt_id)?);
        Some((text, Self { log_len: Span::new(0, seen.log.len())?.len, app, attempt }))
    }
}

impl Row {
    /// What was seen of a log, whose texts are there.
    pub(super) fn new(seen: &Seen, text: Span, parts: Parts, symbols: [Symbol; 3], acls: u32) -> Self {
        let [name, user, spark_version] = symbols;
        let Summary { start_millis, end_millis, exit_code, .. } = seen.summary;
        Self {
            text,
            parts,
            name,
            user,
            spark_version,
            acls,
            scan: seen.scan,
            start_millis,
            end_millis: end_millis.unwrap_or(-1),
            updated_millis: seen.updated_millis,
            found_millis: seen.found_millis,
            modified_millis: seen.modified_millis,
            size_bytes: seen.size_bytes,
            fingerprint: seen.fingerprint,
            exit_code,
            source: seen.source,
            ended: end_millis.is_some(),
            complete: seen.complete,
        }
    }

    /// 0 while there is no end.
    pub(super) fn duration(&self) -> i64 {
        if self.ended { self.end_millis.saturating_sub(self.start_millis) } else { 0 }
    }
}

/// One log with its texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed<'a> {
    row: &'a Row,
    text: &'a str,
}

impl<'a> Listed<'a> {
    /// `all`: the texts of all logs.
    pub(super) fn new(row: &'a Row, all: &'a str) -> Self {
        Self { row, text: &all[row.text.range()] }
    }

    /// The name of the log.
    pub(crate) fn log(self) -> &'a str {
        &self.text[..self.row.parts.log_len as usize]
    }

    /// The id of its application; none for a log that has not said it.
    pub(crate) fn app(self) -> Option<&'a str> {
        self.row.parts.app.map(|span| &self.text[span.range()])
    }

    pub(crate) fn attempt_id(self) -> Option<&'a str> {
        self.row.parts.attempt.map(|span| &self.text[span.range()])
    }
}

impl Deref for Listed<'_> {
    type Target = Row;

    fn deref(&self) -> &Row {
        self.row
    }
}
