//! How a document moves to another name: it is there first, and then no longer where it was.

use storage::ObjectPath;

use super::names::{Names, TRIES, busy};
use crate::path::FilePath;
use crate::resources::{Loaded, Resource, say_moved};
use crate::{Error, Result};

impl Names {
    /// Moves what is at `from` to `to`, over what is there only when `overwrite` is set. Where the store fails in between, it is
    /// at one of the two; where this process dies, at both, until it is moved again.
    pub(super) async fn move_to(&self, from: &ObjectPath, to: &ObjectPath, overwrite: bool) -> Result<()> {
        let replaced = if overwrite { self.loaded(to).await? } else { None };
        let mut moving = None;
        match (self.try_to_move(from, to, overwrite, &mut moving).await, moving) {
            (Err(error @ Error::Store(_)), Some(moving)) => match self.settle(from, to, &moving, replaced).await {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => Err(error),
            },
            (done, _) => done,
        }
    }

    /// Whether the same upload is at both names: whoever moved it died.
    pub(super) async fn is_half_moved(&self, from: &ObjectPath, to: &ObjectPath) -> Result<bool> {
        let (Some(from), Some(to)) = (self.loaded(from).await?, self.loaded(to).await?) else { return Ok(false) };
        Ok(from.resource.writer.is_some_and(|writer| to.resource.is_of(writer.upload)))
    }

    /// `moving` is what has been put at the new name, or may have been.
    async fn try_to_move(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        overwrite: bool,
        moving: &mut Option<Resource>,
    ) -> Result<()> {
        for _ in 0..TRIES {
            let before = self.condemned.recent().await?;
            let Some(source) = self.loaded(from).await? else {
                // It was freed by a try of ours whose answer was lost.
                return match moving {
                    Some(_) => Ok(()),
                    None => Err(Error::NotFound { path: FilePath::of("staging", from).to_string() }),
                };
            };
            let upload = source.resource.writer.filter(|_| source.resource.is_being_written());
            *moving = Some(source.resource.clone());
            if !self.put(&before, to, &source.resource, overwrite).await? {
                return Err(Error::AlreadyExists { path: FilePath::of("staging", to).to_string(), hint: "" });
            }
            if let Some(upload) = upload {
                say_moved(&self.store, upload.upload, to).await?;
            }
            // Whoever finishes or changes it at the old name meanwhile makes this one fail, and its new state is moved.
            if Resource::free().swap(&self.store, from, &source.version).await?.is_some() {
                return Ok(());
            }
        }
        Err(busy(from))
    }

    /// After a failure: whether it is moved; if not, what is at the new name is again what was there.
    async fn settle(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        moving: &Resource,
        replaced: Option<Loaded>,
    ) -> Result<bool> {
        let is_it = |found: &Loaded| match moving.writer {
            Some(writer) => found.resource.is_of(writer.upload),
            None => found.resource == *moving,
        };
        let (old, new) = (self.loaded(from).await?.filter(is_it), self.loaded(to).await?.filter(is_it));
        match (old, new) {
            (None, Some(_)) => Ok(true),
            (Some(_), Some(new)) => {
                let before = replaced.map_or_else(Resource::free, |replaced| replaced.resource);
                before.swap(&self.store, to, &new.version).await?;
                Ok(false)
            }
            (_, None) => Ok(false),
        }
    }
}
