use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::caller::{Caller, Identity};

/// What somebody wants to do with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Learn whether something is there, and what it is.
    Look,
    /// Have the bytes of a file.
    Read,
    /// Have the names in a folder, or a sum over all below it.
    List,
    /// Make, add to, move, delete or set anything.
    Write,
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody knows who asks, and for this it must be known: HTTP's 401.
    #[error("{0}")]
    Unauthenticated(String),
    /// It is known who asks, and that one may not: 403.
    #[error("{0}")]
    Forbidden(String),
    /// Whoever decides cannot be asked now: 503. What was wanted is not done.
    #[error("{0}")]
    Unavailable(String),
}

/// Decides what the people of a cluster may do. The answer of the API server, or a list.
#[async_trait]
pub trait Grants: Send + Sync {
    /// Whether `who` holds `grant`.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when that cannot be found out.
    async fn has(&self, who: &Identity, grant: &Grant) -> Result<bool, Denied>;
}

/// A right, as Kubernetes' RBAC names rights.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// To create pods in this namespace: whoever may, can run anything there.
    CreatePods {
        /// The namespace.
        namespace: String,
    },
    /// To read the logs of pods in all namespaces.
    ReadAllLogs,
    /// To create pods in all namespaces.
    CreateAllPods,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreatePods { namespace } => write!(f, "create pods in namespace {namespace}"),
            Self::ReadAllLogs => f.write_str("get pods/log in all namespaces"),
            Self::CreateAllPods => f.write_str("create pods in all namespaces"),
        }
    }
}

/// What a path needs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing: it says nothing, or who knows the path may.
    Nothing,
    /// One of these.
    One(Vec<Grant>),
    /// To be known at all.
    Identity,
}

/// The rules of the staging server's paths. Cheap to clone.
///
/// | path | look | read | list | write |
/// | --- | --- | --- | --- | --- |
/// | `/`, `/staging`, `/event-logs`, `/pod-templates` | all | – | `/`: all; else who creates pods everywhere | who creates pods everywhere |
/// | `/staging/<namespace>` | all | – | who creates pods there | who creates pods there |
/// | … at or below a part `spark-upload-<uuid>` | all | all | all | who creates pods there |
/// | … else | who creates pods there | same | same | same |
/// | `/event-logs/…` | the known | who reads all logs, or creates pods everywhere or in their own namespace | same | who creates pods everywhere, or in their own namespace |
/// | `/pod-templates/<namespace>/…` | who creates pods there | same | same | same |
///
/// `spark-upload-<uuid>` is how a stock `spark-submit` names the folder of an upload. The name cannot be guessed and is
/// shown to nobody who might not write there, so that it works as a key: drivers and executors carry no token.
#[derive(Clone, Default)]
pub struct Rules {
    grants: Option<Arc<dyn Grants>>,
}

impl Rules {
    /// Everybody may do everything.
    #[must_use]
    pub fn open() -> Self {
        Self::default()
    }

    /// Only who holds a grant may do what needs it.
    #[must_use]
    pub fn guarded(grants: Arc<dyn Grants>) -> Self {
        Self { grants: Some(grants) }
    }

    /// Whether everybody may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.grants.is_none()
    }

    /// Whether `caller` may do `act` to `path`, which is decoded, begins with `/`, and has no empty part, `.` or `..`.
    ///
    /// # Errors
    /// Why not, in words for the client.
    pub async fn check(&self, caller: &Caller, act: Act, path: &str) -> Result<(), Denied> {
        let Some(grants) = &self.grants else { return Ok(()) };
        let need = need(act, path, caller);
        let wanted = match need {
            Need::Nothing => return Ok(()),
            Need::Identity => Vec::new(),
            Need::One(wanted) => wanted,
        };
        let Caller::Known(identity) = caller else {
            return Err(Denied::Unauthenticated(format!(
                "{} needs a token: without one, only files below a spark-upload folder can be read, by their whole path",
                described(act)
            )));
        };
        if wanted.is_empty() {
            return Ok(());
        }
        for grant in &wanted {
            if grants.has(identity, grant).await? {
                return Ok(());
            }
        }
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        Err(Denied::Forbidden(format!(
            "{} may not do this to {path}: it needs the right to {}",
            identity.name,
            wanted.join(", or to ")
        )))
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() { "Rules::open" } else { "Rules::guarded" })
    }
}

fn described(act: Act) -> &'static str {
    match act {
        Act::Look => "looking at this",
        Act::Read => "reading this",
        Act::List => "listing this",
        Act::Write => "writing this",
    }
}

/// The table above.
fn need(act: Act, path: &str, caller: &Caller) -> Need {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (tree, first) = (parts.next(), parts.next());
    match (tree, first) {
        (None, _) | (_, None) if act == Act::Look => Need::Nothing,
        (None, _) if act == Act::List => Need::Nothing,
        (Some("staging"), Some(_)) if act != Act::Write && parts.clone().any(is_capability) => Need::Nothing,
        (Some("staging"), Some(_)) if act == Act::Look && parts.next().is_none() => Need::Nothing,
        (Some("staging" | "pod-templates"), Some(namespace)) => {
            Need::One(vec![Grant::CreatePods { namespace: namespace.to_owned() }])
        }
        (Some("event-logs"), _) if act == Act::Look => Need::Identity,
        (Some("event-logs"), _) => {
            let mut grants: Vec<Grant> = own_namespace(caller).into_iter().collect();
            if act != Act::Write {
                grants.push(Grant::ReadAllLogs);
            }
            grants.push(Grant::CreateAllPods);
            Need::One(grants)
        }
        _ => Need::One(vec![Grant::CreateAllPods]),
    }
}

fn own_namespace(caller: &Caller) -> Option<Grant> {
    let Caller::Known(identity) = caller else { return None };
    identity.namespace().map(|namespace| Grant::CreatePods { namespace: namespace.to_owned() })
}

/// A path or URL as it may stand in a log: of names that are keys, only the beginning.
#[must_use]
pub fn masked(path: &str) -> Cow<'_, str> {
    const SHOWN: usize = CAPABILITY.len() + 8;
    if !path.split('/').any(is_capability) {
        return Cow::Borrowed(path);
    }
    let shown = |part: &str| match part.get(..SHOWN).filter(|_| is_capability(part)) {
        Some(start) => format!("{start}-…"),
        None => part.to_owned(),
    };
    Cow::Owned(path.split('/').map(shown).collect::<Vec<_>>().join("/"))
}

const CAPABILITY: &str = "spark-upload-";

/// Whether a folder's name cannot be guessed: `spark-upload-` and a random UUID, as `spark-submit` makes it.
fn is_capability(name: &str) -> bool {
    let Some(uuid) = name.strip_prefix(CAPABILITY) else { return false };
    let mut groups = uuid.split('-');
    let fits = |group: Option<&str>, length: usize| {
        group.is_some_and(|group| group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    [8, 4, 4, 4, 12].into_iter().all(|length| fits(groups.next(), length)) && groups.next().is_none()
}

#[cfg(test)]
mod tests;
