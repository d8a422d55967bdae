//! What the bytes of a log file mean, and which bytes come next.

mod cri;
mod docker;
mod generation;
mod source;

pub(crate) use cri::{OpenRecord, Parser};
pub(crate) use generation::{Counted, Generation, release};
pub(crate) use source::{Filled, Lost, Resume, Source};
