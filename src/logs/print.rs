//! Prints bytes as they are, or the lines that match.

use std::io::Write as _;

use super::grep::Grep;
use super::paint::Paint;
use crate::config::LogsWanted;

/// One stream's way to standard output.
pub(super) struct Print {
    grep: Option<Grep>,
    prefix: Vec<u8>,
}

impl Print {
    pub(super) fn new(wanted: &LogsWanted, paint: Paint) -> Self {
        let grep = wanted.grep.clone().map(|pattern| Grep::new(pattern, wanted.context_lines, paint));
        Self { grep, prefix: Vec::new() }
    }

    /// What comes before the next line.
    pub(super) fn prefix(&mut self, prefix: &str) {
        self.prefix = prefix.as_bytes().to_vec();
    }

    /// A line, or a piece of one that is very long, behind the prefix. It is a line of its own even without its end.
    pub(super) fn line(&mut self, line: &[u8]) -> std::io::Result<()> {
        let mut whole = std::mem::take(&mut self.prefix);
        whole.extend_from_slice(line);
        if whole.last() != Some(&b'\n') {
            whole.push(b'\n');
        }
        self.chunk(&whole)
    }

    pub(super) fn chunk(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match &mut self.grep {
            Some(grep) => grep.push(bytes, &mut out)?,
            None => out.write_all(bytes)?,
        }
        out.flush()
    }

    pub(super) fn finish(&mut self) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        self.grep.as_mut().map_or(Ok(()), |grep| grep.finish(&mut out))?;
        out.flush()
    }
}
