//! Event logs as files: which there are ([`find`]), and what is in them ([`LineBlocks`]).
//!
//! Nothing here knows an event. What leaves this module is whole lines of text, in order, in blocks of about a mebibyte,
//! read on a blocking thread; and, beside them, [`Problem`]s: a truncated file is served as far as it reads.

mod block;
mod blocks;
mod decode;
pub mod find;
mod log;
mod name;
mod open;
mod source;

pub use block::Block;
pub use blocks::{Checkpoint, LineBlocks, ReadOptions};
pub use decode::Codec;
pub(crate) use decode::Decoder;
pub use log::{EventLog, LogFile};
pub(crate) use open::{local_error, open_local};
pub use source::LogSource;

/// Something in a log that could not be read, for people to see. The rest of the log is served.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// What is wrong with it, as a sentence.
    pub message: String,
}
