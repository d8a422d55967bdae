//! A folder of this machine as a store, and what `object_store` alone does not do there.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bytes::Bytes;
use futures::stream::{self, Stream};
use object_store::local::LocalFileSystem;
use rustix::fs::Mode;
use rustix::process::umask;

mod swap;

pub(crate) use swap::Folder;

/// Large enough to keep a disk and a network busy; `object_store` itself reads 8 KiB at a time.
const CHUNK_BYTES: u64 = 256 * 1024;

pub(crate) fn open(path: &Path) -> Result<Folder, String> {
    std::fs::create_dir_all(path).map_err(|e| format!("the folder cannot be made: {e}"))?;
    share_with_group(path).map_err(|e| format!("the folder cannot be read: {e}"))?;
    let store = LocalFileSystem::new_with_prefix(path).map_err(|e| e.to_string())?;
    // What was acknowledged must outlive a power cut, as it does on the clouds' stores. And a folder is there as long as
    // something is in it, no longer: otherwise one left empty could not become a file.
    Ok(Folder::new(store.with_fsync(true).with_automatic_cleanup(true), path.to_owned()))
}

/// A folder whose group may write in it and is handed down in it (mode `g+ws`, as Kubernetes makes a volume for `fsGroup`)
/// is its group's: then whatever this process makes is the group's to write, for other servers, of other users, replace
/// and remove it.
fn share_with_group(folder: &Path) -> std::io::Result<()> {
    const SHARED: u32 = 0o2020;
    if std::fs::metadata(folder)?.mode() & SHARED == SHARED {
        // The mask can only be read by setting one.
        let before = umask(Mode::RWXO);
        umask(before.difference(Mode::RWXG));
    }
    Ok(())
}

/// A key as `object_store` takes it for a folder. It keeps names that end in `#` and digits for itself, so that mark
/// becomes `%23`; and `%` becomes `%25` where it would be read back as an escape. All other names stay as they are, as
/// Spark or people put them there.
pub(crate) fn escape(key: &str) -> Cow<'_, str> {
    if !key.contains(['#', '%']) {
        return Cow::Borrowed(key);
    }
    let mut escaped = String::with_capacity(key.len() + 8);
    for (i, part) in key.split('/').enumerate() {
        if i > 0 {
            escaped.push('/');
        }
        let reserved =
            part.split_once('#').is_some_and(|(_, rest)| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
        for (at, c) in part.char_indices() {
            match c {
                '#' if reserved => escaped.push_str("%23"),
                '%' if matches!(part.get(at + 1..at + 3), Some("23" | "25")) => escaped.push_str("%25"),
                _ => escaped.push(c),
            }
        }
    }
    Cow::Owned(escaped)
}

/// The inverse of [`escape`].
pub(crate) fn unescape(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut key = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        key.push_str(before);
        (rest, _) = match after.get(..2) {
            Some("23") => (&after[2..], key.push('#')),
            Some("25") => (&after[2..], key.push('%')),
            _ => (after, key.push('%')),
        };
    }
    key.push_str(rest);
    Cow::Owned(key)
}

/// The bytes of `range`, read as they are asked for.
pub(crate) fn stream(file: File, range: Range<u64>) -> impl Stream<Item = object_store::Result<Bytes>> + Send {
    stream::try_unfold((Some(file), range), |(file, range)| async move {
        let Some(file) = file.filter(|_| !range.is_empty()) else { return Ok(None) };
        let chunk = range.start..range.end.min(range.start + CHUNK_BYTES);
        let read = tokio::task::spawn_blocking(move || read_chunk(file, chunk)).await;
        let (file, bytes) = read.map_err(generic)?.map_err(generic)?;
        let next = range.start + bytes.len() as u64..range.end;
        Ok((!bytes.is_empty()).then_some((bytes, (Some(file), next))))
    })
}

fn read_chunk(mut file: File, range: Range<u64>) -> std::io::Result<(File, Bytes)> {
    let length = range.end - range.start;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.seek(SeekFrom::Start(range.start))?;
    file.by_ref().take(length).read_to_end(&mut bytes)?;
    Ok((file, bytes.into()))
}

fn generic(error: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic { store: "folder", source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_is_read_back(key in "[a%#235/ -]{0,16}") {
            let escaped = escape(&key);
            prop_assert_eq!(unescape(&escaped), key.as_str());
        }

        #[test]
        fn two_keys_never_share_a_name(one in "[a%#235]{0,6}", other in "[a%#235]{0,6}") {
            prop_assert_eq!(one == other, escape(&one) == escape(&other));
        }
    }

    #[test]
    fn names_as_spark_makes_them_stay() {
        for name in ["app-1.zstd.inprogress", "eventlog_v2_a/events_1_a", "100%", "a%20b", "c#", "c#sharp"] {
            assert_eq!(escape(name), name);
        }
    }
}
