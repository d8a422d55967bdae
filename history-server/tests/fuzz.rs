//! What the fuzz targets do, on a few seeds, on what fuzzing has found and on mutations: so they compile with everything
//! else.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself would")]

#[path = "../fuzz/fuzz_targets/lines.rs"]
mod lines;
#[path = "../fuzz/fuzz_targets/log.rs"]
mod log;

#[path = "../../tests/support/length.rs"]
mod length;

use std::path::Path;

use length::length;
use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// The first byte of an input says how to split the rest.
const SPLITS: [u8; 4] = [0, 3, 128, 255];
const CODECS: [&str; 4] = ["zstd", "lz4", "snappy", "lzf"];

fn recorded(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    std::fs::read(file).unwrap()
}

/// The bytes, as an input for each way to split them.
fn inputs(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    SPLITS.iter().map(move |split| [&[*split], bytes].concat())
}

#[test]
fn a_recorded_log_whole_cut_and_damaged() {
    let whole = recorded("jobs.zstd");
    let cut = &whole[..whole.len() / 3];
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x55;
    for bytes in [&whole, cut, &damaged] {
        inputs(bytes).for_each(|input| log::read(&input, "zstd"));
    }
}

#[test]
fn what_is_of_no_codec_and_what_only_begins_like_one() {
    let text = b"{\"Event\":\"SparkListenerLogStart\",\"Spark Version\":\"4.3.0\"}\n";
    let begins: [&[u8]; 6] = [
        b"",
        text,
        &[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0xff, 0xff, 0xff],
        b"LZ4Block\x26\xff\xff\xff\x7f\xff\xff\xff\x7f\0\0\0\0",
        b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\x7f\xff\xff\xff",
        b"ZV\x01\xff\xff\xff\xff\x01\x02",
    ];
    for codec in CODECS {
        begins.iter().flat_map(|bytes| inputs(bytes)).for_each(|input| log::read(&input, codec));
    }
}

/// A frame of one block whose checksum is wrong: read at once it gives nothing, read as it grew what came before.
#[test]
fn a_frame_that_turns_out_damaged_at_its_end() {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x48];
    let text = b"{\"Event\":\"SparkListenerLogStart\"}\n{\"Event\":\"Spark";
    frame.extend_from_slice(&((text.len() as u32) << 3 | 1).to_le_bytes()[..3]);
    frame.extend_from_slice(text);
    frame.extend_from_slice(&[1, 2, 3, 4]);
    (0..=255).for_each(|split| log::read(&[&[split], &frame[..]].concat(), "zstd"));
}

#[test]
fn lines_whole_cut_and_shuffled() {
    let text = zstd::decode_all(&recorded("sql.zstd")[..]).unwrap();
    let some: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.len() < 3000).take(60).collect();
    let backwards: Vec<_> = some.iter().rev().copied().collect();
    let beginnings: Vec<_> = some.iter().flat_map(|line| [&line[..line.len() * 2 / 3], b"\n"]).collect();
    for lines in [some.concat(), backwards.concat(), beginnings.concat()] {
        inputs(&lines).for_each(|input| lines::replay(&input));
    }
}

/// Where the mutations start: a failure names the round, and comes again.
fn dice() -> TestRng {
    TestRng::deterministic_rng(RngAlgorithm::ChaCha)
}

/// One to five of what storage, networks and clocks do to bytes.
fn mutate(bytes: &mut Vec<u8>, dice: &mut TestRng) {
    for _ in 0..dice.random_range(1..=5) {
        let at = dice.random_range(0..bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        let end = (at + dice.random_range(1..200)).min(bytes.len());
        match dice.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.random_range(0..8),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            3 => {
                let escape = ["\\ud8\"\u{20ac}", "\\u\u{20ac}"][dice.random_range(0..2)];
                drop(bytes.splice(at..end, escape.bytes()));
            }
            4 => drop(bytes.splice(at..at, dice.random::<i64>().to_string().bytes())),
            _ => bytes[at..end].reverse(),
        }
    }
}

/// Keeps the input, and names its place.
fn failed(round: usize, input: &[u8]) {
    let file = std::env::temp_dir().join(format!("hearth-fuzz-{round}"));
    std::fs::write(&file, input).unwrap();
    panic!("round {round} fails; its input is {}", file.display());
}

#[test]
fn mutated_lines() {
    let texts = ["jobs.zstd", "sql.zstd", "streaming.zstd", "connect.zstd", "thrift.zstd"]
        .map(|name| zstd::decode_all(&recorded(name)[..]).unwrap());
    let lines: Vec<Vec<&[u8]>> = texts
        .iter()
        .map(|text| text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.len() < 6000).collect())
        .collect();
    let mut dice = dice();
    for round in 0..length(60, 200_000) {
        let lines = &lines[dice.random_range(0..lines.len())];
        let from = dice.random_range(0..lines.len());
        let mut input = vec![dice.random()];
        input.extend(lines[from..].iter().take(50).flat_map(|line| line.iter().copied()));
        mutate(&mut input, &mut dice);
        std::panic::catch_unwind(|| lines::replay(&input)).unwrap_or_else(|_| failed(round, &input));
    }
}

/// Large enough to be read by several threads.
#[test]
fn mutated_logs_of_megabytes() {
    let text = zstd::decode_all(&recorded("jobs.zstd")[..]).unwrap();
    let mut dice = dice();
    for _ in 0..length(1, 500) {
        let mut input = vec![255];
        while input.len() < 3 << 20 {
            let mut part = text.clone();
            mutate(&mut part, &mut dice);
            input.extend_from_slice(&part);
        }
        lines::replay(&input);
    }
}

#[test]
fn mutated_files_of_every_codec() {
    let file = recorded("jobs.zstd");
    let mut dice = dice();
    for round in 0..length(40, 20_000) {
        let mut bytes = file.clone();
        mutate(&mut bytes, &mut dice);
        let input = [&[dice.random::<u8>()], &bytes[..]].concat();
        CODECS.iter().for_each(|codec| {
            std::panic::catch_unwind(|| log::read(&input, codec)).unwrap_or_else(|_| failed(round, &input));
        });
    }
}
