//! Copies of log files that could not be shipped, made while the store is away, for where no links to the files can be made. What
//! the kubelet deletes meanwhile is not lost then, whether this process lives on or not.
//!
//! ```text
//! <folder>/<namespace>_<pod>_<uid>/<container>/<restart>.<number>       .gz, .part, .left behind it: see `tail::Copied`
//! ```
//!
//! As the folder of links, but each file takes its room, from its first byte on, until all of it has been shipped.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::pins::{containers_below, entries, number_of};
use crate::Container;
use crate::tail::{Copied, Generation};

/// What has not been written for so long and has a successor is complete.
const QUIET: Duration = Duration::from_secs(2);

/// The folder of copies.
#[derive(Debug)]
pub(super) struct Spill {
    folder: PathBuf,
    max_bytes: u64,
    watched: Vec<Watched>,
    /// Whether it has been told that files cannot be copied.
    is_told: bool,
}

/// A file that is to be copied when the time comes.
#[derive(Debug)]
struct Watched {
    container: Container,
    number: u64,
    file: Weak<File>,
    is_gzip: bool,
    copy: Copied,
}

/// How much lies in copies, and how much should and has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spilled {
    pub(super) bytes: u64,
    pub(super) left_bytes: u64,
}

impl Spill {
    pub(super) fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes, watched: Vec::new(), is_told: false }
    }

    /// Remembers a file of a container, which is younger than all of it that have a number up to `after`.
    pub(super) fn watch(&mut self, container: &Container, generation: Generation, after: u64) -> Generation {
        let new = || {
            let number = self.last(container).max(after) + 1;
            Copied::new(container.folder_below(&self.folder).join(format!("{}.{number:08}", container.restart)))
        };
        let copy = generation.copy().cloned().unwrap_or_else(new);
        let number = number_of(copy.base()).map_or(after, |(_, number)| number);
        let (file, is_gzip) = (generation.file(), generation.is_compressed());
        self.watched.push(Watched { container: container.clone(), number, file, is_gzip, copy: copy.clone() });
        generation.copied_by(copy)
    }

    /// The highest number of a container's.
    pub(super) fn last(&self, container: &Container) -> u64 {
        let watched = self.watched.iter().filter(|one| one.container == *container).map(|one| one.number);
        let copied = self.bases(container).into_iter().map(|(number, _)| number);
        watched.chain(copied).max().unwrap_or(0)
    }

    /// Copies on, what there is least of first, so that one that writes much leaves room for the others.
    pub(super) fn copy(&mut self, is_wanted: bool) -> Spilled {
        if !is_wanted {
            return Spilled { bytes: self.held_bytes(), left_bytes: 0 };
        }
        self.watched.retain(|one| one.file.strong_count() > 0);
        self.watched.sort_by_key(|one| one.copy.bytes());
        let mut newest: HashMap<Container, u64> = HashMap::new();
        for one in &self.watched {
            let number = newest.entry(one.container.clone()).or_default();
            *number = one.number.max(*number);
        }
        let held = self.held_bytes();
        let (room, mut left_bytes) = (self.max_bytes.saturating_sub(held), 0);
        let mut now = room;
        for one in &self.watched {
            let Some(file) = one.file.upgrade() else { continue };
            let is_over = is_over(&file, newest.get(&one.container).is_some_and(|newest| one.number < *newest));
            if let Err(error) = one.copy.go_on(&file, one.is_gzip, is_over, &mut now)
                && !std::mem::replace(&mut self.is_told, true)
            {
                let folder = self.folder.display();
                tracing::warn!(%error, "log files cannot be copied into {folder}: what is deleted while the store is away is lost with this process");
            }
            left_bytes += one.copy.left_bytes();
        }
        Spilled { bytes: held + (room - now), left_bytes }
    }

    /// What was copied of a container, oldest file first, by its numbers; what a reader of this process holds is not among it.
    pub(super) fn open(&self, container: &Container, open_files: &Arc<AtomicU64>) -> Vec<(u64, Generation)> {
        let open = |(number, base): (u64, PathBuf)| {
            let (copy, path) = Copied::found(base)?;
            let generation = Generation::open(&path, open_files).ok()?;
            Some((number, generation.being_copy(copy)))
        };
        self.bases(container).into_iter().filter_map(open).collect()
    }

    pub(super) fn containers(&self) -> Vec<Container> {
        containers_below(&self.folder)
    }

    pub(super) fn remove(&self, container: &Container) {
        for one in self.watched.iter().filter(|one| one.container == *container) {
            one.copy.release();
        }
        for (_, base) in self.bases(container) {
            Copied::new(base).release();
        }
    }

    /// The copies of a container, by their numbers and paths without endings.
    fn bases(&self, container: &Container) -> Vec<(u64, PathBuf)> {
        let folder = container.folder_below(&self.folder);
        let numbers = entries(&folder).into_iter().filter_map(|path| number_of(&path));
        let mut numbers: Vec<u64> =
            numbers.filter(|(restart, _)| *restart == container.restart).map(|(_, number)| number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let base = |number: u64| (number, folder.join(format!("{}.{number:08}", container.restart)));
        numbers.into_iter().map(base).collect()
    }

    fn held_bytes(&self) -> u64 {
        let copies =
            entries(&self.folder).into_iter().flat_map(|pod| entries(&pod)).flat_map(|folder| entries(&folder));
        copies.filter_map(|copy| fs::metadata(copy).ok()).map(|meta| meta.len()).sum()
    }
}

/// Whether nothing will be written to the file any more.
fn is_over(file: &File, has_successor: bool) -> bool {
    let Ok(meta) = file.metadata() else { return false };
    let written = meta.modified().ok().and_then(|time| time.elapsed().ok());
    (has_successor || meta.nlink() == 0) && written.is_some_and(|ago| ago >= QUIET)
}
