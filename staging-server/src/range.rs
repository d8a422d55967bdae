//! Parts of a file: of a stream, and by HTTP's `Range`.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use storage::ByteStream;

/// The first `length` bytes of a stream; what follows is not read.
pub(crate) fn first_bytes(bytes: ByteStream, length: u64) -> ByteStream {
    stream::try_unfold((bytes, length), |(mut bytes, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(mut chunk): Option<Bytes> = bytes.try_next().await? else { return Ok(None) };
        chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - chunk.len() as u64;
        Ok(Some((chunk, (bytes, left))))
    })
    .boxed()
}

/// What a `Range` header asks of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: there is no header, or one that may be passed over (RFC 9110 §14.2): several ranges, or no good ones.
    All,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Nothing,
}

/// Reads a `Range` header for a file of `size_bytes`.
pub(crate) fn wanted(header: Option<&str>, size_bytes: u64) -> Wanted {
    let ranges = header.and_then(|text| text.trim().strip_prefix("bytes="));
    let Some((first, last)) = ranges.and_then(|range| range.split_once('-')) else { return Wanted::All };
    let range = match (first.trim(), last.trim()) {
        ("", length) => length.parse().map(|length: u64| size_bytes.saturating_sub(length)..size_bytes),
        (first, "") => first.parse().map(|first| first..size_bytes),
        (first, last) => match (first.parse(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => Ok(first..last.saturating_add(1).min(size_bytes)),
            _ => return Wanted::All,
        },
    };
    match range {
        Err(_) => Wanted::All,
        Ok(range) if range.start < range.end => Wanted::Part(range),
        Ok(_) => Wanted::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_means_them() {
        let cases = [
            (None, Wanted::All),
            (Some("bytes=0-0"), Wanted::Part(0..1)),
            (Some("bytes=2-"), Wanted::Part(2..10)),
            (Some("bytes=2-99"), Wanted::Part(2..10)),
            (Some("bytes=-3"), Wanted::Part(7..10)),
            (Some("bytes=-99"), Wanted::Part(0..10)),
            (Some("bytes=10-"), Wanted::Nothing),
            (Some("bytes=-0"), Wanted::Nothing),
            (Some("bytes=10-12"), Wanted::Nothing),
            (Some("bytes=5-2"), Wanted::All),
            (Some("bytes=0-1,3-4"), Wanted::All),
            (Some("lines=1-2"), Wanted::All),
            (Some("bytes=x-2"), Wanted::All),
            (Some("bytes=0-18446744073709551615"), Wanted::Part(0..10)),
        ];
        for (header, expected) in cases {
            assert_eq!(wanted(header, 10), expected, "{header:?}");
        }
    }
}
