//! Whose uploads are: of the driver pods that name them, and of those that have the labels which came with a bundle.

mod kubernetes;
mod mentions;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use storage::ObjectPath;

use crate::bundle::Owner;
use crate::resources::Resource;
pub use kubernetes::KubernetesDrivers;
use mentions::mentions;

/// A driver's pod that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driver {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it was started with: command lines, and the files of its `ConfigMap`s.
    pub texts: Vec<String>,
}

/// Knows the drivers of a cluster.
#[async_trait]
pub trait Drivers: Send + Sync {
    /// All that have not ended.
    ///
    /// # Errors
    /// In words for the operator, when not all of them can be known.
    async fn living(&self) -> Result<Vec<Driver>, String>;
}

/// How uploads have owners.
#[derive(Clone)]
pub struct Owning {
    /// Who knows the drivers.
    pub drivers: Arc<dyn Drivers>,
    /// How long an upload stays when it has been seen that its owner has gone.
    pub grace: Duration,
}

impl fmt::Debug for Owning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owning").field("grace", &self.grace).finish_non_exhaustive()
    }
}

/// The drivers that live, by what they own.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// Names of documents, or of folders of them, and who names them.
    named: HashMap<String, String>,
    living: HashSet<String>,
    drivers: Vec<Driver>,
}

impl Owners {
    pub(crate) fn of(drivers: Vec<Driver>) -> Self {
        let mut owners = Self::default();
        for driver in &drivers {
            let name = shown(driver);
            for mentioned in driver.texts.iter().flat_map(|text| mentions(text)) {
                owners.named.insert(mentioned.as_str().to_owned(), name.clone());
            }
            owners.living.insert(name);
        }
        owners.drivers = drivers;
        owners
    }

    /// The living owner of the document at `name`, as `namespace/pod`.
    pub(crate) fn owner_of(&self, name: &ObjectPath, resource: &Resource) -> Option<String> {
        let above = std::iter::successors(Some(name.clone()), ObjectPath::parent);
        let named = above.filter_map(|path| self.named.get(path.as_str())).next().cloned();
        let labelled = || self.labelled(&resource.bundle.as_ref()?.owner).map(shown);
        // One that was seen to own it still does, whether or not its configuration can still be read.
        let known = || resource.owned.as_ref().map(|owned| &owned.by).filter(|by| self.living.contains(*by)).cloned();
        named.or_else(labelled).or_else(known)
    }

    fn labelled(&self, owner: &Owner) -> Option<&Driver> {
        let wanted = owner.labels.as_ref().filter(|labels| !labels.is_empty())?;
        self.drivers.iter().find(|driver| {
            driver.namespace == owner.namespace
                && wanted.iter().all(|(name, value)| driver.labels.get(name) == Some(value))
        })
    }

    /// What is named by drivers that are not among `known`, whose names are added to it; those that have gone are taken away.
    pub(crate) fn news(&self, known: &mut HashSet<String>) -> Vec<ObjectPath> {
        let names = self.named.iter().filter(|(_, by)| !known.contains(*by));
        let new = names.filter_map(|(name, _)| ObjectPath::parse(name).ok()).collect();
        // A pod is there before its ConfigMap is.
        known.clone_from(&self.named.values().cloned().collect());
        new
    }
}

fn shown(driver: &Driver) -> String {
    format!("{}/{}", driver.namespace, driver.name)
}

#[cfg(test)]
mod tests;
