//! Picks the lines that match out of bytes that come in any portions.

use std::collections::VecDeque;

use regex::bytes::{Captures, Regex, RegexBuilder};

/// A line that is longer is taken in pieces.
const MAX_LINE_BYTES: usize = 1024 * 1024;
/// What goes before and after what matches, where that is to be seen on a terminal.
const MARKS: [&[u8]; 2] = [b"\x1b[1;31m", b"\x1b[0m"];

/// Which lines are looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// They match this.
    pub pattern: Regex,
    /// So many before and after each are wanted as well.
    pub context_lines: usize,
    /// Whether what matches is shown in colour, as a terminal shows it.
    pub is_coloured: bool,
}

/// A regular expression from somebody who is not trusted: of a size that is soon compiled.
///
/// # Errors
/// Says what is wrong with it.
pub fn pattern(text: &str) -> Result<Regex, String> {
    const MAX_SIZE_BYTES: usize = 1024 * 1024;
    let built = RegexBuilder::new(text).size_limit(MAX_SIZE_BYTES).dfa_size_limit(MAX_SIZE_BYTES).build();
    built.map_err(|error| error.to_string())
}

/// Gives lines that match, and some around each; where lines were left out between two such groups, `--`.
#[derive(Debug)]
pub(super) struct Grep {
    search: Search,
    line: Vec<u8>,
    before: VecDeque<Vec<u8>>,
    /// How many lines more are given after a match.
    after: usize,
    has_given: bool,
    has_left_out: bool,
}

impl Grep {
    pub(super) fn new(search: Search) -> Self {
        let (line, before) = (Vec::new(), VecDeque::new());
        Self { search, line, before, after: 0, has_given: false, has_left_out: false }
    }

    /// Takes what comes next, and adds to `out` what is to be given of it.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            self.line.extend_from_slice(line);
            self.take(out);
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() >= MAX_LINE_BYTES {
            self.take(out);
        }
    }

    /// Takes what is left when nothing more comes.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.line.is_empty() {
            self.take(out);
        }
    }

    fn take(&mut self, out: &mut Vec<u8>) {
        let mut line = std::mem::take(&mut self.line);
        let is_match = self.search.pattern.is_match(&line);
        if is_match && self.search.is_coloured {
            line = mark(&self.search.pattern, &line);
        }
        line.push(b'\n');
        if is_match {
            if self.has_left_out && self.has_given && self.search.context_lines > 0 {
                out.extend_from_slice(b"--\n");
            }
            self.before.drain(..).for_each(|line| out.extend(line));
            (self.after, self.has_given, self.has_left_out) = (self.search.context_lines, true, false);
            out.extend(line);
            return;
        }
        if self.after > 0 {
            self.after -= 1;
            out.extend(line);
            return;
        }
        self.before.push_back(line);
        if self.before.len() > self.search.context_lines {
            self.before.pop_front();
            self.has_left_out = true;
        }
    }
}

/// The line, with what matches in it to be seen.
fn mark(pattern: &Regex, line: &[u8]) -> Vec<u8> {
    let seen = |found: &Captures<'_>| match found.get(0).filter(|found| !found.is_empty()) {
        Some(found) => [MARKS[0], found.as_bytes(), MARKS[1]].concat(),
        None => Vec::new(),
    };
    pattern.replace_all(line, seen).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_match_are_given_with_those_around_them_whatever_the_portions() {
        let text = b"a\nb\nhit one\nc\nd\ne\nf\nhit two\nhit three";
        let search = Search { pattern: Regex::new("^hit").unwrap(), context_lines: 1, is_coloured: false };
        for size in 1..text.len() {
            let (mut grep, mut out) = (Grep::new(search.clone()), Vec::new());
            for portion in text.chunks(size) {
                grep.push(portion, &mut out);
            }
            grep.finish(&mut out);
            assert_eq!(
                String::from_utf8(out).unwrap(),
                "b\nhit one\nc\n--\nf\nhit two\nhit three\n",
                "portions of {size}"
            );
        }
    }
}
