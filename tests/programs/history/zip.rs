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
    let number = |at: usize, bytes: usize| {
        archive[at..at + bytes].iter().rev().fold(0usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let end = (0..=archive.len().saturating_sub(22)).rev().find(|at| archive[*at..].starts_with(b"PK\x05\x06"));
    let end = end.expect("a zip archive has a directory at its end");
    let (count, mut at) = (number(end + 10, 2), number(end + 16, 4));
    let mut entries = BTreeMap::new();
    for _ in 0..count {
        assert!(archive[at..].starts_with(b"PK\x01\x02"), "the directory of a zip archive is whole");
        let (method, size, local) = (number(at + 10, 2), number(at + 20, 4), number(at + 42, 4));
        let (name, extra, comment) = (number(at + 28, 2), number(at + 30, 2), number(at + 32, 2));
        let entry = String::from_utf8(archive[at + 46..at + 46 + name].to_vec()).unwrap();
        let data = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let data = &archive[data..data + size];
        let mut content = Vec::new();
        match method {
            0 => content.extend_from_slice(data),
            _ => drop(DeflateDecoder::new(data).read_to_end(&mut content).unwrap()),
        }
        entries.insert(entry, content);
        at += 46 + name + extra + comment;
    }
    entries
}
