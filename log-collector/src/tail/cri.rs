//! The log format of the Container Runtime Interface, as containerd and CRI-O write it.
//!
//! ```text
//! 2026-01-02T03:04:05.678901234Z stdout F content\n
//! ```
//!
//! The third word is a list of tags between `:`; the first says whether the line ends here (`F`) or goes on in the next
//! record of the same stream (`P`). Records of the two streams lie mixed in one file. Other tags are passed over.
//!
//! What is not in this format may be in Docker's, and is read as that.

use std::borrow::Cow;

use chrono::DateTime;
use memchr::memchr;
use serde::{Deserialize, Serialize};

use super::docker;

/// A record longer than this is taken in pieces: some runtimes can be told not to cut lines.
const MAX_RECORD_BYTES: usize = 256 * 1024;

/// A record whose first part has been taken already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenRecord {
    stream: usize,
    ends_line: bool,
    time_ms: i64,
}

/// A part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) stream: usize,
    pub(crate) content: Cow<'a, [u8]>,
    pub(crate) ends_line: bool,
    pub(crate) time_ms: i64,
    /// How many bytes of the file it took.
    pub(crate) size: usize,
    /// Whether the bytes are not in the format. They are taken as a line of stdout.
    pub(crate) malformed: bool,
}

/// Reads records, in whatever portions they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parser {
    open: Option<OpenRecord>,
    last_ms: i64,
    clock: Clock,
}

/// Reads times. Most begin with the second of the one before.
#[derive(Clone, Debug, Default)]
struct Clock {
    second: Option<[u8; SECOND_BYTES]>,
    second_ms: i64,
}

/// `2026-01-02T03:04:05`
const SECOND_BYTES: usize = 19;

impl Parser {
    /// A parser that goes on in the middle of a record.
    pub(crate) fn resume(open: Option<OpenRecord>) -> Self {
        Self { open, last_ms: open.map_or(0, |open| open.time_ms), clock: Clock::default() }
    }

    /// The record that has been taken in part.
    pub(crate) fn open(&self) -> Option<OpenRecord> {
        self.open
    }

    /// Reads a record that is not in the runtime interface's format; also says whether it is in none.
    fn read_other<'a>(&mut self, record: &'a [u8]) -> (OpenRecord, Cow<'a, [u8]>, bool) {
        let line = docker::parse(record).and_then(|line| Some((self.clock.read(line.time.as_bytes())?, line)));
        match line {
            Some((time_ms, line)) => {
                (OpenRecord { stream: line.stream, ends_line: line.ends_line, time_ms }, line.content.into(), false)
            }
            None => (OpenRecord { stream: 0, ends_line: true, time_ms: self.last_ms }, record.into(), true),
        }
    }

    /// Takes the next piece off the front of `bytes`. `None`: more bytes are needed; with `at_end`, none are left.
    pub(crate) fn next<'a>(&mut self, bytes: &'a [u8], at_end: bool) -> Option<Piece<'a>> {
        let end = memchr(b'\n', bytes);
        if end.is_none() && (bytes.is_empty() || (!at_end && bytes.len() < MAX_RECORD_BYTES)) {
            if at_end {
                self.open = None;
            }
            return None;
        }
        let record = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let (open, content, malformed) = match self.open.take() {
            Some(open) => (open, Cow::Borrowed(record), false),
            None => match parse(&mut self.clock, record) {
                Some((open, content)) => (open, Cow::Borrowed(content), false),
                None => self.read_other(record),
            },
        };
        self.last_ms = open.time_ms;
        if end.is_none() && !at_end {
            self.open = Some(open);
        }
        Some(Piece {
            stream: open.stream,
            content,
            ends_line: open.ends_line && end.is_some(),
            time_ms: open.time_ms,
            size: record.len() + usize::from(end.is_some()),
            malformed,
        })
    }
}

/// Splits a record into what stands before its content, and the content.
fn parse<'a>(clock: &mut Clock, record: &'a [u8]) -> Option<(OpenRecord, &'a [u8])> {
    let (time, rest) = split_word(record)?;
    let (stream, rest) = split_word(rest)?;
    let (tags, content) = split_word(rest).unwrap_or((rest, &[]));
    let stream = match stream {
        b"stdout" => 0,
        b"stderr" => 1,
        _ => return None,
    };
    let ends_line = match tags.split(|&byte| byte == b':').next()? {
        b"P" => false,
        b"" => return None,
        _ => true,
    };
    let time_ms = clock.read(time)?;
    Some((OpenRecord { stream, ends_line, time_ms }, content))
}

fn split_word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (word, rest) = bytes.split_at_checked(memchr(b' ', bytes)?)?;
    Some((word, rest.get(1..)?))
}

impl Clock {
    /// Milliseconds since 1970.
    fn read(&mut self, text: &[u8]) -> Option<i64> {
        let plain =
            text.split_at_checked(SECOND_BYTES).and_then(|(second, rest)| Some((second, utc_fraction_ms(rest)?)));
        let Some((second, fraction_ms)) = plain else { return parse_time_ms(text) };
        if self.second.as_ref().is_none_or(|known| known.as_slice() != second) {
            self.second_ms = parse_time_ms(&[second, b"Z"].concat())?;
            self.second = second.try_into().ok();
        }
        Some(self.second_ms + fraction_ms)
    }
}

/// What stands behind the second, where the time is in UTC: `Z`, or `.`, up to nine digits, and `Z`.
fn utc_fraction_ms(rest: &[u8]) -> Option<i64> {
    const MOST: usize = 9;
    let rest = rest.strip_suffix(b"Z")?;
    if rest.is_empty() {
        return Some(0);
    }
    let digits = rest.strip_prefix(b".").filter(|digits| (1..=MOST).contains(&digits.len()))?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let thousandths = digits.iter().copied().chain(std::iter::repeat(b'0')).take(3);
    Some(thousandths.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0')))
}

fn parse_time_ms(text: &[u8]) -> Option<i64> {
    const LONGEST: usize = 64;
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= LONGEST)?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Taken = (usize, Vec<u8>, bool, i64, bool);

    /// Feeds the file in portions, as a tail of it does.
    fn take(file: &[u8], portions: &[usize]) -> (Vec<Taken>, usize) {
        let (mut parser, mut carry, mut taken, mut consumed) = (Parser::default(), Vec::new(), Vec::new(), 0);
        let mut rest = file;
        let mut portions = portions.iter().cycle();
        loop {
            let (now, later) = rest.split_at(rest.len().min(*portions.next().unwrap()));
            carry.extend_from_slice(now);
            rest = later;
            let at_end = rest.is_empty();
            while let Some(piece) = parser.next(&carry, at_end) {
                taken.push((piece.stream, piece.content.to_vec(), piece.ends_line, piece.time_ms, piece.malformed));
                consumed += piece.size;
                let size = piece.size;
                carry.drain(..size);
            }
            if at_end {
                return (taken, consumed);
            }
        }
    }

    fn stream(taken: &[Taken], number: usize) -> Vec<u8> {
        let of_stream = taken.iter().filter(|piece| piece.0 == number);
        of_stream.flat_map(|piece| piece.1.iter().copied().chain(piece.2.then_some(b'\n'))).collect()
    }

    #[test]
    fn partial_lines_are_joined_stream_by_stream() {
        let file = b"2026-01-02T03:04:05.678901234Z stdout P one \n\
            2026-01-02T03:04:05.7Z stderr F warning\r\n\
            2026-01-02T03:04:05.8+00:00 stdout F:later:tags two\n\
            2026-01-02T03:04:06Z stdout F \n\
            2026-01-02T03:04:06Z stderr F\n";
        let (taken, _) = take(file, &[1000]);
        assert_eq!(stream(&taken, 0), b"one two\n\n");
        assert_eq!(stream(&taken, 1), b"warning\r\n\n");
        assert_eq!(taken[0].3, 1_767_323_045_678);
        assert!(taken.iter().all(|piece| !piece.4));
    }

    #[test]
    fn what_is_not_in_the_format_is_kept_as_it_is() {
        let file = b"no time stdout F x\n\xff\xfe\n2026-01-02T03:04:05Z other F x\n{\"log\":\"x\"}\n\n2026-01-02T03:04:05Z stdout F y";
        let (taken, consumed) = take(file, &[7]);
        assert_eq!(taken.iter().filter(|piece| piece.4).count(), 5);
        assert_eq!(
            stream(&taken, 0),
            b"no time stdout F x\n\xff\xfe\n2026-01-02T03:04:05Z other F x\n{\"log\":\"x\"}\n\ny"
        );
        assert_eq!(consumed, file.len());
    }

    #[test]
    fn docker_s_records_are_read_too() {
        let file = br#"{"log":"one, ","stream":"stdout","time":"2026-01-02T03:04:05.678901234Z"}
{"log":"a \u201cwarning\u201d\r\n","stream":"stderr","time":"2026-01-02T03:04:05.7Z"}
{"log":"two\n","stream":"stdout","time":"2026-01-02T03:04:05.8Z","attrs":{"tag":"x"}}
{"stream":"stdout","time":"2026-01-02T03:04:06Z"}
{"log":"cut
"#;
        let (taken, consumed) = take(file, &[11]);
        assert_eq!(String::from_utf8(stream(&taken, 0)).unwrap(), "one, two\n{\"log\":\"cut\n");
        assert_eq!(String::from_utf8(stream(&taken, 1)).unwrap(), "a \u{201c}warning\u{201d}\r\n");
        assert_eq!(taken[0].3, 1_767_323_045_678);
        assert_eq!((taken.iter().filter(|piece| piece.4).count(), consumed), (1, file.len()));
    }

    #[test]
    fn a_record_without_bound_is_taken_in_pieces() {
        let content = vec![b'x'; 3 * MAX_RECORD_BYTES];
        let file = [b"2026-01-02T03:04:05Z stderr F ".as_slice(), &content, b"\n"].concat();
        let (taken, consumed) = take(&file, &[100_000]);
        assert!(taken.len() > 1 && taken.iter().all(|piece| piece.1.len() <= MAX_RECORD_BYTES + 100_000));
        assert_eq!(stream(&taken, 1), [content.as_slice(), b"\n"].concat());
        assert_eq!(consumed, file.len());
    }

    fn any_record() -> impl Strategy<Value = (usize, Vec<u8>, bool)> {
        let content =
            prop::collection::vec(any::<u8>().prop_filter("a record has no line end", |&b| b != b'\n'), 0..40);
        (0usize..2, content, any::<bool>())
    }

    proptest! {
        #[test]
        fn times_are_what_chrono_says(times in prop::collection::vec(
            (-62_000_000_000_000i64..250_000_000_000_000, 0u32..=9, any::<bool>()), 1..10,
        )) {
            let mut clock = Clock::default();
            for (ms, digits, in_utc) in times {
                let time = DateTime::from_timestamp_millis(ms).unwrap();
                let mut text = time.format("%Y-%m-%dT%H:%M:%S").to_string();
                if digits > 0 {
                    text += &time.format("%.9f").to_string()[..=digits as usize];
                }
                text += if in_utc { "Z" } else { "+02:00" };
                prop_assert_eq!(clock.read(text.as_bytes()), parse_time_ms(text.as_bytes()), "{}", text);
            }
        }

        #[test]
        fn any_portions_give_the_same_streams(
            records in prop::collection::vec(any_record(), 0..20),
            portions in prop::collection::vec(1usize..50, 1..5),
        ) {
            let (mut file, mut expected) = (Vec::new(), [Vec::new(), Vec::new()]);
            for (stream, content, ends_line) in &records {
                let (name, tag) = (["stdout", "stderr"][*stream], if *ends_line { "F" } else { "P" });
                file.extend_from_slice(format!("2026-01-02T03:04:05.678Z {name} {tag} ").as_bytes());
                file.extend_from_slice(content);
                file.push(b'\n');
                expected[*stream].extend_from_slice(content);
                expected[*stream].extend(ends_line.then_some(b'\n'));
            }
            let (taken, consumed) = take(&file, &portions);
            prop_assert_eq!(consumed, file.len());
            prop_assert_eq!([stream(&taken, 0), stream(&taken, 1)], expected);
        }

        #[test]
        fn any_bytes_are_taken_whole(file in prop::collection::vec(any::<u8>(), 0..400), portions in prop::collection::vec(1usize..90, 1..4)) {
            prop_assert_eq!(take(&file, &portions).1, file.len());
        }
    }
}
