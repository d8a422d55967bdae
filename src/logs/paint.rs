//! Colours, where somebody sees them.

use std::borrow::Cow;
use std::io::IsTerminal as _;

use regex::bytes::Regex;

/// Whether, and how, what is printed has colours.
#[derive(Clone, Copy)]
pub(super) struct Paint(bool);

const HEAD: &str = "\x1b[1;36m";
const MATCH: &[u8] = b"\x1b[1;31m";
const PLAIN: &str = "\x1b[0m";

impl Paint {
    /// Colours if told so; if told nothing, where a terminal shows them.
    pub(super) fn new(wanted: Option<bool>) -> Self {
        Self(wanted.unwrap_or_else(|| std::io::stdout().is_terminal()))
    }

    pub(super) fn head<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0 { format!("{HEAD}{text}{PLAIN}").into() } else { text.into() }
    }

    /// The line, with what matches in it to be seen.
    pub(super) fn matches<'a>(&self, pattern: &Regex, line: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.0 {
            return line.into();
        }
        let seen = |found: &regex::bytes::Captures<'_>| match found.get(0).filter(|found| !found.is_empty()) {
            Some(found) => [MATCH, found.as_bytes(), PLAIN.as_bytes()].concat(),
            None => Vec::new(),
        };
        pattern.replace_all(line, seen)
    }
}
