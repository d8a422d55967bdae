use std::io::{self, Read};

use super::fault::truncated;

const BUFFER_BYTES: usize = 256 * 1024;

/// A reader with a buffer that can be looked into, and that knows where in the file it is.
pub(crate) struct Input {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
}

impl Input {
    pub(crate) fn new(reader: Box<dyn Read + Send>, offset: u64) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, end: 0, offset }
    }

    /// The offset in the file of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is in the buffer; it is filled when it is empty, so nothing means the end.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.more()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// The next `length` bytes, fewer at the end of the file. They stay where they are.
    pub(super) fn peek(&mut self, length: usize) -> io::Result<&[u8]> {
        while self.end - self.start < length {
            if !self.more()? {
                break;
            }
        }
        Ok(&self.buffer[self.start..self.end.min(self.start + length)])
    }

    /// The next `length` bytes, all of them there.
    pub(super) fn need(&mut self, length: usize) -> io::Result<&[u8]> {
        let bytes = self.peek(length)?;
        if bytes.len() < length { Err(truncated()) } else { Ok(bytes) }
    }

    pub(super) fn consume(&mut self, length: usize) {
        let length = length.min(self.end - self.start);
        self.start += length;
        self.offset += length as u64;
    }

    /// Past the buffer, once it is empty: large reads are not copied twice.
    pub(super) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let buffered = &self.buffer[self.start..self.end];
        let length = if buffered.is_empty() {
            let length = retry(|| self.reader.read(out))?;
            self.offset += length as u64;
            length
        } else {
            let length = out.len().min(buffered.len());
            out[..length].copy_from_slice(&buffered[..length]);
            self.consume(length);
            length
        };
        Ok(length)
    }

    /// Reads once more behind what is buffered. The buffer grows only as bytes really come, whatever a header promises.
    fn more(&mut self) -> io::Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 && self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize((self.buffer.len() * 2).max(BUFFER_BYTES), 0);
        }
        let read = retry(|| self.reader.read(&mut self.buffer[self.end..]))?;
        self.end += read;
        Ok(read > 0)
    }
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
