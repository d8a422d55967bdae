//! Tells what is new in an answer that begins with lines which were had before.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};

use chrono::{DateTime, TimeDelta, Utc};

/// The API's filter knows whole seconds, and the two streams of a container are written in no strict order.
const BACK: TimeDelta = TimeDelta::seconds(2);
/// How many lines are remembered at most.
const MOST: usize = 200_000;

/// What was written last.
#[derive(Debug, Default)]
pub(super) struct Written {
    lines: VecDeque<(DateTime<Utc>, u64)>,
    newest: Option<DateTime<Utc>>,
    hasher: RandomState,
}

impl Written {
    /// Remembers a line (with its time in front).
    pub(super) fn push(&mut self, time: DateTime<Utc>, line: &[u8]) {
        let newest = self.newest.map_or(time, |newest| newest.max(time));
        self.newest = Some(newest);
        self.lines.push_back((time, self.hasher.hash_one(line)));
        while self.lines.front().is_some_and(|(time, _)| *time < newest - BACK * 2) || self.lines.len() > MOST {
            self.lines.pop_front();
        }
    }

    /// From when on lines are asked for; all of them when none was had.
    pub(super) fn since(&self) -> Option<DateTime<Utc>> {
        let since = self.newest? - BACK;
        DateTime::from_timestamp(since.timestamp(), 0)
    }

    /// When the newest of them was written; the start of time when there is none.
    pub(super) fn newest(&self) -> DateTime<Utc> {
        self.newest.unwrap_or_default()
    }

    /// What an answer to that begins with.
    pub(super) fn overlap(&self) -> Overlap {
        let since = self.since();
        let lines = self.lines.iter().filter(|(time, _)| since.is_some_and(|since| *time >= since));
        let expected: Vec<u64> = lines.map(|(_, hash)| *hash).collect();
        Overlap { starts: (0..expected.len()).collect(), expected, lines: Vec::new(), hasher: self.hasher.clone() }
    }
}

/// The beginning of an answer.
#[derive(Debug)]
pub(super) struct Overlap {
    expected: Vec<u64>,
    /// Where in `expected` the answer may begin, judging by the lines that have come.
    starts: Vec<usize>,
    lines: Vec<Vec<u8>>,
    hasher: RandomState,
}

/// What is known of the beginning so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// All that has come was had before.
    Old,
    /// It is not what was expected: lines may be missing before it. These have come and are new.
    Missing(Vec<Vec<u8>>),
}

impl Overlap {
    /// Takes the next line; not to be asked again when it is over.
    pub(super) fn take(&mut self, line: &[u8]) -> Beginning {
        let (at, hash) = (self.lines.len(), self.hasher.hash_one(line));
        self.lines.push(line.to_vec());
        self.starts.retain(|start| self.expected.get(start + at).is_none_or(|expected| *expected == hash));
        match self.starts.first() {
            None => Beginning::Missing(std::mem::take(&mut self.lines)),
            Some(_) => Beginning::Old,
        }
    }

    /// Whether all that was expected has come: nothing that follows was had before.
    pub(super) fn is_over(&self) -> bool {
        match self.starts.first() {
            None => self.expected.is_empty(),
            Some(start) => start + self.lines.len() >= self.expected.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken as new of an answer, and whether something may be missing before it.
    fn new(written: &Written, answer: &[&str]) -> (Vec<String>, bool) {
        let (mut overlap, mut new, mut is_missing, mut is_over) = (written.overlap(), Vec::new(), false, false);
        for line in answer {
            if is_over || overlap.is_over() {
                is_over = true;
                new.push((*line).to_owned());
                continue;
            }
            match overlap.take(line.as_bytes()) {
                Beginning::Old => {}
                Beginning::Missing(lines) => {
                    (is_missing, is_over) = (true, true);
                    new.extend(lines.into_iter().map(|line| String::from_utf8(line).unwrap()));
                }
            }
        }
        (new, is_missing)
    }

    #[test]
    fn what_was_had_before_is_passed_over_and_no_more() {
        let at = |second: i64| DateTime::from_timestamp(1_767_323_045 + second, 500_000_000).unwrap();
        let mut written = Written::default();
        assert_eq!(
            (written.since(), new(&written, &["a", "b"])),
            (None, (vec!["a".to_owned(), "b".to_owned()], false))
        );
        for (second, line) in [(0, "old"), (8, "a"), (9, "b"), (9, "b"), (8, "c"), (10, "d")] {
            written.push(at(second), line.as_bytes());
        }
        assert_eq!(written.since(), DateTime::from_timestamp(1_767_323_045 + 8, 0));
        let all = ["a", "b", "b", "c", "d"];
        assert_eq!(new(&written, &all), (vec![], false));
        assert_eq!(new(&written, &[&all[..], &["d", "e"]].concat()), (vec!["d".to_owned(), "e".to_owned()], false));
        // The node has rotated the first of them away.
        assert_eq!(new(&written, &["c", "d", "e"]), (vec!["e".to_owned()], false));
        // And all of them.
        assert_eq!(new(&written, &["e", "f"]), (vec!["e".to_owned(), "f".to_owned()], true));
    }
}
