//! Deleting.

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use storage::{Key, ObjectMeta, ObjectPath, Store};

use super::survey::{Group, Survey};
use crate::layout;

/// What one look has deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many applications, and containers of none.
    pub groups: u64,
    /// How many objects.
    pub objects: u64,
    /// How many bytes they had.
    pub bytes: u64,
}

/// Deletes a group. What can be found from nowhere else goes last, so that what a failure leaves is found again.
pub(super) async fn group(store: &Store, group: &Group) -> storage::Result<Removed> {
    let mut removed = Removed::default();
    if let (true, Ok(id)) = (group.is_application, ObjectPath::parse(&group.name)) {
        below(store, &Key::History(id).path(), &mut removed).await?;
    }
    for log in &group.event_logs {
        below(store, log, &mut removed).await?;
        if let Ok(meta) = store.head(log).await {
            objects(store, vec![meta], &mut removed).await?;
        }
    }
    let (of_application, by_pod): (Vec<_>, Vec<_>) =
        group.folders.iter().partition(|folder| layout::application_of(folder).is_some());
    for folder in by_pod.into_iter().chain(of_application) {
        below(store, folder, &mut removed).await?;
    }
    Ok(removed)
}

/// Deletes links that lead nowhere, and are not so new that what they lead to may just be coming.
pub(super) async fn dangling(store: &Store, survey: &Survey, before: DateTime<Utc>) -> storage::Result<u64> {
    let mut removed = Removed::default();
    for (folder, newest) in &survey.dangling {
        if *newest < before {
            below(store, folder, &mut removed).await?;
        }
    }
    Ok(removed.objects)
}

async fn below(store: &Store, folder: &ObjectPath, removed: &mut Removed) -> storage::Result<()> {
    let found: Vec<ObjectMeta> = store.list(folder).try_collect().await?;
    objects(store, found, removed).await
}

async fn objects(store: &Store, objects: Vec<ObjectMeta>, removed: &mut Removed) -> storage::Result<()> {
    removed.objects += objects.len() as u64;
    removed.bytes += objects.iter().map(|object| object.size_bytes).sum::<u64>();
    store.delete_all(objects.into_iter().map(|object| object.path)).await
}
