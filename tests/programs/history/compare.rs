//! Holding two answers against each other.
//!
//! They agree when status, media type and headers are the same, and the body is: JSON as the same tree, written the same
//! way line for line, the lines in any order (Spark's maps have none); text to the byte; an archive by its entries. Of
//! what the servlet container says by itself only the fact counts. Values that Spark reckons against the clock are left
//! out: those that it answers otherwise the second time, and what [`forget_the_clock`] names.
//!
//! All differences of an answer are told. Those that are known are taken off, and counted; the answer agrees only when
//! none is left.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Where Spark failed: the answers that ours gave instead, by status.
    spark_failed: BTreeMap<u16, usize>,
    differences: Vec<String>,
}

impl Tally {
    pub(super) fn new(title: String) -> Self {
        let (by_endpoint, known, spark_failed) = Default::default();
        Self { title, by_endpoint, byte_for_byte: 0, known, spark_failed, differences: Vec::new() }
    }

    pub(super) fn compare(&mut self, question: &Question, want: &Answer, again: &Answer, got: &Answer) {
        // What Spark fails on says nothing of what is right, but that a client is told something.
        if want.status == 500 {
            *self.spark_failed.entry(got.status).or_default() += 1;
            return;
        }
        let mut unknown = Vec::new();
        let mut known = BTreeSet::new();
        for difference in differences(want, again, got) {
            match known::of(&question.path, &difference) {
                Some(why) => drop(known.insert(why)),
                None => unknown.push(difference),
            }
        }
        let counts = self.by_endpoint.entry(endpoint(question)).or_default();
        counts.1 += 1;
        counts.0 += usize::from(unknown.is_empty());
        self.byte_for_byte += usize::from(want.body == got.body);
        known.into_iter().for_each(|why| *self.known.entry(why).or_default() += 1);
        if let Some(first) = unknown.first() {
            let more = unknown.len() - 1;
            let asked = format!("{} {} {:?}", question.method, question.path, question.headers);
            self.differences.push(format!("{asked}\n    {first}\n    and {more} more"));
        }
    }

    /// Prints the agreement, and fails the test unless it is whole.
    pub(super) fn finish(self) {
        let report = self.report();
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

    fn report(&self) -> String {
        let asked: usize = self.by_endpoint.values().map(|counts| counts.1).sum();
        let agree = asked - self.differences.len();
        let mut report =
            format!("{}: {agree} of {asked} answers agree, {} to the byte\n", self.title, self.byte_for_byte);
        for (endpoint, (agree, asked)) in &self.by_endpoint {
            let mark = if agree < asked { "!" } else { " " };
            writeln!(report, "{mark} {agree:5} of {asked:5}  {endpoint}").unwrap();
        }
        for (why, count) in &self.known {
            writeln!(report, "  {count:5} of these differ, as known: {why}").unwrap();
        }
        for (status, count) in &self.spark_failed {
            writeln!(report, "  {count:5} not among these: Spark failed, ours answered {status}").unwrap();
        }
        report
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

/// All that differs, in words.
fn differences(want: &Answer, again: &Answer, got: &Answer) -> Vec<String> {
    if want.status != got.status {
        return vec![format!("status: want {}, got {}: {}", want.status, got.status, start_of(&got.body))];
    }
    let (media, ours) = (want.media_type(), got.media_type());
    if is_of_container(want, &media) {
        return Vec::new();
    }
    if media != ours {
        return vec![format!("media type: want '{media}', got '{ours}'")];
    }
    let mut found = body_differences(want, again, got, &media);
    found.extend(header_differences(want, got));
    found
}

/// What Spark leaves to its servlet container: error pages, in whatever form, and the description of what OPTIONS allows.
fn is_of_container(answer: &Answer, media: &str) -> bool {
    let is_error = matches!(media, "text/html" | "") || answer.body.starts_with(b"HTTP ERROR");
    media == "application/vnd.sun.wadl+xml" || answer.status >= 400 && is_error
}

fn header_differences(want: &Answer, got: &Answer) -> impl Iterator<Item = String> {
    let differ = HEADERS.into_iter().filter(move |name| want.header(name) != got.header(name));
    differ.map(move |name| format!("header {name}: want '{}', got '{}'", want.header(name), got.header(name)))
}

fn body_differences(want: &Answer, again: &Answer, got: &Answer, media: &str) -> Vec<String> {
    let is_gzip = want.header("content-encoding") == "gzip";
    let [want, again, got] =
        [want, again, got].map(|answer| if is_gzip { zip::gunzip(&answer.body) } else { answer.body.clone() });
    match media {
        _ if want == got => Vec::new(),
        "application/octet-stream" => zip::difference(&want, &got).into_iter().collect(),
        "application/json" => json_differences(&want, &again, &got),
        _ => vec![format!("text: want '{}', got '{}'", start_of(&want), start_of(&got))],
    }
}

fn json_differences(want: &[u8], again: &[u8], got: &[u8]) -> Vec<String> {
    let (Ok(expected), Ok(repeated)) = (serde_json::from_slice::<Value>(want), serde_json::from_slice(again)) else {
        // A sentence under the name of JSON: so are Spark's answers to a bad date.
        return vec![format!("text: want '{}', got '{}'", start_of(want), start_of(got))];
    };
    let Ok(ours) = serde_json::from_slice::<Value>(got) else {
        return vec![format!("not JSON: '{}'", start_of(got))];
    };
    let [mut timeless, mut repeated, mut ours]: [Value; 3] = [expected.clone(), repeated, ours];
    [&mut timeless, &mut repeated, &mut ours].into_iter().for_each(forget_the_clock);
    let mut found = tree_differences(&timeless, &repeated, &ours);
    if want == again && timeless == expected {
        found.extend(written_otherwise(want, got, found.len()));
    }
    found
}

/// A line that only one of them has, when there are more such lines than values that differ.
fn written_otherwise(want: &[u8], got: &[u8], values: usize) -> Option<String> {
    let lines = |body: &[u8]| {
        let mut lines = BTreeMap::<String, i64>::new();
        for line in String::from_utf8_lossy(body).lines() {
            *lines.entry(line.trim_end_matches(',').to_owned()).or_default() += 1;
        }
        lines
    };
    let mut balance = lines(want);
    lines(got).into_iter().for_each(|(line, times)| *balance.entry(line).or_default() -= times);
    let more_of = |sign: i64| balance.iter().filter(move |(_, times)| **times * sign > 0);
    let (theirs, ours) = (more_of(1).next().map(|(line, _)| line), more_of(-1).next().map(|(line, _)| line));
    let lines = [1, -1].map(|sign| more_of(sign).map(|(_, times)| times.unsigned_abs() as usize).sum::<usize>());
    (lines.into_iter().max() > Some(values)).then(|| format!("written otherwise: want {theirs:?}, got {ours:?}"))
}

/// Whether two trees are the same, but for what Spark reckons against the clock.
pub(super) fn same_but_for_the_clock(want: &Value, got: &Value) -> bool {
    let [mut want, mut got] = [want, got].map(Value::clone);
    [&mut want, &mut got].into_iter().for_each(forget_the_clock);
    want == got
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

/// Every place where `got` differs from `want`, but those where `again` does so too.
pub(super) fn tree_differences(want: &Value, again: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_differences(want, again, got, "$", &mut found);
    found
}

fn collect_differences(want: &Value, again: &Value, got: &Value, at: &str, found: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let missing: Vec<_> = theirs.keys().filter(|key| !ours.contains_key(*key)).collect();
            let extra: Vec<_> = ours.keys().filter(|key| !theirs.contains_key(*key)).collect();
            if !missing.is_empty() || !extra.is_empty() {
                found.push(format!("{at}: lacks {missing:?}, has besides {extra:?}"));
            }
            for (key, want) in theirs {
                if let Some(got) = ours.get(key) {
                    collect_differences(want, &again[key], got, &format!("{at}.{key}"), found);
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (n, (want, got)) in theirs.iter().zip(ours).enumerate() {
                collect_differences(want, &again[n], got, &format!("{at}[{n}]"), found);
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            found.push(format!("{at}: want {} items, got {}", theirs.len(), ours.len()));
        }
        _ if want == got || want != again => {}
        _ => found.push(format!(
            "{at}: want {}, got {}",
            start_of(want.to_string().as_bytes()),
            start_of(got.to_string().as_bytes())
        )),
    }
}

fn start_of(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Answer { status, headers, body: body.as_bytes().to_vec() }
    }

    fn tally(want: &Answer, got: &Answer) -> Tally {
        let mut tally = Tally::new("test".to_owned());
        tally.compare(&Question::get("/applications/a/executors"), want, want, got);
        tally
    }

    #[test]
    fn what_is_known_hides_nothing_else() {
        let spark = answer(200, "[{\n\"id\" : \"1\",\n\"totalDuration\" : 5,\n\"totalCores\" : 2\n}]");
        let known = answer(200, "[{\n\"id\" : \"1\",\n\"totalDuration\" : 6,\n\"totalCores\" : 2\n}]");
        let wrong = answer(200, "[{\n\"id\" : \"1\",\n\"totalDuration\" : 6,\n\"totalCores\" : 3\n}]");
        let written = answer(200, "[{\n\"id\" : \"1\",\n\"totalDuration\" : 6,\n\"totalCores\": 2\n}]");
        assert!(tally(&spark, &known).differences.is_empty());
        for other in [&wrong, &written] {
            let tally = tally(&spark, other);
            assert_eq!((tally.differences.len(), tally.known.len()), (1, 1), "{:?}", tally.differences);
        }
    }

    #[test]
    fn where_spark_fails_nothing_agrees_and_all_is_counted() {
        for status in [200, 500] {
            let tally = tally(&answer(500, "{}"), &answer(status, "[]"));
            assert!(tally.by_endpoint.is_empty() && tally.differences.is_empty());
            assert_eq!(tally.spark_failed[&status], 1);
            assert!(tally.report().contains(&format!("Spark failed, ours answered {status}")));
        }
        let failed = tally(&answer(200, "[]"), &answer(500, "[]"));
        assert_eq!((failed.differences.len(), failed.spark_failed.len()), (1, 0));
    }
}
