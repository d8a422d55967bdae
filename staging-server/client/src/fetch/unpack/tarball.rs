//! Tar, entry by entry as they come. Long names and PAX records are read here, since the library would take them into
//! memory whole, however large.

use std::io::{self, Read};

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::Refused;
use super::tree::Tree;

/// Of a long name, or of all PAX records of an entry.
const EXTENSION_LIMIT_BYTES: u64 = 64 * 1024;

/// What the entries before one say of it.
#[derive(Default)]
struct Ahead {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

pub(super) fn unpack(from: impl Read, tree: &mut Tree) -> Result<(), Refused> {
    let mut archive = Archive::new(from);
    let mut ahead = Ahead::default();
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        match entry.header().entry_type() {
            EntryType::GNULongName => ahead.path = Some(text(&mut entry)?),
            EntryType::GNULongLink => ahead.link = Some(text(&mut entry)?),
            EntryType::XHeader => ahead.read_pax(&mut entry)?,
            EntryType::XGlobalHeader => drop(bounded(&mut entry)?),
            kind => put(std::mem::take(&mut ahead), kind, &mut entry, tree)?,
        }
    }
    // The check sum of what was compressed comes after the archive's own end.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(())
}

fn put<R: Read>(ahead: Ahead, kind: EntryType, entry: &mut Entry<'_, R>, tree: &mut Tree) -> Result<(), Refused> {
    let header = entry.header();
    let path = ahead.path.unwrap_or_else(|| header.path_bytes().into_owned());
    let link = ahead.link.or_else(|| header.link_name_bytes().map(|name| name.into_owned())).unwrap_or_default();
    let mode = header.mode().ok();
    let what = |kind| Refused::Kind { name: String::from_utf8_lossy(&path).chars().take(200).collect(), kind };
    if ahead.size.is_some_and(|size| Some(size) != header.entry_size().ok()) {
        return Err(what("larger than 8 GiB in a way that is not read here"));
    }
    match kind {
        // Old archives mark folders by the slash alone.
        EntryType::Regular if path.ends_with(b"/") => tree.folder(&path, mode),
        EntryType::Regular | EntryType::Continuous => tree.file(&path, mode, entry),
        EntryType::Directory => tree.folder(&path, mode),
        EntryType::Symlink => tree.link(&path, &link),
        EntryType::Link => tree.hard_link(&path, &link),
        EntryType::Char | EntryType::Block => Err(what("a device")),
        EntryType::Fifo => Err(what("a pipe")),
        EntryType::GNUSparse => Err(what("a file with holes")),
        _ => Err(what("of a kind that is not known")),
    }
}

impl Ahead {
    fn read_pax<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<(), Refused> {
        let bytes = bounded(entry)?;
        for record in PaxExtensions::new(&bytes) {
            let record = record?;
            match record.key_bytes() {
                b"path" => self.path = Some(record.value_bytes().to_vec()),
                b"linkpath" => self.link = Some(record.value_bytes().to_vec()),
                b"size" => {
                    let size = record.value().ok().and_then(|size| size.parse().ok());
                    self.size = Some(size.ok_or_else(|| Refused::Damaged("a size that is no number".to_owned()))?);
                }
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(Refused::Kind {
                        name: String::from_utf8_lossy(key).into_owned(),
                        kind: "a file with holes",
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A name, without the NUL at its end.
fn text<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, Refused> {
    let mut bytes = bounded(entry)?;
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

fn bounded<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    entry.take(EXTENSION_LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > EXTENSION_LIMIT_BYTES {
        return Err(Refused::Damaged("a name or a record in it is longer than any can be".to_owned()));
    }
    Ok(bytes)
}
