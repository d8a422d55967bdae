use std::io;

use super::fault::{damaged, truncated};
use super::input::Input;

/// `org.xerial.snappy.SnappyOutputStream`: a header of 16 bytes, then chunks, each after its length, big-endian.
pub(super) const MAGIC: &[u8] = b"\x82SNAPPY\0";
const HEADER_BYTES: usize = MAGIC.len() + 2 * 4;
/// The writer's blocks have 32 KiB, as `spark.io.compression.snappy.blockSize` says; this is what is believed of any.
const MAX_BLOCK_BYTES: usize = 64 * 1024 * 1024;

/// The next chunk that has bytes in it. Headers of streams that follow each other are passed over.
pub(super) fn decode(input: &mut Input, block: &mut Vec<u8>) -> io::Result<bool> {
    while !input.fill()?.is_empty() {
        let head = input.peek(MAGIC.len())?;
        if head.len() < MAGIC.len() && MAGIC.starts_with(head) {
            return Err(truncated());
        }
        if head == MAGIC {
            input.need(HEADER_BYTES)?;
            input.consume(HEADER_BYTES);
            continue;
        }
        let length = input.need(4)?;
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if length > snap::raw::max_compress_len(MAX_BLOCK_BYTES) {
            return Err(damaged("a Snappy chunk says an impossible length"));
        }
        let chunk = &input.need(4 + length)?[4..];
        let bad = |e: snap::Error| damaged(&format!("a Snappy chunk does not decode: {e}"));
        let original = snap::raw::decompress_len(chunk).map_err(bad)?;
        if original > MAX_BLOCK_BYTES {
            return Err(damaged("a Snappy chunk says an impossible length"));
        }
        block.resize(original, 0);
        snap::raw::Decoder::new().decompress(chunk, block).map_err(bad)?;
        input.consume(4 + length);
        if original > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
