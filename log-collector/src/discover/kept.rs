//! What keeps log files that have not been shipped beyond their deletion and this process: hard links, and copies where no
//! links can be made.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::pins::Pins;
use super::spill::{Spill, Spilled};
use crate::Container;
use crate::tail::{Generation, release};

/// Which of them, by their folders and by how many bytes may lie there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeping {
    pub(crate) pins: Option<(PathBuf, u64)>,
    pub(crate) spill: Option<(PathBuf, u64)>,
}

/// Both.
#[derive(Debug)]
pub(super) struct Kept {
    pins: Option<Pins>,
    spill: Option<Spill>,
    open_files: Arc<AtomicU64>,
}

impl Kept {
    pub(super) fn new(keeping: Keeping, open_files: Arc<AtomicU64>) -> Self {
        let pins = keeping.pins.map(|(folder, max_bytes)| Pins::new(folder, max_bytes));
        let spill = keeping.spill.map(|(folder, max_bytes)| Spill::new(folder, max_bytes));
        Self { pins, spill, open_files }
    }

    /// What of a container was kept, by this collector or the one before, oldest first.
    pub(super) fn open(&self, container: &Container) -> Vec<Generation> {
        let mut opened: Vec<(u64, Generation)> = Vec::new();
        for (number, pin) in self.pins.iter().flat_map(|pins| pins.of(container)) {
            let Ok(generation) = Generation::open(&pin, &self.open_files) else { continue };
            // Linked twice: by one that was killed before it had told itself.
            match opened.iter().any(|(_, other)| other.inode == generation.inode) {
                true => release(&pin),
                false => opened.push((number, generation.pinned_at(pin))),
            }
        }
        opened.extend(self.spill.iter().flat_map(|spill| spill.open(container, &self.open_files)));
        opened.sort_by_key(|(number, _)| *number);
        opened.into_iter().map(|(_, generation)| generation).collect()
    }

    /// Links those that are not linked; those that cannot be are copied when the time comes.
    pub(super) fn keep(&mut self, container: &Container, generations: Vec<Generation>) -> Vec<Generation> {
        generations.into_iter().map(|generation| self.keep_one(container, generation)).collect()
    }

    fn keep_one(&mut self, container: &Container, generation: Generation) -> Generation {
        if generation.is_pinned() || generation.is_copy() {
            return generation;
        }
        let copied = self.spill.as_ref().map_or(0, |spill| spill.last(container));
        let (path, inode) = (generation.path(), generation.inode.1);
        if let Some(pin) = self.pins.as_mut().and_then(|pins| pins.pin(container, path, inode, copied)) {
            return generation.pinned_at(pin);
        }
        let linked = self.pins.as_ref().map_or(0, |pins| pins.last(container));
        match &mut self.spill {
            Some(spill) => spill.watch(container, generation, linked),
            None => generation,
        }
    }

    /// Copies what is not linked, as far as there is room, if that `is_wanted` now; tells what there is of it.
    pub(super) fn copy(&mut self, is_wanted: bool) -> Spilled {
        self.spill.as_mut().map(|spill| spill.copy(is_wanted)).unwrap_or_default()
    }

    /// Every container of which something is kept.
    pub(super) fn containers(&self) -> Vec<Container> {
        let linked = self.pins.iter().flat_map(Pins::containers);
        let mut all: Vec<_> = linked.chain(self.spill.iter().flat_map(Spill::containers)).collect();
        all.sort_by(|a, b| (&a.pod_uid, &a.name, a.restart).cmp(&(&b.pod_uid, &b.name, b.restart)));
        all.dedup();
        all
    }

    /// Lets go of a container's files: they are not wanted.
    pub(super) fn remove(&self, container: &Container) {
        if let Some(pins) = &self.pins {
            pins.remove(container);
        }
        if let Some(spill) = &self.spill {
            spill.remove(container);
        }
    }
}

/// The kept files that are nowhere else, for the oldest are deleted first; then those in the folder, by their links where they
/// have any: a link's file may have been compressed in the folder since. A copy may be shorter than the file: that is read.
pub(super) fn merge(kept: Vec<Generation>, found: Vec<Generation>) -> Vec<Generation> {
    let mut kept: Vec<_> = kept.into_iter().map(|kept| (kept.fingerprint(), kept)).collect();
    let mut merged = Vec::new();
    for found in found {
        let fingerprint = if kept.is_empty() { None } else { found.fingerprint() };
        let is_it = |(known, kept): &(Option<String>, Generation)| {
            kept.inode == found.inode || (known.is_some() && *known == fingerprint)
        };
        let Some(at) = kept.iter().position(is_it) else {
            merged.push(found);
            continue;
        };
        let (_, kept) = kept.remove(at);
        merged.push(match kept.copy().filter(|_| kept.is_copy()) {
            None => kept,
            Some(copy) if kept.is_compressed() == found.is_compressed() => found.copied_by(copy.clone()),
            Some(copy) => {
                copy.release();
                found
            }
        });
    }
    kept.into_iter().map(|(_, kept)| kept).chain(merged).collect()
}
