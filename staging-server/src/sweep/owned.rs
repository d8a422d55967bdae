//! What a sweep learns of the owners of uploads, and notes in their documents: a driver that has gone says nothing any more.

use std::collections::HashSet;
use std::time::Duration;

use futures::TryStreamExt as _;
use storage::{Key, ObjectPath};

use super::Sweeper;
use crate::owners::Owners;
use crate::resources::{Loaded, Owned, Resource};
use crate::{Error, Result};

impl Sweeper {
    /// Why nothing is removed at the moment, in words for the operator.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.totals.trouble()
    }

    /// The owners that live, and how long an upload stays without its own; `None` where uploads have none.
    pub(super) async fn owners(&self) -> Result<Option<(Owners, Duration)>> {
        let Some(owning) = &self.owning else { return Ok(None) };
        match owning.drivers.living().await {
            Ok(drivers) => {
                if self.totals.set_trouble(None) {
                    tracing::info!("it is known again which drivers live");
                }
                Ok(Some((Owners::of(drivers), owning.grace)))
            }
            Err(reason) => {
                let error = Error::Owners(reason);
                if self.totals.set_trouble(Some(error.to_string())) {
                    tracing::warn!("{error}");
                }
                Err(error)
            }
        }
    }

    /// Notes in what new drivers name that it is theirs, so that this is known also of those that end before the next sweep.
    pub(super) async fn meet_owners(&self, known: &mut HashSet<String>) -> Result<()> {
        // That it cannot be known has been told, and only counts when something is to be removed.
        let Ok(Some((owners, _))) = self.owners().await else { return Ok(()) };
        for name in owners.news(known) {
            let below = self.store.list(&Key::Resource(name.clone()).path());
            let below = below.try_filter_map(|meta| async move {
                Ok(match Key::parse(&meta.path) {
                    Some(Key::Resource(name)) if !Resource::is_only_free(&meta) => Some(name),
                    _ => None,
                })
            });
            let mut names: Vec<ObjectPath> = below.try_collect().await?;
            names.retain(|name| !crate::tree::folders::is_reserved(name.name()));
            names.push(name);
            for name in names {
                let Some(loaded) = Resource::load(&self.store, &name).await? else { continue };
                if let Some(by) = owners.owner_of(&name, &loaded.resource) {
                    self.note_owners(vec![(name, loaded, Owned { by, gone: None })]).await?;
                }
            }
        }
        Ok(())
    }

    /// Notes what was learned. Whoever has changed a document meanwhile keeps that from being noted now.
    pub(super) async fn note_owners(&self, learned: Vec<(ObjectPath, Loaded, Owned)>) -> Result<()> {
        for (name, loaded, owned) in learned {
            let is_new = !loaded.resource.is_free() && loaded.resource.owned.as_ref() != Some(&owned);
            if is_new {
                let noted = Resource { owned: Some(owned), ..loaded.resource };
                noted.swap(&self.store, &name, &loaded.version).await?;
            }
        }
        Ok(())
    }
}
