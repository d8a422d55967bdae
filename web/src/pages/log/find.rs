//! Lines of a log that hold what is looked for, with some around each.

use std::collections::VecDeque;

use futures::TryStreamExt as _;
use log_collector::{ContainerLog, MergedLine, Stream};
use regex::bytes::{Regex, RegexBuilder};

use super::lines::LogLine;
use super::merged::Merged;
use super::part::href;
use super::place::{Shown, elsewhere, moment, step};
use crate::error::Error;
use crate::format;
use crate::frame::Notice;
use crate::logs::unavailable;
use crate::params::Params;

/// How much one page looks through; a link goes on from there.
const LOOK_BYTES: u64 = 64 * 1024 * 1024;
/// How many lines one page shows.
const MAX_LINES: usize = 300;
/// How much of one line is shown.
const MAX_LINE_BYTES: usize = 2048;
/// A longer line is looked through in pieces.
const LONGEST_BYTES: usize = 1024 * 1024;
const MAX_CONTEXT: usize = 20;
const DEFAULT_CONTEXT: usize = 2;
/// A bound on what a pattern takes when it is compiled.
const PATTERN_BYTES: usize = 1024 * 1024;

/// What is looked for.
pub(super) struct Wanted {
    pub(super) pattern: Regex,
    /// How many lines around each that matches.
    pub(super) context: usize,
}

impl Wanted {
    /// `find`, without regard to case; a regular expression if `regex=true`. `Err` says why it is none.
    pub(super) fn of(params: &Params) -> Result<Option<Self>, String> {
        let Some(text) = params.get("find").filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        let pattern = pattern(text, params.is_true("regex"))?;
        Ok(Some(Self { pattern, context: context(params) }))
    }
}

/// How many lines around each that matches the URL asks for.
pub(super) fn context(params: &Params) -> usize {
    let asked = params.number("context").and_then(|lines| usize::try_from(lines).ok());
    asked.unwrap_or(DEFAULT_CONTEXT).min(MAX_CONTEXT)
}

fn pattern(text: &str, is_regex: bool) -> Result<Regex, String> {
    let pattern = if is_regex { text.to_owned() } else { regex::escape(text) };
    let built = RegexBuilder::new(&pattern).case_insensitive(true).size_limit(PATTERN_BYTES).build();
    built.map_err(|cause| {
        // Its last line says what is wrong, those above where.
        let why = cause.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("This is no regular expression: {why}. Without “regex” the words are looked for as they are.")
    })
}

/// Gathers the lines that match, and those around them. `K` is what is known of a line besides its bytes.
struct Found<'a, K, F> {
    wanted: &'a Wanted,
    draw: F,
    lines: Vec<LogLine>,
    before: VecDeque<(u64, K, Vec<u8>)>,
    after: usize,
    matches: u64,
    last_index: Option<u64>,
    index: u64,
}

impl<'a, K, F: Fn(&K, &[u8], Option<&Regex>) -> LogLine> Found<'a, K, F> {
    fn new(wanted: &'a Wanted, draw: F) -> Self {
        let (lines, before) = (Vec::new(), VecDeque::new());
        Self { wanted, draw, lines, before, after: 0, matches: 0, last_index: None, index: 0 }
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= MAX_LINES
    }

    fn push(&mut self, key: K, bytes: Vec<u8>) {
        let line = (self.index, key, bytes);
        self.index += 1;
        if self.wanted.pattern.is_match(&line.2) {
            while let Some(before) = self.before.pop_front() {
                self.show(&before, false);
            }
            self.show(&line, true);
            self.matches += 1;
            self.after = self.wanted.context;
        } else if self.after > 0 {
            self.after -= 1;
            self.show(&line, false);
        } else if self.wanted.context > 0 {
            self.before.push_back(line);
            if self.before.len() > self.wanted.context {
                self.before.pop_front();
            }
        }
    }

    fn show(&mut self, (index, key, bytes): &(u64, K, Vec<u8>), is_match: bool) {
        let follows = self.last_index.is_none_or(|last| last + 1 == *index);
        self.last_index = Some(*index);
        let pattern = &self.wanted.pattern;
        let line = (self.draw)(key, shortened(bytes, pattern).as_ref(), is_match.then_some(pattern));
        // Where nothing stands around it, all of them are.
        self.lines.push(LogLine { after_gap: !follows, found: is_match && self.wanted.context > 0, ..line });
    }

    /// `next` is where the search goes on, if it is not at the end.
    fn shown(self, looked: u64, next: Option<String>) -> Shown {
        let count = format::plural(i64::try_from(self.matches).unwrap_or(i64::MAX), "line");
        let size = format::bytes(i64::try_from(looked).unwrap_or(i64::MAX));
        let so_far = if next.is_some() { "; there is more to look through" } else { "" };
        let verb = if self.matches == 1 { "has" } else { "have" };
        let text = format!("{count} of {size} {verb} it{so_far}.");
        Shown {
            moves: vec![step("Search on ›", next)],
            range: String::new(),
            notice: Some(Notice { class: "", text, details: Vec::new() }),
            lines: self.lines,
        }
    }
}

/// What is shown of a long line: what lies around the first match.
fn shortened<'a>(bytes: &'a [u8], pattern: &Regex) -> std::borrow::Cow<'a, [u8]> {
    if bytes.len() <= MAX_LINE_BYTES {
        return bytes.into();
    }
    let from = pattern.find(bytes).map_or(0, |found| found.start().saturating_sub(MAX_LINE_BYTES / 4));
    let to = bytes.len().min(from + MAX_LINE_BYTES);
    let (head, tail) = (if from > 0 { "… " } else { "" }, if to < bytes.len() { " …" } else { "" });
    [head.as_bytes(), bytes.get(from..to).unwrap_or_default(), tail.as_bytes()].concat().into()
}

/// Looks through one stream, from the byte on that the URL names (`from`, with `line` as its number).
pub(super) async fn in_stream(
    log: &ContainerLog,
    stream: Stream,
    params: &Params,
    base: &str,
    wanted: &Wanted,
) -> Result<Shown, Error> {
    let number = |name: &str| params.number(name).and_then(|number| u64::try_from(number).ok());
    let total = log.size_bytes(stream);
    let from = number("from").unwrap_or_default().min(total);
    let first = if from == 0 { Some(1) } else { number("line") };
    let to = total.min(from.saturating_add(LOOK_BYTES));
    let mut bytes = log.range(stream, from..to);
    let draw =
        |line: &Option<u64>, bytes: &[u8], mark: Option<&Regex>| numbered(LogLine::new(bytes, mark), base, *line);
    let (mut found, mut at, mut line, mut open) = (Found::new(wanted, draw), from, first, Vec::new());
    'all: while let Some(chunk) = bytes.try_next().await.map_err(|cause| unavailable(&cause.into()))? {
        for piece in super::lines::split(&chunk) {
            open.extend_from_slice(piece);
            let is_ended = open.last() == Some(&b'\n');
            if !is_ended && open.len() < LONGEST_BYTES {
                continue;
            }
            at += open.len() as u64;
            found.push(line, std::mem::take(&mut open));
            line = line.map(|line| line + u64::from(is_ended));
            if found.is_full() {
                break 'all;
            }
        }
    }
    if to == total && !found.is_full() && !open.is_empty() {
        found.push(line, open);
        at = total;
    }
    let next = (at < total).then(|| {
        let (at, line) = (at.to_string(), line.map(|line| line.to_string()));
        let context = wanted.context.to_string();
        let line = line.as_deref().map(|line| ("line", line));
        let place: Vec<_> = again(params, &context).chain([("from", at.as_str())]).chain(line).collect();
        elsewhere(params, &place)
    });
    Ok(found.shown(at - from, next))
}

/// Looks through several streams as one, from a moment on.
pub(super) async fn in_merged(merged: &Merged, params: &Params, wanted: &Wanted) -> Result<Shown, Error> {
    let ranges = merged.ranges(moment(params), None).await?;
    let base = elsewhere(params, &[]);
    let mut lines = log_collector::merge(ranges);
    let draw = |line: &MergedLine, bytes: &[u8], mark: Option<&Regex>| {
        merged.line(&MergedLine { bytes: bytes.to_vec().into(), ..line.clone() }, &base, mark)
    };
    let (mut found, mut looked, mut next) = (Found::new(wanted, draw), 0u64, None);
    while let Some(line) = lines.try_next().await.map_err(|cause| unavailable(&cause))? {
        if found.is_full() || looked >= LOOK_BYTES {
            let (since, context) = (line.time.timestamp_millis().to_string(), wanted.context.to_string());
            let place: Vec<_> = again(params, &context).chain([("since", since.as_str())]).collect();
            next = Some(elsewhere(params, &place));
            break;
        }
        looked += line.bytes.len() as u64;
        let bytes = line.bytes.to_vec();
        found.push(line, bytes);
    }
    Ok(found.shown(looked, next))
}

/// What a link has to carry on so that the same is looked for.
fn again<'a>(params: &'a Params, context: &'a str) -> impl Iterator<Item = (&'static str, &'a str)> {
    let find = params.get("find").map(|find| ("find", find));
    let regex = params.is_true("regex").then_some(("regex", "true"));
    find.into_iter().chain(regex).chain([("context", context)])
}

fn numbered(line: LogLine, base: &str, number: Option<u64>) -> LogLine {
    let Some(number) = number else { return line };
    LogLine { id: format!("L{number}"), label: number.to_string(), href: href(base, number), ..line }
}
