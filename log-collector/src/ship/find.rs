use futures::TryStreamExt as _;
use storage::segment::{Position, Run};
use storage::{Key, ObjectMeta, ObjectPath};

use super::{Context, Stopped};
use crate::Container;
use crate::layout::{self, LINK, Owner};

const LINK_LIMIT_BYTES: u64 = 16 * 1024;

/// What the store has of a container.
pub(super) struct Stored {
    pub(super) folder: ObjectPath,
    pub(super) run: Option<Run>,
    pub(super) by_pod: ObjectPath,
}

/// Looks for what the store has: under the pod's name first, where there are segments, or a link to them.
pub(super) async fn find(context: &Context, container: &Container, owner: Option<&Owner>) -> Result<Stored, Stopped> {
    let name = layout::folder_name(container);
    let below = |folder: crate::Result<ObjectPath>| folder.ok()?.join(&name).ok();
    let Some(by_pod) = below(layout::of_pod(&container.namespace, &container.pod)) else { return Err(Stopped) };
    let store = &context.store;
    let list = || async { store.list(&by_pod).try_collect::<Vec<ObjectMeta>>().await };
    let objects = context.ask_briefly("looking for what was shipped", 0, list).await?;
    let link = objects.iter().find(|object| object.path.name() == LINK).map(|object| object.path.clone());
    let target = match link {
        Some(link) => {
            let get = || store.get(&link, LINK_LIMIT_BYTES);
            layout::parse_link(&context.ask_briefly("reading a link", 0, get).await?)
        }
        None => None,
    };
    let is_by_pod = objects.iter().any(|object| Position::parse_segment_name(object.path.name()).is_some());
    let of_owner = || below(layout::of_executor(&owner?.application, &owner?.executor));
    let folder = if is_by_pod { by_pod.clone() } else { target.or_else(of_owner).unwrap_or_else(|| by_pod.clone()) };
    debug_assert!(matches!(Key::parse(&folder), Some(Key::Log(_))));
    let open = || Run::open(store, &folder);
    let run = context.ask_briefly("reading what was shipped", 0, open).await?;
    Ok(Stored { folder, run, by_pod })
}
