//! SVG as text: numbers short, names and texts escaped.

use std::fmt::Write as _;

use askama::filters::HtmlSafe;

/// A finished picture, safe to stand in a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    text: String,
}

impl HtmlSafe for Picture {}

impl std::fmt::Display for Picture {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A picture that is being drawn.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    text: String,
    open: Vec<&'static str>,
    in_tag: bool,
}

impl Svg {
    /// A picture of this size in pixels; `class` is for the style sheet, `name` for those who do not see it.
    pub(crate) fn new(width: f64, height: f64, class: &str, name: &str) -> Self {
        let mut svg = Self::default();
        let view = format!("0 0 {} {}", number(width), number(height));
        svg.open("svg").attr("class", class).attr("viewBox", &view).num("width", width).num("height", height);
        svg.attr("role", "group").attr("aria-label", name);
        svg
    }

    /// Opens an element; its attributes follow.
    pub(crate) fn open(&mut self, tag: &'static str) -> &mut Self {
        self.end_tag();
        let _ = write!(self.text, "<{tag}");
        self.open.push(tag);
        self.in_tag = true;
        self
    }

    pub(crate) fn attr(&mut self, name: &str, value: &str) -> &mut Self {
        let _ = write!(self.text, " {name}=\"");
        escape(value, &mut self.text);
        self.text.push('"');
        self
    }

    pub(crate) fn num(&mut self, name: &str, value: f64) -> &mut Self {
        let _ = write!(self.text, " {name}=\"{}\"", number(value));
        self
    }

    /// Text inside the element that is open.
    pub(crate) fn say(&mut self, text: &str) -> &mut Self {
        self.end_tag();
        escape(text, &mut self.text);
        self
    }

    /// Closes the element that was opened last.
    pub(crate) fn close(&mut self) -> &mut Self {
        let Some(tag) = self.open.pop() else { return self };
        if std::mem::take(&mut self.in_tag) {
            self.text.push_str("/>");
        } else {
            let _ = write!(self.text, "</{tag}>");
        }
        self
    }

    pub(crate) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), class: &str) -> &mut Self {
        self.open("rect").attr("class", class);
        self.num("x", x).num("y", y).num("width", width.max(0.0)).num("height", height.max(0.0))
    }

    /// A line of text.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), class: &str, text: &str) -> &mut Self {
        self.open("text").num("x", x).num("y", y);
        if !class.is_empty() {
            self.attr("class", class);
        }
        self.say(text).close()
    }

    pub(crate) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) -> &mut Self {
        self.open("line").attr("class", class).num("x1", x1).num("y1", y1).num("x2", x2).num("y2", y2).close()
    }

    /// What a pointer that rests on the open element is told, and a screen reader.
    pub(crate) fn title(&mut self, text: &str) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        self.open("title").say(text).close()
    }

    /// Opens a link, or a group where it leads nowhere.
    pub(crate) fn link(&mut self, href: &str, class: &str) -> &mut Self {
        if href.is_empty() {
            self.open("g").attr("class", class)
        } else {
            self.open("a").attr("href", href).attr("class", class)
        }
    }

    pub(crate) fn finish(mut self) -> Picture {
        while !self.open.is_empty() {
            self.close();
        }
        Picture { text: self.text }
    }

    fn end_tag(&mut self) {
        if std::mem::take(&mut self.in_tag) {
            self.text.push('>');
        }
    }
}

/// A number of pixels with one decimal, and that only when it is not 0.
pub(crate) fn number(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    let sign = if tenths < 0 { "-" } else { "" };
    match (tenths.abs() / 10, tenths.abs() % 10) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, tenth) => format!("{sign}{whole}.{tenth}"),
    }
}

/// About how wide a text is in our letters of 12 pixels.
pub(crate) fn text_width(text: &str) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '[' | ']' | '(' | ')' | ' ' | 't' | 'f' | 'r' => {
            4.6
        }
        'm' | 'w' | 'M' | 'W' | '@' => 10.6,
        'A'..='Z' | '%' | '+' | '=' | '<' | '>' => 8.6,
        c if !c.is_ascii() => 10.0,
        _ => 7.4,
    };
    text.chars().map(width).sum()
}

/// A text cut so that it is about as wide as this at most.
pub(crate) fn fitting(text: &str, width: f64) -> String {
    if text_width(text) <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        if text_width(&cut) + 18.0 > width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&#38;"),
            '<' => into.push_str("&#60;"),
            '>' => into.push_str("&#62;"),
            '"' => into.push_str("&#34;"),
            '\'' => into.push_str("&#39;"),
            // XML, as which a picture is saved, has no other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => into.push(char::REPLACEMENT_CHARACTER),
            c => into.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_can_become_markup() {
        let hostile = "</text><script>alert('1')</script>\"&\u{1}";
        let mut svg = Svg::new(10.0, 5.25, hostile, hostile);
        svg.link("/x?a=1&b=\"", hostile).title(hostile).text((1.0, -2.04), hostile, hostile).close();
        let drawn = svg.finish().to_string();
        assert!(!drawn.contains("<script") && !drawn.contains('\u{1}') && !drawn.contains("&b"), "{drawn}");
        assert!(drawn.contains("viewBox=\"0 0 10 5.3\"") && drawn.contains("y=\"-2\""), "{drawn}");
        assert_eq!(drawn.matches("</").count() + drawn.matches("/>").count(), 4, "{drawn}");
    }

    #[test]
    fn a_text_that_is_too_wide_is_cut() {
        assert_eq!(fitting("short", 100.0), "short");
        let cut = fitting(&"größe ".repeat(40), 100.0);
        assert!(cut.ends_with('…') && text_width(&cut) < 110.0, "{cut}");
    }
}
