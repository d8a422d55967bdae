//! What the bytes of a log file mean, and which bytes come next.

mod cri;
mod source;

pub(crate) use cri::{OpenRecord, Parser};
pub(crate) use source::{Filled, Generation, Resume, Source};
