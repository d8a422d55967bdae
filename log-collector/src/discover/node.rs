//! The log files of a node: `<namespace>_<pod>_<uid>/<container>/<restart>.log` below the kubelet's folder of pod logs, and
//! what rotation leaves beside them: `<restart>.log.<time>`, later `<restart>.log.<time>.gz`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::watch::Folders;
use crate::tail::Generation;
use crate::{Container, Metrics, files};

/// Files of one container that were not there before, held open, oldest first.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) container: Container,
    /// The path of the file that is written to.
    pub(crate) live: PathBuf,
    pub(crate) generations: Vec<Generation>,
}

/// Looks through the folder, and remembers what it has found. Blocks on the disk.
pub(crate) struct Scanner {
    root: PathBuf,
    namespaces: Vec<String>,
    folders: Folders,
    watched: HashSet<PathBuf>,
    /// The newest generation of each container, open, so that its inode cannot become another file's.
    newest: HashMap<Container, Generation>,
    /// Containers that are none of Spark's.
    ignored: HashSet<Container>,
    metrics: Arc<Metrics>,
}

impl Scanner {
    /// Looks below `root` for the containers of these namespaces; of all when there are none.
    pub(crate) fn new(root: PathBuf, namespaces: Vec<String>, folders: Folders, metrics: Arc<Metrics>) -> Self {
        let (watched, newest, ignored) = (HashSet::new(), HashMap::new(), HashSet::new());
        Self { root, namespaces, folders, watched, newest, ignored, metrics }
    }

    /// Everything that appeared since the last time.
    ///
    /// # Errors
    /// The folder itself cannot be read. What vanishes below it meanwhile is no error.
    pub(crate) fn scan(&mut self) -> io::Result<Vec<Found>> {
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
        Ok(found)
    }

    /// Forgets a container that nobody follows any more. If its file is still there, it is found again.
    pub(crate) fn forget(&mut self, container: &Container) {
        self.newest.remove(container);
    }

    /// Passes over a container from now on, as long as its file is there.
    pub(crate) fn ignore(&mut self, container: Container) {
        self.newest.remove(&container);
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
            let is_as_listed = opened.iter().all(|found| found.generations.iter().all(|g| before.has_inode(g.inode.1)));
            // What has been deleted meanwhile does no harm: it is open.
            if is_as_listed && list(folder).is_ok_and(|after| after.0.is_subset(&before.0)) {
                for found in &opened {
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
        &self,
        container: &Container,
        folder: &Path,
        files: &Files,
        present: &mut HashSet<Container>,
    ) -> Option<Vec<Found>> {
        let mut restarts: HashMap<u32, Vec<(Age, &Path, u64)>> = HashMap::new();
        for (file, inode) in &files.0 {
            if let Some((restart, age)) = file_name(file).and_then(generation_of) {
                restarts.entry(restart).or_default().push((age, file, *inode));
            }
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
            // Where the newest known one is not among them any more, all are given; their reader knows what it has read.
            let at = files.iter().rposition(|(_, _, inode)| known == Some(*inode));
            let mut generations = Vec::new();
            for (_, path, _) in files.get(at.map_or(0, |at| at + 1)..).unwrap_or_default() {
                match Generation::open(path) {
                    Ok(generation) => generations.push(generation),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                    Err(error) if files::is_no_file(&error) => {}
                    Err(error) => {
                        // Those behind it are left for later, too: what comes first must be read first.
                        Metrics::add(&self.metrics.read_errors, 1);
                        tracing::warn!(%error, file = %path.display(), "a log file cannot be opened; trying again");
                        break;
                    }
                }
            }
            if !generations.is_empty() {
                found.push(Found { live: folder.join(format!("{restart}.log")), container, generations });
            }
        }
        Some(found)
    }
}

/// How often a folder is looked at again that changes while its files are opened, before that is left to the next scan.
const LOOKS: usize = 16;

/// The files of a folder that are generations of a log, with their inodes.
struct Files(BTreeSet<(PathBuf, u64)>);

impl Files {
    fn has_inode(&self, inode: u64) -> bool {
        self.0.iter().any(|(_, listed)| *listed == inode)
    }
}

/// What lies in the folder, with the inode that opening it leads to: where the container engine writes the file elsewhere,
/// there is a link.
fn list(folder: &Path) -> io::Result<Files> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder)?.filter_map(Result::ok) {
        let path = entry.path();
        if file_name(&path).and_then(generation_of).is_none() {
            continue;
        }
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match if is_link { fs::metadata(&path).map(|meta| meta.ino()) } else { Ok(entry.ino()) } {
            Ok(inode) => drop(files.insert((path, inode))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Opening it will say why not.
            Err(_) => drop(files.insert((path, entry.ino()))),
        }
    }
    Ok(Files(files))
}

/// Sorts generations from the oldest to the one that is written to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    is_live: bool,
    /// When it was rotated away: `<date>-<time>`.
    time: Option<String>,
    is_compressed: bool,
}

fn pod_of(folder: &Path) -> Option<(String, String, String)> {
    let mut parts = file_name(folder)?.splitn(3, '_').map(str::to_owned);
    let parts = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = [&parts.0, &parts.1, &parts.2].iter().all(|part| !part.is_empty());
    is_whole.then_some(parts)
}

fn generation_of(name: &str) -> Option<(u32, Age)> {
    let (restart, rest) = name.split_once(".log")?;
    let restart = restart.parse().ok()?;
    let Some(time) = rest.strip_prefix('.') else {
        return rest.is_empty().then_some((restart, Age { is_live: true, time: None, is_compressed: false }));
    };
    let (time, is_compressed) = time.strip_suffix(".gz").map_or((time, false), |time| (time, true));
    let is_time = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_time.then(|| (restart, Age { is_live: false, time: Some(time.to_owned()), is_compressed }))
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}
