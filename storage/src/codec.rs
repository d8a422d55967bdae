//! The small pieces that what we persist is made of: variable-length integers, zstd frames, skippable frames.
//!
//! Every function that reads is fed bytes from outside: it answers `None` for what does not fit, and never allocates
//! more than its caller's bound.

use std::cell::RefCell;

/// Appends `value` as LEB128: seven bits a byte, the lowest first.
pub(crate) fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed `value`, small whatever its sign (zigzag, then LEB128).
pub(crate) fn put_int(out: &mut Vec<u8>, value: i64) {
    put_uint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Takes values off the front of bytes.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn uint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn int(&mut self) -> Option<i64> {
        let value = self.uint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

/// Level 1 costs next to nothing and loses 4 % against the default on log lines.
const LEVEL: i32 = 1;

thread_local! {
    /// What compresses on this thread, and what it writes to: made anew for each frame, they cost more than the frame.
    static COMPRESSOR: RefCell<Option<(zstd::bulk::Compressor<'static>, Vec<u8>)>> = const { RefCell::new(None) };
}

/// Appends `bytes` as one zstd frame that carries its size and checksum.
pub(crate) fn put_compressed(out: &mut Vec<u8>, bytes: &[u8]) {
    COMPRESSOR
        .with_borrow_mut(|slot| -> std::io::Result<()> {
            let (compressor, scratch) = match slot {
                Some(ready) => ready,
                None => {
                    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
                    compressor.include_checksum(true)?;
                    slot.insert((compressor, Vec::new()))
                }
            };
            scratch.clear();
            scratch.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
            compressor.compress_to_buffer(bytes, scratch)?;
            out.extend_from_slice(scratch);
            Ok(())
        })
        .expect("zstd fails for a wrong parameter or a small buffer, and neither comes from outside");
}

/// The content of one zstd frame that holds at most `limit_bytes`.
pub(crate) fn decompress(frame: &[u8], limit_bytes: usize) -> Option<Vec<u8>> {
    zstd::bulk::decompress(frame, limit_bytes).ok()
}

/// zstd programs skip a frame that starts with one of the sixteen numbers from here on.
const SKIPPABLE: u32 = 0x184D_2A50;
pub(crate) const SKIPPABLE_HEADER_BYTES: usize = 8;

/// Appends a skippable frame of one of sixteen kinds whose content is one zstd frame of `bytes`.
pub(crate) fn put_skippable_compressed(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    let at = out.len();
    put_skippable(out, kind, &[]);
    let start = out.len();
    put_compressed(out, bytes);
    let length = u32::try_from(out.len() - start).expect("columns are bounded far below 4 GiB");
    if let Some(place) = out.get_mut(at + 4..start) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Appends `content` as a skippable frame of one of sixteen kinds.
pub(crate) fn put_skippable(out: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let length = u32::try_from(content.len()).expect("columns and footers are bounded far below 4 GiB");
    out.extend_from_slice(&(SKIPPABLE + u32::from(kind & 0xf)).to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(content);
}

/// The content of a skippable frame of that kind which fills `bytes`.
pub(crate) fn skippable(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    let (length, content) = rest.split_first_chunk::<4>()?;
    let fits = u32::from_le_bytes(*magic) == SKIPPABLE + u32::from(kind & 0xf)
        && usize::try_from(u32::from_le_bytes(*length)).ok()? == content.len();
    fits.then_some(content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_are_read_back(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            put_uint(&mut bytes, unsigned);
            put_int(&mut bytes, signed);
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!((cursor.uint(), cursor.int()), (Some(unsigned), Some(signed)));
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), size in 0usize..100) {
            let mut cursor = Cursor::new(&bytes);
            while cursor.uint().is_some() {}
            let _ = (cursor.int(), decompress(&bytes, size), skippable(&bytes, 1));
        }
    }
}
