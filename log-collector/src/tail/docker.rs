//! The log format of Docker's `json-file` driver, as cri-dockerd's nodes have it.
//!
//! ```text
//! {"log":"content\n","stream":"stdout","time":"2026-01-02T03:04:05.678901234Z"}\n
//! ```
//!
//! A record whose content does not end with `\n` goes on in the next one of the same stream. Docker leaves `log` out when it
//! is empty, and may add other fields.

use std::borrow::Cow;

use serde::Deserialize;

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) stream: usize,
    pub(super) content: Vec<u8>,
    pub(super) ends_line: bool,
    /// As it is written there.
    pub(super) time: String,
}

#[derive(Deserialize)]
struct Json<'a> {
    #[serde(borrow, default)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

/// Reads a record; `None` for what is in another format.
pub(super) fn parse(record: &[u8]) -> Option<Line> {
    if record.first() != Some(&b'{') {
        return None;
    }
    let json: Json<'_> = serde_json::from_slice(record).ok()?;
    let stream = match &*json.stream {
        "stdout" => 0,
        "stderr" => 1,
        _ => return None,
    };
    let (content, ends_line) = match json.log.strip_suffix('\n') {
        Some(line) => (line, true),
        None => (&*json.log, false),
    };
    Some(Line { stream, content: content.as_bytes().to_vec(), ends_line, time: json.time.into_owned() })
}
