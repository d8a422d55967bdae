//! The log files of a node: `<namespace>_<pod>_<uid>/<container>/<restart>.log` below the kubelet's folder of pod logs, and
//! what rotation leaves beside them: `<restart>.log.<time>`, later `<restart>.log.<time>.gz`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::kept::{Keeping, Kept, merge};
use super::paths::{Age, file_name, generation_of, pod_of};
use super::watch::Folders;
use crate::tail::{Counted, Generation, Lost};
use crate::{Container, Metrics};

/// Files of one container that were not there before, held open, oldest first.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) container: Container,
    /// The path of the file that is written to.
    pub(crate) live: PathBuf,
    pub(crate) generations: Vec<Generation>,
    /// Files before them that could not be opened before they went.
    pub(crate) lost: Option<Lost>,
}

/// Looks through the folder, and remembers what it has found. Blocks on the disk.
pub(crate) struct Scanner {
    root: PathBuf,
    namespaces: Vec<String>,
    folders: Folders,
    watched: HashSet<PathBuf>,
    /// The newest generation of each container, open, so that its inode cannot become another file's.
    newest: HashMap<Container, Generation>,
    /// By when they were rotated, those files of a container that were given already. The name alone tells: an inode becomes
    /// another file's, and clocks are set back.
    given: HashMap<Container, HashSet<String>>,
    /// What this look would add to them.
    giving: Vec<(Container, String)>,
    /// Containers that are none of Spark's.
    ignored: HashSet<Container>,
    /// Files that could not be opened yet, with their sizes, by when they were rotated (the live one: by nothing).
    unread: HashMap<Container, HashMap<String, u64>>,
    /// Those of a container's files that are open.
    open: HashMap<Container, Vec<Weak<Counted>>>,
    open_files: Arc<AtomicU64>,
    max_open_files: u64,
    kept: Kept,
    metrics: Arc<Metrics>,
}

impl Scanner {
    /// Looks below `root` for the containers of these namespaces; of all when there are none. Opens no more than
    /// `max_open_files` as long as `open_files` says that so many are open, but for two of each container: the one that is
    /// read is not done with before the next one is there.
    pub(crate) fn new(
        (root, namespaces): (PathBuf, Vec<String>),
        folders: Folders,
        (open_files, max_open_files): (Arc<AtomicU64>, u64),
        keeping: Keeping,
        metrics: Arc<Metrics>,
    ) -> Self {
        let kept = Kept::new(keeping, Arc::clone(&open_files));
        Self {
            root,
            namespaces,
            folders,
            watched: HashSet::new(),
            newest: HashMap::new(),
            given: HashMap::new(),
            giving: Vec::new(),
            ignored: HashSet::new(),
            unread: HashMap::new(),
            open: HashMap::new(),
            open_files,
            max_open_files,
            kept,
            metrics,
        }
    }

    /// Everything that appeared since the last time. `is_away`: it will not be shipped soon.
    ///
    /// # Errors
    /// The folder itself cannot be read. What vanishes below it meanwhile is no error.
    pub(crate) fn scan(&mut self, is_away: bool) -> io::Result<Vec<Found>> {
        let (mut found, mut seen, mut present) = (Vec::new(), HashSet::new(), HashSet::new());
        for pod in self.read_folder(&self.root.clone(), &mut seen)? {
            let Some((namespace, name, uid)) = pod_of(&pod) else { continue };
            if !self.namespaces.is_empty() && !self.namespaces.contains(&namespace) {
                continue;
            }
            for folder in self.read_folder(&pod, &mut seen).unwrap_or_default() {
                let Some(container) = file_name(&folder) else { continue };
                let container = Container {
                    namespace: namespace.clone(),
                    pod: name.clone(),
                    pod_uid: uid.clone(),
                    name: container.to_owned(),
                    restart: 0,
                };
                if self.read_folder(&folder, &mut seen).is_ok() {
                    found.extend(self.containers(&container, &folder, &mut present));
                }
            }
        }
        self.watched.retain(|folder| seen.contains(folder));
        self.ignored.retain(|container| present.contains(container));
        self.given.retain(|container, _| present.contains(container));
        self.open.retain(|container, _| present.contains(container));
        found.extend(self.vanished(&present));
        found.extend(self.only_kept(&present));
        if is_away || self.metrics.spilled_bytes.load(Ordering::Relaxed) > 0 {
            let spilled = self.kept.copy(is_away);
            self.metrics.spilled_bytes.store(spilled.bytes, Ordering::Relaxed);
            self.metrics.unspilled_bytes.store(spilled.left_bytes, Ordering::Relaxed);
        }
        let unopened = self.unread.values().map(HashMap::len).sum::<usize>();
        self.metrics.unopened_files.store(unopened as u64, Ordering::Relaxed);
        self.metrics.open_files.store(self.open_files.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(found)
    }

    /// Forgets a container that nobody follows any more. If its file is still there, it is found again.
    pub(crate) fn forget(&mut self, container: &Container) {
        self.newest.remove(container);
        self.given.remove(container);
    }

    /// Passes over a container from now on, as long as its file is there.
    pub(crate) fn ignore(&mut self, container: Container) {
        self.forget(&container);
        self.kept.remove(&container);
        self.ignored.insert(container);
    }

    /// Finds those containers again that were ignored and should not be.
    pub(crate) fn reconsider(&mut self, is_known: impl Fn(&Container) -> bool) {
        self.ignored.retain(|container| !is_known(container));
    }

    fn read_folder(&mut self, folder: &Path, seen: &mut HashSet<PathBuf>) -> io::Result<Vec<PathBuf>> {
        // Watched first, read then: what comes between the two is seen twice rather than not at all.
        if !self.watched.contains(folder) {
            if !fs::metadata(folder)?.is_dir() {
                return Ok(Vec::new());
            }
            self.folders.add(folder);
            self.watched.insert(folder.to_owned());
        }
        seen.insert(folder.to_owned());
        let entries = fs::read_dir(folder)?;
        Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
    }

    /// Opens what is new in a container's folder. Files are renamed and compressed at any instant: only what was opened
    /// between two looks that saw the same is taken, or one file would be passed over and another taken twice.
    fn containers(&mut self, container: &Container, folder: &Path, present: &mut HashSet<Container>) -> Vec<Found> {
        for _ in 0..LOOKS {
            let Ok(before) = list(folder) else { return Vec::new() };
            let Some(opened) = self.open_new(container, folder, &before, present) else { continue };
            let is_as_listed = |found: &Found| {
                let is_listed = |found: &Generation| before.has_inode(found.inode.1);
                found.generations.iter().all(|found| found.is_pinned() || found.is_copy() || is_listed(found))
            };
            // What has been deleted meanwhile does no harm: it is open.
            if opened.iter().all(is_as_listed) && list(folder).is_ok_and(|after| after.0.is_subset(&before.0)) {
                let opened: Vec<_> = opened.into_iter().map(|found| self.keep(found)).collect();
                for (container, time) in self.giving.drain(..) {
                    self.given.entry(container).or_default().insert(time);
                }
                for found in &opened {
                    let watches = found.generations.iter().map(Generation::watch);
                    self.open.entry(found.container.clone()).or_default().extend(watches);
                    let newest = found.generations.last().cloned();
                    self.newest.extend(newest.map(|newest| (found.container.clone(), newest)));
                }
                return opened;
            }
        }
        Vec::new()
    }

    /// `None` when a file is not where it was listed.
    fn open_new(
        &mut self,
        container: &Container,
        folder: &Path,
        files: &Files,
        present: &mut HashSet<Container>,
    ) -> Option<Vec<Found>> {
        self.giving.clear();
        let mut restarts: HashMap<u32, Vec<(Age, &Path, u64)>> = HashMap::new();
        for file in &files.0 {
            restarts.entry(file.restart).or_default().push((file.age.clone(), file.path.as_path(), file.inode));
        }
        let mut found = Vec::new();
        for (restart, mut files) in restarts {
            let container = Container { restart, ..container.clone() };
            present.insert(container.clone());
            if self.ignored.contains(&container) {
                continue;
            }
            files.sort_unstable();
            // While a file is being compressed it is there twice.
            files.dedup_by(|later, earlier| later.0.time.is_some() && later.0.time == earlier.0.time);
            let known = self.newest.get(&container).map(|generation| generation.inode.1);
            let new = self.not_given(&container, known, &files);
            let kept = if known.is_none() { self.kept.open(&container) } else { Vec::new() };
            let held = self.held(&container) + kept.len();
            let generations = self.open_all(held, &new)?;
            let times = new.iter().take(generations.len()).filter_map(|(age, ..)| age.time.clone());
            self.giving.extend(times.map(|time| (container.clone(), time)));
            let unopened = new.get(generations.len()..).unwrap_or_default();
            let generations = merge(kept, generations);
            let lost = self.note_unread(&container, &files, unopened);
            if !generations.is_empty() || lost.is_some() {
                found.push(Found { live: folder.join(format!("{restart}.log")), container, generations, lost });
            }
        }
        Some(found)
    }

    /// Those of a container's files that its reader has not been given; `newest` is the inode of the last that it has.
    fn not_given<'f>(
        &mut self,
        container: &Container,
        newest: Option<u64>,
        files: &[(Age, &'f Path, u64)],
    ) -> Vec<(Age, &'f Path, u64)> {
        let given = self.given.entry(container.clone()).or_default();
        given.retain(|time| files.iter().any(|(age, ..)| age.time.as_ref() == Some(time)));
        let is_newest = |inode: u64| newest == Some(inode);
        given.extend(files.iter().filter(|(_, _, inode)| is_newest(*inode)).filter_map(|(age, ..)| age.time.clone()));
        let is_given = |age: &Age| age.time.as_ref().is_some_and(|time| given.contains(time));
        files.iter().filter(|(age, _, inode)| !is_newest(*inode) && !is_given(age)).cloned().collect()
    }

    /// How many of a container's files are open.
    fn held(&mut self, container: &Container) -> usize {
        let open = self.open.entry(container.clone()).or_default();
        open.retain(|file| file.strong_count() > 0);
        open.len()
    }

    /// Opens files, oldest first, up to one that cannot be opened now: those behind it are left for later, too, for what comes
    /// first must be read first. `None` when one is not where it was listed.
    fn open_all(&self, held: usize, files: &[(Age, &Path, u64)]) -> Option<Vec<Generation>> {
        let mut generations = Vec::new();
        for (_, path, _) in files {
            let is_many = self.open_files.load(Ordering::Relaxed) >= self.max_open_files;
            if is_many && held + generations.len() >= LEAST_OPEN {
                break;
            }
            match Generation::open(path, &self.open_files) {
                Ok(generation) => generations.push(generation),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => {
                    Metrics::add(&self.metrics.read_errors, 1);
                    tracing::warn!(%error, file = %path.display(), "a log file cannot be opened; trying again");
                    break;
                }
            }
        }
        Some(generations)
    }

    fn keep(&mut self, found: Found) -> Found {
        let generations = self.kept.keep(&found.container, found.generations);
        Found { generations, ..found }
    }

    /// Containers of which there is nothing but what was kept.
    fn only_kept(&mut self, present: &HashSet<Container>) -> Vec<Found> {
        let mut found = Vec::new();
        for container in self.kept.containers() {
            if present.contains(&container) || self.newest.contains_key(&container) {
                continue;
            }
            let generations = self.kept.open(&container);
            let Some(newest) = generations.last().cloned() else { continue };
            self.newest.insert(container.clone(), newest);
            let live = container.folder_below(&self.root).join(format!("{}.log", container.restart));
            found.push(Found { live, container, generations, lost: None });
        }
        found
    }

    /// Remembers what could not be opened, and tells what of that has gone.
    fn note_unread(
        &mut self,
        container: &Container,
        listed: &[(Age, &Path, u64)],
        unopened: &[(Age, &Path, u64)],
    ) -> Option<Lost> {
        let key = |age: &Age| age.time.clone().unwrap_or_default();
        let mut before = self.unread.remove(container).unwrap_or_default();
        for (age, ..) in listed {
            before.remove(&key(age));
        }
        let size = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
        let unread: HashMap<_, _> = unopened.iter().map(|(age, path, _)| (key(age), size(path))).collect();
        if !unread.is_empty() {
            self.unread.insert(container.clone(), unread);
        }
        (!before.is_empty()).then(|| Lost { size_bytes: Some(before.values().sum()) })
    }

    /// Containers that are gone with files of theirs that were never opened.
    fn vanished(&mut self, present: &HashSet<Container>) -> Vec<Found> {
        let gone: Vec<_> = self.unread.keys().filter(|container| !present.contains(container)).cloned().collect();
        let lost = |container: Container| {
            let size_bytes = self.unread.remove(&container)?.values().sum();
            let lost = Some(Lost { size_bytes: Some(size_bytes) });
            // Without one that could be opened, nothing is known of it in the store.
            self.newest.contains_key(&container).then(|| Found {
                live: PathBuf::new(),
                container,
                generations: Vec::new(),
                lost,
            })
        };
        gone.into_iter().filter_map(lost).collect()
    }
}

/// How many files of a container are opened however many are.
const LEAST_OPEN: usize = 2;

/// How often a folder is looked at again that changes while its files are opened, before that is left to the next scan.
const LOOKS: usize = 16;

/// The files of a folder that are generations of a log.
struct Files(BTreeSet<Listed>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    restart: u32,
    age: Age,
    path: PathBuf,
    inode: u64,
}

impl Files {
    fn has_inode(&self, inode: u64) -> bool {
        self.0.iter().any(|listed| listed.inode == inode)
    }
}

/// What lies in the folder, with the inode that opening it leads to. Docker writes the file elsewhere, and leaves a link: then
/// what it has rotated lies beside its target.
fn list(folder: &Path) -> io::Result<Files> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder)?.filter_map(Result::ok) {
        let path = entry.path();
        let Some((restart, age)) = file_name(&path).and_then(generation_of) else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        let inode = match kind.is_symlink() {
            true => fs::metadata(&path).map(|meta| meta.is_file().then(|| meta.ino())),
            false => Ok(kind.is_file().then(|| entry.ino())),
        };
        if let (true, Ok(Some(_))) = (kind.is_symlink(), &inode) {
            files.extend(rotated_by_docker(restart, &path));
        }
        match inode {
            Ok(Some(inode)) => drop(files.insert(Listed { restart, age, path, inode })),
            // A FIFO or a device is no log.
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Opening it will say why not.
            Err(_) => drop(files.insert(Listed { restart, age, path, inode: entry.ino() })),
        }
    }
    Ok(Files(files))
}

/// `<id>-json.log.1`, `<id>-json.log.2.gz` and so on beside the target of a link.
fn rotated_by_docker(restart: u32, link: &Path) -> Vec<Listed> {
    let Ok(target) = fs::canonicalize(link) else { return Vec::new() };
    let (Some(folder), Some(name)) = (target.parent(), file_name(&target)) else { return Vec::new() };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let listed = |entry: fs::DirEntry| {
        let path = entry.path();
        let age = Age::of_docker(file_name(&path)?.strip_prefix(name)?, entry.ino())?;
        entry.file_type().ok()?.is_file().then(|| Listed { restart, age, path, inode: entry.ino() })
    };
    entries.filter_map(listed).collect()
}
