//! Archives become folders, and nothing else: no entry leaves the folder, is a link that leads out of it, or a device, and
//! what comes out has a bound in bytes, in entries and in proportion to what went in.
//!
//! Which names are archives is Spark's rule (`spark.archives`): `.zip`, `.jar`, `.tar`, `.tar.gz` and `.tgz`, in any case.
//! As with Hadoop's own unpacking, symbolic links within the folder are kept: environments of Python are full of them.

mod links;
mod names;
mod refused;
mod tarball;
mod tree;
mod zipped;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::time::Instant;

pub use refused::Refused;

use tree::Tree;

/// What an archive may become.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many files, folders and links.
    pub entries: u64,
    /// How many bytes all files have together.
    pub bytes: u64,
    /// How many times its own size it may unpack to, from [`Limits::FREE_BYTES`] on.
    pub ratio: u64,
}

impl Limits {
    /// Up to here, what comes out is not compared with what went in: a few megabytes of zeros are not an attack.
    pub const FREE_BYTES: u64 = 256 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 500_000, bytes: 50 << 30, ratio: 200 }
    }
}

/// The kinds of archive that Spark unpacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `.zip` and `.jar`
    Zip,
    /// `.tar`
    Tar,
    /// `.tar.gz` and `.tgz`
    TarGz,
}

impl Kind {
    /// What a file of this name is; `None` when it is no archive.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |ending: &str| name.ends_with(ending);
        match () {
            () if ends(".zip") || ends(".jar") => Some(Self::Zip),
            () if ends(".tar.gz") || ends(".tgz") => Some(Self::TarGz),
            () if ends(".tar") => Some(Self::Tar),
            () => None,
        }
    }
}

/// Unpacks `archive` into the folder `into`, which must not be there yet, and returns how many entries it had. What there
/// is of the folder after a failure is for the caller to remove.
///
/// # Errors
/// [`Refused`] says what is wrong with the archive, or which file could not be written.
pub fn unpack(
    archive: &Path,
    kind: Kind,
    into: &Path,
    limits: &Limits,
    until: Option<Instant>,
) -> Result<u64, Refused> {
    let file = File::open(archive)?;
    let size_bytes = file.metadata()?.len();
    let most = limits.bytes.min(Limits::FREE_BYTES.max(size_bytes.saturating_mul(limits.ratio)));
    let mut tree = Tree::new(into, limits.entries, most, until)?;
    match kind {
        Kind::Zip => zipped::unpack(archive, &mut tree)?,
        Kind::Tar => tarball::unpack(Metered::new(BufReader::new(file), &tree), &mut tree)?,
        Kind::TarGz => {
            let decoder = flate2::read::MultiGzDecoder::new(BufReader::new(file));
            tarball::unpack(Metered::new(decoder, &tree), &mut tree)?;
        }
    }
    tree.finish()
}

/// Ends with an error where more comes out than a tree of that bound can need: headers and padding count, too.
struct Metered<R> {
    inner: R,
    left: u64,
    until: Option<Instant>,
}

impl<R: Read> Metered<R> {
    fn new(inner: R, tree: &Tree) -> Self {
        const HEADERS_BYTES: u64 = 4096;
        let left = tree.bytes_left().saturating_add(tree.entries_left().saturating_mul(HEADERS_BYTES));
        Self { inner, left, until: tree.until() }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.until.is_some_and(|until| Instant::now() > until) {
            return Err(Refused::TooLate.into());
        }
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or(Refused::TooManyBytes)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
