//! Renaming, as HDFS does it: the older call says yes or no, the newer one what stands against it.

use super::FileSystem;
use super::change::keep_parent;
use crate::path::FilePath;
use crate::status::{Kind, Status};
use crate::{Error, Result};

impl FileSystem {
    /// Moves what is at `from` to `to`, or into it when `to` is a folder. `false` where there is nothing to move, or no
    /// place for it.
    pub(crate) async fn rename(&self, from: &FilePath, to: &FilePath) -> Result<bool> {
        to.check_name()?;
        if from.is_root() || to.is_below(from) {
            return Ok(false);
        }
        let Some(status) = self.find(from).await? else { return Ok(false) };
        if from.is_same(to) {
            return Ok(!status.is_folder());
        }
        let (to, target) = match self.find(to).await? {
            Some(found) if found.is_folder() => {
                let inside = to.join(&from.name())?;
                let found = self.find(&inside).await?;
                (inside, found)
            }
            found => (to.clone(), found),
        };
        if target.is_some() && self.is_half_moved(from, &to).await? {
            return self.move_to(from, &status, &to, true).await.map(|()| true);
        }
        // Into the folder in which it is already.
        if target.is_some() {
            return Ok(from.is_same(&to) && !status.is_folder());
        }
        match self.check_parents(&to, None).await {
            Ok(()) => {}
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.move_to(from, &status, &to, false).await.map(|()| true)
    }

    /// Moves what is at `from` to `to` itself, in place of what is there only when `overwrite` is set.
    pub(crate) async fn rename_exactly(&self, from: &FilePath, to: &FilePath, overwrite: bool) -> Result<()> {
        to.check_name()?;
        let Some(status) = self.find(from).await? else { return Err(Error::NotFound { path: from.to_string() }) };
        if from.is_root() || to.is_root() {
            return Err(Error::Conflict("rename: / stays where it is".to_owned()));
        }
        if from.is_same(to) {
            return Err(Error::AlreadyExists { path: to.to_string(), hint: ": it is the source itself" });
        }
        if to.is_below(from) {
            return Err(Error::Conflict(format!("rename: {to} lies below {from}")));
        }
        let target = self.find(to).await?;
        let overwrite = overwrite || target.is_some() && self.is_half_moved(from, to).await?;
        if let Some(found) = &target {
            self.check_replaced(to, &status, found, overwrite).await?;
        }
        self.check_parents(to, None).await?;
        if target.is_some_and(|found| found.is_folder()) {
            let (tree, inside) = self.writable(to)?;
            tree.remove_folder(&inside).await?;
        }
        self.move_to(from, &status, to, overwrite).await
    }

    async fn check_replaced(&self, to: &FilePath, status: &Status, found: &Status, overwrite: bool) -> Result<()> {
        if status.is_folder() != found.is_folder() {
            let words = |status: &Status| if status.is_folder() { "directory" } else { "file" };
            return Err(Error::Conflict(format!(
                "rename: the source is a {}, but {to} is a {}",
                words(status),
                words(found)
            )));
        }
        if !overwrite {
            return Err(Error::AlreadyExists {
                path: to.to_string(),
                hint: ": delete it first, or ask to overwrite it",
            });
        }
        if found.is_folder() && !self.list(to).await?.is_empty() {
            return Err(Error::Conflict(format!("rename: the destination directory {to} is not empty")));
        }
        Ok(())
    }

    /// Whether a file is at both names because whoever moved it died.
    async fn is_half_moved(&self, from: &FilePath, to: &FilePath) -> Result<bool> {
        let ((tree, source), (other, inside)) = (self.writable(from)?, self.writable(to)?);
        Ok(tree.name() == other.name() && source != inside && tree.is_half_moved(&source, &inside).await?)
    }

    async fn move_to(&self, from: &FilePath, status: &Status, to: &FilePath, overwrite: bool) -> Result<()> {
        let ((tree, source), (other, inside)) = (self.writable(from)?, self.writable(to)?);
        if tree.name() != other.name() {
            return Err(Error::Forbidden(format!(
                "{from} cannot become {to}: between /{} and /{} things are copied, not moved",
                tree.name(),
                other.name()
            )));
        }
        if tree.is_fixed(&source) {
            return Err(Error::Forbidden(format!("{from} cannot be moved: it is always there")));
        }
        tree.check(&inside, status.is_folder())?;
        self.known.forget(from);
        let moved = match status.kind {
            Kind::File { .. } => tree.move_file(&source, &inside, overwrite).await,
            Kind::Folder => tree.move_folder(&source, &inside).await,
        };
        // Also after a failure: it may be moved all the same.
        let kept = keep_parent(tree, &source).await;
        moved.and(kept)
    }
}
