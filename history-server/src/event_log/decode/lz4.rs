use std::io;

use xxhash_rust::xxh32::xxh32;

use super::fault::damaged;
use super::input::Input;

/// `net.jpountz.lz4.LZ4BlockOutputStream`: magic, token, then three little-endian numbers, then the block.
pub(super) const MAGIC: &[u8] = b"LZ4Block";
const HEADER_BYTES: usize = MAGIC.len() + 1 + 3 * 4;
const RAW: u8 = 0x10;
const COMPRESSED: u8 = 0x20;
/// The writer's seed; and its checksum keeps 28 bits only, because Java's `Checksum` view of it does.
const SEED: u32 = 0x9747_b28c;
const CHECKSUM_MASK: u32 = 0x0fff_ffff;

/// The next block that has bytes in it. Empty ones end a stream; another may follow.
pub(super) fn decode(input: &mut Input, block: &mut Vec<u8>) -> io::Result<bool> {
    while !input.fill()?.is_empty() {
        let header = Header::parse(input.need(HEADER_BYTES)?)?;
        let whole = input.need(HEADER_BYTES + header.compressed)?;
        let bytes = &whole[HEADER_BYTES..];
        if header.raw {
            block.extend_from_slice(bytes);
        } else if header.original > 0 {
            block.resize(header.original, 0);
            let length = lz4_flex::block::decompress_into(bytes, block)
                .map_err(|e| damaged(&format!("an LZ4 block does not decode: {e}")))?;
            if length != header.original {
                return Err(damaged("an LZ4 block is shorter than its header says"));
            }
        }
        if !block.is_empty() && xxh32(block, SEED) & CHECKSUM_MASK != header.checksum {
            return Err(damaged("the checksum of an LZ4 block is wrong"));
        }
        input.consume(HEADER_BYTES + header.compressed);
        if !block.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

struct Header {
    raw: bool,
    compressed: usize,
    original: usize,
    checksum: u32,
}

impl Header {
    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let bad = || damaged("an LZ4 block begins with something else");
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(bad)?;
        let (&token, numbers) = rest.split_first().ok_or_else(bad)?;
        let mut numbers = numbers.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let mut next = || numbers.next().ok_or_else(bad);
        let (compressed, original, checksum) = (next()? as usize, next()? as usize, next()?);
        let raw = match token & 0xf0 {
            RAW => true,
            COMPRESSED => false,
            _ => return Err(bad()),
        };
        // The token's low bits say how large a block can be; so a damaged length cannot make us allocate gigabytes.
        let limit = 1 << (10 + u32::from(token & 0x0f));
        let fits = original <= limit
            && compressed <= lz4_flex::block::get_maximum_output_size(original)
            && (original == 0) == (compressed == 0)
            && (!raw || original == compressed);
        if fits { Ok(Self { raw, compressed, original, checksum }) } else { Err(bad()) }
    }
}
