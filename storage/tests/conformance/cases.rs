use futures::TryStreamExt as _;
use storage::{Error, ObjectPath, Sha256Digest, Store, growing};
use tokio::task::JoinSet;

/// Names that have meant trouble somewhere: to URLs, to XML, to shells, to this store's own escapes.
pub(crate) const ODD_NAMES: &[&str] = &[
    "with space",
    " leading and trailing ",
    "100%",
    "a%20b",
    "a%2Fb",
    "%23",
    "%2523",
    "plus+and&more=a?b",
    "hash#tag",
    "name#1",
    "a#b#2",
    "#3",
    "umlaut-\u{fc}-\u{4f60}\u{597d}-\u{1f600}",
    "quote'\"<>&;",
    "back\\slash",
    "[brackets]{braces}~^|`*",
    "colon:semicolon;comma,",
    "...",
    ".hidden",
    "eventlog_v2_spark-1/events_1_spark-1.zstd",
    "deep/er/and\u{e4}/dee per/name#7",
];

pub(crate) fn path(text: &str) -> ObjectPath {
    ObjectPath::parse(text).unwrap()
}

/// Bytes that are not all alike.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

async fn names(store: &Store, folder: &str) -> Vec<String> {
    let found: Vec<_> = store.list(&path(folder)).try_collect().await.unwrap();
    let mut names: Vec<_> = found.iter().map(|meta| meta.path.as_str().to_owned()).collect();
    names.sort();
    names
}

pub(crate) async fn what_is_put_is_got(store: Store) {
    let at = path("a/b");
    store.put(&at, "one").await.unwrap();
    assert_eq!(store.get(&at, 3).await.unwrap(), "one");
    assert!(matches!(store.get(&at, 2).await.unwrap_err(), Error::TooLarge { limit_bytes: 2, .. }));
    store.put(&at, "another").await.unwrap();
    assert_eq!(store.get(&at, 100).await.unwrap(), "another");
    let meta = store.head(&at).await.unwrap();
    assert_eq!((meta.path, meta.size_bytes), (at, 7));
    store.put(&path("empty"), "").await.unwrap();
    assert_eq!(store.get(&path("empty"), 0).await.unwrap(), "");
}

pub(crate) async fn what_is_not_there_is_not_found(store: Store) {
    store.put(&path("a/b"), "x").await.unwrap();
    for absent in ["b", "a/c", "a/b/c", "a/b/c/d"] {
        nothing_is_at(&store, absent).await;
    }
}

/// Not even where a store has a real folder.
pub(crate) async fn a_folder_is_no_object(store: Store) {
    store.put(&path("a/b/c"), "x").await.unwrap();
    nothing_is_at(&store, "a").await;
    nothing_is_at(&store, "a/b").await;
    store.delete(&path("a/b")).await.unwrap();
    assert_eq!(names(&store, "").await, ["a/b/c"]);
}

async fn nothing_is_at(store: &Store, absent: &str) {
    let at = path(absent);
    assert!(store.head(&at).await.unwrap_err().is_not_found(), "head {absent}");
    assert!(store.get(&at, 10).await.unwrap_err().is_not_found(), "get {absent}");
    assert!(store.get_range(&at, 0..5).await.unwrap_err().is_not_found(), "range {absent}");
    assert!(store.read(&at, 0).await.err().unwrap().is_not_found(), "read {absent}");
    assert!(store.read(&at, 1).await.err().unwrap().is_not_found(), "read on {absent}");
    assert!(store.copy(&at, &path("copy")).await.unwrap_err().is_not_found(), "copy {absent}");
}

pub(crate) async fn ranges_are_cut_at_the_end(store: Store) {
    let at = path("ten");
    store.put(&at, "0123456789").await.unwrap();
    for (range, expected) in
        [(0..10, "0123456789"), (3..5, "34"), (8..20, "89"), (10..12, ""), (99..100, ""), (4..4, "")]
    {
        assert_eq!(store.get_range(&at, range.clone()).await.unwrap(), expected, "{range:?}");
    }
    store.put(&at, "").await.unwrap();
    assert_eq!(store.get_range(&at, 0..5).await.unwrap(), "");
}

pub(crate) async fn streams_start_anywhere(store: Store) {
    let (at, all) = (path("large"), bytes(1_000_000));
    store.put(&at, all.clone()).await.unwrap();
    for offset in [0, 1, 262_144, 999_999, 1_000_000, 2_000_000] {
        let (meta, stream) = store.read(&at, offset as u64).await.unwrap();
        let read = stream.try_collect::<Vec<_>>().await.unwrap().concat();
        assert_eq!(meta.size_bytes, 1_000_000);
        assert!(read == all[offset.min(all.len())..], "{offset}: {} bytes", read.len());
    }
    let part = store.read_range(&at, 300_000..900_000).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat();
    assert!(part == all[300_000..900_000]);
}

pub(crate) async fn only_one_of_many_creates_wins(store: Store) {
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move { (writer, store.put_if_absent(&path("lock"), format!("{writer}")).await) });
    }
    let ended = writers.join_all().await;
    let winners: Vec<_> = ended.iter().filter(|(_, result)| result.is_ok()).collect();
    let [(winner, _)] = winners.as_slice() else { panic!("{ended:?}") };
    assert!(ended.iter().all(|(_, result)| matches!(result, Ok(_) | Err(Error::AlreadyExists { .. }))), "{ended:?}");
    assert_eq!(store.get(&path("lock"), 10).await.unwrap(), format!("{winner}"));
}

pub(crate) async fn only_the_version_that_was_seen_is_replaced(store: Store) {
    let at = path("record");
    let first = store.put_if_absent(&at, "one").await.unwrap();
    let (text, seen) = store.get_versioned(&at, 10).await.unwrap();
    assert_eq!((text.as_ref(), &seen), (b"one".as_ref(), &first));
    assert!(matches!(store.get_versioned(&at, 2).await.unwrap_err(), Error::TooLarge { limit_bytes: 2, .. }));

    let second = store.put_if_match(&at, "two", &first).await.unwrap();
    assert_eq!(store.get_versioned(&at, 10).await.unwrap().1, second);
    let late = store.put_if_match(&at, "late", &first).await.unwrap_err();
    assert!(matches!(late, Error::Changed { .. }), "{late:?}");
    assert_eq!(store.get(&at, 10).await.unwrap(), "two");

    store.put(&at, "three").await.unwrap();
    let late = store.put_if_match(&at, "late", &second).await.unwrap_err();
    assert!(matches!(late, Error::Changed { .. }), "{late:?}");
    store.delete(&at).await.unwrap();
    let gone = store.put_if_match(&at, "late", &second).await.unwrap_err();
    assert!(matches!(gone, Error::Changed { .. }), "{gone:?}");
    assert_eq!(names(&store, "").await, [""; 0]);
}

pub(crate) async fn no_swap_of_many_writers_is_lost(store: Store) {
    count_together([store.clone(), store]).await;
}

/// Each store's writers add their own letter to one object, again and again.
pub(crate) async fn count_together(stores: [Store; 2]) {
    const TIMES: usize = 6;
    let at = path("count");
    stores[0].put(&at, "").await.unwrap();
    let mut writers = JoinSet::new();
    for (writer, store) in "abcd".chars().zip(stores.iter().cycle()) {
        let (store, at) = (store.clone(), at.clone());
        writers.spawn(async move {
            for _ in 0..TIMES {
                loop {
                    let (text, seen) = store.get_versioned(&at, 1000).await.unwrap();
                    let text = format!("{}{writer}", std::str::from_utf8(&text).unwrap());
                    match store.put_if_match(&at, text, &seen).await {
                        Ok(_) => break,
                        Err(Error::Changed { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        });
    }
    writers.join_all().await;
    let text = stores[0].get(&at, 1000).await.unwrap();
    let count = |letter: u8| text.iter().filter(|found| **found == letter).count();
    assert!(b"abcd".iter().all(|letter| count(*letter) == TIMES), "{text:?}");
}

pub(crate) async fn many_are_deleted_at_once(store: Store) {
    let all: Vec<_> = (0..30).map(|i| path(&format!("many/a b/{i}#{i}"))).collect();
    for at in &all {
        store.put(at, "x").await.unwrap();
    }
    store.put(&path("many/other"), "x").await.unwrap();
    store.delete_all(all.iter().cloned().chain([path("never/was"), path("many/neither")])).await.unwrap();
    assert_eq!(names(&store, "").await, ["many/other"]);
    store.delete_all([]).await.unwrap();
}

pub(crate) async fn listing_starts_behind_a_path(store: Store) {
    for name in ["f/a", "f/b", "f/b-", "f/bb/x", "f/c", "g"] {
        store.put(&path(name), "x").await.unwrap();
    }
    let after = |name: &str| {
        let found = store.list_after(&path("f"), &path(name));
        async move {
            let found: Vec<_> = found.try_collect().await.unwrap();
            let mut found: Vec<_> = found.iter().map(|meta| meta.path.as_str().to_owned()).collect();
            found.sort();
            found
        }
    };
    let all = names(&store, "f").await;
    for (start, expected) in [("a", &all[..]), ("f/a", &all[1..]), ("f/b", &all[2..]), ("f/c", &[]), ("g", &[])] {
        assert_eq!(after(start).await, expected, "{start}");
    }
}

pub(crate) async fn a_folder_is_listed_in_pages(store: Store) {
    let expected = ["f/a", "f/b-c", "f/b.c", "f/b/", "f/b0", "f/d/", "f/e"];
    for name in ["f/a", "f/b-c", "f/b.c", "f/b/x", "f/b/y", "f/b0", "f/d/x/y", "f/e", "g", "a"] {
        store.put(&path(name), "x").await.unwrap();
    }
    for limit in [1, 2, 3, 7, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.list_page(&path("f"), after.as_ref(), limit).await.unwrap();
            assert!(page.entries.len() <= limit);
            found.extend(page.entries.iter().map(|entry| match entry {
                storage::PageEntry::Folder(path) => format!("{}/", path.as_str()),
                storage::PageEntry::Object(meta) => meta.path.as_str().to_owned(),
            }));
            after = page.entries.last().map(storage::PageEntry::as_after);
            if page.is_last {
                break;
            }
        }
        assert_eq!(found, expected, "{limit}");
    }
    let none = store.list_page(&path("nothing"), None, 10).await.unwrap();
    assert!(none.entries.is_empty() && none.is_last);
}

pub(crate) async fn a_store_that_can_be_used_says_so(store: Store) {
    store.check(false).await.unwrap();
    store.check(true).await.unwrap();
    assert_eq!(names(&store, "").await, [""; 0]);
}

pub(crate) async fn listing_finds_all_below_and_nothing_beside(store: Store) {
    for name in ["logs/app-1/a", "logs/app-1/b/c", "logs/app-10/a", "logs/app-1x", "other"] {
        store.put(&path(name), name).await.unwrap();
    }
    assert_eq!(names(&store, "logs/app-1").await, ["logs/app-1/a", "logs/app-1/b/c"]);
    assert_eq!(names(&store, "").await.len(), 5);
    assert_eq!(names(&store, "nothing").await, [""; 0]);
    assert_eq!(names(&store, "other").await, [""; 0]);
    assert_eq!(names(&store, "other/below").await, [""; 0]);
}

pub(crate) async fn folders_are_what_has_something_below_it(store: Store) {
    for name in ["f/z", "f/a", "f/sub/x", "f/sub/y", "f/tief/er/x"] {
        store.put(&path(name), name).await.unwrap();
    }
    let listing = store.list_folder(&path("f")).await.unwrap();
    assert_eq!(listing.folders, [path("f/sub"), path("f/tief")]);
    let objects: Vec<_> = listing.objects.iter().map(|meta| (meta.path.as_str(), meta.size_bytes)).collect();
    assert_eq!(objects, [("f/a", 3), ("f/z", 3)]);
    assert_eq!(store.list_folder(&ObjectPath::root()).await.unwrap().folders, [path("f")]);

    store.delete(&path("f/tief/er/x")).await.unwrap();
    assert_eq!(store.list_folder(&path("f")).await.unwrap().folders, [path("f/sub")]);
    for nothing in ["nothing", "f/a", "f/a/below"] {
        let listing = store.list_folder(&path(nothing)).await.unwrap();
        assert!(listing.folders.is_empty() && listing.objects.is_empty(), "{nothing}: {listing:?}");
    }
}

pub(crate) async fn a_folder_left_empty_can_become_a_file(store: Store) {
    store.put(&path("f/deep/er/x"), "x").await.unwrap();
    store.delete(&path("f/deep/er/x")).await.unwrap();
    store.put(&path("f/deep"), "now a file").await.unwrap();
    assert_eq!(store.get(&path("f/deep"), 10).await.unwrap(), "now a file");
}

pub(crate) async fn deleting_twice_is_no_error(store: Store) {
    store.put(&path("a/b"), "x").await.unwrap();
    store.delete(&path("a/b")).await.unwrap();
    store.delete(&path("a/b")).await.unwrap();
    store.delete(&path("never/was")).await.unwrap();
    assert_eq!(names(&store, "").await, [""; 0]);
}

pub(crate) async fn a_copy_is_the_same_bytes(store: Store) {
    let all = bytes(300_000);
    store.put(&path("from/a b"), all.clone()).await.unwrap();
    store.put(&path("to/c#1"), "old").await.unwrap();
    store.copy(&path("from/a b"), &path("to/c#1")).await.unwrap();
    assert!(store.get(&path("to/c#1"), 1 << 20).await.unwrap() == all);
    store.delete(&path("from/a b")).await.unwrap();
    assert!(store.get(&path("to/c#1"), 1 << 20).await.unwrap() == all);
}

pub(crate) async fn odd_names_are_kept(store: Store) {
    for name in ODD_NAMES {
        store.put(&path(name), name.as_bytes()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    for name in ODD_NAMES {
        assert_eq!(store.get(&path(name), 100).await.unwrap(), name.as_bytes(), "{name}");
        assert_eq!(store.head(&path(name)).await.unwrap().path.as_str(), *name);
    }
    let mut expected: Vec<_> = ODD_NAMES.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(names(&store, "").await, expected);
    let deep = store.list_folder(&path("deep/er/and\u{e4}")).await.unwrap();
    assert_eq!(deep.folders, [path("deep/er/and\u{e4}/dee per")]);
    for name in ODD_NAMES {
        store.delete(&path(name)).await.unwrap();
    }
    assert_eq!(names(&store, "").await, [""; 0]);
}

pub(crate) async fn a_small_object_is_written_at_once(store: Store) {
    let mut writer = store.writer(&path("small"));
    writer.write(b"one ").await.unwrap();
    writer.write(b"two").await.unwrap();
    assert!(store.head(&path("small")).await.unwrap_err().is_not_found());
    let written = writer.finish().await.unwrap();
    assert_eq!((written.size_bytes, written.sha256), (7, Sha256Digest::of(b"one two")));
    assert_eq!(store.get(&path("small"), 10).await.unwrap(), "one two");

    store.writer(&path("nothing")).finish().await.unwrap();
    assert_eq!(store.head(&path("nothing")).await.unwrap().size_bytes, 0);
}

pub(crate) async fn a_large_object_is_written_in_parts(store: Store) {
    let all = bytes((20 << 20) + 12_345);
    let mut writer = store.writer(&path("in/parts"));
    // One piece is larger than a part; the others do not end where parts do.
    writer.write(&all[..9 << 20]).await.unwrap();
    for chunk in all[9 << 20..].chunks(777_777) {
        writer.write(chunk).await.unwrap();
    }
    assert!(store.head(&path("in/parts")).await.unwrap_err().is_not_found());
    let written = writer.finish().await.unwrap();
    assert_eq!((written.size_bytes, written.sha256), (all.len() as u64, Sha256Digest::of(&all)));
    assert!(store.get(&path("in/parts"), 1 << 30).await.unwrap() == all);
}

pub(crate) async fn an_unfinished_writer_leaves_nothing(store: Store) {
    for (name, length) in [("small", 10), ("large", 20 << 20)] {
        let mut dropped = store.writer(&path(name));
        dropped.write(&bytes(length)).await.unwrap();
        drop(dropped);
        let mut aborted = store.writer(&path(name));
        aborted.write(&bytes(length)).await.unwrap();
        aborted.abort().await.unwrap();
        assert!(store.head(&path(name)).await.unwrap_err().is_not_found(), "{name}");
    }
    assert_eq!(names(&store, "").await, [""; 0]);
}

/// Some stores can have an object and others below it, a folder cannot: it says so and keeps what is there.
pub(crate) async fn a_file_is_no_folder(store: Store) {
    store.put(&path("a"), "file").await.unwrap();
    let below = store.put(&path("a/b"), "below").await;
    assert!(matches!(below, Ok(()) | Err(Error::InvalidPath { .. })), "{below:?}");
    assert_eq!(store.get(&path("a"), 10).await.unwrap(), "file");

    store.put(&path("f/x"), "below").await.unwrap();
    let file = store.put(&path("f"), "file").await;
    assert!(matches!(file, Ok(()) | Err(Error::InvalidPath { .. })), "{file:?}");
    assert_eq!(store.get(&path("f/x"), 10).await.unwrap(), "below");
}

pub(crate) async fn a_store_below_a_folder_is_that_folder(store: Store) {
    let below = store.below(&path("tenant/one")).unwrap();
    below.put(&path("x"), "x").await.unwrap();
    store.put(&path("tenant/oneself"), "y").await.unwrap();
    assert_eq!(names(&below, "").await, ["x"]);
    assert_eq!(store.get(&path("tenant/one/x"), 1).await.unwrap(), "x");
}

pub(crate) async fn a_growing_file_becomes_one_object(store: Store) {
    let (at, all) = (path("event-logs/app#1.inprogress"), bytes(100_000));
    assert_eq!(growing::open(&store, &at).await.unwrap(), None);
    growing::create(&store, &at).await.unwrap();
    assert_eq!(growing::open(&store, &at).await.unwrap().unwrap().size_bytes, 0);
    for (offset, end) in [(0, 40_000), (40_000, 50_000), (40_000, 70_000), (70_000, 100_000)] {
        growing::append(&store, &at, offset as u64, all[offset..end].to_vec()).await.unwrap();
        let file = growing::open(&store, &at).await.unwrap().unwrap();
        assert_eq!(file.size_bytes, end as u64);
        let read = growing::read(&store, &file, 0).try_collect::<Vec<_>>().await.unwrap().concat();
        assert!(read == all[..end]);
    }
    let files = growing::list(&store, &path("event-logs")).await.unwrap();
    assert_eq!(files.iter().map(|file| (&file.path, file.size_bytes)).collect::<Vec<_>>(), [(&at, 100_000)]);
    for offset in [0, 1, 39_999, 40_000, 99_999, 100_000, 200_000] {
        let read = growing::read(&store, &files[0], offset as u64).try_collect::<Vec<_>>().await.unwrap().concat();
        assert!(read == all[offset.min(all.len())..], "{offset}");
    }
    growing::finish(&store, &at).await.unwrap();
    growing::finish(&store, &at).await.unwrap();
    assert!(store.get(&at, 1 << 20).await.unwrap() == all);
    assert_eq!(names(&store, "").await, [at.as_str()]);
}

pub(crate) async fn a_growing_file_survives_a_crash_while_it_is_finished(store: Store) {
    let at = path("log");
    growing::append(&store, &at, 0, "one ").await.unwrap();
    growing::append(&store, &at, 4, "two").await.unwrap();
    // Killed after the object was made, and before the last part was removed.
    store.put(&at, "one two").await.unwrap();
    store.delete(&path(".growing/log/00000000000000000004")).await.unwrap();
    growing::finish(&store, &at).await.unwrap();
    assert_eq!(store.get(&at, 10).await.unwrap(), "one two");
    assert_eq!(names(&store, "").await, ["log"]);
}

pub(crate) async fn a_growing_file_is_read_while_it_is_finished(store: Store) {
    let at = path("logs/log");
    for (offset, text) in [(0, "one "), (4, "two "), (8, "three")] {
        growing::append(&store, &at, offset, text).await.unwrap();
    }
    let seen = growing::open(&store, &at).await.unwrap().unwrap();
    growing::finish(&store, &at).await.unwrap();
    for (offset, expected) in [(0, "one two three"), (5, "wo three"), (9, "hree")] {
        let read = growing::read(&store, &seen, offset).try_collect::<Vec<_>>().await.unwrap().concat();
        assert_eq!(String::from_utf8(read).unwrap(), expected);
    }
}

pub(crate) async fn parts_that_an_interrupted_finish_left_are_no_gap(store: Store) {
    let at = path("log");
    for (offset, text) in [(0, "one "), (4, "two "), (8, "three")] {
        growing::append(&store, &at, offset, text).await.unwrap();
    }
    store.put(&at, "one two three").await.unwrap();
    store.delete(&path(".growing/log/00000000000000000004")).await.unwrap();
    growing::finish(&store, &at).await.unwrap();
    assert_eq!(
        (store.get(&at, 20).await.unwrap(), names(&store, "").await),
        ("one two three".into(), vec!["log".to_owned()])
    );
}

pub(crate) async fn a_growing_file_with_a_gap_is_read_up_to_it(store: Store) {
    let at = path("log");
    growing::append(&store, &at, 0, "one two").await.unwrap();
    // A writer that died before this one had written shorter parts.
    growing::append(&store, &at, 4, "two three").await.unwrap();
    growing::append(&store, &at, 5, "wo").await.unwrap();
    growing::append(&store, &at, 100, "far").await.unwrap();
    let file = growing::open(&store, &at).await.unwrap().unwrap();
    assert_eq!((file.size_bytes, file.is_broken), (13, true));
    for (offset, expected) in [(0, "one two three"), (5, "wo three"), (13, "")] {
        let read = growing::read(&store, &file, offset).try_collect::<Vec<_>>().await.unwrap().concat();
        assert_eq!(String::from_utf8(read).unwrap(), expected);
    }
    assert!(matches!(growing::finish(&store, &at).await.unwrap_err(), Error::Corrupt { .. }));
    growing::remove(&store, &file).await.unwrap();
    assert_eq!(growing::open(&store, &at).await.unwrap(), None);
}
