//! Spark's codecs, as streams that give what they can: truncation and damage are errors after the last good byte.
//!
//! Each codec is a run of units that decode by themselves (zstd frames, LZ4Block blocks, Snappy and LZF chunks), because
//! Spark's writer closes one at every flush. So a log that grows can be read on from the last whole unit:
//! [`Decoder::restart_before`].

mod fault;
mod input;
mod lz4;
mod lzf;
mod snappy;
mod zstd;

use std::collections::VecDeque;
use std::io::{self, Read};

pub(crate) use input::Input;

/// How a log file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Codec {
    /// Text.
    Plain,
    /// Concatenated zstd frames.
    Zstd,
    /// Java's `LZ4Block` records, not the LZ4 frame format.
    Lz4,
    /// Xerial's Snappy stream, not the Snappy framing format.
    Snappy,
    /// Chunks of `ning/compress`, `ZV`.
    Lzf,
}

impl Codec {
    /// The codec that a file's name says; for an extension that Spark does not know, what the first bytes look like.
    pub(crate) fn of(name: &str, head: &[u8]) -> Self {
        match super::name::extension(name) {
            Some("zstd") => Self::Zstd,
            Some("lz4") => Self::Lz4,
            Some("snappy") => Self::Snappy,
            Some("lzf") => Self::Lzf,
            _ => Self::looks_like(head),
        }
    }

    /// How a unit of the codec begins, where that can be told from other bytes.
    pub(crate) fn unit_magic(self) -> Option<&'static [u8]> {
        match self {
            Self::Zstd => Some(&[0x28, 0xb5, 0x2f, 0xfd]),
            Self::Lz4 => Some(lz4::MAGIC),
            Self::Lzf => Some(lzf::MAGIC),
            // Chunks of Snappy begin with their length and nothing else.
            Self::Plain | Self::Snappy => None,
        }
    }

    fn looks_like(head: &[u8]) -> Self {
        match head {
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ if head.starts_with(lz4::MAGIC) => Self::Lz4,
            _ if head.starts_with(snappy::MAGIC) => Self::Snappy,
            [b'Z', b'V', 0 | 1, ..] => Self::Lzf,
            _ => Self::Plain,
        }
    }
}

/// The text of one file.
pub(crate) struct Decoder {
    input: Input,
    kind: Kind,
    /// Where in the text the next byte lies that [`Decoder::read`] gives.
    position: u64,
    /// Where decoding can start anew: offsets in the file and in the text, both rising.
    units: VecDeque<(u64, u64)>,
}

enum Kind {
    Plain,
    Zstd(zstd::Frames),
    Blocks { decode: DecodeBlock, block: Vec<u8>, given: usize },
}

/// Reads the next block from the input and puts its text in place of what is in the buffer. `false` at a clean end.
type DecodeBlock = fn(&mut Input, &mut Vec<u8>) -> io::Result<bool>;

impl Decoder {
    /// Starts in `reader`, which begins at a unit of the file: byte `offset` of it, and byte `position` of its text.
    pub(crate) fn new(reader: Box<dyn Read + Send>, name: &str, offset: u64, position: u64) -> io::Result<Self> {
        let mut input = Input::new(reader, offset);
        let codec = Codec::of(name, input.peek(snappy::MAGIC.len())?);
        let blocks = |decode: DecodeBlock| Kind::Blocks { decode, block: Vec::new(), given: 0 };
        let kind = match codec {
            Codec::Plain => Kind::Plain,
            Codec::Zstd => Kind::Zstd(zstd::Frames::new()?),
            Codec::Lz4 => blocks(lz4::decode),
            Codec::Snappy => blocks(snappy::decode),
            Codec::Lzf => blocks(lzf::decode),
        };
        Ok(Self { input, kind, position, units: VecDeque::from([(offset, position)]) })
    }

    /// The next bytes of the text; none at its end.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] for a file that ends inside a unit, [`io::ErrorKind::InvalidData`] for a damaged
    /// one, and what the reader says.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let units = &mut self.units;
        let read = match &mut self.kind {
            Kind::Plain => self.input.read(out)?,
            Kind::Zstd(frames) => frames.read(&mut self.input, out, |at, given| {
                units.push_back((at, self.position + given as u64));
            })?,
            Kind::Blocks { decode, block, given } => {
                while *given == block.len() {
                    *given = 0;
                    block.clear();
                    units.push_back((self.input.offset(), self.position));
                    if !decode(&mut self.input, block)? {
                        return Ok(0);
                    }
                }
                let length = out.len().min(block.len() - *given);
                out[..length].copy_from_slice(&block[*given..*given + length]);
                *given += length;
                length
            }
        };
        self.position += read as u64;
        Ok(read)
    }

    /// The last place at or before byte `position` of the text where decoding can start anew: its offset in the file, and
    /// how many bytes of text lie between the two. Asked for with rising positions.
    pub(crate) fn restart_before(&mut self, position: u64) -> (u64, u64) {
        let (start, start_position) = self.units.front().copied().unwrap_or_default();
        if matches!(self.kind, Kind::Plain) {
            return (start + (position - start_position), 0);
        }
        while self.units.get(1).is_some_and(|(_, text)| *text <= position) {
            self.units.pop_front();
        }
        let (offset, text) = self.units.front().copied().unwrap_or_default();
        (offset, position - text)
    }
}

#[cfg(test)]
mod tests;
