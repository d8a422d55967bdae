//! Unpacks any bytes, and looks at what they became.

use std::path::Path;

use staging_client::fetch::unpack::{Kind, Limits, unpack};

const LIMITS: Limits = Limits { entries: 200, bytes: 1 << 20, ratio: 200 };

/// Whatever the bytes are: unpacking ends, writes nothing beside its folder and no link out of it, and keeps to its limits.
pub(crate) fn read(bytes: &[u8], kind: Kind) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (archive, into) = (folder.path().join("archive"), folder.path().join("in/to"));
    std::fs::write(&archive, bytes).expect("a file can be written");
    // What it says of them is not looked at here.
    let _ = unpack(&archive, kind, &into, &LIMITS, None);
    let names = |folder: &Path| std::fs::read_dir(folder).expect("it is there").count();
    assert_eq!((names(folder.path()), names(&folder.path().join("in"))), (2, 1), "something lies beside the folder");
    let root = into.canonicalize().expect("it is there");
    let (mut entries, mut bytes) = (0, 0);
    look(&root, &root, &mut entries, &mut bytes);
    // Folders on the way to an entry are none themselves.
    assert!(entries <= LIMITS.entries * 200 && bytes <= LIMITS.bytes, "{entries} entries of {bytes} bytes");
}

fn look(root: &Path, folder: &Path, entries: &mut u64, bytes: &mut u64) {
    for entry in std::fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        let meta = std::fs::symlink_metadata(&path).expect("it is there");
        *entries += 1;
        if meta.is_dir() {
            look(root, &path, entries, bytes);
        } else if meta.is_symlink() {
            assert!(path.canonicalize().map_or(true, |to| to.starts_with(root)), "{} leads out", path.display());
        } else {
            assert!(meta.is_file(), "{} is no file", path.display());
            *bytes += meta.len();
        }
    }
}
