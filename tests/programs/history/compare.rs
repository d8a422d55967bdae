//! Holding two answers against each other.
//!
//! They agree when status, media type and headers are the same, and the body is: JSON as the same tree, written the same
//! way line for line, the lines in any order (Spark's maps have none); text to the byte; an archive by its entries. Of
//! what the servlet container says by itself only the fact counts. Values that Spark reckons against the clock are left
//! out: those that it answers otherwise the second time, and what [`forget_the_clock`] names.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::servers::{Answer, Question};
use super::{known, zip};
use crate::support::output_folder;

const HEADERS: [&str; 7] = [
    "cache-control",
    "x-frame-options",
    "x-xss-protection",
    "x-content-type-options",
    "content-disposition",
    "content-encoding",
    "allow",
];

/// Counts what agrees, by endpoint.
pub(super) struct Tally {
    title: String,
    by_endpoint: BTreeMap<String, (usize, usize)>,
    byte_for_byte: usize,
    known: BTreeMap<&'static str, usize>,
    differences: Vec<String>,
}

impl Tally {
    pub(super) fn new(title: String) -> Self {
        Self { title, by_endpoint: BTreeMap::new(), byte_for_byte: 0, known: BTreeMap::new(), differences: Vec::new() }
    }

    /// A difference that is known is none, but it is counted and printed.
    pub(super) fn compare(&mut self, question: &Question, want: &Answer, again: &Answer, got: &Answer) {
        let mut difference = difference(want, again, got);
        if let Some(known) = difference.as_deref().and_then(|text| known::of(&question.path, text)) {
            *self.known.entry(known).or_default() += 1;
            difference = None;
        }
        let counts = self.by_endpoint.entry(endpoint(question)).or_default();
        counts.1 += 1;
        counts.0 += usize::from(difference.is_none());
        self.byte_for_byte += usize::from(want.body == got.body);
        if let Some(difference) = difference {
            self.differences
                .push(format!("{} {} {:?}\n    {difference}", question.method, question.path, question.headers));
        }
    }

    /// Prints the agreement, and fails the test unless it is whole.
    pub(super) fn finish(self) {
        let asked: usize = self.by_endpoint.values().map(|counts| counts.1).sum();
        let agree = asked - self.differences.len();
        let mut report =
            format!("{}: {agree} of {asked} answers agree, {} to the byte\n", self.title, self.byte_for_byte);
        for (endpoint, (agree, asked)) in &self.by_endpoint {
            let mark = if agree < asked { "!" } else { " " };
            writeln!(report, "{mark} {agree:5} of {asked:5}  {endpoint}").unwrap();
        }
        for (why, count) in &self.known {
            writeln!(report, "  {count:5} differ as known: {why}").unwrap();
        }
        println!("{report}");
        let file = output_folder(&format!("history {}", self.title)).join("differences.txt");
        std::fs::write(&file, report + "\n" + &self.differences.join("\n")).unwrap();
        let shown = &self.differences[..self.differences.len().min(40)];
        assert!(
            shown.is_empty(),
            "{} answers differ, all in {}:\n{}",
            self.differences.len(),
            file.display(),
            shown.join("\n")
        );
    }
}

/// The path with ids taken out, and the method.
fn endpoint(question: &Question) -> String {
    let path = question.path.split('?').next().unwrap_or_default();
    let mut shape: Vec<_> = path.split('/').map(|part| if is_id(part) { "N" } else { part }).collect();
    if shape.len() > 2 && shape[1] == "applications" {
        shape[2] = "APP";
    }
    if shape.len() > 3 && shape[3] == "N" {
        shape[3] = "ATTEMPT";
    }
    format!("{} {}", question.method, shape.join("/"))
}

fn is_id(part: &str) -> bool {
    !part.is_empty() && part.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit())
}

/// The first thing that differs, in words.
pub(super) fn difference(want: &Answer, again: &Answer, got: &Answer) -> Option<String> {
    // A log that Spark fails on, ours may well read.
    if want.status == 500 && got.status != 500 {
        return None;
    }
    if want.status != got.status {
        return Some(format!("status: want {}, got {}: {}", want.status, got.status, start_of(&got.body)));
    }
    let (media, ours) = (want.media_type(), got.media_type());
    if is_of_container(want, &media) {
        return None;
    }
    if media != ours {
        return Some(format!("media type: want '{media}', got '{ours}'"));
    }
    body_difference(want, again, got, &media).or_else(|| header_difference(want, got))
}

/// What Spark leaves to its servlet container: error pages, in whatever form, and the description of what OPTIONS allows.
fn is_of_container(answer: &Answer, media: &str) -> bool {
    let is_error = matches!(media, "text/html" | "") || answer.body.starts_with(b"HTTP ERROR");
    media == "application/vnd.sun.wadl+xml" || answer.status >= 400 && is_error
}

fn header_difference(want: &Answer, got: &Answer) -> Option<String> {
    HEADERS
        .iter()
        .find(|name| want.header(name) != got.header(name))
        .map(|name| format!("header {name}: want '{}', got '{}'", want.header(name), got.header(name)))
}

fn body_difference(want: &Answer, again: &Answer, got: &Answer, media: &str) -> Option<String> {
    let is_gzip = want.header("content-encoding") == "gzip";
    let [want, again, got] =
        [want, again, got].map(|answer| if is_gzip { zip::gunzip(&answer.body) } else { answer.body.clone() });
    match media {
        "application/octet-stream" => zip::difference(&want, &got),
        "application/json" => json_difference(&want, &again, &got),
        _ => (want != got).then(|| format!("text: want '{}', got '{}'", start_of(&want), start_of(&got))),
    }
}

fn json_difference(want: &[u8], again: &[u8], got: &[u8]) -> Option<String> {
    if want == got {
        return None;
    }
    let (Ok(expected), Ok(repeated)) = (serde_json::from_slice::<Value>(want), serde_json::from_slice(again)) else {
        // A sentence under the name of JSON: so are Spark's answers to a bad date.
        return Some(format!("text: want '{}', got '{}'", start_of(want), start_of(got)));
    };
    let Ok(ours) = serde_json::from_slice::<Value>(got) else {
        return Some(format!("not JSON: '{}'", start_of(got)));
    };
    let [mut timeless, mut repeated, mut ours]: [Value; 3] = [expected.clone(), repeated, ours];
    [&mut timeless, &mut repeated, &mut ours].into_iter().for_each(forget_the_clock);
    tree_difference(&timeless, &repeated, &ours, "$").or_else(|| {
        let steady = want == again && timeless == expected;
        let lines = |body: &[u8]| {
            let text = String::from_utf8_lossy(body).into_owned();
            let mut lines: Vec<_> = text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect();
            lines.sort();
            lines
        };
        let (theirs, ours) = (lines(want), lines(got));
        let differ = theirs.iter().zip(&ours).find(|(theirs, ours)| theirs != ours)?;
        steady.then(|| format!("written otherwise: want '{}', got '{}'", differ.0, differ.1))
    })
}

/// Takes out when an unfinished log was last looked at, and how long what still runs has been running: Spark puts down
/// the time at which it read the log.
fn forget_the_clock(tree: &mut Value) {
    match tree {
        Value::Object(fields) => {
            if fields.get("completed") == Some(&Value::Bool(false)) {
                fields.retain(|key, _| !["lastUpdated", "lastUpdatedEpoch", "duration"].contains(&key.as_str()));
            }
            if fields.get("status").is_some_and(|status| status == "RUNNING") {
                fields.remove("duration");
            }
            fields.values_mut().for_each(forget_the_clock);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_the_clock),
        _ => {}
    }
}

/// The first place where `got` differs from `want`, unless `again` does so too.
pub(super) fn tree_difference(want: &Value, again: &Value, got: &Value, at: &str) -> Option<String> {
    match (want, got) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let missing: Vec<_> = theirs.keys().filter(|key| !ours.contains_key(*key)).collect();
            let extra: Vec<_> = ours.keys().filter(|key| !theirs.contains_key(*key)).collect();
            if !missing.is_empty() || !extra.is_empty() {
                return Some(format!("{at}: lacks {missing:?}, has besides {extra:?}"));
            }
            theirs.iter().find_map(|(key, want)| tree_difference(want, &again[key], &ours[key], &format!("{at}.{key}")))
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            let pairs = theirs.iter().zip(ours).enumerate();
            pairs.into_iter().find_map(|(n, (want, got))| tree_difference(want, &again[n], got, &format!("{at}[{n}]")))
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            Some(format!("{at}: want {} items, got {}", theirs.len(), ours.len()))
        }
        _ if want == got || want != again => None,
        _ => Some(format!(
            "{at}: want {}, got {}",
            start_of(want.to_string().as_bytes()),
            start_of(got.to_string().as_bytes())
        )),
    }
}

fn start_of(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(160).collect()
}
