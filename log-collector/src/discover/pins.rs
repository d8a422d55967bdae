//! Hard links that keep log files readable which the kubelet deletes before they were shipped, also when no collector runs.
//!
//! ```text
//! <pins>/<namespace>_<pod>_<uid>/<container>/<restart>.<number>       .gz behind it, if the file is compressed
//! ```
//!
//! Numbers go up with the age of the file. A link goes when the file has been shipped. The folder lies on the file system
//! of the logs, and not below the folder that the kubelet sweeps.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::paths::{file_name, pod_of};
use crate::Container;
use crate::tail::base_name;

/// The folder of links.
#[derive(Debug)]
pub(super) struct Pins {
    folder: PathBuf,
    max_bytes: u64,
    /// Whether it has been told that files cannot be linked.
    is_told: bool,
}

impl Pins {
    pub(super) fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes, is_told: false }
    }

    /// Links the file at `path` as the newest of a container's; `None` when that cannot be. `inode`: only if it is that one; `after`: there
    /// are older ones elsewhere, up to that number.
    pub(super) fn pin(&mut self, container: &Container, path: &Path, inode: u64, after: u64) -> Option<PathBuf> {
        if self.held_bytes() > self.max_bytes {
            return None;
        }
        match self.link(container, path, (inode, after)) {
            Ok(pin) => Some(pin),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound && !std::mem::replace(&mut self.is_told, true) {
                    let pins = self.folder.display();
                    tracing::warn!(%error, file = %path.display(), "log files cannot be linked into {pins}: what is deleted while no collector runs is lost; is it on the same file system, by the same mount?");
                }
                None
            }
        }
    }

    fn link(&self, container: &Container, path: &Path, (inode, after): (u64, u64)) -> io::Result<PathBuf> {
        let folder = container.folder_below(&self.folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let next = self.last(container).max(after) + 1;
        let ending = if path.extension().is_some_and(|extension| extension == "gz") { ".gz" } else { "" };
        let pin = folder.join(format!("{}.{next:08}{ending}", container.restart));
        fs::hard_link(fs::canonicalize(path)?, &pin)?;
        if fs::metadata(&pin)?.ino() != inode {
            // Renamed meanwhile.
            fs::remove_file(&pin)?;
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(pin)
    }

    /// The links of a container with their numbers, oldest file first.
    pub(super) fn of(&self, container: &Container) -> Vec<(u64, PathBuf)> {
        let of_restart = |pin: PathBuf| {
            let (restart, number) = number_of(&pin)?;
            (restart == container.restart).then_some((number, pin))
        };
        let pins = entries(&container.folder_below(&self.folder)).into_iter();
        let mut pins: Vec<_> = pins.filter_map(of_restart).collect();
        pins.sort_unstable();
        pins
    }

    /// The highest of those numbers.
    pub(super) fn last(&self, container: &Container) -> u64 {
        self.of(container).last().map_or(0, |(number, _)| *number)
    }

    /// Every container that has links.
    pub(super) fn containers(&self) -> Vec<Container> {
        containers_below(&self.folder)
    }

    /// Removes a container's links: its files are not wanted.
    pub(super) fn remove(&self, container: &Container) {
        for (_, pin) in self.of(container) {
            crate::tail::release(&pin);
        }
    }

    /// How much lies in files that are nowhere else any more.
    fn held_bytes(&self) -> u64 {
        let pods = entries(&self.folder).into_iter();
        let pins = pods.flat_map(|pod| entries(&pod)).flat_map(|container| entries(&container));
        let held = pins.filter_map(|pin| fs::metadata(pin).ok().filter(|meta| meta.nlink() == 1));
        held.map(|meta| meta.len()).sum()
    }
}

/// Every container of which files are kept below `folder`.
pub(super) fn containers_below(folder: &Path) -> Vec<Container> {
    let mut found = Vec::new();
    for pod in entries(folder) {
        let Some((namespace, name, uid)) = pod_of(&pod) else { continue };
        for folder in entries(&pod) {
            let mut restarts: Vec<_> = entries(&folder).iter().filter_map(|file| Some(number_of(file)?.0)).collect();
            restarts.sort_unstable();
            restarts.dedup();
            let Some(container) = file_name(&folder) else { continue };
            found.extend(restarts.into_iter().map(|restart| Container {
                namespace: namespace.clone(),
                pod: name.clone(),
                pod_uid: uid.clone(),
                name: container.to_owned(),
                restart,
            }));
        }
    }
    found
}

/// What lies in a folder; nothing when it cannot be read.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// The restart and the number of a file that is kept.
pub(super) fn number_of(file: &Path) -> Option<(u32, u64)> {
    let (restart, number) = base_name(file_name(file)?).split_once('.')?;
    Some((restart.parse().ok()?, number.parse().ok()?))
}
