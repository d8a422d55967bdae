use std::io;

use storage::segment::{Footer, Position, Record, Writer};

use super::errors;
use crate::container::{ErrorLines, STREAMS};
use crate::tail::{Filled, Lost, Parser, Resume, Source};

/// What turns a container's files into a segment. All of it is work for a processor and a disk, none of it waits for a
/// network.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) source: Source,
    pub(super) parser: Parser,
    pub(super) writer: Writer,
    /// What was found to be missing, and where.
    pub(super) gaps: Vec<(Position, Lost)>,
    /// How many lines were not in the format.
    pub(super) malformed: u64,
    /// For each stream, the lines that tell of an error.
    pub(super) errors: [ErrorLines; STREAMS],
}

impl Pipe {
    /// Reads and takes what there is, until nothing is left, `most_bytes` of the source were read, or the segment has
    /// `segment_bytes`. Also says how many bytes of the source were taken.
    pub(super) fn run(&mut self, most_bytes: u64, segment_bytes: usize) -> io::Result<(Filled, u64)> {
        let start = self.source.position();
        loop {
            let filled = self.source.fill()?;
            self.take(filled == Filled::End);
            let taken = self.source.position() - start;
            let goes_on = match filled {
                Filled::More => true,
                Filled::End => self.advance(),
                Filled::Idle | Filled::Ending => false,
            };
            if !goes_on {
                self.source.rest();
                return Ok((filled, taken));
            }
            if taken >= most_bytes || self.writer.stored_bytes() >= segment_bytes {
                self.source.rest();
                return Ok((Filled::More, taken));
            }
        }
    }

    /// Takes what is complete; with `at_end`, the rest too.
    pub(super) fn take(&mut self, at_end: bool) {
        // One look at all of it, for most of it has none.
        let may_have_errors = errors::may_be_in(self.source.bytes());
        loop {
            let at = self.source.position();
            let Some(piece) = self.parser.next(self.source.bytes(), at_end) else { break };
            let size = piece.size;
            if may_have_errors && errors::is_error(&piece.content) {
                let first_bytes = self.writer.end().of(piece.stream).bytes;
                errors::count(&mut self.errors, piece.stream, first_bytes, piece.time_ms);
            }
            self.writer.push(Record {
                stream: piece.stream,
                content: &piece.content,
                ends_line: piece.ends_line,
                time_ms: piece.time_ms,
                source_start: at,
                source_end: at + size as u64,
            });
            self.malformed += u64::from(piece.malformed);
            self.source.consume(size);
        }
    }

    /// Goes to the next file; `false` when there is none.
    fn advance(&mut self) -> bool {
        let Some(lost) = self.source.advance() else {
            let lost = self.source.take_lost();
            self.gaps.extend(lost.map(|lost| (self.writer.end(), lost)));
            return false;
        };
        self.gaps.extend(lost.map(|lost| (self.writer.end(), lost)));
        true
    }

    /// Goes back, or on, to where `last` ends; `false` when the files for that are not held.
    pub(super) fn go_to(&mut self, last: &Footer, resume: Resume, errors: [ErrorLines; STREAMS]) -> io::Result<bool> {
        self.errors = errors;
        self.parser = Parser::resume(resume.record());
        self.writer = Writer::new(last.end.clone(), &last.open_lines);
        self.gaps.clear();
        self.source.reopen(resume, last.end.source_bytes)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.writer.memory_bytes() + self.source.memory_bytes()
    }
}
