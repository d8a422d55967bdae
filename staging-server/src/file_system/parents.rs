//! The folders above a path.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use storage::ObjectPath;

use super::{FileSystem, folder};
use crate::path::FilePath;
use crate::status::{Attributes, Permission, Wish};
use crate::{Error, Result};

/// For how long a folder that was there is taken to be there still. All that can come of a folder that has gone meanwhile is
/// that it is there again.
const KNOWN_FOR: Duration = Duration::from_secs(30);
const KNOWN_AT_MOST: usize = 10_000;

/// What a maker of a folder can always do in it.
const OF_ITS_MAKER: u16 = 0o300;

/// Folders that this process has seen lately: most uploads go where the last one went.
#[derive(Default)]
pub(super) struct KnownFolders(Mutex<HashMap<String, Instant>>);

impl KnownFolders {
    fn has(&self, path: &FilePath) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&path.to_string()).is_some_and(|since| since.elapsed() < KNOWN_FOR)
    }

    fn add(&self, path: &FilePath) {
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

impl FileSystem {
    /// Makes the folders above `path` that are not there, where `make` is set: they are their maker's, and allow what the
    /// folder allows that they are made in.
    ///
    /// # Errors
    /// [`Error::ParentIsFile`]; [`Error::NotFound`] where one is missing that may not be made.
    pub(super) async fn check_parents(&self, path: &FilePath, make: Option<&Wish>) -> Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        if self.known.has(&parent) {
            return Ok(());
        }
        let (tree, _) = self.writable(path)?;
        let (mut missing, mut next) = (Vec::new(), parent.clone());
        let permission = loop {
            let (_, inside) = next.split();
            if let Some(found) = folder(tree, &inside).await? {
                break found.permission;
            }
            if tree.file(&inside).await?.is_some() {
                return Err(Error::ParentIsFile { path: next.to_string() });
            }
            missing.push(inside);
            let Some(above) = next.parent() else { break Attributes::folder().permission };
            next = above;
        };
        match make {
            Some(maker) => {
                let wish = Wish { permission: Some(Permission(permission.0 | OF_ITS_MAKER)), ..maker.clone() };
                for inside in missing.iter().rev() {
                    self.make_in(tree, inside, &wish).await?;
                }
            }
            None if missing.is_empty() => {}
            None => return Err(Error::NotFound { path: parent.to_string() }),
        }
        self.known.add(&parent);
        Ok(())
    }

    /// What lies below a file is neither listed nor removed.
    pub(super) async fn check_not_below_file(&self, path: &FilePath) -> Result<()> {
        let Some((tree, inside)) = self.tree(path) else { return Ok(()) };
        for above in std::iter::successors(inside.parent(), ObjectPath::parent) {
            if folder(tree, &above).await?.is_some() {
                break;
            }
            if tree.file(&above).await?.is_some() {
                return Err(Error::BelowFile { path: path.to_string() });
            }
        }
        Ok(())
    }
}
