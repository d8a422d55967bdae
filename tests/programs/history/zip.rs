//! As much of the zip format as it takes to look into what `…/logs` answers.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder};

/// What two archives differ in, or nothing.
pub(super) fn difference(want: &[u8], got: &[u8]) -> Option<String> {
    let (want, got) = (entries(want), entries(got));
    let names = |entries: &BTreeMap<String, Vec<u8>>| entries.keys().cloned().collect::<Vec<_>>();
    if names(&want) != names(&got) {
        return Some(format!("archive: want {:?}, got {:?}", names(&want), names(&got)));
    }
    let differ = want.iter().find(|(name, content)| got[*name] != **content);
    differ.map(|(name, content)| format!("archive: {name} of {} bytes has other content", content.len()))
}

pub(super) fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    // What is not gzip at all is told as an empty body.
    if GzDecoder::new(body).read_to_end(&mut text).is_err() {
        text.clear();
    }
    text
}

/// The entries by name, through the directory at the end: sizes are only there when an archive was streamed.
fn entries(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let end = (0..=archive.len().saturating_sub(22)).rev().find(|at| archive[*at..].starts_with(b"PK\x05\x06"));
    let end = end.expect("a zip archive has a directory at its end");
    let (mut count, mut at) = (number(archive, end + 10, 2), number(archive, end + 16, 4));
    // Of an archive in the Zip64 format, the true numbers stand before.
    if end >= 20 && archive[end - 20..].starts_with(b"PK\x06\x07") {
        let zip64 = number(archive, end - 12, 8);
        (count, at) = (number(archive, zip64 + 32, 8), number(archive, zip64 + 48, 8));
    }
    let mut entries = BTreeMap::new();
    for _ in 0..count {
        assert!(archive[at..].starts_with(b"PK\x01\x02"), "the directory of a zip archive is whole");
        let (name, extra, comment) =
            (number(archive, at + 28, 2), number(archive, at + 30, 2), number(archive, at + 32, 2));
        let entry = String::from_utf8(archive[at + 46..at + 46 + name].to_vec()).unwrap();
        let (size, local) = size_and_place(archive, at, at + 46 + name, extra);
        let data = local + 30 + number(archive, local + 26, 2) + number(archive, local + 28, 2);
        let data = &archive[data..data + size];
        let mut content = Vec::new();
        match number(archive, at + 10, 2) {
            0 => content.extend_from_slice(data),
            _ => drop(DeflateDecoder::new(data).read_to_end(&mut content).unwrap()),
        }
        entries.insert(entry, content);
        at += 46 + name + extra + comment;
    }
    entries
}

/// How long an entry is in the archive, and where: in 32 bits, or where those are all ones in the Zip64 field.
fn size_and_place(archive: &[u8], at: usize, extra: usize, extra_length: usize) -> (usize, usize) {
    let mut fields = [number(archive, at + 24, 4), number(archive, at + 20, 4), number(archive, at + 42, 4)];
    let mut field = extra;
    while field < extra + extra_length {
        if number(archive, field, 2) == 1 {
            let large = fields.iter_mut().filter(|value| **value == 0xffff_ffff);
            large.enumerate().for_each(|(n, value)| *value = number(archive, field + 4 + 8 * n, 8));
        }
        field += 4 + number(archive, field + 2, 2);
    }
    (fields[1], fields[2])
}

fn number(archive: &[u8], at: usize, bytes: usize) -> usize {
    archive[at..at + bytes].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
