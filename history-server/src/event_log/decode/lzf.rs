use std::io;

use super::fault::damaged;
use super::input::Input;

/// `com.ning.compress.lzf.LZFOutputStream`: `ZV`, kind, length of the chunk, and of the text if it is compressed.
pub(super) const MAGIC: &[u8] = b"ZV";
const RAW_HEADER_BYTES: usize = 5;
const COMPRESSED_HEADER_BYTES: usize = 7;

/// The next chunk that has bytes in it.
pub(super) fn decode(input: &mut Input, block: &mut Vec<u8>) -> io::Result<bool> {
    while !input.fill()?.is_empty() {
        let header = input.need(RAW_HEADER_BYTES)?;
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let used = match (&header[..2], header[2]) {
            (MAGIC, 0) => {
                let chunk = input.need(RAW_HEADER_BYTES + length)?;
                block.extend_from_slice(&chunk[RAW_HEADER_BYTES..]);
                RAW_HEADER_BYTES + length
            }
            (MAGIC, 1) => {
                let chunk = input.need(COMPRESSED_HEADER_BYTES + length)?;
                let original = usize::from(u16::from_be_bytes([chunk[5], chunk[6]]));
                inflate(&chunk[COMPRESSED_HEADER_BYTES..], original, block)
                    .ok_or_else(|| damaged("an LZF chunk does not decode"))?;
                COMPRESSED_HEADER_BYTES + length
            }
            _ => return Err(damaged("an LZF chunk begins with something else")),
        };
        input.consume(used);
        if !block.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `LibLZF`'s format: a control byte below 32 announces that many and one more literal bytes; any other a copy from what
/// was written, its length in the upper three bits (7: and a byte more), its distance in the lower five and a byte.
fn inflate(mut bytes: &[u8], original: usize, out: &mut Vec<u8>) -> Option<()> {
    while let Some((&control, rest)) = bytes.split_first() {
        bytes = rest;
        if control < 32 {
            let (literal, rest) = bytes.split_at_checked(usize::from(control) + 1)?;
            out.extend_from_slice(literal);
            bytes = rest;
        } else {
            let mut length = usize::from(control >> 5) + 2;
            if control >> 5 == 7 {
                let (&more, rest) = bytes.split_first()?;
                length += usize::from(more);
                bytes = rest;
            }
            let (&low, rest) = bytes.split_first()?;
            bytes = rest;
            let distance = (usize::from(control & 0x1f) << 8 | usize::from(low)) + 1;
            let start = out.len().checked_sub(distance)?;
            if distance >= length {
                out.extend_from_within(start..start + length);
            } else {
                // The copy overlaps what it writes: a run.
                (start..start + length).for_each(|i| out.push(out[i]));
            }
        }
        if out.len() > original {
            return None;
        }
    }
    (out.len() == original).then_some(())
}
