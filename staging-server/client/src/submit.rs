//! spark-submit's command line, understood: what of it lies on this machine, the same with that uploaded, and the same as a
//! `SparkApplication` of an operator.
//!
//! [`Submission::parse`] reads arguments as spark-submit does (2.3 to 4.3), [`Submission::local`] says what has to be
//! uploaded, [`Submission::rewritten`] is what spark-submit is then called with, and [`operator`] and [`apache`] make
//! manifests for machines that have neither Spark nor Java.

pub mod apache;
mod application;
pub mod operator;
mod options;
mod parse;
mod uris;

pub use application::Application;
pub use options::{Handling, OPTIONS, SparkOption};
pub use parse::Submission;
pub use uris::{Local, is_local};

#[cfg(test)]
mod tests;
