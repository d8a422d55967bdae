use std::fs;

use proptest::prelude::*;
use storage::StoreUrl;

use super::*;
use crate::event_log::{LogSource, find};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

struct Place {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), runtime: runtime() }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn log(&self, name: &str) -> (Store, EventLog) {
        let store = Store::open(&StoreUrl::folder(self.folder.path())).unwrap();
        let source = LogSource::new(store.clone(), None);
        (store, self.runtime.block_on(find::by_name(&source, name)).unwrap().unwrap())
    }

    fn open(&self, name: &str, options: ReadOptions) -> LineBlocks {
        let (store, log) = self.log(name);
        LineBlocks::new(&store, &log, self.runtime.handle().clone(), options)
    }

    fn resume(&self, name: &str, checkpoint: &Checkpoint, options: ReadOptions) -> Option<LineBlocks> {
        let (store, log) = self.log(name);
        LineBlocks::resume(&store, &log, checkpoint, self.runtime.handle().clone(), options)
    }
}

fn all(blocks: &mut LineBlocks) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(block) = blocks.next_block().unwrap() {
        assert!(!block.is_empty());
        text.extend_from_slice(&block);
    }
    text
}

const SMALL: ReadOptions = ReadOptions { max_line_bytes: 1000, block_bytes: 100 };

#[test]
fn lines_that_are_too_long_are_left_out_and_counted() {
    let place = Place::new();
    let long = "x".repeat(1001);
    let fits = "y".repeat(999);
    for (text, expected, left_out) in [
        (format!("a\n{long}\nb\n"), "a\nb\n".to_owned(), 1),
        (format!("{long}\n"), String::new(), 1),
        (format!("a\n{long}"), "a\n".to_owned(), 1),
        (format!("{fits}\n{long}{long}{long}\n{fits}\nz"), format!("{fits}\n{fits}\nz"), 1),
        (format!("{long}\n{long}\na\n"), "a\n".to_owned(), 2),
    ] {
        place.write("log", text.as_bytes());
        let mut blocks = place.open("log", SMALL);
        assert_eq!(String::from_utf8(all(&mut blocks)).unwrap(), expected);
        assert_eq!(blocks.lines_too_long(), left_out, "{}", text.len());
    }
}

#[test]
fn each_file_of_a_rolling_log_begins_a_line() {
    let place = Place::new();
    place.write("eventlog_v2_a/events_1_a", b"one\ntwo");
    place.write("eventlog_v2_a/events_2_a", b"three\n");
    place.write("eventlog_v2_a/appstatus_a", b"");
    assert_eq!(all(&mut place.open("eventlog_v2_a", SMALL)), b"one\ntwo\nthree\n");
}

#[test]
fn a_damaged_file_gives_what_comes_before_and_a_word() {
    let place = Place::new();
    let mut bytes = zstd::encode_all(&b"one\ntwo\n"[..], 1).unwrap();
    bytes.extend(b"damage");
    place.write("log.zstd", &bytes);
    let mut blocks = place.open("log.zstd", SMALL);
    assert_eq!(all(&mut blocks), b"one\ntwo\n");
    assert!(blocks.problems()[0].message.contains("damaged"), "{:?}", blocks.problems());
}

#[test]
fn a_log_that_became_shorter_is_not_gone_on_with() {
    let place = Place::new();
    place.write("log.inprogress", b"one\ntwo\n");
    let mut blocks = place.open("log.inprogress", SMALL);
    all(&mut blocks);
    let checkpoint = blocks.checkpoint().unwrap();
    place.write("log.inprogress", b"one\n");
    assert!(place.resume("log.inprogress", &checkpoint, SMALL).is_none());
}

fn encode(zstd: bool, parts: &[Vec<u8>]) -> Vec<u8> {
    match zstd {
        true => parts.iter().flat_map(|part| zstd::encode_all(part.as_slice(), 1).unwrap()).collect(),
        false => parts.concat(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However a log arrives, and wherever its units and its lines end: in the end all of it was given, once.
    #[test]
    fn a_log_that_grows_is_given_once(
        parts in prop::collection::vec("[a-z\n]{1,60}", 1..8),
        zstd: bool,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let place = Place::new();
        let (growing, finished) = if zstd { ("log.zstd.inprogress", "log.zstd") } else { ("log.inprogress", "log") };
        let parts: Vec<Vec<u8>> = parts.into_iter().map(String::into_bytes).collect();
        let file = encode(zstd, &parts);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(file.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut text, mut checkpoint) = (Vec::new(), None);
        for (i, cut) in cuts.iter().copied().chain([file.len()]).enumerate() {
            let last = i == cuts.len();
            let name = if last { finished } else { growing };
            place.write(name, &file[..cut]);
            let mut blocks = match &checkpoint {
                Some(checkpoint) => place.resume(name, checkpoint, SMALL).unwrap(),
                None => place.open(name, SMALL),
            };
            text.extend(all(&mut blocks));
            prop_assert!(blocks.problems().is_empty());
            checkpoint = blocks.checkpoint();
        }
        prop_assert_eq!(text, parts.concat());
    }
}
