//! Picks the lines that match out of bytes that come in any portions.

use std::collections::VecDeque;
use std::io::{self, Write};

use regex::bytes::Regex;

use super::paint::Paint;

/// A line that is longer is taken in pieces.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Writes lines that match, and some around each; where lines were left out between two such groups, `--`.
pub(super) struct Grep {
    pattern: Regex,
    context_lines: usize,
    paint: Paint,
    line: Vec<u8>,
    before: VecDeque<Vec<u8>>,
    /// How many lines more are written after a match.
    after: usize,
    has_written: bool,
    has_left_out: bool,
}

impl Grep {
    pub(super) fn new(pattern: Regex, context_lines: usize, paint: Paint) -> Self {
        Self {
            pattern,
            context_lines,
            paint,
            line: Vec::new(),
            before: VecDeque::new(),
            after: 0,
            has_written: false,
            has_left_out: false,
        }
    }

    /// Takes what comes next, and writes what is to be written of it.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.line.extend_from_slice(line);
            self.take(out)?;
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() >= MAX_LINE_BYTES { self.take(out) } else { Ok(()) }
    }

    /// Takes what is left when nothing more comes.
    pub(super) fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.line.is_empty() { Ok(()) } else { self.take(out) }
    }

    fn take(&mut self, out: &mut impl Write) -> io::Result<()> {
        let mut line = std::mem::take(&mut self.line);
        let is_match = self.pattern.is_match(&line);
        if is_match {
            line = self.paint.matches(&self.pattern, &line).into_owned();
        }
        line.push(b'\n');
        if is_match {
            if self.has_left_out && self.has_written && self.context_lines > 0 {
                out.write_all(b"--\n")?;
            }
            for line in self.before.drain(..) {
                out.write_all(&line)?;
            }
            (self.after, self.has_written, self.has_left_out) = (self.context_lines, true, false);
            return out.write_all(&line);
        }
        if self.after > 0 {
            self.after -= 1;
            return out.write_all(&line);
        }
        self.before.push_back(line);
        if self.before.len() > self.context_lines {
            self.before.pop_front();
            self.has_left_out = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_match_are_written_with_those_around_them_whatever_the_portions() {
        let text = b"a\nb\nhit one\nc\nd\ne\nf\nhit two\nhit three";
        let pattern = Regex::new("^hit").unwrap();
        for size in 1..text.len() {
            let (mut grep, mut out) = (Grep::new(pattern.clone(), 1, Paint::new(Some(false))), Vec::new());
            for portion in text.chunks(size) {
                grep.push(portion, &mut out).unwrap();
            }
            grep.finish(&mut out).unwrap();
            assert_eq!(
                String::from_utf8(out).unwrap(),
                "b\nhit one\nc\n--\nf\nhit two\nhit three\n",
                "portions of {size}"
            );
        }
    }
}
