use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};

use crate::ship::Context;

/// Held as long as a collector works on a folder, so that no other one on this machine does: two would write the same
/// objects, the slower one less of them. The system takes it away when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _folder: Option<OwnedFd>,
}

/// How often a lock that another one has is tried again.
const RETRY: Duration = Duration::from_millis(500);

impl FolderLock {
    /// Waits until no other collector has the folder; `None` when told to stop before. Where the file system knows no locks,
    /// goes on without one.
    pub(crate) async fn take(folder: &Path, context: &Context) -> Option<Self> {
        let trouble = format!("the lock on {}", folder.display());
        loop {
            match lock(folder) {
                Ok(held) => {
                    context.health.clear(&trouble);
                    return Some(Self { _folder: Some(held) });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    context.health.tell(&trouble, format!("another collector is at work on {}", folder.display()));
                    tracing::info!(folder = %folder.display(), "waiting for another collector to end");
                }
                Err(error) => {
                    tracing::warn!(%error, folder = %folder.display(), "the folder cannot be locked: see to it that one collector works on it");
                    return Some(Self { _folder: None });
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = context.stop.cancelled() => return None,
            }
        }
    }
}

fn lock(folder: &Path) -> io::Result<OwnedFd> {
    let opened = openat(CWD, folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    flock(&opened, FlockOperation::NonBlockingLockExclusive)?;
    Ok(opened)
}
