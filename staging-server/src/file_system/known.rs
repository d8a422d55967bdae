use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::path::FilePath;

/// For how long a folder that was there is taken to be there still. All that can come of a folder that has gone meanwhile is
/// that it is there again.
const KNOWN_FOR: Duration = Duration::from_secs(30);
const KNOWN_AT_MOST: usize = 10_000;

/// Folders that this process has seen lately: most uploads go where the last one went.
#[derive(Default)]
pub(super) struct KnownFolders(Mutex<HashMap<String, Instant>>);

impl KnownFolders {
    pub(super) fn has(&self, path: &FilePath) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&path.to_string()).is_some_and(|since| since.elapsed() < KNOWN_FOR)
    }

    pub(super) fn add(&self, path: &FilePath) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_AT_MOST {
            known.retain(|_, since| since.elapsed() < KNOWN_FOR);
        }
        if known.len() < KNOWN_AT_MOST {
            known.insert(path.to_string(), Instant::now());
        }
    }

    /// Nothing is known of what was removed or moved.
    pub(super) fn forget(&self, path: &FilePath) {
        let (path, below) = (path.to_string(), format!("{path}/"));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|folder, _| *folder != path && !folder.starts_with(&below));
    }
}
