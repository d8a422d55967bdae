//! Descriptions of jobs, stages and queries: lines of text, in which Spark lets safe links live.
//!
//! As in Spark, a description that is well-formed markup of nothing but `a`, `span` and `br`, with links that stay on
//! this server, is shown as that; any other is shown as the text that it is.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// What of a description is shown in a table before the rest is folded away.
const SHOWN_LINES: usize = 4;

/// What of one is shown in a table at all; its own page has the whole.
const MAX_CHARS: usize = 4000;

/// Part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Link { text: String, href: String },
}

/// A description in its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) lines: Vec<Vec<Piece>>,
}

impl Description {
    /// `root` is what goes before a link, which Spark means relative to the application's pages.
    pub(crate) fn new(text: &str, root: &str) -> Self {
        let text = text.trim();
        let lines = if text.contains('<') || text.contains('&') { markup(text, root) } else { None };
        let lines = lines.unwrap_or_else(|| text.lines().map(|line| vec![Piece::Text(line.to_owned())]).collect());
        let said = |line: &Vec<Piece>| line.iter().any(|piece| !piece.text().trim().is_empty());
        Self { lines: lines.into_iter().filter(said).collect() }
    }

    /// A text of many lines in which nothing is markup.
    pub(crate) fn text(text: &str) -> Self {
        let line = |line: &str| vec![Piece::Text(line.to_owned())];
        Self { lines: text.trim().lines().filter(|line| !line.trim().is_empty()).map(line).collect() }
    }

    /// The text alone, in one line.
    pub(crate) fn plain(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            if !text.is_empty() {
                text.push(' ');
            }
            line.iter().for_each(|piece| text.push_str(piece.text()));
        }
        text
    }

    fn has_links(&self) -> bool {
        self.lines.iter().flatten().any(|piece| matches!(piece, Piece::Link { .. }))
    }

    fn cut(&mut self, limit_chars: usize) {
        let mut left = limit_chars;
        for (index, line) in self.lines.iter_mut().enumerate() {
            for at in 0..line.len() {
                let chars = line[at].text().chars().count();
                if chars <= left {
                    left -= chars;
                    continue;
                }
                let text: String = line[at].text().chars().take(left).chain(['…']).collect();
                line.truncate(at);
                line.push(Piece::Text(text));
                self.lines.truncate(index + 1);
                return;
            }
        }
    }
}

impl Piece {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Link { text, .. } => text,
        }
    }
}

/// A description where a thing is named, with a way to the thing.
#[derive(Clone, Debug, Template)]
#[template(path = "cell-described.html")]
pub(crate) struct Described {
    first: Vec<Piece>,
    lines: Vec<Vec<Piece>>,
    folded: Vec<Vec<Piece>>,
    /// Where the first line leads; empty when the description has links of its own, or none is wanted.
    href: String,
    /// A last line: its text and link.
    name: Option<(String, String)>,
}

impl HtmlSafe for Described {}

impl Described {
    /// In a table: the thing's page is at `href`, and `name` is what Spark calls it, if that is more.
    pub(crate) fn linked(mut description: Description, name: &str, href: String) -> Self {
        description.cut(MAX_CHARS);
        let own = description.has_links();
        let mut lines = description.lines.into_iter();
        let Some(first) = lines.next() else {
            return Self {
                first: vec![Piece::Text(name.to_owned())],
                lines: Vec::new(),
                folded: Vec::new(),
                href,
                name: None,
            };
        };
        let mut lines: Vec<_> = lines.collect();
        let folded = if lines.len() > SHOWN_LINES { lines.split_off(SHOWN_LINES - 1) } else { Vec::new() };
        let same = first.len() == 1 && first[0].text() == name && lines.is_empty();
        let name =
            (!name.is_empty() && !same).then(|| (name.to_owned(), if own { href.clone() } else { String::new() }));
        Self { first, lines, folded, href: if own { String::new() } else { href }, name }
    }

    /// Everything that is read in it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let lines = [&self.first].into_iter().chain(&self.lines).chain(&self.folded);
        lines.flatten().map(Piece::text).chain(self.name.iter().map(|(name, _)| name.as_str()))
    }

    /// By itself, whole.
    pub(crate) fn whole(description: Description) -> Self {
        let mut lines = description.lines.into_iter();
        Self {
            first: lines.next().unwrap_or_default(),
            lines: lines.collect(),
            folded: Vec::new(),
            href: String::new(),
            name: None,
        }
    }
}

/// The lines of a description that is safe markup; `None` of any other.
fn markup(text: &str, root: &str) -> Option<Vec<Vec<Piece>>> {
    let mut reader = Reader::from_str(text);
    let mut lines = vec![Vec::new()];
    let (mut open, mut link, mut words) = (Vec::<Vec<u8>>::new(), None::<String>, String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                let href = allowed(&tag)?;
                if tag.name().as_ref() == b"a" {
                    flush(&mut lines, &mut words, link.as_deref());
                    link = href.map(|href| format!("{root}{href}"));
                }
                open.push(tag.name().as_ref().to_vec());
            }
            Event::End(_) => {
                if open.pop()? == b"a" {
                    flush(&mut lines, &mut words, link.take().as_deref());
                }
            }
            Event::Empty(tag) => {
                allowed(&tag)?;
                if tag.name().as_ref() == b"br" {
                    flush(&mut lines, &mut words, link.as_deref());
                    lines.push(Vec::new());
                }
            }
            Event::Text(part) => push(&mut lines, &mut words, &part.decode().ok()?, link.as_deref()),
            Event::CData(part) => push(&mut lines, &mut words, &part.decode().ok()?, link.as_deref()),
            Event::GeneralRef(name) => words.push(entity(&name)?),
            Event::Eof => {
                flush(&mut lines, &mut words, None);
                return open.is_empty().then_some(lines);
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => return None,
        }
    }
}

/// `None` when Spark would not show the tag; else its link.
fn allowed(tag: &BytesStart<'_>) -> Option<Option<String>> {
    if !matches!(tag.name().as_ref(), b"a" | b"span" | b"br") {
        return None;
    }
    let mut href = None;
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        match attribute.key.as_ref() {
            b"class" => {}
            b"href" => {
                let to = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
                // What follows goes behind the application's own path, so that it cannot lead to another host.
                if !to.starts_with('/') || to.contains(['\\', '\n', '\t']) {
                    return None;
                }
                href = Some(to);
            }
            _ => return None,
        }
    }
    Some(href)
}

fn entity(name: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Some(character) = name.resolve_char_ref().ok()? {
        return Some(character);
    }
    match name.decode().ok()?.as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

fn push(lines: &mut Vec<Vec<Piece>>, words: &mut String, text: &str, link: Option<&str>) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            flush(lines, words, link);
            lines.push(Vec::new());
        }
        let _ = write!(words, "{line}");
    }
}

fn flush(lines: &mut [Vec<Piece>], words: &mut String, link: Option<&str>) {
    let text = std::mem::take(words);
    if text.is_empty() {
        return;
    }
    if let Some(line) = lines.last_mut() {
        line.push(match link {
            Some(href) => Piece::Link { text, href: href.to_owned() },
            None => Piece::Text(text),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        Described::linked(Description::new(text, "/history/a"), "count at A.scala", "/job".to_owned()).to_string()
    }

    #[test]
    fn safe_links_live_and_lead_into_the_application() {
        let shown = html("see <a href=\"/jobs/\">all &amp; more</a>");
        assert!(shown.contains("see <a class=\"inline\" href=\"/history/a/jobs/\">all &#38; more</a>"), "{shown}");
        assert!(shown.contains("<a href=\"/job\">count at A.scala</a>"), "{shown}");
    }

    #[test]
    fn anything_else_is_the_text_that_it_is() {
        for text in [
            "<a href=\"https://evil.example/\">x</a>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href=\"/x\" onclick=\"alert(1)\">x</a>",
            "<script>alert(1)</script>",
            "<!DOCTYPE x [<!ENTITY e \"y\">]><span>&e;</span>",
            "<span>&e;</span>",
            "<!-- --><br/>x",
            "<b>bold</b>",
            "<a href='/x'>open",
            "a < b",
            "</a>",
            "a & b",
            "<span",
        ] {
            let shown = html(text);
            assert!(!shown.contains("href=\"/history"), "{shown}");
            assert!(shown.contains("&#60;") || shown.contains("&#38;"), "{text}: {shown}");
            assert!(!shown.contains("<script") && !shown.contains("onclick=\"a"), "{shown}");
        }
    }

    #[test]
    fn a_link_cannot_leave_the_server() {
        let shown = html("<a href=\"//evil.example/\">x</a>");
        assert!(shown.contains("href=\"/history/a//evil.example/\""), "{shown}");
    }

    #[test]
    fn all_lines_are_kept() {
        let query = Description::new("windows<br/>id = 1<br/>runId = 2<br/>batch = 3", "");
        assert_eq!(query.lines.len(), 4);
        assert_eq!(query.plain(), "windows id = 1 runId = 2 batch = 3");
        let text: String = (0..30).map(|line| format!("line {line}\n")).collect();
        let shown = html(&text);
        assert!((0..30).all(|line| shown.contains(&format!("line {line}"))), "{shown}");
        assert!(shown.contains("26 more lines"), "{shown}");
        assert!(html(&"x".repeat(100_000)).len() < 5000);
    }
}
