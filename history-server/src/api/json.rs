//! JSON as Jackson prints it, with indentation: `"key" : value`, and Java's numbers.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use history_model::format::java_double;

/// Prints a value that stands within `depth` objects.
///
/// # Errors
///
/// Where the value itself refuses, or the writer does.
pub fn to_writer<T: Serialize + ?Sized>(out: impl Write, value: &T, depth: usize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Jackson { depth, has_value: false }))
}

/// What comes before an item of an array, the first or another one.
pub(crate) fn between_items(is_first: bool) -> &'static [u8] {
    if is_first { b"[ " } else { b", " }
}

/// What comes behind the items of an array.
pub(crate) fn end_of_array(is_empty: bool) -> &'static [u8] {
    if is_empty { b"[ ]" } else { b" ]" }
}

/// Prints a key, which has nothing to be escaped, and what stands around it, of an entry within `depth` objects.
pub(crate) fn key(out: &mut Vec<u8>, key: &str, depth: usize, is_first: bool) {
    out.extend_from_slice(if is_first { b"\n" } else { b",\n" });
    out.extend(std::iter::repeat_n(b"  ", depth).flatten());
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\" : ");
}

/// Objects are indented, arrays stay on their line.
#[derive(Default)]
struct Jackson {
    depth: usize,
    has_value: bool,
}

impl Jackson {
    fn indent<W: Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for Jackson {
    /// Absent values are left out before they come here: what is null is a number that is none, and Jackson quotes those.
    fn write_null<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\"NaN\"")
    }

    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(java_double(value).as_bytes())
    }

    /// Jackson writes what lies beyond 16 bits as two escaped halves.
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        if fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        while let Some((at, wide)) = rest.char_indices().find(|(_, c)| c.len_utf16() == 2) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut halves = [0; 2];
            wide.encode_utf16(&mut halves).iter().try_for_each(|half| write!(writer, "\\u{half:04X}"))?;
            rest = &rest[at + wide.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: Write + ?Sized>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        let text: &[u8] = match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"/",
            CharEscape::Backspace => b"\\b",
            CharEscape::FormFeed => b"\\f",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::AsciiControl(byte) => return write!(writer, "\\u{byte:04X}"),
        };
        writer.write_all(text)
    }

    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.has_value = false;
        writer.write_all(b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" ]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b" " } else { b", " })
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.indent(writer)?;
        } else {
            writer.write_all(b" ")?;
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.indent(writer)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" : ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}
