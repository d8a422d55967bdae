//! Which files there are to stage, and what they are called on the server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::Failure;

/// More files than this are a mistake, or belong into an archive.
const MOST: usize = 10_000;

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub local: PathBuf,
    /// Its name on the server: a file's own, or a path that begins with the name of the folder that was named.
    pub name: String,
    /// The place in the list of arguments that it comes from.
    pub argument: usize,
}

/// Every file that `arguments` name: files, folders with all below them, and patterns with `*`, `?` and `[…]`.
///
/// # Errors
/// Everything that names nothing, or nothing that can be uploaded.
pub fn collect(arguments: &[String]) -> Result<Vec<Item>, Vec<String>> {
    let (mut items, mut mistakes) = (Vec::new(), Vec::new());
    for (argument, text) in arguments.iter().enumerate() {
        match paths(text) {
            Ok(paths) => {
                for path in paths {
                    if let Err(reason) = add(&path, argument, &mut items) {
                        mistakes.push(format!("{}: {reason}", path.display()));
                    }
                }
            }
            Err(reason) => mistakes.push(format!("{text}: {reason}")),
        }
    }
    if mistakes.is_empty() { Ok(items) } else { Err(mistakes) }
}

/// What a name or a pattern stands for, sorted.
fn paths(text: &str) -> Result<Vec<PathBuf>, String> {
    let path = PathBuf::from(text);
    // A file whose name looks like a pattern is still a file.
    if std::fs::symlink_metadata(&path).is_ok() || !text.contains(['*', '?', '[']) {
        return Ok(vec![path]);
    }
    let found: Result<Vec<PathBuf>, _> = glob::glob(text).map_err(|e| e.to_string())?.collect();
    let found = found.map_err(|e| e.to_string())?;
    if found.is_empty() { Err("no file has such a name".to_owned()) } else { Ok(found) }
}

fn add(path: &Path, argument: usize, items: &mut Vec<Item>) -> Result<(), String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    // The last part of `.` or `a/..` is not a name.
    let whole = path.canonicalize().map_err(|e| e.to_string())?;
    let own = path.file_name().or_else(|| whole.file_name()).ok_or("it has no name")?;
    let name = own.to_str().ok_or("its name is not UTF-8")?.to_owned();
    if meta.is_dir() { add_folder(path, &name, argument, items) } else { add_file(path, name, &meta, argument, items) }
}

fn add_folder(folder: &Path, name: &str, argument: usize, items: &mut Vec<Item>) -> Result<(), String> {
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).map_err(|e| e.to_string())?.collect();
    let mut entries = entries.map_err(|e| e.to_string())?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let own = entry.file_name();
        let below =
            format!("{name}/{}", own.to_str().ok_or_else(|| format!("{}: its name is not UTF-8", path.display()))?);
        // Links to folders are not followed: they may lead in a circle.
        let kind = entry.file_type().map_err(|e| e.to_string())?;
        if kind.is_dir() {
            add_folder(&path, &below, argument, items)?;
        } else {
            let meta = std::fs::metadata(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            add_file(&path, below, &meta, argument, items)?;
        }
    }
    Ok(())
}

fn add_file(
    path: &Path,
    name: String,
    meta: &std::fs::Metadata,
    argument: usize,
    items: &mut Vec<Item>,
) -> Result<(), String> {
    if !meta.is_file() {
        return Err("it is neither a file nor a folder".to_owned());
    }
    if items.len() >= MOST {
        return Err(format!("these are more than {MOST} files: pack them into an archive"));
    }
    items.push(Item { local: path.to_owned(), name, argument });
    Ok(())
}

/// SHA-256 and length of a file.
pub(super) type Digested = Result<([u8; 32], u64), Failure>;

/// The id of the folder on the server for each item: of a file, by its content; of all files of one folder, by what all of
/// them are, so that they are together, and the same folder is the same again.
pub(super) fn folder_ids(items: &[Item], digests: &[Digested]) -> Vec<uuid::Uuid> {
    let mut folders: BTreeMap<usize, Sha256> = BTreeMap::new();
    for (item, digest) in items.iter().zip(digests) {
        let hasher = folders.entry(item.argument).or_default();
        // A name has no NUL in it, so one list of names and digests is not another one.
        hasher.update(item.name.as_bytes());
        hasher.update([0]);
        hasher.update(digest.as_ref().map_or([0; 32], |(digest, _)| *digest));
    }
    let folders: BTreeMap<usize, [u8; 32]> =
        folders.into_iter().map(|(argument, hasher)| (argument, hasher.finalize().into())).collect();
    let id = |item: &Item, digest: &Digested| {
        let of_all = folders.get(&item.argument).copied().unwrap_or_default();
        let of_one = digest.as_ref().map_or([0; 32], |(digest, _)| *digest);
        let digest = if item.name.contains('/') { of_all } else { of_one };
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(short).into_uuid()
    };
    items.iter().zip(digests).map(|(item, digest)| id(item, digest)).collect()
}
