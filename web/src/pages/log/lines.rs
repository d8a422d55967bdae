//! The lines of a log, as a page shows them.

use regex::bytes::Regex;

/// One line.
#[derive(Default)]
pub(crate) struct LogLine {
    /// What links lead to; empty where nothing can.
    pub(crate) id: String,
    /// Its number, or the time at which it was written; empty where neither is known.
    pub(crate) label: String,
    /// When it was written, in milliseconds since the epoch, where that is its label.
    pub(crate) time_ms: Option<i64>,
    /// A link to this line that stays right when others come.
    pub(crate) href: String,
    /// Whose it is, where several are shown as one.
    pub(crate) source: String,
    /// What kind of line it is: `error`, `warn`, `debug`, `stack`, or empty.
    pub(crate) class: &'static str,
    /// Whether it is the one that was asked for.
    pub(crate) here: bool,
    /// Whether it is one that was looked for, among others.
    pub(crate) found: bool,
    /// Whether lines are left out above it.
    pub(crate) after_gap: bool,
    pub(crate) text: Vec<Span>,
}

/// A piece of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Whether it is what was looked for.
    pub(crate) marked: bool,
    pub(crate) text: String,
}

impl LogLine {
    /// A line by its bytes. What is no UTF-8 is shown by replacement characters, colours are left out.
    pub(super) fn new(bytes: &[u8], mark: Option<&Regex>) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Self { class: class(text), text: spans(&without_colours(text), mark), ..Self::default() }
    }

    /// All classes that it is drawn with.
    pub(crate) fn classes(&self) -> String {
        let here = if self.here || self.found { "here" } else { "" };
        let gap = if self.after_gap { "after-gap" } else { "" };
        [self.class, here, gap].into_iter().filter(|class| !class.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// Bytes as lines, each with its end.
pub(super) fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

fn spans(text: &str, mark: Option<&Regex>) -> Vec<Span> {
    let (mut spans, mut from) = (Vec::new(), 0);
    let mut push = |marked: bool, text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            spans.push(Span { marked, text: text.to_owned() });
        }
    };
    for found in mark.iter().flat_map(|mark| mark.find_iter(text.as_bytes())) {
        // A pattern may match within a character: that one is not marked.
        if text.is_char_boundary(found.start()) && text.is_char_boundary(found.end()) {
            push(false, text.get(from..found.start()));
            push(true, text.get(found.range()));
            from = found.end();
        }
    }
    push(false, text.get(from..));
    spans
}

/// How many words a date and a time may have before a level, and that.
const AS_FAR_AS_LEVELS: usize = 8;

/// Log4j and Python write the level as a word of its own near the start of the line.
fn class(line: &str) -> &'static str {
    if is_stack(line) {
        return "stack";
    }
    let is_error = |word: &str| matches!(word, "ERROR" | "FATAL" | "CRITICAL" | "SEVERE");
    let words = || {
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
            .filter(|word| !word.is_empty())
            .take(12)
    };
    if words().any(is_error)
        || line.starts_with("Exception in ")
        || line.starts_with("Caused by: ")
        || is_exception(line)
    {
        "error"
    } else if words().any(|word| matches!(word, "WARN" | "WARNING")) {
        "warn"
    } else if words().take(AS_FAR_AS_LEVELS).any(|word| matches!(word, "DEBUG" | "TRACE")) {
        "debug"
    } else {
        ""
    }
}

fn is_stack(line: &str) -> bool {
    let rest = line.trim_start();
    rest.len() < line.len()
        && (rest.starts_with("at ") || rest.starts_with("... ") || rest.starts_with("File \"") || rest.starts_with("^"))
        || line.starts_with("Traceback (most recent call last)")
}

/// `java.lang.IllegalStateException: …`, `ValueError: …`.
fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    (name.ends_with("Exception") || name.ends_with("Error")) && !name.contains(' ')
}

/// The line without ANSI escape sequences and without other control characters that would spoil the page.
fn without_colours(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(|c| ('@'..='~').contains(c));
                }
            }
            '\t' => text.push('\t'),
            c if c.is_control() => text.push('\u{fffd}'),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_stands_out() {
        let cases = [
            ("26/11/20 09:33:46 ERROR Executor: Exception in task 1.0", "error"),
            ("26/11/20 09:33:46 WARN TaskSetManager: Lost task", "warn"),
            ("26/11/20 09:33:46 INFO Executor: no ERRORS here", ""),
            ("26/11/20 09:33:46 DEBUG Executor: detail", "debug"),
            ("java.lang.OutOfMemoryError: Java heap space", "error"),
            ("\tat org.apache.spark.Thing.run(Thing.scala:1)", "stack"),
            ("  File \"/a.py\", line 3, in f", "stack"),
            ("at the end", ""),
        ];
        for (line, expected) in cases {
            assert_eq!(class(line), expected, "{line}");
        }
    }

    fn text(bytes: &[u8], mark: &str) -> Vec<(bool, String)> {
        let mark = (!mark.is_empty()).then(|| Regex::new(mark).unwrap());
        LogLine::new(bytes, mark.as_ref()).text.into_iter().map(|span| (span.marked, span.text)).collect()
    }

    #[test]
    fn lines_are_clean_and_what_was_looked_for_is_marked() {
        assert_eq!(text(b"\x1b[31mred\x1b[0m\n", ""), [(false, "red".to_owned())]);
        assert_eq!(text(b"\xff\tx\r\n", ""), [(false, "\u{fffd}\tx".to_owned())]);
        let expected = [(false, "a "), (true, "hit"), (false, " b "), (true, "hit")];
        assert_eq!(text(b"a hit b hit", "hit"), expected.map(|(marked, text)| (marked, text.to_owned())));
        assert_eq!(text("ä".as_bytes(), "(?-u)\\xa4"), [(false, "ä".to_owned())]);
        assert!(text(b"\n", "").is_empty());
    }
}
