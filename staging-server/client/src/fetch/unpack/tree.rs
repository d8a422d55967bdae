//! The folder that an archive becomes, and what may still go into it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::links::Links;
use super::{Refused, names};

pub(super) struct Tree {
    root: PathBuf,
    limit: u64,
    entries: u64,
    bytes_left: u64,
    until: Option<Instant>,
    links: Links,
    buffer: Vec<u8>,
}

impl Tree {
    pub(super) fn new(root: &Path, limit: u64, bytes: u64, until: Option<Instant>) -> Result<Self, Refused> {
        fs::create_dir_all(root).map_err(Refused::Disk)?;
        let links = Links::default();
        let buffer = vec![0; 128 * 1024];
        Ok(Self { root: root.to_owned(), limit, entries: 0, bytes_left: bytes, until, links, buffer })
    }

    pub(super) fn bytes_left(&self) -> u64 {
        self.bytes_left
    }

    pub(super) fn entries_left(&self) -> u64 {
        self.limit.saturating_sub(self.entries)
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Refuses an archive that says of itself that it has too many entries.
    pub(super) fn expect(&self, entries: u64) -> Result<(), Refused> {
        if entries > self.limit { Err(Refused::TooManyEntries { limit: self.limit }) } else { Ok(()) }
    }

    /// Counts an entry, and says where it goes: `None` for the folder itself.
    fn enter(&mut self, raw: &[u8]) -> Result<Option<(String, PathBuf)>, Refused> {
        self.entries += 1;
        if self.entries > self.limit {
            return Err(Refused::TooManyEntries { limit: self.limit });
        }
        if self.until.is_some_and(|until| Instant::now() > until) {
            return Err(Refused::TooLate);
        }
        let name = names::clean(raw)?;
        if let Some(link) = self.links.on_the_way(&name) {
            let target = link.to_owned();
            return Err(Refused::Link { name, target, reason: "which the archive says is a link itself" });
        }
        let path = self.root.join(&name);
        Ok((!name.is_empty()).then_some((name, path)))
    }

    pub(super) fn folder(&mut self, raw: &[u8], mode: Option<u32>) -> Result<(), Refused> {
        let Some((name, path)) = self.enter(raw)? else { return Ok(()) };
        make_folder(&path, &name)?;
        // Whoever unpacks must be able to go on in it, whatever the archive says.
        mode.map_or(Ok(()), |mode| set_mode(&path, mode | 0o700))
    }

    pub(super) fn file(&mut self, raw: &[u8], mode: Option<u32>, content: &mut impl Read) -> Result<(), Refused> {
        let Some((name, path)) = self.enter(raw)? else {
            return Err(Refused::Name { name: String::new(), reason: "has no name" });
        };
        let mut file = make_file(&path, &name)?;
        loop {
            let read = match content.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.bytes_left = self.bytes_left.checked_sub(read as u64).ok_or(Refused::TooManyBytes)?;
            if self.until.is_some_and(|until| Instant::now() > until) {
                return Err(Refused::TooLate);
            }
            file.write_all(&self.buffer[..read]).map_err(Refused::Disk)?;
        }
        drop(file);
        mode.map_or(Ok(()), |mode| set_mode(&path, mode | 0o600))
    }

    pub(super) fn link(&mut self, raw: &[u8], target: &[u8]) -> Result<(), Refused> {
        let Some((name, path)) = self.enter(raw)? else {
            return Err(Refused::Name { name: String::new(), reason: "has no name" });
        };
        if fs::symlink_metadata(&path).is_ok() {
            return Err(twice(&name));
        }
        self.links.add(&name, target)
    }

    /// A second name for a file that came before.
    pub(super) fn hard_link(&mut self, raw: &[u8], target: &[u8]) -> Result<(), Refused> {
        let Some((name, path)) = self.enter(raw)? else { return Ok(()) };
        let refuse = |reason| Refused::Link {
            name: name.clone(),
            target: String::from_utf8_lossy(target).chars().take(200).collect(),
            reason,
        };
        let first = names::clean(target).map_err(|_| refuse("which leads out of its folder"))?;
        if self.links.on_the_way(&first).is_some() {
            return Err(refuse("which the archive says is a link itself"));
        }
        let from = self.root.join(&first);
        if !fs::symlink_metadata(&from).is_ok_and(|meta| meta.is_file()) {
            return Err(refuse("which is no file that came before"));
        }
        if from == path {
            return Ok(());
        }
        make_room(&path, &name)?;
        fs::hard_link(&from, &path).map_err(Refused::Disk)
    }

    /// Makes the links, and returns how many entries there were.
    pub(super) fn finish(self) -> Result<u64, Refused> {
        for (name, target) in self.links.checked()? {
            let path = self.root.join(name);
            make_room(&path, name)?;
            symlink(target, &path).map_err(Refused::Disk)?;
        }
        Ok(self.entries)
    }
}

fn twice(name: &str) -> Refused {
    Refused::Name { name: name.to_owned(), reason: "is there twice, as different things" }
}

fn make_folder(path: &Path, name: &str) -> Result<(), Refused> {
    fs::create_dir_all(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => twice(name),
        _ => Refused::Disk(error),
    })
}

/// The folder above a path, and nothing at the path itself: of two entries of one name the last one counts.
fn make_room(path: &Path, name: &str) -> Result<(), Refused> {
    if let Some(parent) = path.parent() {
        make_folder(parent, name)?;
    }
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => Err(twice(name)),
        Ok(_) => fs::remove_file(path).map_err(Refused::Disk),
        Err(_) => Ok(()),
    }
}

fn make_file(path: &Path, name: &str) -> Result<File, Refused> {
    let create = || OpenOptions::new().write(true).create_new(true).open(path);
    // Mostly the folder is there and the file is not.
    create().or_else(|_| {
        make_room(path, name)?;
        create().map_err(Refused::Disk)
    })
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<(), Refused> {
    use std::os::unix::fs::PermissionsExt as _;
    // Never setuid, setgid or sticky.
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o777)).map_err(Refused::Disk)
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<(), Refused> {
    Ok(())
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
