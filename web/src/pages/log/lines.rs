//! The lines of a log, as a page shows them.

/// One line.
pub(crate) struct LogLine {
    /// Empty where it is not known.
    pub(crate) number: String,
    /// What kind of line it is: `error`, `warn`, `stack`, or empty.
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

/// Bytes as lines, numbered from `first`. What is no UTF-8 is shown by replacement characters, colours are left out.
pub(crate) fn lines(bytes: &[u8], first: Option<u64>) -> Vec<LogLine> {
    let text = String::from_utf8_lossy(bytes);
    let line = |(index, line): (usize, &str)| LogLine {
        number: first.map(|first| (first + index as u64).to_string()).unwrap_or_default(),
        class: class(line),
        text: without_colours(line),
    };
    text.lines().enumerate().map(line).collect()
}

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
            ("java.lang.OutOfMemoryError: Java heap space", "error"),
            ("\tat org.apache.spark.Thing.run(Thing.scala:1)", "stack"),
            ("  File \"/a.py\", line 3, in f", "stack"),
            ("at the end", ""),
        ];
        for (line, expected) in cases {
            assert_eq!(class(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_are_numbered_and_clean() {
        let shown = lines(b"\x1b[31mred\x1b[0m\n\xff\tx\r\nlast", Some(7));
        let texts: Vec<_> = shown.iter().map(|line| (line.number.as_str(), line.text.as_str())).collect();
        assert_eq!(texts, [("7", "red"), ("8", "\u{fffd}\tx"), ("9", "last")]);
    }
}
