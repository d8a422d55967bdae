//! Which log files there are, and whose.

mod identity;
mod kept;
mod kubernetes;
mod names;
mod node;
mod paths;
mod pins;
mod selection;
mod spill;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use crate::layout::Owner;
use crate::{Container, End, Result};

pub(crate) use identity::Identity;
pub(crate) use kept::Keeping;
pub(crate) use kubernetes::{ApiPods, Learner};
pub(crate) use node::{Found, Scanner};
pub use selection::{LabelSelector, Selection};
pub(crate) use watch::{Folders, Watcher};

/// How Spark's pods are recognised, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodIdentity {
    /// By the labels that Spark gives them (`spark-app-selector`, `spark-role`, `spark-exec-id`), asked of the Kubernetes API.
    /// A pod that the API does not have (any more), or that is named as Spark names its own while the API does not answer, is
    /// recognised by name; any other is held until the API answers.
    Kubernetes {
        /// How to reach it; without one, as `kubectl` and pods do.
        kubeconfig: Option<PathBuf>,
        /// Watch the pods of this node only.
        node: Option<String>,
    },
    /// By the names that Spark gives pods and containers. No application is known then: logs are found by pod name.
    Names,
}

/// Answers whose a container is.
#[derive(Clone, Debug)]
pub(crate) struct Identities {
    kubernetes: Option<Arc<kubernetes::Pods>>,
}

impl Identities {
    /// Starts to learn; the second part, when there is one, must be run for it.
    pub(crate) async fn start(
        identity: &PodIdentity,
        namespaces: &[String],
        selection: Selection,
    ) -> Result<(Self, Option<Learner>)> {
        match identity {
            PodIdentity::Names => Ok((Self { kubernetes: None }, None)),
            PodIdentity::Kubernetes { kubeconfig, node } => {
                let learner = Learner::new(kubeconfig.as_deref(), node.as_deref(), namespaces, selection).await?;
                Ok((Self { kubernetes: Some(learner.pods()) }, Some(learner)))
            }
        }
    }

    /// Whether there is someone to wait for.
    pub(crate) fn learns(&self) -> bool {
        self.kubernetes.is_some()
    }

    /// Whose it is, as far as is known.
    pub(crate) fn of(&self, container: &Container) -> Identity {
        self.kubernetes.as_ref().map_or(Identity::Unknown, |pods| pods.identity_of(container))
    }

    /// Whether it is known to be one that is shipped.
    pub(crate) fn wants(&self, container: &Container) -> bool {
        matches!(self.of(container), Identity::Spark(_) | Identity::Chosen)
    }

    /// Whether a pod is one of Spark's drivers; where there is nobody to learn from, every pod is taken as one.
    pub(crate) fn is_driver(&self, pod_uid: &str) -> bool {
        let identity = self.kubernetes.as_ref().map(|pods| pods.identity(pod_uid));
        identity.is_none_or(|identity| matches!(identity, Identity::Spark(owner) if owner.is_driver()))
    }

    /// Asks the API for this pod alone, and learns from the answer. `None`: it does not answer. `Some(false)`: it says that
    /// there is no such pod (any more).
    pub(crate) async fn ask(&self, container: &Container) -> Option<bool> {
        match &self.kubernetes {
            Some(pods) => pods.ask(container).await,
            None => None,
        }
    }

    /// Its application and executor, if the API has named them.
    pub(crate) fn owner(&self, container: &Container) -> Option<Owner> {
        self.kubernetes.as_ref()?.owner(&container.pod_uid)
    }

    /// How it ended, if the API said so.
    pub(crate) fn end(&self, container: &Container) -> Option<End> {
        self.kubernetes.as_ref()?.end(container)
    }

    /// Returns when something new was learned; never when there is nobody to learn from.
    pub(crate) async fn changed(&self) {
        match &self.kubernetes {
            Some(pods) => pods.changed().await,
            None => std::future::pending().await,
        }
    }
}

/// The executor that a container is by its names; `None` for what does not look like Spark's.
pub(crate) fn executor_by_name(container: &Container) -> Option<String> {
    names::executor(&container.pod, &container.name)
}
