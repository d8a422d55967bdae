//! Things appear in their place whole, or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Failure;

/// A name beside `place` that nothing else has, and that no glob for jars finds.
pub(crate) fn beside(folder: &Path, name: &str, ending: &str) -> PathBuf {
    let short: String = name.chars().take(40).collect();
    folder.join(format!(".{short}.{}.{ending}", uuid::Uuid::new_v4().simple()))
}

/// Puts a file or a folder that is ready in its place, in place of what was there.
pub(crate) fn put(ready: &Path, place: &Path) -> Result<(), Failure> {
    match fs::rename(ready, place) {
        Ok(()) => Ok(()),
        // Folders that have something in them, and things of another kind, are not replaced by a rename alone.
        Err(_) if fs::symlink_metadata(place).is_ok() => exchange(ready, place),
        Err(error) => Err(error),
    }
    .map_err(|e| Failure::of_file("write", place, &e))
}

fn exchange(ready: &Path, place: &Path) -> io::Result<()> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let old = beside(place.parent().unwrap_or(Path::new(".")), &name, "old");
    fs::rename(place, &old)?;
    if let Err(error) = fs::rename(ready, place) {
        fs::rename(&old, place)?;
        return Err(error);
    }
    remove(&old)
}

/// Puts everything that is directly in `ready` into `folder`, folders merged with those that are there.
pub(crate) fn merge(ready: &Path, folder: &Path) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::of_file("write", folder, &e);
    fs::create_dir_all(folder).map_err(failed)?;
    for entry in fs::read_dir(ready).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let place = folder.join(entry.file_name());
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        let onto_folder = fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_dir());
        if is_folder && onto_folder { merge(&entry.path(), &place)? } else { put(&entry.path(), &place)? }
    }
    Ok(())
}

/// Removes a file or a folder with all that is in it.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// A folder that is gone, with all in it, when this is dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // Gone already when it has been put in its place.
        let _ = fs::remove_dir_all(&self.0);
    }
}
