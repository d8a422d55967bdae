//! What the bytes of a log file mean, and which bytes come next.

mod copied;
mod cri;
mod docker;
mod generation;
mod source;

pub(crate) use copied::{Copied, Lost, base_name, release};
pub(crate) use cri::{OpenRecord, Parser};
pub(crate) use generation::{Counted, Generation};
pub(crate) use source::{Filled, Resume, Source};
