//! Zip, by its central directory, one entry at a time: an archive of ten million entries takes no more memory than one of
//! ten.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use zip::ZipReadOptions;
use zip::read::Config;
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::Refused;
use super::tree::Tree;

const TYPE_MASK: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;
const MAX_LINK_BYTES: u64 = 4096;

pub(super) fn unpack(path: &Path, tree: &mut Tree) -> Result<(), Refused> {
    // Two, each with its own place in the file: one reads the directory, the other one the content.
    let open = || File::open(path).map(BufReader::new).map_err(Refused::Disk);
    let (directory, content) = (open()?, open()?);
    let archive = ZipIterable::try_new(directory, Config::default()).map_err(of_zip)?;
    // What the two descriptions of an entry disagree in is made to deceive one of two readers.
    let mut archive = archive.enforce_header_consistency(true);
    tree.expect(archive.len() as u64)?;
    let mut entries = archive.files_with_reader(content, ZipReadOptions::new()).map_err(of_zip)?;
    while let Some(entry) = entries.next() {
        let mut entry = entry.map_err(of_zip)?;
        let name = entry.name_raw().to_vec();
        let refuse = |kind| Refused::Kind { name: String::from_utf8_lossy(&name).chars().take(200).collect(), kind };
        let mode = entry.unix_mode();
        match mode.unwrap_or_default() & TYPE_MASK {
            0 | FOLDER if name.ends_with(b"/") => tree.folder(&name, mode)?,
            0 | REGULAR => tree.file(&name, mode, &mut entry)?,
            FOLDER => tree.folder(&name, mode)?,
            SYMLINK => {
                let mut target = Vec::new();
                entry.by_ref().take(MAX_LINK_BYTES).read_to_end(&mut target)?;
                tree.link(&name, &target)?;
            }
            _ => return Err(refuse("a device or a pipe")),
        }
    }
    Ok(())
}

fn of_zip(error: ZipError) -> Refused {
    match error {
        ZipError::Io(error) => error.into(),
        other => Refused::Damaged(other.to_string()),
    }
}
