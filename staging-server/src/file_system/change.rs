//! What is made, changed and removed.

use std::ops::Range;

use futures::TryStreamExt as _;
use storage::ObjectPath;

use super::{FileSystem, folder};
use crate::path::FilePath;
use crate::status::Wish;
use crate::tree::{File, Tree, copy_into};
use crate::upload::{self, Incoming};
use crate::{Error, Result};

/// How a file is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    /// What it is to be.
    pub(crate) wish: Wish,
    /// Whether one that is there is replaced.
    pub(crate) overwrite: bool,
    /// Whether one that is not there is made.
    pub(crate) create: bool,
    /// Whether the folders above it are made.
    pub(crate) create_parents: bool,
}

impl FileSystem {
    /// Whether a file may be made at `path`, as far as one request to the store can tell. Asked before a client sends its
    /// bytes, so that it need not send them in vain.
    pub(crate) async fn check_create(&self, path: &FilePath, how: &Creation) -> Result<()> {
        path.check_name()?;
        if path.is_root() {
            return Err(Error::AlreadyExists { path: path.to_string(), hint: " as a directory" });
        }
        let (tree, inside) = self.writable(path)?;
        if tree.is_fixed(&inside) {
            return Err(Error::AlreadyExists { path: path.to_string(), hint: " as a directory" });
        }
        tree.check(&inside, false)?;
        if let Some(namespace) = inside.parts().next().filter(|_| tree.name() == self.staging.name()) {
            self.gate.room(namespace).await?;
        }
        match tree.file(&inside).await? {
            Some(_) if !how.overwrite => {
                Err(Error::AlreadyExists { path: path.to_string(), hint: ": delete it first, or ask to overwrite it" })
            }
            None if !how.create => Err(Error::NotFound { path: path.to_string() }),
            _ => Ok(()),
        }
    }

    /// Makes a file of a request's body.
    pub(crate) async fn create(&self, path: &FilePath, how: &Creation, body: Incoming) -> Result<()> {
        let found = match self.may_create(path, how).await {
            Ok((tree, inside)) => self.admit(tree, &inside).await.map(|admitted| (tree, inside, admitted)),
            Err(error) => Err(error),
        };
        let (tree, inside, admitted) = match found {
            Ok(found) => found,
            Err(error) => {
                upload::drain(body).await;
                return Err(error);
            }
        };
        let upload = tree.create(&inside, &how.wish, how.overwrite).await?;
        let (own, limit_bytes) = (tree.limit_bytes(), admitted.limit_bytes(0, tree.limit_bytes()));
        admitted.told(upload::receive(&path.to_string(), body, upload, 0, limit_bytes).await, 0, own)
    }

    async fn may_create(&self, path: &FilePath, how: &Creation) -> Result<(&dyn Tree, ObjectPath)> {
        path.check_name()?;
        let (tree, inside) = self.writable(path)?;
        tree.check(&inside, false)?;
        // That no file is there is asked when this one takes its name; without it, a folder is asked for here.
        if !how.create || !tree.takes_its_name() {
            self.check_create(path, how).await?;
        }
        if tree.is_fixed(&inside) || tree.is_folder(&inside).await? {
            return Err(Error::AlreadyExists { path: path.to_string(), hint: " as a directory" });
        }
        self.check_parents(path, how.create_parents.then_some(&how.wish)).await?;
        Ok((tree, inside))
    }

    /// Whether there is a file at `path` that bytes can be added to.
    pub(crate) async fn check_append(&self, path: &FilePath) -> Result<File> {
        match self.complete_file(path).await {
            Err(Error::IsDirectory { path }) => Err(Error::AlreadyExists { path, hint: " as a directory" }),
            found => found,
        }
    }

    /// Adds a request's body to the end of a file.
    pub(crate) async fn append(&self, path: &FilePath, body: Incoming) -> Result<()> {
        let file = self.check_append(path).await?;
        let (tree, inside) = self.writable(path)?;
        let admitted = self.admit(tree, &inside).await?;
        let mut upload = tree.replace(&inside, &file).await?;
        let begin = file.size_bytes;
        copy_into(&mut *upload, file.read(&self.store, 0..begin).await?).await?;
        let (own, limit_bytes) = (tree.limit_bytes(), admitted.limit_bytes(begin, tree.limit_bytes()));
        admitted.told(upload::receive(&path.to_string(), body, upload, begin, limit_bytes).await, begin, own)
    }

    /// Cuts a file to its first bytes.
    pub(crate) async fn truncate(&self, path: &FilePath, size_bytes: u64) -> Result<()> {
        let file = self.complete_file(path).await?;
        if size_bytes > file.size_bytes {
            return Err(Error::BadArgument(format!(
                "Cannot truncate to a larger file size: {path} has {} bytes, not {size_bytes}",
                file.size_bytes
            )));
        }
        if size_bytes == file.size_bytes {
            return Ok(());
        }
        self.rewrite(path, &file, &[(&file, 0..size_bytes)]).await
    }

    /// Puts the bytes of `sources` behind those of `path`, and removes them.
    pub(crate) async fn concat(&self, path: &FilePath, sources: &[FilePath]) -> Result<()> {
        let file = self.complete_file(path).await?;
        let mut seen: Vec<&FilePath> = vec![path];
        let mut files = Vec::with_capacity(sources.len());
        for source in sources {
            if seen.iter().any(|other| other.is_same(source)) {
                return Err(Error::BadArgument(format!("concat: {source} is given twice, or is the target itself")));
            }
            if source.parent() != path.parent() {
                return Err(Error::BadArgument(format!("concat: {source} is not in the same directory as {path}")));
            }
            let found = self.complete_file(source).await?;
            if found.size_bytes == 0 {
                return Err(Error::BadArgument(format!("concat: source file {source} is empty")));
            }
            seen.push(source);
            files.push(found);
        }
        let mut parts = vec![(&file, 0..file.size_bytes)];
        parts.extend(files.iter().map(|file| (file, 0..file.size_bytes)));
        self.rewrite(path, &file, &parts).await?;
        for source in sources {
            let (tree, inside) = self.writable(source)?;
            tree.remove_file(&inside).await?;
        }
        Ok(())
    }

    async fn rewrite(&self, path: &FilePath, file: &File, parts: &[(&File, Range<u64>)]) -> Result<()> {
        let (tree, inside) = self.writable(path)?;
        let mut upload = tree.replace(&inside, file).await?;
        for (part, range) in parts {
            let mut bytes = part.read(&self.store, range.clone()).await?;
            while let Some(chunk) = bytes.try_next().await? {
                upload.write(chunk).await?;
            }
        }
        upload.finish().await
    }

    /// Makes a folder and those above it; one that is there is fine.
    pub(crate) async fn make_folder(&self, path: &FilePath, wish: &Wish) -> Result<()> {
        path.check_name()?;
        if path.is_root() {
            return Ok(());
        }
        let (tree, inside) = self.writable(path)?;
        if tree.is_fixed(&inside) {
            return Ok(());
        }
        tree.check(&inside, true)?;
        match self.find(path).await? {
            Some(status) if status.is_folder() => Ok(()),
            Some(_) => Err(Error::AlreadyExists { path: path.to_string(), hint: " as a file" }),
            None => {
                // Those above get what this one is to get.
                let mut missing = vec![inside.clone()];
                for above in std::iter::successors(inside.parent(), ObjectPath::parent) {
                    if folder(tree, &above).await?.is_some() {
                        break;
                    }
                    if tree.file(&above).await?.is_some() {
                        return Err(Error::ParentIsFile { path: FilePath::of(tree.name(), &above).to_string() });
                    }
                    missing.push(above);
                }
                for inside in missing.iter().rev() {
                    self.make_in(tree, inside, wish).await?;
                }
                Ok(())
            }
        }
    }

    pub(super) async fn make_in(&self, tree: &dyn Tree, inside: &ObjectPath, wish: &Wish) -> Result<()> {
        match tree.is_fixed(inside) {
            true => Ok(()),
            false => tree.make_folder(inside, wish).await,
        }
    }

    /// Removes what is at `path`; `false` when nothing is.
    pub(crate) async fn remove(&self, path: &FilePath, recursive: bool) -> Result<bool> {
        if path.is_root() {
            return match recursive {
                true => Err(Error::Forbidden("/ stays: delete what is in it".to_owned())),
                false => Err(Error::NotEmpty { path: path.to_string() }),
            };
        }
        let Some(status) = self.find(path).await? else {
            self.check_not_below_file(path).await?;
            return Ok(false);
        };
        let (tree, inside) = self.writable(path)?;
        if inside.is_root() {
            return Err(Error::Forbidden(format!("{path} stays: delete what is in it")));
        }
        self.known.forget(path);
        let removed = if !status.is_folder() {
            tree.remove_file(&inside).await
        } else if recursive || tree.entries(&inside).await?.is_empty() {
            tree.remove_folder(&inside).await
        } else {
            return Err(Error::NotEmpty { path: path.to_string() });
        };
        // Also after a failure: it may be removed all the same.
        let kept = keep_parent(tree, &inside).await;
        removed.and(kept).map(|()| true)
    }

    /// Sets what can be set of permission, owner and times.
    pub(crate) async fn set(&self, path: &FilePath, wish: &Wish) -> Result<()> {
        let status = self.status(path).await?;
        match self.tree(path) {
            Some((tree, inside)) if status.is_folder() => {
                // What is known of a folder without a marker would be lost with the first one.
                let known = Wish::of(&status.attributes);
                tree.set(&inside, &known.and(wish)).await
            }
            Some((tree, inside)) => tree.set(&inside, wish).await,
            None => Ok(()),
        }
    }
}

/// How often it is tried to keep a folder: nobody else would make it again.
const KEEP_TRIES: usize = 3;

/// A folder outlives the last thing in it, as in every file system that people know.
pub(super) async fn keep_parent(tree: &dyn Tree, path: &ObjectPath) -> Result<()> {
    let Some(parent) = path.parent().filter(|parent| !tree.is_fixed(parent)) else { return Ok(()) };
    let mut kept = keep(tree, &parent).await;
    for _ in 1..KEEP_TRIES {
        match kept {
            Ok(()) => break,
            Err(_) => kept = keep(tree, &parent).await,
        }
    }
    kept
}

async fn keep(tree: &dyn Tree, folder: &ObjectPath) -> Result<()> {
    match tree.is_folder(folder).await? {
        true => Ok(()),
        false => tree.make_folder(folder, &Wish::default()).await,
    }
}
