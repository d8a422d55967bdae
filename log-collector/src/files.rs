//! Files of folders that others write to, opened so that nothing but a plain file is ever read, and that nobody can make
//! this process wait.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};

/// Opening a FIFO waits for its writer, and so does opening some devices: with this, neither does.
const PLAIN: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::DIRECTORY);

/// Opens a plain file, also by way of links: only for folders that nobody but the node's own programs writes to.
///
/// # Errors
/// What the system says; `InvalidInput` for what is no plain file.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    plain(openat(CWD, path, PLAIN, Mode::empty())?)
}

/// Opens a plain file at `path` below `folder`, without following any link below it: whoever can write to the folder must
/// not make this process read what only this process may.
///
/// # Errors
/// What the system says; `InvalidInput` for what is no plain file, or lies elsewhere.
pub(crate) fn open_below(folder: &Path, path: &Path) -> io::Result<File> {
    let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
    let Some(name) = name else { return Err(io::ErrorKind::InvalidInput.into()) };
    let parent = folder_below(folder, parent)?;
    plain(openat(parent, name, PLAIN | OFlags::NOFOLLOW, Mode::empty())?)
}

/// The names in a folder at `path` below `folder`, without following any link below it.
///
/// # Errors
/// What the system says.
pub(crate) fn names_below(folder: &Path, path: &Path) -> io::Result<Vec<OsString>> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut names = Vec::new();
    for entry in Dir::new(folder_below(folder, path)?)? {
        names.push(std::ffi::OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned());
    }
    names.retain(|name| name != "." && name != "..");
    Ok(names)
}

fn folder_below(folder: &Path, path: &Path) -> io::Result<OwnedFd> {
    let mut at = openat(CWD, folder, FOLDER, Mode::empty())?;
    for part in path.components() {
        let Component::Normal(part) = part else { return Err(io::ErrorKind::InvalidInput.into()) };
        at = openat(at, part, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(at)
}

fn plain(opened: OwnedFd) -> io::Result<File> {
    let file = File::from(opened);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file")),
    }
}

/// Whether an error says that what lies there is no plain file, and never will be one.
pub(crate) fn is_no_file(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory)
        || error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error())
}

/// Whether an error of [`open_below`] or [`names_below`] says that there is nothing which may be read: no file, or a link.
pub(crate) fn is_nothing_below(error: &io::Error) -> bool {
    is_no_file(error)
        || matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}
