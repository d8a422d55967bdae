//! What logs there are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use storage::segment::Run;
use storage::{Key, ObjectMeta, ObjectPath, Store};

use crate::layout::{self, LINK};

/// What goes at one time.
#[derive(Debug)]
pub(super) struct Group {
    /// The application's id, or the container's folder.
    pub(super) name: String,
    /// Whether it is an application.
    pub(super) is_application: bool,
    /// Where its containers' segments and links lie.
    pub(super) folders: Vec<ObjectPath>,
    /// Its event logs: an object each, or a folder.
    pub(super) event_logs: Vec<ObjectPath>,
    pub(super) newest: DateTime<Utc>,
    pub(super) bytes: u64,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) groups: Vec<Group>,
    /// Folders that hold nothing but a link, to no container that there is.
    pub(super) dangling: Vec<(ObjectPath, DateTime<Utc>)>,
}

/// A container: what lies in all the folders of its name.
struct Container {
    application: Option<String>,
    folders: Vec<ObjectPath>,
    has_segments: bool,
    newest: DateTime<Utc>,
    bytes: u64,
}

impl Survey {
    /// Lists all logs, and the event logs: a request for each thousand objects.
    pub(super) async fn take(store: &Store) -> storage::Result<Self> {
        let mut containers: HashMap<String, Container> = HashMap::new();
        let mut objects = store.list(&layout::root());
        while let Some(object) = objects.try_next().await? {
            note(&mut containers, &object);
        }
        let (mut applications, mut groups, mut dangling) = (HashMap::new(), Vec::new(), Vec::new());
        for (name, container) in containers {
            if !container.has_segments {
                dangling.extend(container.folders.into_iter().map(|folder| (folder, container.newest)));
                continue;
            }
            let group = match container.application {
                Some(application) => {
                    applications.entry(application.clone()).or_insert_with(|| Group::new(application, true))
                }
                None => {
                    groups.push(Group::new(name, false));
                    match groups.last_mut() {
                        Some(group) => group,
                        None => continue,
                    }
                }
            };
            group.newest = group.newest.max(container.newest);
            group.bytes += container.bytes;
            group.folders.extend(container.folders);
        }
        add_event_logs(store, &mut applications).await?;
        groups.extend(applications.into_values());
        Ok(Self { groups, dangling })
    }
}

impl Group {
    fn new(name: String, is_application: bool) -> Self {
        let (folders, event_logs) = (Vec::new(), Vec::new());
        Self { name, is_application, folders, event_logs, newest: DateTime::<Utc>::MIN_UTC, bytes: 0 }
    }

    /// Whether nothing will follow to any of its containers' logs. What cannot be read says nothing against it.
    pub(super) async fn is_finished(&self, store: &Store) -> storage::Result<bool> {
        for folder in &self.folders {
            match Run::open(store, folder).await {
                Ok(Some(run)) if !run.last().finished => return Ok(false),
                Ok(_) | Err(storage::Error::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

fn note(containers: &mut HashMap<String, Container>, object: &ObjectMeta) {
    let Some(folder) = object.path.parent() else { return };
    let name = folder.name();
    if layout::parse_folder_name(name).is_none() {
        return;
    }
    let application = layout::application_of(&folder);
    let container = containers.entry(name.to_owned()).or_insert_with(|| Container {
        application: None,
        folders: Vec::new(),
        has_segments: false,
        newest: DateTime::<Utc>::MIN_UTC,
        bytes: 0,
    });
    container.application = container.application.take().or(application);
    container.has_segments |= object.path.name() != LINK;
    container.newest = container.newest.max(object.last_modified);
    container.bytes += object.size_bytes;
    if container.folders.last() != Some(&folder) && !container.folders.contains(&folder) {
        container.folders.push(folder);
    }
}

const ROLLING: &str = "eventlog_v2_";
const GROWING: &str = ".growing/";
const IN_PROGRESS: &str = ".inprogress";

/// Adds to each application its event logs, by their names: `<id>`, `<id>_<attempt>`, with a codec's ending or not, whole or
/// rolling, complete or growing.
async fn add_event_logs(store: &Store, applications: &mut HashMap<String, Group>) -> storage::Result<()> {
    let root = Key::EventLog(ObjectPath::root()).path();
    let mut objects = store.list(&root);
    while let Some(object) = objects.try_next().await? {
        let Some(rest) = object.path.strip_prefix(&root) else { continue };
        let below = rest.as_str().strip_prefix(GROWING).unwrap_or(rest.as_str());
        let first = below.split('/').next().unwrap_or_default();
        let id = first.strip_prefix(ROLLING).unwrap_or(first);
        let id = id.strip_suffix(IN_PROGRESS).unwrap_or(id);
        let Some(group) = of_log(applications, id) else { continue };
        group.newest = group.newest.max(object.last_modified);
        group.bytes += object.size_bytes;
        let is_growing = below.len() != rest.as_str().len();
        let log = root.join(&if is_growing { format!("{GROWING}{first}") } else { first.to_owned() })?;
        if !group.event_logs.contains(&log) {
            group.event_logs.push(log);
        }
    }
    Ok(())
}

/// The application that a log of that name is of.
fn of_log<'a>(applications: &'a mut HashMap<String, Group>, name: &str) -> Option<&'a mut Group> {
    let without_codec = name.rsplit_once('.').map_or(name, |(name, _)| name);
    let candidates = [name, without_codec];
    let without_attempt = candidates.map(|name| name.rsplit_once('_').map_or(name, |(name, _)| name));
    let id = candidates.into_iter().chain(without_attempt).find(|id| applications.contains_key(*id))?;
    applications.get_mut(id)
}
