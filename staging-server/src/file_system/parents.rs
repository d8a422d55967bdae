//! The folders above a path.

use storage::ObjectPath;

use super::{FileSystem, folder};
use crate::path::FilePath;
use crate::status::{Attributes, Permission, Wish};
use crate::{Error, Result};

/// What a maker of a folder can always do in it.
const OF_ITS_MAKER: u16 = 0o300;

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
