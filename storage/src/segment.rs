//! Lines with timestamps, in objects that answer any range of them by few requests.
//!
//! A **run** is a folder of segments that follow one another. A run carries one or more numbered *streams* (for a
//! container: stdout and stderr), read from one *source* (its log file). A segment is named by all the positions at which
//! it starts, so that a plain listing of the folder is already the index, and so that whoever reads the same source again
//! after a crash writes the same names:
//!
//! ```text
//! s<source>-<offset>.<lines>-<offset>.<lines>.zst      twelve hexadecimal digits each, one pair for each stream
//! ```
//!
//! A segment is a row of zstd frames, so `zstd -dc` prints its content:
//!
//! ```text
//! content frame      at most 256 KiB of one stream, cut at a line's end where it has one
//! skippable frame    kind 1: when the lines that start in it were written, milliseconds, as differences
//! …                  and so on
//! skippable frame    kind 13: the footer (format number, a row for each content frame, the writer's own bytes, CRC-32)
//! ```
//!
//! **Growing.** The last segment of a run is written again and again under its name with more in it, until it is large
//! enough and the next one begins. Where two segments overlap (a late write of a writer that was thought dead), the one
//! that starts later counts from its start on. Both hold the same bytes there, because names come from the source.
//!
//! This module knows nothing of what the lines are, nor of the writer's bytes that go with them.

mod find;
mod footer;
mod lines;
mod loaded;
mod read;
mod whole;
mod write;

#[cfg(test)]
mod tests;

pub use footer::{Footer, Frame};
pub use lines::Line;
pub use read::Run;
pub use whole::Whole;
pub use write::{Record, Writer};

/// The most content that one frame holds, and so what a reader must hold at least.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// The most bytes that a writer can leave in a footer for itself.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;

/// How many streams a run can have.
pub const MAX_STREAMS: usize = 16;

/// A place between two records of a source, told in every count that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// How many bytes of the source lie before it.
    pub source_bytes: u64,
    /// How much of each stream lies before it.
    pub streams: Vec<StreamPosition>,
}

/// How much of a stream lies before a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamPosition {
    /// Bytes of content.
    pub bytes: u64,
    /// Line ends.
    pub lines: u64,
}

const DIGITS: usize = 12;

impl Position {
    /// The start of a source with so many streams.
    #[must_use]
    pub fn start(streams: usize) -> Self {
        Self { source_bytes: 0, streams: vec![StreamPosition::default(); streams.min(MAX_STREAMS)] }
    }

    /// How much of `stream` lies before this place; nothing when there is no such stream.
    #[must_use]
    pub fn of(&self, stream: usize) -> StreamPosition {
        self.streams.get(stream).copied().unwrap_or_default()
    }

    /// The name of the segment that starts here.
    #[must_use]
    pub fn segment_name(&self) -> String {
        let streams = self.streams.iter().map(|s| format!("-{:0DIGITS$x}.{:0DIGITS$x}", s.bytes, s.lines));
        format!("s{:0DIGITS$x}{}.zst", self.source_bytes, streams.collect::<String>())
    }

    /// Where the segment of that name starts; `None` for any other name.
    #[must_use]
    pub fn parse_segment_name(name: &str) -> Option<Self> {
        let number = |text: &str| {
            let plain = text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
        };
        let mut parts = name.strip_prefix('s')?.strip_suffix(".zst")?.split('-');
        let source_bytes = number(parts.next()?)?;
        let streams: Option<Vec<_>> = parts
            .map(|part| {
                let (bytes, lines) = part.split_once('.')?;
                Some(StreamPosition { bytes: number(bytes)?, lines: number(lines)? })
            })
            .collect();
        let streams = streams.filter(|streams| (1..=MAX_STREAMS).contains(&streams.len()))?;
        Some(Self { source_bytes, streams })
    }
}
