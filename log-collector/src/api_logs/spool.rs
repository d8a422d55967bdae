//! The file that a container's log is written to, and its rotations.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::overlap::Written;
use crate::Container;
use crate::ship::Context;

/// A file of this size is rotated away.
const FILE_BYTES: u64 = 8 * 1024 * 1024;
/// So much of the file is read again for the lines that were written last.
const TAIL_BYTES: u64 = 4 * 1024 * 1024;
/// As many rotated files are kept for a store that is away; then the oldest goes.
const MOST_ROTATED: usize = 16;
/// How often it is looked whether a file has been linked.
const POLL: Duration = Duration::from_millis(100);

/// The files of one container.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    live: PathBuf,
    size_bytes: u64,
    /// Those that have been rotated away, oldest first, and whether each has been linked by who ships it.
    rotated: Vec<(PathBuf, bool)>,
}

impl Spool {
    /// Opens what there is, or begins; also tells which lines were written last.
    pub(super) async fn open(pods: &Path, container: &Container) -> io::Result<(Self, Written)> {
        let folder = container.folder_below(pods);
        let file_name = format!("{}.log", container.restart);
        blocking(move || {
            fs::create_dir_all(&folder)?;
            let live = folder.join(&file_name);
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&live)?;
            let mut rotated: Vec<_> = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
            rotated.retain(|path| {
                path.file_name()
                    .is_some_and(|name| name.as_encoded_bytes().starts_with(format!("{file_name}.").as_bytes()))
            });
            rotated.sort();
            let size_bytes = cut_at_line(&mut file)?;
            let mut written = Written::default();
            // What was written last may lie in the file before.
            for path in rotated.last().into_iter().chain([&live]) {
                remember(&mut written, path)?;
            }
            let rotated = rotated.into_iter().map(|path| (path, false)).collect();
            Ok((Self { folder, live, size_bytes, rotated }, written))
        })
        .await
    }

    /// Appends lines.
    pub(super) async fn write(&mut self, lines: Vec<u8>) -> io::Result<()> {
        let (live, size) = (self.live.clone(), lines.len() as u64);
        // One write: what reads the file sees whole lines.
        blocking(move || OpenOptions::new().append(true).create(true).open(live)?.write_all(&lines)).await?;
        self.size_bytes += size;
        if self.size_bytes >= FILE_BYTES {
            self.rotate().await?;
        }
        self.remove_shipped();
        Ok(())
    }

    async fn rotate(&mut self) -> io::Result<()> {
        // Names have a second's precision, as a kubelet's: they must go up.
        let mut at = Utc::now();
        let name = |at: DateTime<Utc>| PathBuf::from(format!("{}.{}", self.live.display(), at.format("%Y%m%d-%H%M%S")));
        while self.rotated.last().is_some_and(|(last, _)| *last >= name(at)) {
            at += chrono::TimeDelta::seconds(1);
        }
        let (live, to) = (self.live.clone(), name(at));
        let moved = to.clone();
        blocking(move || {
            fs::rename(&live, &moved)?;
            OpenOptions::new().append(true).create_new(true).open(&live).map(drop)
        })
        .await?;
        self.rotated.push((to, false));
        self.size_bytes = 0;
        Ok(())
    }

    /// Removes rotated files that have been linked and are so no more: they have been shipped. And the oldest, when there are
    /// too many.
    fn remove_shipped(&mut self) {
        self.rotated.retain_mut(|(path, was_linked)| {
            let Ok(links) = fs::metadata(&path).map(|meta| meta.nlink()) else { return false };
            *was_linked |= links > 1;
            let is_shipped = *was_linked && links == 1;
            !(is_shipped && fs::remove_file(path).is_ok())
        });
        while self.rotated.len() > MOST_ROTATED {
            let (oldest, _) = self.rotated.remove(0);
            // Whoever ships it holds it open, and tells what is missing if he does not.
            let _ = fs::remove_file(oldest);
        }
    }

    /// Lets go of all files, as a kubelet deletes those of a pod that is gone: as soon as who ships them has found them.
    pub(super) async fn leave(&mut self, context: &Context) {
        loop {
            self.remove_shipped();
            let is_found = |path: &Path| fs::metadata(path).map_or(true, |meta| meta.nlink() > 1 || meta.len() == 0);
            if is_found(&self.live) && self.rotated.iter().all(|(path, was_linked)| *was_linked || is_found(path)) {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                // The next collector finds them.
                () = context.stop.cancelled() => return,
            }
        }
        for path in self.rotated.iter().map(|(path, _)| path).chain([&self.live]) {
            let _ = fs::remove_file(path);
        }
        for folder in self.folder.ancestors().take(2) {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Removes a line that was being written when its writer was killed; gives the size that is left.
fn cut_at_line(file: &mut File) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let start = size.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let end = memchr::memrchr(b'\n', &tail).map_or(start, |at| start + at as u64 + 1);
    if end < size {
        file.set_len(end)?;
    }
    Ok(end)
}

/// Remembers the lines at the end of a file, as the API gave them.
fn remember(written: &mut Written, path: &Path) -> io::Result<()> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let skip = if size > TAIL_BYTES { memchr::memchr(b'\n', &tail).map_or(0, |at| at + 1) } else { 0 };
    for line in tail.get(skip..).unwrap_or_default().split(|byte| *byte == b'\n') {
        let mut words = line.splitn(4, |byte| *byte == b' ');
        let (Some(time), Some(_), Some(_), Some(content)) = (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let parsed = std::str::from_utf8(time).ok().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        if let Some(parsed) = parsed {
            written.push(parsed.to_utc(), &[time, b" ", content].concat());
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
