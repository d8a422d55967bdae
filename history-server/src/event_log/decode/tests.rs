use std::io::{Cursor, Write as _};

use proptest::prelude::*;

use super::*;

/// The writers' side, by other programs' encoders where there are any.
fn encode(codec: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for part in parts {
        match codec {
            "zstd" => file.extend(::zstd::encode_all(part.as_slice(), 1).unwrap()),
            "lz4" => lz4_block(part, &mut file),
            "snappy" => snappy_stream(part, &mut file),
            "lzf" => lzf_chunks(part, &mut file),
            _ => file.extend_from_slice(part),
        }
    }
    file
}

fn lz4_block(part: &[u8], file: &mut Vec<u8>) {
    for chunk in part.chunks(32 * 1024).chain([[].as_slice()]) {
        let packed = lz4_flex::block::compress(chunk);
        let (token, bytes) = if packed.len() < chunk.len() { (0x20, packed) } else { (0x10, chunk.to_vec()) };
        file.extend_from_slice(b"LZ4Block");
        file.push(token | 5);
        let checksum = if chunk.is_empty() { 0 } else { xxhash_rust::xxh32::xxh32(chunk, 0x9747_b28c) & 0x0fff_ffff };
        for number in [bytes.len() as u32, chunk.len() as u32, checksum] {
            file.extend(number.to_le_bytes());
        }
        file.extend(bytes);
    }
}

fn snappy_stream(part: &[u8], file: &mut Vec<u8>) {
    file.extend(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
    for chunk in part.chunks(32 * 1024) {
        let packed = snap::raw::Encoder::new().compress_vec(chunk).unwrap();
        file.extend((packed.len() as u32).to_be_bytes());
        file.extend(packed);
    }
}

/// Literals, and one run where a chunk repeats its first byte.
fn lzf_chunks(part: &[u8], file: &mut Vec<u8>) {
    for chunk in part.chunks(1000) {
        let mut packed = Vec::new();
        let run = chunk.iter().take_while(|byte| **byte == chunk[0]).count().min(264);
        let rest = if run >= 10 {
            packed.extend([0, chunk[0], 7 << 5, (run - 1 - 9) as u8, 0]);
            &chunk[run..]
        } else {
            chunk
        };
        for literal in rest.chunks(32) {
            packed.push(literal.len() as u8 - 1);
            packed.extend(literal);
        }
        file.write_all(b"ZV").unwrap();
        if packed.len() < chunk.len() {
            file.push(1);
            file.extend((packed.len() as u16).to_be_bytes());
            file.extend((chunk.len() as u16).to_be_bytes());
            file.extend(packed);
        } else {
            file.push(0);
            file.extend((chunk.len() as u16).to_be_bytes());
            file.extend(chunk);
        }
    }
}

fn decoder(codec: &str, file: &[u8], offset: u64, position: u64) -> Decoder {
    let reader = Box::new(Cursor::new(file[offset as usize..].to_vec()));
    Decoder::new(reader, &format!("app.{codec}"), offset, position).unwrap()
}

fn text_of(decoder: &mut Decoder, step: usize) -> (Vec<u8>, Option<io::ErrorKind>) {
    let (mut text, mut buffer) = (Vec::new(), vec![0; step]);
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => return (text, None),
            Ok(read) => text.extend_from_slice(&buffer[..read]),
            Err(error) => return (text, Some(error.kind())),
        }
    }
}

const CODECS: [&str; 4] = ["zstd", "lz4", "snappy", "lzf"];

fn parts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let run = (any::<u8>(), 1..3000_usize).prop_map(|(byte, length)| vec![byte; length]);
    let noise = prop::collection::vec(any::<u8>(), 1..200);
    prop::collection::vec(prop_oneof![run, noise], 1..8)
}

proptest! {
    #[test]
    fn every_codec_gives_the_text_back(parts in parts(), codec in 0..4_usize, step in 1..5000_usize) {
        let file = encode(CODECS[codec], &parts);
        let (text, error) = text_of(&mut decoder(CODECS[codec], &file, 0, 0), step);
        prop_assert_eq!(error, None);
        prop_assert_eq!(text, parts.concat());
    }

    #[test]
    fn a_file_cut_anywhere_gives_what_comes_before(parts in parts(), codec in 0..4_usize, cut: prop::sample::Index) {
        let mut file = encode(CODECS[codec], &parts);
        let whole = parts.concat();
        file.truncate(cut.index(file.len()));
        let (text, error) = text_of(&mut decoder(CODECS[codec], &file, 0, 0), 777);
        prop_assert!(whole.starts_with(&text));
        prop_assert!(matches!(error, None | Some(io::ErrorKind::UnexpectedEof)), "{:?}", error);
    }

    #[test]
    fn damage_is_an_error_and_nothing_worse(parts in parts(), codec in 0..4_usize, at: prop::sample::Index, byte: u8) {
        let mut file = encode(CODECS[codec], &parts);
        let at = at.index(file.len());
        file[at] = byte;
        let (text, _) = text_of(&mut decoder(CODECS[codec], &file, 0, 0), 777);
        prop_assert!(text.len() < 4 * 1024 * 1024);
    }

    #[test]
    fn noise_is_an_error_and_nothing_worse(noise in prop::collection::vec(any::<u8>(), 0..500), codec in 0..4_usize) {
        let heads: [&[u8]; 4] = [b"\x28\xb5\x2f\xfd", b"LZ4Block", b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01", b"ZV\x01"];
        for head in [heads[codec], b""] {
            text_of(&mut decoder(CODECS[codec], &[head, noise.as_slice()].concat(), 0, 0), 777);
        }
    }

    #[test]
    fn decoding_goes_on_from_any_place(parts in parts(), codec in 0..4_usize, place: prop::sample::Index) {
        let file = encode(CODECS[codec], &parts);
        let whole = parts.concat();
        let place = place.index(whole.len()) as u64;
        let mut first = decoder(CODECS[codec], &file, 0, 0);
        let mut taken = vec![0; 64];
        while first.position < place {
            prop_assert!(first.read(&mut taken).unwrap() > 0);
        }
        let (offset, skip) = first.restart_before(place);
        let (text, error) = text_of(&mut decoder(CODECS[codec], &file, offset, place - skip), 777);
        prop_assert_eq!(error, None);
        prop_assert_eq!(&text[skip as usize..], &whole[place as usize..]);
    }
}

#[test]
fn a_copy_that_overlaps_itself_is_a_run() {
    // Literal "ab", then 6 bytes from 2 back.
    let file = b"ZV\x01\0\x05\0\x08\x01ab\x80\x01";
    assert_eq!(text_of(&mut decoder("lzf", file, 0, 0), 100), (b"abababab".to_vec(), None));
}

#[test]
fn a_log_whose_name_says_nothing_is_known_by_its_first_bytes() {
    for codec in CODECS {
        let file = encode(codec, &[b"{\"Event\":1}\n".to_vec()]);
        let mut decoder = Decoder::new(Box::new(Cursor::new(file)), "app-1", 0, 0).unwrap();
        assert_eq!(text_of(&mut decoder, 100), (b"{\"Event\":1}\n".to_vec(), None), "{codec}");
    }
}

#[test]
fn a_header_that_promises_gigabytes_allocates_nothing() {
    let lz4 = b"LZ4Block\x2f\xff\xff\xff\x7f\xff\xff\xff\x7f\0\0\0\0";
    let snappy = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x06\xff\xff\xff\xff\x0f\x00";
    assert_eq!(text_of(&mut decoder("lz4", lz4, 0, 0), 100).1, Some(io::ErrorKind::InvalidData));
    assert_eq!(text_of(&mut decoder("snappy", snappy, 0, 0), 100).1, Some(io::ErrorKind::InvalidData));
}
