//! What a request asks for, by its query.

use std::ops::Range;

use chrono::{DateTime, Utc};
use log_collector::{Search, Stream, Wanted};

use super::answer::Refusal;
use crate::params::Params;

/// How many lines are given from the first error on, unless told otherwise; and at most.
pub(super) const LINES_OF_AN_ERROR: u64 = 20;
pub(super) const MAX_LINES_OF_AN_ERROR: u64 = 200;
/// Of how many containers.
pub(super) const MAX_ERRORS: usize = 1000;
/// How many lines around a match are given at most.
const MAX_CONTEXT: i64 = 1000;

pub(super) struct Asked {
    pub(super) executor: Option<String>,
    pub(super) container: Option<String>,
    pub(super) streams: Vec<Stream>,
    pub(super) wanted: Wanted,
    pub(super) search: Option<Search>,
    pub(super) merges: bool,
    pub(super) follows: bool,
}

impl Asked {
    pub(super) fn read(params: &Params) -> Result<Self, Refusal> {
        let streams = match params.text("stream") {
            None => Stream::ALL.to_vec(),
            Some(name) => vec![Stream::parse(name).ok_or_else(|| wrong("stream", "stdout or stderr"))?],
        };
        let wanted = Wanted {
            since: moment(params, "since")?,
            until: moment(params, "until")?,
            // Lines count from 1, as editors have them; bytes from 0, as HTTP has them. The last of both is in it.
            lines: range(params, "lines")?.map(|lines| lines.start.saturating_sub(1)..lines.end),
            bytes: range(params, "bytes")?.map(|bytes| bytes.start..bytes.end.saturating_add(1)),
            tail_lines: number(params, "tail")?,
        };
        let asked = Self {
            executor: params.text("executor").map(str::to_owned),
            container: params.text("container").map(str::to_owned),
            streams,
            search: search(params)?,
            merges: params.is_true("merge"),
            follows: params.is_true("follow"),
            wanted,
        };
        let ends = asked.wanted.until.is_some() || asked.wanted.lines.is_some() || asked.wanted.bytes.is_some();
        if asked.follows && (ends || asked.merges) {
            return Err(Refusal::bad(
                "follow goes with since and tail, not with until, lines, bytes or merge.".to_owned(),
            ));
        }
        Ok(asked)
    }
}

fn search(params: &Params) -> Result<Option<Search>, Refusal> {
    let Some(text) = params.get("grep").filter(|text| !text.is_empty()) else { return Ok(None) };
    let pattern = log_collector::pattern(text).map_err(|error| Refusal::bad(format!("grep: {error}")))?;
    let context = match params.text("context") {
        None => 0,
        Some(_) => params
            .number("context")
            .filter(|lines| (0..=MAX_CONTEXT).contains(lines))
            .ok_or_else(|| wrong("context", "a number of lines up to 1000"))?,
    };
    let context_lines = usize::try_from(context).unwrap_or_default();
    Ok(Some(Search { pattern, context_lines, is_coloured: false }))
}

fn moment(params: &Params, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let by_millis = params.number(name).and_then(DateTime::from_timestamp_millis);
    let moment = by_millis.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()));
    moment.map(Some).ok_or_else(|| wrong(name, "a time, such as 2026-01-02T03:04:05Z, or milliseconds since 1970"))
}

fn number(params: &Params, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = params.text(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| wrong(name, "a number"))
}

/// `FIRST-LAST`, or `FIRST-`.
fn range(params: &Params, name: &str) -> Result<Option<Range<u64>>, Refusal> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let range = text.split_once('-').and_then(|(first, last)| {
        let last = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
        Some(first.parse().ok()?..last)
    });
    let range = range.filter(|range: &Range<u64>| range.start <= range.end);
    range.map(Some).ok_or_else(|| wrong(name, "two numbers, such as 10-20, or 10-"))
}

fn wrong(name: &str, meaning: &str) -> Refusal {
    Refusal::bad(format!("{name} wants {meaning}."))
}
