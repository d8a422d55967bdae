//! What the names of log files and of the folders above them say.

use std::path::Path;

/// Sorts generations from the oldest to the one that is written to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Age {
    is_live: bool,
    /// When it was rotated away: `<date>-<time>`.
    pub(super) time: Option<String>,
    is_compressed: bool,
}

impl Age {
    /// The age that Docker's ending says: `.1` is younger than `.2.gz`. A file's number grows with each rotation, so the inode
    /// goes with it.
    pub(super) fn of_docker(ending: &str, inode: u64) -> Option<Self> {
        let number = ending.strip_prefix('.')?;
        let (number, is_compressed) = number.strip_suffix(".gz").map_or((number, false), |number| (number, true));
        let number: u32 = number.parse().ok()?;
        Some(Self { is_live: false, time: Some(format!("{:010}-{inode}", u32::MAX - number)), is_compressed })
    }
}

pub(super) fn pod_of(folder: &Path) -> Option<(String, String, String)> {
    let mut parts = file_name(folder)?.splitn(3, '_').map(str::to_owned);
    let parts = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = [&parts.0, &parts.1, &parts.2].iter().all(|part| !part.is_empty());
    is_whole.then_some(parts)
}

pub(super) fn generation_of(name: &str) -> Option<(u32, Age)> {
    let (restart, rest) = name.split_once(".log")?;
    let restart = restart.parse().ok()?;
    let Some(time) = rest.strip_prefix('.') else {
        return rest.is_empty().then_some((restart, Age { is_live: true, time: None, is_compressed: false }));
    };
    let (time, is_compressed) = time.strip_suffix(".gz").map_or((time, false), |time| (time, true));
    let is_time = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_time.then(|| (restart, Age { is_live: false, time: Some(time.to_owned()), is_compressed }))
}

pub(super) fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}
