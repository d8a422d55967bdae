use std::sync::Arc;

use storage::{Key, ObjectPath, Store};

use crate::clock::Clock;
use crate::condemned::{Condemned, Seen};
use crate::lifetime::Lifetimes;
use crate::path::FilePath;
use crate::resources::{Loaded, Resource};
use crate::{Error, Result};

/// How often a document is changed anew that somebody else has changed meanwhile.
pub(super) const TRIES: usize = 16;

/// The documents of names, as all that changes them sees them.
#[derive(Clone)]
pub(super) struct Names {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) condemned: Arc<Condemned>,
}

impl Names {
    /// The document of a name that is not free.
    pub(super) async fn loaded(&self, path: &ObjectPath) -> Result<Option<Loaded>> {
        Ok(Resource::load(&self.store, path).await?.filter(|loaded| !loaded.resource.is_free()))
    }

    /// Changes the document of a name; `false` when there is none.
    pub(super) async fn change(&self, path: &ObjectPath, change: impl Fn(&mut Resource)) -> Result<bool> {
        for _ in 0..TRIES {
            let Some(mut loaded) = self.loaded(path).await? else { return Ok(false) };
            change(&mut loaded.resource);
            if loaded.resource.swap(&self.store, path, &loaded.version).await?.is_some() {
                return Ok(true);
            }
        }
        Err(busy(path))
    }

    /// Puts a document at a name; over one that is there when that is free or `overwrite` is set. `false` where it may not.
    /// What is about to go was looked at `before` it was seen that its content is there.
    pub(super) async fn put(
        &self,
        before: &Seen,
        path: &ObjectPath,
        resource: &Resource,
        overwrite: bool,
    ) -> Result<bool> {
        for _ in 0..TRIES {
            if resource.add(&self.store, path).await?.is_some() {
                return self.keep(before, path, resource).await.map(|()| true);
            }
            let Some(found) = Resource::load(&self.store, path).await? else { continue };
            // An answer that was lost: it is there already.
            if resource.writer.is_some() && found.resource == *resource {
                return self.keep(before, path, resource).await.map(|()| true);
            }
            // An earlier state of the very upload is in nobody's way.
            let is_ours = resource.writer.is_some_and(|writer| found.resource.is_of(writer.upload));
            if !overwrite && !is_ours && !found.resource.is_free() {
                return Ok(false);
            }
            if resource.swap(&self.store, path, &found.version).await?.is_some() {
                return self.keep(before, path, resource).await.map(|()| true);
            }
        }
        Err(busy(path))
    }

    /// Notes that somebody reads what is at a name.
    pub(super) async fn note_use(&self, lifetimes: &Lifetimes, path: &ObjectPath) -> Result<()> {
        let now = self.clock.now();
        let Some(mut loaded) = self.loaded(path).await? else { return Ok(()) };
        if lifetimes.is_to_be_noted(path, &loaded.resource, now) {
            loaded.resource.used = Some(now);
            // Whoever has changed it just now is likely to have noted the same.
            loaded.resource.swap(&self.store, path, &loaded.version).await?;
        }
        Ok(())
    }

    /// Sees to it that no sweep removes what was written at a name since it was looked at what is about to go, nor what that
    /// needs.
    pub(super) async fn keep(&self, before: &Seen, path: &ObjectPath, written: &Resource) -> Result<()> {
        if self.condemned.keep(before, path, &written.contents()).await? {
            return Ok(());
        }
        self.let_go(path, written).await?;
        Err(Error::TryAgain(format!("{} was just being removed", FilePath::of("staging", path))))
    }

    /// Sees to it that a name whose upload died keeps no folder any more.
    pub(super) async fn forget(&self, path: &ObjectPath) -> Result<()> {
        let Some(found) = Resource::load(&self.store, path).await? else { return Ok(()) };
        if found.resource.is_free() {
            // Whoever has taken it meanwhile keeps it.
            Resource::free().swap(&self.store, path, &found.version).await?;
        }
        Ok(())
    }

    /// Frees a name whose content has gone.
    async fn let_go(&self, path: &ObjectPath, written: &Resource) -> Result<()> {
        let Some(found) = self.loaded(path).await? else { return Ok(()) };
        let contents = written.contents();
        if !contents.is_empty() && found.resource.contents() == contents {
            Resource::free().swap(&self.store, path, &found.version).await?;
        }
        Ok(())
    }
}

pub(super) fn busy(path: &ObjectPath) -> Error {
    Error::BeingWritten { path: FilePath::of("staging", path).to_string() }
}

pub(super) fn key(path: &ObjectPath) -> ObjectPath {
    Key::Resource(path.clone()).path()
}
