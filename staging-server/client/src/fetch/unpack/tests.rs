use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A folder with an archive in it, and what became of it.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("inner/out")
    }

    fn unpack_within(&self, bytes: &[u8], kind: Kind, limits: &Limits) -> Result<u64, Refused> {
        let archive = self.folder.path().join("archive");
        std::fs::write(&archive, bytes).unwrap();
        let done = unpack(&archive, kind, &self.out(), limits, None);
        let mut around: Vec<_> =
            std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        around.sort();
        assert_eq!(around, ["archive", "inner"], "something was written outside of the folder");
        assert_eq!(std::fs::read_dir(self.folder.path().join("inner")).unwrap().count(), 1);
        done
    }

    fn unpack(&self, bytes: &[u8], kind: Kind) -> Result<u64, Refused> {
        self.unpack_within(bytes, kind, &Limits::default())
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.out().join(name)).unwrap()
    }
}

struct Item<'a> {
    kind: EntryType,
    path: &'a [u8],
    link: &'a [u8],
    content: &'a [u8],
}

fn file<'a>(path: &'a str, content: &'a str) -> Item<'a> {
    Item { kind: EntryType::Regular, path: path.as_bytes(), link: b"", content: content.as_bytes() }
}

fn link<'a>(kind: EntryType, path: &'a str, target: &'a str) -> Item<'a> {
    Item { kind, path: path.as_bytes(), link: target.as_bytes(), content: b"" }
}

/// As tar writes them, but without its looking at what the names are.
fn tar_of(items: &[Item<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for item in items {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..item.path.len()].copy_from_slice(item.path);
        header.as_old_mut().linkname[..item.link.len()].copy_from_slice(item.link);
        header.set_entry_type(item.kind);
        header.set_mode(0o6755);
        header.set_size(item.content.len() as u64);
        header.set_cksum();
        builder.append(&header, item.content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o644)).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn names_tell_archives_as_spark_tells_them() {
    for (name, kind) in [
        ("a.zip", Some(Kind::Zip)),
        ("A.JAR", Some(Kind::Zip)),
        ("a.b.tar.gz", Some(Kind::TarGz)),
        ("a.tgz", Some(Kind::TarGz)),
        ("a.tar", Some(Kind::Tar)),
        ("a.gz", None),
        ("a.tar.bz2", None),
        ("zip", None),
    ] {
        assert_eq!(Kind::of_name(name), kind, "{name}");
    }
}

#[test]
fn what_is_sound_is_there_with_links_modes_and_long_names() {
    use std::os::unix::fs::PermissionsExt as _;
    let long = "d/".repeat(60) + &"n".repeat(150);
    let mut items = vec![
        link(EntryType::Directory, "./env/", ""),
        file("./env/bin/python3", "elf"),
        link(EntryType::Symlink, "env/bin/python", "python3"),
        link(EntryType::Symlink, "env/lib64", "../env/lib/../lib"),
        link(EntryType::Link, "env/bin/python3.12", "env/bin/python3"),
        file("env/lib/\u{fc}\u{4f60}.txt", "text"),
    ];
    let long_with_nul = [long.as_bytes(), b"\0"].concat();
    items.push(Item { kind: EntryType::GNULongName, path: b"././@LongLink", link: b"", content: &long_with_nul });
    items.push(file("cut", "far"));
    let tar = tar_of(&items);
    for (bytes, kind) in [(gzipped(&tar), Kind::TarGz), (tar, Kind::Tar)] {
        let case = Case::new();
        assert_eq!(case.unpack(&bytes, kind).unwrap(), 7);
        assert_eq!(case.read("env/bin/python"), "elf");
        assert_eq!(case.read("env/bin/python3.12"), "elf");
        assert_eq!(case.read("env/lib64/\u{fc}\u{4f60}.txt"), "text");
        assert_eq!(case.read(&long), "far");
        let mode = std::fs::metadata(case.out().join("env/bin/python3")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755, "executable, but never setuid");
    }
}

#[test]
fn a_zip_is_unpacked_and_of_two_entries_of_one_name_the_last_counts() {
    let case = Case::new();
    assert_eq!(case.unpack(&zip_of(&[("META-INF/MANIFEST.MF", "m"), ("a/b.txt", "b")]), Kind::Zip).unwrap(), 2);
    assert_eq!(case.read("a/b.txt"), "b");
    let case = Case::new();
    case.unpack(&tar_of(&[file("a", "old"), file("a", "new")]), Kind::Tar).unwrap();
    assert_eq!(case.read("a"), "new");
}

#[test]
fn hostile_tars_are_refused() {
    let deep = "a/".repeat(40);
    let cases: Vec<(&str, Vec<Item<'_>>)> = vec![
        ("leads out of its folder", vec![file("../evil", "x")]),
        ("leads out of its folder", vec![file("a/../../evil", "x")]),
        ("leads out of its folder", vec![file("a\\..\\..\\evil", "x")]),
        ("begins at the root", vec![file("/tmp/evil", "x")]),
        ("begins at the root", vec![file("C:\\evil", "x")]),
        ("control character", vec![file("a\nb", "x")]),
        ("not in UTF-8", vec![Item { kind: EntryType::Regular, path: b"caf\xe9", link: b"", content: b"" }]),
        ("leads out of its folder", vec![link(EntryType::Symlink, "a", "/etc/passwd")]),
        ("leads out of its folder", vec![link(EntryType::Symlink, "a", "../..")]),
        (
            "leads out of its folder",
            vec![link(EntryType::Symlink, "d/a", ".."), link(EntryType::Symlink, "b", "d/a/..")],
        ),
        ("in a circle", vec![link(EntryType::Symlink, "a", "b"), link(EntryType::Symlink, "b", "a")]),
        ("is a link itself", vec![link(EntryType::Symlink, "a", "."), file("a/evil", "x")]),
        ("is a link itself", vec![link(EntryType::Symlink, "a", "b"), link(EntryType::Link, "c", "a")]),
        ("as different things", vec![file("a", "x"), link(EntryType::Symlink, "a", "b")]),
        ("as different things", vec![file("a", "x"), file("a/b", "y")]),
        ("as different things", vec![file("a/b", "x"), file("a", "y")]),
        ("leads out of its folder", vec![link(EntryType::Link, "a", "../archive")]),
        ("no file that came before", vec![link(EntryType::Link, "a", "etc")]),
        ("a device", vec![link(EntryType::Char, "null", "")]),
        ("a device", vec![link(EntryType::Block, "sda", "")]),
        ("a pipe", vec![link(EntryType::Fifo, "pipe", "")]),
        ("of a kind that is not known", vec![link(EntryType::new(b'Q'), "q", "")]),
        ("which is no path", vec![link(EntryType::Symlink, &deep, "")]),
    ];
    for (says, items) in cases {
        let refused = Case::new().unpack(&tar_of(&items), Kind::Tar).unwrap_err();
        assert!(refused.to_string().contains(says), "{says}: {refused}");
        assert!(refused.advice().is_some(), "{refused}");
    }
}

#[test]
fn hostile_zips_are_refused() {
    for (name, says) in [("../evil", "leads out"), ("/etc/evil", "begins at the root"), ("a\\..\\..\\b", "leads out")] {
        // The writer does not write such names: it writes others of the same length, which are then replaced.
        let harmless = "q".repeat(name.len());
        let mut bytes = zip_of(&[(&harmless, "x")]);
        while let Some(at) = bytes.windows(name.len()).position(|part| part == harmless.as_bytes()) {
            bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
        }
        let refused = Case::new().unpack(&bytes, Kind::Zip).unwrap_err();
        assert!(refused.to_string().contains(says), "{name}: {refused}");
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("a", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let refused = Case::new().unpack(&writer.finish().unwrap().into_inner(), Kind::Zip).unwrap_err();
    assert!(refused.to_string().contains("leads out of its folder"), "{refused}");
    // A header that calls the file otherwise than the directory does.
    let mut bytes = zip_of(&[("harmless", "x")]);
    let at = bytes.windows(8).position(|part| part == b"harmless").unwrap();
    bytes[at..at + 8].copy_from_slice(b"harmfull");
    assert!(matches!(Case::new().unpack(&bytes, Kind::Zip), Err(Refused::Damaged(_))));
}

#[test]
fn bombs_end_at_the_bound() {
    let tight = Limits { entries: 100, bytes: 1 << 20, ratio: 1000 };
    let zeros = "\0".repeat(2 << 20);
    let many: Vec<String> = (0..200).map(|number| format!("f{number}")).collect();
    let tar = tar_of(&[file("zeros", &zeros)]);
    for (bytes, kind) in [(tar.clone(), Kind::Tar), (gzipped(&tar), Kind::TarGz), (zip_of(&[("z", &zeros)]), Kind::Zip)]
    {
        let refused = Case::new().unpack_within(&bytes, kind, &tight).unwrap_err();
        assert!(matches!(refused, Refused::TooManyBytes), "{kind:?}: {refused:?}");
    }
    let tar = tar_of(&many.iter().map(|name| file(name, "")).collect::<Vec<_>>());
    let zip = zip_of(&many.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>());
    for (bytes, kind) in [(tar, Kind::Tar), (zip, Kind::Zip)] {
        let refused = Case::new().unpack_within(&bytes, kind, &tight).unwrap_err();
        assert!(matches!(refused, Refused::TooManyEntries { limit: 100 }), "{kind:?}: {refused:?}");
    }
    // A long name, and records, that would fill memory; and zeros behind the archive's end.
    let endless = "n".repeat(1 << 20);
    for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader, EntryType::XGlobalHeader] {
        let item = Item { kind, path: b"long", link: b"", content: endless.as_bytes() };
        let refused = Case::new().unpack(&tar_of(&[item]), Kind::Tar).unwrap_err();
        assert!(refused.to_string().contains("longer than any can be"), "{refused}");
    }
    let behind = [tar_of(&[file("a", "x")]), vec![0; 4 << 20]].concat();
    let refused = Case::new().unpack_within(&gzipped(&behind), Kind::TarGz, &tight).unwrap_err();
    assert!(matches!(refused, Refused::TooManyBytes), "{refused:?}");
}

#[test]
fn what_is_cut_or_something_else_is_told() {
    let sound = gzipped(&tar_of(&[file("a", "x")]));
    for (bytes, kind) in [
        (&sound[..sound.len() - 4], Kind::TarGz),
        (b"<html>".as_slice(), Kind::TarGz),
        (b"".as_slice(), Kind::TarGz),
        (b"<html>".as_slice(), Kind::Zip),
        ([b'x'; 2000].as_slice(), Kind::Tar),
    ] {
        let refused = Case::new().unpack(bytes, kind).unwrap_err();
        assert!(matches!(refused, Refused::Damaged(_)), "{kind:?}: {refused:?}");
    }
}

#[test]
fn the_deadline_ends_it() {
    let case = Case::new();
    let archive = case.folder.path().join("archive");
    std::fs::write(&archive, tar_of(&[file("a", "x")])).unwrap();
    let past = Instant::now().checked_sub(std::time::Duration::from_secs(1)).unwrap();
    let refused = unpack(&archive, Kind::Tar, &case.out(), &Limits::default(), Some(past)).unwrap_err();
    assert!(matches!(refused, Refused::TooLate), "{refused:?}");
}

/// Every file below, with what links lead to not followed; fails where a link leads out.
fn look(root: &Path, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        assert!(kind.is_dir() || kind.is_file() || kind.is_symlink(), "{}", path.display());
        if kind.is_symlink() {
            let leads = std::fs::canonicalize(&path);
            assert!(leads.as_ref().map_or(true, |to| to.starts_with(root)), "{} leads to {leads:?}", path.display());
        } else if kind.is_dir() {
            look(root, &path);
        }
    }
}

fn part() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "..", ".", "", "d\\..", "\u{e4}"]).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 0..5).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any mix of files, folders and links: what is unpacked stays within, what is refused has written nothing outside.
    #[test]
    fn nothing_leaves_the_folder(items in prop::collection::vec((0..4_u8, path(), path()), 1..8)) {
        let kinds = [EntryType::Regular, EntryType::Directory, EntryType::Symlink, EntryType::Link];
        let items: Vec<_> = items.iter().map(|(kind, path, target)| Item {
            kind: kinds[usize::from(*kind)], path: path.as_bytes(), link: target.as_bytes(), content: b"",
        }).collect();
        let case = Case::new();
        if case.unpack(&tar_of(&items), Kind::Tar).is_ok() {
            let root = std::fs::canonicalize(case.out()).unwrap();
            look(&root, &root);
        }
    }

    /// A sound archive with bytes changed, or cut: no panic, and nothing outside.
    #[test]
    fn damage_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        kind in 0..3_usize,
    ) {
        let tar = tar_of(&[file("dir/file", "content"), link(EntryType::Symlink, "dir/link", "file"), file("b", "x")]);
        let zip = zip_of(&[("dir/file", "content"), ("b", "x")]);
        let (mut bytes, kind) = [(tar.clone(), Kind::Tar), (gzipped(&tar), Kind::TarGz), (zip, Kind::Zip)][kind].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let cut = cut.index(bytes.len() * 4);
        bytes.truncate(cut.max(1));
        let case = Case::new();
        let limits = Limits { entries: 1000, bytes: 1 << 20, ratio: 200 };
        let _ = case.unpack_within(&bytes, kind, &limits);
        let root = std::fs::canonicalize(case.out()).unwrap();
        look(&root, &root);
    }
}
