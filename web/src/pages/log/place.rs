//! Where in a log a URL points, and links to other places.

use chrono::{DateTime, NaiveDateTime};
use log_collector::ContainerLog;

use super::lines::LogLine;
use crate::frame::{Notice, Tab};
use crate::params::Params;

/// What a page shows of a log: lines, which part they are, and where one can go from there.
pub(super) struct Shown {
    pub(super) lines: Vec<LogLine>,
    /// Text and link; no link where there is nothing further.
    pub(super) moves: Vec<Tab>,
    /// Which part it is, in words.
    pub(super) range: String,
    pub(super) notice: Option<Notice>,
}

/// How much of a log one page shows: whole lines, except where one line is longer than this.
pub(super) const PART_BYTES: u64 = 64 * 1024;

/// How many lines one page shows.
pub(super) const PART_LINES: usize = 600;

/// Parameters that say where in a log, or what of it.
const PLACE: [&str; 12] =
    ["from", "to", "line", "since", "until", "start", "end", "time", "error", "find", "regex", "context"];

/// A link to another place of the same log.
pub(super) fn elsewhere(params: &Params, place: &[(&str, &str)]) -> String {
    let mut changes: Vec<(&str, Option<&str>)> = PLACE.map(|name| (name, None)).to_vec();
    changes.push(("follow", None));
    changes.retain(|(name, _)| !place.iter().any(|(set, _)| set == name));
    changes.extend(place.iter().map(|(name, value)| (*name, Some(*value))));
    params.with(&changes)
}

/// Something that stands beside a part.
pub(super) fn notice(text: &str) -> Option<Notice> {
    Some(Notice { class: "", text: text.to_owned(), details: Vec::new() })
}

/// A link, or only its text.
pub(super) fn step(text: &str, href: Option<String>) -> Tab {
    Tab { text: text.to_owned(), href: href.unwrap_or_default(), current: false }
}

/// The moment that the URL names: milliseconds since the epoch (`since`), or a time of UTC as a browser's field gives it
/// (`time=2026-11-20T09:38:30`), or with its offset.
pub(super) fn moment(params: &Params) -> Option<i64> {
    if let Some(ms) = params.number("since") {
        return Some(ms);
    }
    let text = params.text("time")?;
    let local =
        |form: &str| NaiveDateTime::parse_from_str(text, form).ok().map(|time| time.and_utc().timestamp_millis());
    let exact = DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    exact
        .or_else(|| local("%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|| local("%Y-%m-%dT%H:%M"))
        .or_else(|| local("%Y-%m-%d %H:%M:%S%.f"))
}

/// Whether the URL asks for a time that cannot be read.
pub(super) fn has_bad_time(params: &Params) -> bool {
    params.text("time").is_some() && moment(params).is_none()
}

/// A link that leads to the first line that tells of an error.
pub(super) fn wants_first_error(params: &Params) -> bool {
    params.get("error") == Some("first")
}

/// What a browser's field for times shows first: when the log was added to last.
pub(super) fn field(params: &Params, logs: &[&ContainerLog]) -> String {
    let last = logs.iter().map(|log| log.last_shipped).max();
    let at = moment(params).and_then(DateTime::from_timestamp_millis).or(last);
    at.map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
}
