//! What lies where below `logs/`, and what the notes in it say.
//!
//! ```text
//! logs/<app>/<executor>/<pod uid>.<container>.<restart>/<segment>          whose application was known in time
//! logs/_pods/<namespace>/<pod>/<pod uid>.<container>.<restart>/<segment>   whose was not
//! ```
//!
//! Whichever of the two folders holds the segments, the other holds one object `link` with the path of the first (as soon as the
//! application is known), so that logs are found by application and executor, and by namespace and pod. The link under
//! `_pods` is written before the first segment: whoever goes on after a restart looks there first, knowing nothing but the
//! path of a log file. Application ids never start with `_`: Kubernetes does not allow it in a label.

use serde::{Deserialize, Serialize};
use storage::{Key, ObjectPath};

use crate::container::{Container, End, ErrorLines, Gap, STREAMS};
use crate::tail::Resume;
use crate::{Error, Result};

pub(crate) const LINK: &str = "link";
const PODS: &str = "_pods";
/// The layout of [`Note`] and [`Link`].
const FORMAT: u32 = 1;

/// Whose container it is, as far as Spark is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) application: String,
    /// `driver`, or the executor's number.
    pub(crate) executor: String,
}

impl Owner {
    pub(crate) const DRIVER: &str = "driver";

    pub(crate) fn is_driver(&self) -> bool {
        self.executor == Self::DRIVER
    }
}

/// Which collector wrote a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Author {
    /// A name that it made for itself.
    pub(crate) writer: String,
    /// One more than that of the collector which it went on after.
    pub(crate) epoch: u64,
}

/// What the collector leaves in each segment's footer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Note {
    format: u32,
    pub(crate) container: Container,
    #[serde(default)]
    pub(crate) owner: Option<Owner>,
    #[serde(default)]
    pub(crate) executor: Option<String>,
    #[serde(default)]
    pub(crate) resume: Resume,
    #[serde(default)]
    pub(crate) gaps: Vec<Gap>,
    #[serde(default)]
    pub(crate) end: Option<End>,
    /// For each stream, the lines that tell of an error.
    #[serde(default)]
    pub(crate) errors: [ErrorLines; STREAMS],
    #[serde(default)]
    pub(crate) author: Author,
    /// Whether the segment will not be written again; as all were taken to be that do not say so.
    #[serde(default = "yes")]
    pub(crate) sealed: bool,
}

fn yes() -> bool {
    true
}

/// How many gaps a note tells; what comes later is counted in the last one's place.
const MAX_GAPS: usize = 100;

impl Note {
    pub(crate) fn new(container: Container) -> Self {
        Self {
            format: FORMAT,
            container,
            owner: None,
            executor: None,
            resume: Resume::default(),
            gaps: Vec::new(),
            end: None,
            errors: Default::default(),
            author: Author::default(),
            sealed: false,
        }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(bytes).ok().filter(|note| note.format == FORMAT)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn add_gap(&mut self, gap: Gap) {
        self.gaps.truncate(MAX_GAPS - 1);
        self.gaps.push(gap);
    }
}

/// Where the segments are that one looks for here.
#[derive(Debug, Serialize, Deserialize)]
struct Link {
    format: u32,
    folder: String,
}

pub(crate) fn encode_link(folder: &ObjectPath) -> Vec<u8> {
    serde_json::to_vec(&Link { format: FORMAT, folder: folder.as_str().to_owned() }).unwrap_or_default()
}

pub(crate) fn parse_link(bytes: &[u8]) -> Option<ObjectPath> {
    let link = serde_json::from_slice::<Link>(bytes).ok().filter(|link| link.format == FORMAT)?;
    let folder = ObjectPath::parse(&link.folder).ok()?;
    matches!(Key::parse(&folder), Some(Key::Log(_))).then_some(folder)
}

/// The folder of all applications.
pub(crate) fn root() -> ObjectPath {
    Key::Log(ObjectPath::root()).path()
}

/// The folder of an application.
pub(crate) fn of_application(application: &str) -> Result<ObjectPath> {
    below(&[application])
}

/// The folder of an executor.
pub(crate) fn of_executor(application: &str, executor: &str) -> Result<ObjectPath> {
    below(&[application, executor])
}

/// The folder of a pod.
pub(crate) fn of_pod(namespace: &str, pod: &str) -> Result<ObjectPath> {
    let folder = below(&[namespace, pod])?;
    let Some(Key::Log(rest)) = Key::parse(&folder) else { return Err(invalid(pod)) };
    Ok(Key::Log(ObjectPath::parse(PODS)?.join(rest.as_str())?).path())
}

/// The name of a container's folder, in an executor's or in a pod's.
pub(crate) fn folder_name(container: &Container) -> String {
    format!("{}.{}.{}", container.pod_uid, container.name, container.restart)
}

/// What a container's folder of that name says: pod UID, container, restart.
pub(crate) fn parse_folder_name(name: &str) -> Option<(&str, &str, u32)> {
    let (rest, restart) = name.rsplit_once('.')?;
    let (uid, container) = rest.rsplit_once('.')?;
    Some((uid, container, restart.parse().ok()?))
}

/// The application that a folder of containers' logs belongs to; `None` for one of a pod.
pub(crate) fn application_of(folder: &ObjectPath) -> Option<String> {
    let below = folder.strip_prefix(&root())?;
    let application = below.parts().next()?;
    (application != PODS).then(|| application.to_owned())
}

fn below(parts: &[&str]) -> Result<ObjectPath> {
    let mut path = ObjectPath::root();
    for part in parts {
        if part.is_empty() || part.contains('/') || part.starts_with('_') {
            return Err(invalid(part));
        }
        path = path.join(part).map_err(|_| invalid(part))?;
    }
    Ok(Key::Log(path).path())
}

fn invalid(text: &str) -> Error {
    Error::InvalidName { text: text.chars().take(200).collect() }
}
