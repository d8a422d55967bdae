//! What can stand in a cell of a table, and how each kind is drawn.

use askama::Template;
use askama::filters::HtmlSafe;
use history_server::api::v1::types::{Date, JobExecutionStatus, StageStatus};

use crate::description::Described;
use crate::format;

/// One cell.
#[derive(Clone, Debug, Template)]
#[template(ext = "html")]
pub(crate) enum Cell {
    /// Text or a number, as it is.
    #[template(source = "{{ self.0 }}")]
    Text(String),
    /// Text with more of it in a tooltip.
    #[template(source = r#"<span title="{{ hint }}">{{ text }}</span>"#)]
    Hint { text: String, hint: String },
    /// A number that should be none.
    #[template(source = r#"<span class="wrong">{{ self.0 }}</span>"#)]
    Wrong(String),
    /// A link, with a second line that is no link.
    #[template(path = "cell-link.html")]
    Link { text: String, href: String, sub: String },
    /// A description, and where what it describes is.
    #[template(source = "{{ self.0 }}")]
    Described(Box<Described>),
    /// Several links in a row.
    #[template(path = "cell-links.html")]
    Links(Vec<TextLink>),
    /// The logs of an executor.
    #[template(path = "cell-logs.html")]
    Logs(LogLinks),
    /// An instant.
    #[template(source = r#"<time datetime="{{ iso }}" title="{{ iso }}">{{ text }}</time>"#)]
    Time { text: String, iso: String },
    /// A state.
    #[template(path = "cell-badge.html")]
    Badge(Badge),
    /// How far something is.
    #[template(path = "cell-bar.html")]
    Bar(Bar),
    /// Several lines of text.
    #[template(source = r#"{% for line in self.0 %}<div>{{ line }}</div>{% endfor %}"#)]
    Lines(Vec<String>),
    /// Least, quartiles and most, in percent of the width.
    #[template(path = "cell-spread.html")]
    Spread([i64; 5]),
    /// Text to which a link on the page leads.
    #[template(source = r#"<span id="{{ id }}">{{ text }}</span>"#)]
    Anchor { id: String, text: String },
    /// What an operator of a query measured.
    #[template(path = "cell-measured.html")]
    Measured(Vec<Measured>),
    /// A long text: its first line, the rest on a click.
    #[template(source = r#"<details><summary>{{ first }}</summary><pre>{{ rest }}</pre></details>"#)]
    Long { first: String, rest: String },
}

impl HtmlSafe for Cell {}

impl Cell {
    pub(crate) fn empty() -> Self {
        Self::Text(String::new())
    }

    pub(crate) fn number(number: i64) -> Self {
        Self::Text(format::count(number))
    }

    /// A size, nothing where there is none, as on Spark's pages.
    pub(crate) fn bytes(size: i64) -> Self {
        if size <= 0 {
            Self::empty()
        } else {
            Self::exact(format::bytes(size), format!("{} bytes", format::count(size)))
        }
    }

    /// A size with a number of records.
    pub(crate) fn bytes_and_records(size: i64, records: i64) -> Self {
        match (size, records) {
            (..=0, ..=0) => Self::empty(),
            (size, ..=0) => Self::bytes(size),
            _ => Self::exact(
                format!("{} / {}", format::bytes(size), format::count(records)),
                format!("{} bytes in {} records", format::count(size), format::count(records)),
            ),
        }
    }

    pub(crate) fn duration(millis: Option<i64>) -> Self {
        match millis {
            Some(millis) => Self::exact(format::duration(millis), format!("{} ms", format::count(millis))),
            None => Self::empty(),
        }
    }

    pub(crate) fn time(at: Option<Date>) -> Self {
        match at.and_then(|at| Some((format::time(at)?, format::iso(at)?))) {
            Some((text, iso)) => Self::Time { text, iso },
            None => Self::empty(),
        }
    }

    pub(crate) fn link(text: impl Into<String>, href: String) -> Self {
        Self::Link { text: text.into(), href, sub: String::new() }
    }

    pub(crate) fn long(text: &str) -> Self {
        let first = format::headline(text, 160);
        if first == text.trim() { Self::Text(first) } else { Self::Long { first, rest: text.trim().to_owned() } }
    }

    /// Whether a text, in lower case, stands in it.
    pub(crate) fn holds(&self, needle: &str) -> bool {
        let found = |text: &str| text.to_lowercase().contains(needle);
        match self {
            Self::Text(text) | Self::Wrong(text) | Self::Time { text, .. } | Self::Hint { text, .. } => found(text),
            Self::Link { text, sub, .. } => found(text) || found(sub),
            Self::Described(text) => text.texts().any(found),
            Self::Links(links) => links.iter().any(|link| found(&link.text)),
            Self::Logs(_) | Self::Spread(_) => false,
            Self::Badge(badge) => found(badge.label),
            Self::Bar(bar) => found(&bar.label),
            Self::Lines(lines) => lines.iter().any(|line| found(line)),
            Self::Long { first, rest } => found(first) || found(rest),
            Self::Anchor { text, .. } => found(text),
            Self::Measured(all) => all.iter().any(|one| found(&one.name) || found(&one.total)),
        }
    }

    /// A number as people read it, and exactly, where that is something else.
    fn exact(text: String, hint: String) -> Self {
        if text == hint { Self::Text(text) } else { Self::Hint { text, hint } }
    }
}

/// A link and its text.
#[derive(Clone, Debug)]
pub(crate) struct TextLink {
    pub(crate) text: String,
    pub(crate) href: String,
}

/// A metric of an operator.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) total: String,
    /// Least, median and most of all tasks.
    pub(crate) spread: Option<[String; 3]>,
    /// The task that measured most.
    pub(crate) place: Option<TextLink>,
}

/// The `stdout stderr` links of an executor, or why there are none.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogLinks {
    pub(crate) links: Vec<TextLink>,
    /// Said in a tooltip when there are no links, or when there is something to say of them.
    pub(crate) hint: String,
}

/// A state in a word and a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) label: &'static str,
    pub(crate) class: &'static str,
    pub(crate) hint: &'static str,
}

impl Badge {
    pub(crate) const fn new(label: &'static str, class: &'static str) -> Self {
        Self { label, class, hint: "" }
    }

    pub(crate) fn of_job(status: JobExecutionStatus) -> Self {
        Self::of_status(match status {
            JobExecutionStatus::Running => "RUNNING",
            JobExecutionStatus::Succeeded => "SUCCEEDED",
            JobExecutionStatus::Failed => "FAILED",
            JobExecutionStatus::Unknown => "UNKNOWN",
        })
    }

    pub(crate) fn of_stage(status: StageStatus) -> Self {
        Self::of_status(match status {
            StageStatus::Active => "ACTIVE",
            StageStatus::Complete => "COMPLETE",
            StageStatus::Failed => "FAILED",
            StageStatus::Pending => "PENDING",
            StageStatus::Skipped => "SKIPPED",
        })
    }

    /// A status word of Spark's: of a job, a stage, a task or an SQL execution.
    pub(crate) fn of_status(status: &str) -> Self {
        match status {
            "SUCCEEDED" | "SUCCESS" => Self::new("succeeded", "good"),
            "COMPLETE" | "COMPLETED" => Self::new("complete", "good"),
            "RUNNING" | "ACTIVE" => Self::new("running", "busy"),
            "GET RESULT" => Self::new("getting result", "busy"),
            "FAILED" => Self::new("failed", "bad"),
            "KILLED" => Self::new("killed", "warn"),
            "PENDING" => Self::new("pending", "idle"),
            "SKIPPED" => Self::new("skipped", "idle"),
            "DEAD" => Self::new("dead", "idle"),
            _ => Self::new("unknown", "idle"),
        }
    }
}

/// How many of many are done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) hint: String,
    /// Class, start and width in thousandths of the whole, left to right.
    pub(crate) parts: Vec<(&'static str, String, String)>,
}

impl Bar {
    /// Tasks: `done/total`, and what else there is to say of the others in brackets.
    pub(crate) fn tasks(done: i64, running: i64, failed: i64, killed: i64, skipped: i64, total: i64) -> Self {
        let mut more = Vec::new();
        for (number, word) in [(running, "running"), (failed, "failed"), (killed, "killed"), (skipped, "skipped")] {
            if number > 0 {
                more.push(format!("{} {word}", format::count(number)));
            }
        }
        let counts = format!("{}/{}", format::count(done), format::count(total));
        let label = if more.is_empty() { counts } else { format!("{counts} ({})", more.join(", ")) };
        let counts = [("done", done), ("running", running), ("failed", failed), ("killed", killed)];
        Self { label, hint: String::new(), parts: parts(&counts, total) }
    }

    /// Why tasks were killed, and how many for each reason.
    pub(crate) fn killed_because<'a>(mut self, reasons: impl IntoIterator<Item = (&'a String, &'a i32)>) -> Self {
        let one = |(reason, number): (&String, &i32)| format!("{number} killed: {reason}");
        self.hint = reasons.into_iter().map(one).collect::<Vec<_>>().join("; ");
        self
    }
}

/// Parts of a whole, one after the other; what has no room any more (failures of tasks that then succeeded) is left out.
fn parts(counts: &[(&'static str, i64)], total: i64) -> Vec<(&'static str, String, String)> {
    let percent = |n: i64| {
        let tenths = i128::from(n) * 1000 / i128::from(total);
        format!("{}.{}%", tenths / 10, tenths % 10)
    };
    let mut start = 0;
    let mut parts = Vec::new();
    for (class, number) in counts {
        let number = (*number).min(total - start);
        if number > 0 {
            parts.push((*class, percent(start), percent(number)));
            start += number;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_wherever_it_stands() {
        let hostile = || "<script>\"&'".to_owned();
        let link = || TextLink { text: hostile(), href: "javascript:\"".to_owned() };
        let cells = [
            Cell::Text(hostile()),
            Cell::Hint { text: hostile(), hint: hostile() },
            Cell::Link { text: hostile(), href: hostile(), sub: hostile() },
            Cell::Links(vec![link()]),
            Cell::Logs(LogLinks { links: vec![], hint: hostile() }),
            Cell::Long { first: hostile(), rest: hostile() },
        ];
        for cell in cells {
            let html = cell.to_string();
            assert!(!html.contains("<script") && !html.contains("=\"<") && !html.contains("\"&'"), "{html}");
        }
    }

    #[test]
    fn a_bar_is_never_longer_than_its_cell() {
        let bar = Bar::tasks(3, 0, 12, 0, 7, 4);
        assert_eq!(bar.label, "3/4 (12 failed, 7 skipped)");
        assert_eq!(bar.parts, [("done", "0.0%".into(), "75.0%".into()), ("failed", "75.0%".into(), "25.0%".into())]);
        assert!(Bar::tasks(0, 0, 0, 0, 0, 0).parts.is_empty());
    }
}
