//! A reader of JSON bytes that knows what it expects.
//!
//! Spark writes the keys of an event always in the same order, without spaces. So each key is first compared with the one that should
//! come; only when it is another one, it is looked up. What nobody asks for is stepped over without being decoded.

mod usual;

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The bytes are not the JSON that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What reading gives.
pub(crate) type Result<T> = std::result::Result<T, Malformed>;

/// How deep objects and arrays may nest, as in Spark's own reader.
const MAX_DEPTH: usize = 1000;

/// A place in the bytes of one JSON text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Steps over `expected` if it comes next.
    #[inline(always)]
    pub(crate) fn eat(&mut self, expected: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// The next byte, or 0 at the end.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    /// Steps over one byte of punctuation and the space around it.
    fn punctuation(&mut self, byte: u8) -> bool {
        if self.peek() == byte {
            self.at += 1;
            return true;
        }
        self.skip_space();
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// Reads an object: calls `field` with the number of each key that is among `keys`, which are given with quotes and colon.
    #[inline(always)]
    pub(crate) fn object(
        &mut self,
        keys: &[&[u8]],
        mut field: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        if !self.punctuation(b'{') {
            return Err(Malformed);
        }
        if self.punctuation(b'}') {
            return Ok(());
        }
        let mut expected = 0;
        loop {
            // Keys that older versions lack are passed over.
            let ahead = keys.iter().enumerate().skip(expected).take(3).find(|(_, key)| self.eat(key));
            if let Some((key, _)) = ahead {
                expected = key + 1;
                if self.peek() <= b' ' {
                    self.skip_space();
                }
                field(self, key)?;
            } else if let Some(key) = self.other_key(keys)? {
                expected = key + 1;
                field(self, key)?;
            } else {
                self.skip_value()?;
            }
            if self.punctuation(b',') {
                continue;
            }
            return if self.punctuation(b'}') { Ok(()) } else { Err(Malformed) };
        }
    }

    /// Reads a key and its colon, and looks it up.
    #[inline(never)]
    fn other_key(&mut self, keys: &[&[u8]]) -> Result<Option<usize>> {
        self.skip_space();
        let start = self.at;
        let raw = self.raw_string()?;
        let key = Self { bytes: self.bytes, at: start }.string()?;
        if !self.punctuation(b':') {
            return Err(Malformed);
        }
        self.skip_space();
        let named =
            |known: &&[u8]| known.get(1..known.len() - 2).is_some_and(|name| name == raw || name == key.as_bytes());
        Ok(keys.iter().position(named))
    }

    /// Reads an array: calls `item` at each of its values.
    #[inline(always)]
    pub(crate) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if !self.punctuation(b'[') {
            return Err(Malformed);
        }
        if self.punctuation(b']') {
            return Ok(());
        }
        loop {
            self.skip_space();
            item(self)?;
            if self.punctuation(b',') {
                continue;
            }
            return if self.punctuation(b']') { Ok(()) } else { Err(Malformed) };
        }
    }

    /// Steps over `null` if it comes next.
    #[inline(always)]
    pub(crate) fn null(&mut self) -> bool {
        self.peek() == b'n' && self.eat(b"null")
    }

    /// Reads a whole number; a fraction is cut off.
    #[inline(always)]
    pub(crate) fn int(&mut self) -> Result<i64> {
        let start = self.at;
        let negative = self.peek() == b'-';
        self.at += usize::from(negative);
        let first = self.at;
        let mut value = 0u64;
        while let Some(digit) = self.bytes.get(self.at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10)
        {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
        let digits = self.at - first;
        if digits == 0 || digits > 18 || matches!(self.peek(), b'.' | b'e' | b'E') {
            return self.unusual_number(start);
        }
        Ok(if negative { -(value as i64) } else { value as i64 })
    }

    #[inline(never)]
    fn unusual_number(&mut self, start: usize) -> Result<i64> {
        while matches!(self.peek(), b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') {
            self.at += 1;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).map_err(|_| Malformed)?;
        text.parse::<i64>().or_else(|_| text.parse::<f64>().map(|value| value as i64)).map_err(|_| Malformed)
    }

    /// Reads a whole number, or nothing for `null`.
    #[inline(always)]
    pub(crate) fn optional_int(&mut self) -> Result<Option<i64>> {
        if self.null() { Ok(None) } else { self.int().map(Some) }
    }

    /// Steps over the digits of a whole number.
    #[inline(always)]
    pub(crate) fn digits(&mut self) -> Option<()> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Steps over a string that must have no escapes.
    #[inline(always)]
    pub(crate) fn plain_string(&mut self) -> Option<()> {
        self.eat(b"\"").then(|| self.rest_of_plain_string())?
    }

    /// Steps over the rest of a string, with its closing quote; it must have no escapes.
    #[inline(always)]
    pub(crate) fn rest_of_plain_string(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let end = memchr2(b'"', b'\\', rest)?;
        self.at += end + 1;
        (rest[end] == b'"').then_some(())
    }

    /// Reads `true` or `false`; `null` counts as false.
    #[inline(always)]
    pub(crate) fn bool(&mut self) -> Result<bool> {
        if self.eat(b"true") {
            return Ok(true);
        }
        if self.eat(b"false") || self.null() { Ok(false) } else { Err(Malformed) }
    }

    /// The bytes between the quotes of the string that comes next, escapes as they are.
    #[inline(always)]
    fn raw_string(&mut self) -> Result<&'a [u8]> {
        if self.peek() != b'"' {
            return Err(Malformed);
        }
        let start = self.at + 1;
        let mut end = start;
        loop {
            end += memchr2(b'"', b'\\', self.bytes.get(end..).unwrap_or_default()).ok_or(Malformed)?;
            if self.bytes[end] == b'"' {
                break;
            }
            end += 2;
        }
        self.at = end + 1;
        Ok(&self.bytes[start..end])
    }

    /// Reads a string.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at;
        let raw = self.raw_string()?;
        if memchr(b'\\', raw).is_none() {
            return Ok(match std::str::from_utf8(raw) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(String::from_utf8_lossy(raw).into_owned()),
            });
        }
        unescape(&self.bytes[start..self.at]).map(Cow::Owned)
    }

    /// Reads a string, or nothing for `null`.
    pub(crate) fn optional_string(&mut self) -> Result<Option<Cow<'a, str>>> {
        if self.null() { Ok(None) } else { self.string().map(Some) }
    }

    /// Reads any scalar as the text that it would be shown as; objects and arrays give empty text.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>> {
        match self.peek() {
            b'"' => self.string(),
            b'{' | b'[' => self.skip_value().map(|()| Cow::Borrowed("")),
            _ => std::str::from_utf8(self.raw_value()?).map(Cow::Borrowed).map_err(|_| Malformed),
        }
    }

    /// The bytes of the value that comes next.
    pub(crate) fn raw_value(&mut self) -> Result<&'a [u8]> {
        let start = self.at;
        self.skip_value()?;
        Ok(&self.bytes[start..self.at])
    }

    /// Steps over the value that comes next.
    pub(crate) fn skip_value(&mut self) -> Result<()> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                b'"' => {
                    self.raw_string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(Malformed);
                    }
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or(Malformed)?;
                    self.at += 1;
                }
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                b'0'..=b'9' | b'-' | b'a'..=b'z' | b'N' | b'I' => {
                    while matches!(self.peek(), b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' | b'.') {
                        self.at += 1;
                    }
                }
                _ => return Err(Malformed),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Whether nothing but space is left.
    pub(crate) fn at_end(mut self) -> bool {
        self.skip_space();
        self.at == self.bytes.len()
    }
}

/// Decodes a quoted string; what is not UTF-8 is replaced.
fn unescape(quoted: &[u8]) -> Result<String> {
    if let Ok(text) = serde_json::from_slice::<String>(quoted) {
        return Ok(text);
    }
    let lossy = String::from_utf8_lossy(quoted);
    serde_json::from_str::<String>(&lossy).or_else(|_| lone_surrogates(&lossy))
}

/// Java writes half a character as `\udXXX`; such a half becomes a question mark.
fn lone_surrogates(quoted: &str) -> Result<String> {
    let mut mended = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let length = if escape[1..].starts_with('u') { 6 } else { 2 };
        let code = escape.get(..length).ok_or(Malformed)?;
        // Any bytes may follow a `\u`, also a part of a longer character.
        let is_half = matches!(code.as_bytes(), [_, _, b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', _, _]);
        mended.push_str(if is_half { "?" } else { code });
        rest = &escape[length..];
    }
    mended.push_str(rest);
    serde_json::from_str(&mended).map_err(|_| Malformed)
}
