//! What the Kubernetes API says of Spark's pods, learned as early as can be and kept when the pod is gone.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt as _};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Config};
use tokio::sync::watch;

use super::identity::Identity;
use super::selection::Selection;
use crate::layout::Owner;
use crate::{Container, End, Error, Result};

const APPLICATION: &str = "spark-app-selector";
const ROLE: &str = "spark-role";
const EXECUTOR: &str = "spark-exec-id";
/// On a static pod's mirror: what the kubelet calls the pod by in its folder, for its UID is another.
const STATIC_POD: &str = "kubernetes.io/config.hash";

/// How long the API may take to answer for one pod.
const ASKED: Duration = Duration::from_secs(10);

/// How long a pod that is gone is remembered. Its files go within seconds, but a store that fails may keep them waiting.
const REMEMBERED: Duration = Duration::from_hours(6);

/// What was learned.
pub(super) struct Pods {
    client: Option<Client>,
    selection: Selection,
    by_uid: RwLock<HashMap<String, Known>>,
    version: watch::Sender<u64>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    owner: Option<Owner>,
    is_chosen: bool,
    /// The container that the pod is there for.
    main: Option<String>,
    ends: HashMap<(String, u32), End>,
    /// How the pod failed, for containers of which no more is known.
    failed: Option<End>,
    /// Which of the watches it is in, if any has shown it.
    watch: Option<usize>,
    gone: Option<Instant>,
}

impl std::fmt::Debug for Pods {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pods").field("by_uid", &self.by_uid).finish_non_exhaustive()
    }
}

impl Pods {
    fn new(client: Option<Client>, selection: Selection) -> Self {
        Self { client, selection, by_uid: RwLock::default(), version: watch::Sender::new(0) }
    }

    pub(super) fn identity(&self, uid: &str) -> Identity {
        match self.by_uid.read().unwrap_or_else(PoisonError::into_inner).get(uid) {
            Some(Known { owner: Some(owner), .. }) => Identity::Spark(owner.clone()),
            Some(Known { is_chosen: true, .. }) => Identity::Chosen,
            Some(_) => Identity::Stranger,
            None => Identity::Unknown,
        }
    }

    /// The same for one of its containers.
    pub(super) fn identity_of(&self, container: &Container) -> Identity {
        let is_beside = self.selection.main_only && {
            let pods = self.by_uid.read().unwrap_or_else(PoisonError::into_inner);
            let main = pods.get(&container.pod_uid).and_then(|known| known.main.as_ref());
            main.is_some_and(|main| *main != container.name)
        };
        if is_beside { Identity::Stranger } else { self.identity(&container.pod_uid) }
    }

    /// Asks for one pod by its name, and learns it: `None` when the API does not answer, `Some(false)` when it has no such pod.
    pub(super) async fn ask(&self, container: &Container) -> Option<bool> {
        let api: Api<Pod> = Api::namespaced(self.client.clone()?, &container.namespace);
        let answer = tokio::time::timeout(ASKED, api.get_opt(&container.pod)).await;
        match answer {
            Ok(Ok(Some(pod))) => {
                let is_it = uids_of(&pod).any(|uid| uid == container.pod_uid);
                if is_it {
                    self.learn(None, &pod);
                }
                Some(is_it)
            }
            Ok(Ok(None)) => Some(false),
            Ok(Err(error)) => {
                tracing::warn!(%error, pod.name = container.pod, "the Kubernetes API does not say whose a pod is; trying again");
                None
            }
            Err(_) => None,
        }
    }

    pub(super) fn owner(&self, uid: &str) -> Option<Owner> {
        self.by_uid.read().unwrap_or_else(PoisonError::into_inner).get(uid)?.owner.clone()
    }

    pub(super) fn end(&self, container: &Container) -> Option<End> {
        let pods = self.by_uid.read().unwrap_or_else(PoisonError::into_inner);
        let known = pods.get(&container.pod_uid)?;
        known.ends.get(&(container.name.clone(), container.restart)).or(known.failed.as_ref()).cloned()
    }

    pub(super) async fn changed(&self) {
        // The sender lives as long as `self`.
        let _ = self.version.subscribe().changed().await;
    }

    fn learn(&self, watch: Option<usize>, pod: &Pod) {
        let mut pods = self.by_uid.write().unwrap_or_else(PoisonError::into_inner);
        for uid in uids_of(pod) {
            let known = pods.entry(uid.to_owned()).or_default();
            let labels = pod.metadata.labels.as_ref();
            known.is_chosen = self.selection.selector.as_ref().is_some_and(|selector| selector.matches(labels));
            let chosen = || self.owner_by_label(pod).filter(|_| known.is_chosen);
            known.owner = owner_of(pod).or_else(chosen).or_else(|| known.owner.take());
            known.main = main_of(pod).or_else(|| known.main.take());
            known.ends.extend(ends_of(pod));
            known.failed = failure_of(pod).or_else(|| known.failed.take());
            (known.watch, known.gone) = (watch.or(known.watch), None);
        }
        drop(pods);
        self.version.send_modify(|version| *version += 1);
    }

    /// Of a pod that is none of Spark's: the application that its label names, in which it goes by its own name.
    fn owner_by_label(&self, pod: &Pod) -> Option<Owner> {
        let label = self.selection.application_label.as_ref()?;
        let application = pod.metadata.labels.as_ref()?.get(label)?.clone();
        Some(Owner { application, executor: pod.metadata.name.clone()? })
    }

    /// What was learned of pods that are gone stays true; it is forgotten after a while.
    fn mark_gone(&self, is_gone: impl Fn(&str, &Known) -> bool) {
        let now = Instant::now();
        let mut pods = self.by_uid.write().unwrap_or_else(PoisonError::into_inner);
        for (_, known) in pods.iter_mut().filter(|(uid, known)| known.gone.is_none() && is_gone(uid, known)) {
            known.gone = Some(now);
        }
        pods.retain(|_, known| known.gone.is_none_or(|gone| now.duration_since(gone) < REMEMBERED));
    }

    /// Takes an event; `listed` holds the pods of a listing that is under way.
    fn take(&self, watch: usize, event: Event<Pod>, listed: &mut HashSet<String>) {
        match event {
            Event::Apply(pod) => self.learn(Some(watch), &pod),
            Event::Delete(pod) => {
                self.learn(Some(watch), &pod);
                self.mark_gone(|uid, _| uids_of(&pod).any(|gone| gone == uid));
            }
            Event::Init => listed.clear(),
            Event::InitApply(pod) => {
                self.learn(Some(watch), &pod);
                listed.extend(uids_of(&pod).map(str::to_owned));
            }
            // Those that went while nobody watched.
            Event::InitDone => self.mark_gone(|uid, known| known.watch == Some(watch) && !listed.contains(uid)),
        }
    }
}

/// Pods whose logs the API is asked for.
pub(crate) struct ApiPods {
    pub(crate) client: Client,
    /// What is watched, and how.
    pub(crate) watches: Vec<(Api<Pod>, watcher::Config)>,
    pods: Arc<Pods>,
}

impl ApiPods {
    /// Whether a container of a pod that has just been seen is shipped.
    pub(crate) fn wants(&self, container: &Container, pod: &Pod) -> bool {
        self.pods.learn(None, pod);
        matches!(self.pods.identity_of(container), Identity::Spark(_) | Identity::Chosen)
    }
}

/// Watches the pods.
#[derive(Debug)]
pub(crate) struct Learner {
    apis: Vec<Api<Pod>>,
    /// What is asked of each: all pods of a node, or those with certain labels.
    watched: Vec<watcher::Config>,
    pods: Arc<Pods>,
}

impl Learner {
    pub(super) async fn new(
        kubeconfig: Option<&Path>,
        node: Option<&str>,
        namespaces: &[String],
        selection: Selection,
    ) -> Result<Self> {
        let config = match kubeconfig {
            Some(path) => {
                let kubeconfig = Kubeconfig::read_from(path).map_err(|e| Error::Kubernetes(e.into()))?;
                let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
                config.map_err(|e| Error::Kubernetes(e.into()))?
            }
            None => Config::infer().await.map_err(|e| Error::Kubernetes(e.into()))?,
        };
        let client = Client::try_from(config).map_err(|e| Error::Kubernetes(e.into()))?;
        let apis = match namespaces {
            [] => vec![Api::all(client.clone())],
            some => some.iter().map(|namespace| Api::namespaced(client.clone(), namespace)).collect(),
        };
        // Of one node all pods are watched, so that it is known which are not Spark's; of a cluster that would be too many.
        let watched = match node {
            Some(node) => vec![watcher::Config::default().fields(&format!("spec.nodeName={node}"))],
            None => {
                let chosen = selection.selector.as_ref().map(ToString::to_string);
                let labels = std::iter::once(ROLE.to_owned()).chain(chosen);
                labels.map(|labels| watcher::Config::default().labels(&labels)).collect()
            }
        };
        Ok(Self { apis, watched, pods: Arc::new(Pods::new(Some(client), selection)) })
    }

    pub(super) fn pods(&self) -> Arc<Pods> {
        Arc::clone(&self.pods)
    }

    /// The same pods, for their logs.
    pub(crate) fn api_pods(&self) -> Option<ApiPods> {
        let client = self.pods.client.clone()?;
        let watches = self.apis.iter().flat_map(|api| self.watched.iter().map(|config| (api.clone(), config.clone())));
        Some(ApiPods { client, watches: watches.collect(), pods: self.pods() })
    }

    /// Learns for ever; a failure of the API is tried again with growing pauses.
    pub(crate) async fn run(self) {
        let asked = self.apis.iter().flat_map(|api| self.watched.iter().map(|config| (api.clone(), config.clone())));
        let watches: Vec<_> = asked
            .enumerate()
            .map(|(watch, (api, config))| {
                watcher::watcher(api, config).default_backoff().map(move |event| (watch, event)).boxed()
            })
            .collect();
        let mut listed = vec![HashSet::new(); watches.len()];
        let mut events = stream::select_all(watches);
        while let Some((watch, event)) = events.next().await {
            match (event, listed.get_mut(watch)) {
                (Ok(event), Some(listed)) => self.pods.take(watch, event, listed),
                (Ok(_), None) => {}
                (Err(error), _) => tracing::warn!(%error, "the Kubernetes API cannot be watched; trying again"),
            }
        }
    }
}

/// The UIDs by which a kubelet may call a pod.
fn uids_of(pod: &Pod) -> impl Iterator<Item = &str> {
    let hash = pod.metadata.annotations.as_ref().and_then(|annotations| annotations.get(STATIC_POD));
    pod.metadata.uid.iter().chain(hash).map(String::as_str)
}

fn owner_of(pod: &Pod) -> Option<Owner> {
    let label = |name: &str| pod.metadata.labels.as_ref()?.get(name).cloned();
    let executor = match label(ROLE)?.as_str() {
        Owner::DRIVER => Owner::DRIVER.to_owned(),
        _ => label(EXECUTOR)?,
    };
    Some(Owner { application: label(APPLICATION)?, executor })
}

/// Spark's own container, or the first.
fn main_of(pod: &Pod) -> Option<String> {
    let containers = &pod.spec.as_ref()?.containers;
    let is_spark = |name: &str| ["spark-kubernetes-driver", "spark-kubernetes-executor"].contains(&name);
    let spark = containers.iter().find(|container| is_spark(&container.name));
    spark.or_else(|| containers.first()).map(|container| container.name.clone())
}

fn ends_of(pod: &Pod) -> Vec<((String, u32), End)> {
    let Some(status) = &pod.status else { return Vec::new() };
    let failure = failure_of(pod);
    let lists = [&status.init_container_statuses, &status.container_statuses, &status.ephemeral_container_statuses];
    let of_container = |status: &ContainerStatus| {
        let now = u32::try_from(status.restart_count).unwrap_or_default();
        let states = [(Some(now), &status.state), (now.checked_sub(1), &status.last_state)];
        let (name, failure) = (status.name.clone(), failure.clone());
        states.map(|(restart, state)| {
            let ended = state.as_ref()?.terminated.as_ref()?;
            let failure = failure.clone().filter(|_| ended.exit_code != 0);
            let (pods_reason, pods_message) = failure.map(|end| (end.reason, end.message)).unwrap_or_default();
            let end = End {
                exit_code: Some(ended.exit_code),
                reason: pods_reason.or_else(|| ended.reason.clone()),
                message: pods_message.or_else(|| ended.message.as_deref().map(cut)),
                started_at: ended.started_at.as_ref().and_then(time),
                finished_at: ended.finished_at.as_ref().and_then(time),
            };
            Some(((name.clone(), restart?), end))
        })
    };
    lists.into_iter().flatten().flatten().flat_map(of_container).flatten().collect()
}

/// Why the whole pod failed, where that has a reason of its own.
fn failure_of(pod: &Pod) -> Option<End> {
    let status = pod.status.as_ref().filter(|status| status.phase.as_deref() == Some("Failed"))?;
    let reason = status.reason.clone().filter(|reason| !reason.is_empty())?;
    Some(End {
        reason: Some(reason),
        message: status.message.as_deref().map(cut),
        started_at: status.start_time.as_ref().and_then(time),
        ..End::default()
    })
}

fn time(time: &Time) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(time.0.as_millisecond())
}

fn cut(text: &str) -> String {
    const MOST_CHARS: usize = 500;
    text.chars().take(MOST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(labels: serde_json::Value, statuses: serde_json::Value) -> Pod {
        let metadata = json!({ "name": "x", "uid": "u-1", "labels": labels });
        serde_json::from_value(json!({ "metadata": metadata, "status": { "containerStatuses": statuses } })).unwrap()
    }

    #[test]
    fn labels_and_exit_codes_are_remembered_when_the_pod_is_gone() {
        let pods = Pods::new(None, Selection::default());
        let labels = json!({ APPLICATION: "spark-1", ROLE: "executor", EXECUTOR: "7" });
        let mut listed = HashSet::new();
        pods.take(0, Event::InitApply(pod(labels.clone(), json!([]))), &mut listed);
        pods.take(0, Event::InitDone, &mut listed);
        let ended = json!([{
            "name": "main", "restartCount": 1, "ready": false, "image": "", "imageID": "",
            "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-02T03:04:05Z" } },
            "lastState": { "terminated": { "exitCode": 1 } },
        }]);
        pods.take(0, Event::Delete(pod(labels, ended)), &mut listed);
        // The next listing does not have it.
        pods.take(0, Event::Init, &mut listed);
        pods.take(0, Event::InitDone, &mut listed);
        assert_eq!(pods.owner("u-1"), Some(Owner { application: "spark-1".into(), executor: "7".into() }));
        let container = |restart| Container {
            namespace: "n".into(),
            pod: "x".into(),
            pod_uid: "u-1".into(),
            name: "main".into(),
            restart,
        };
        let last = pods.end(&container(1)).unwrap();
        assert_eq!((last.exit_code, last.reason.as_deref()), (Some(137), Some("OOMKilled")));
        assert_eq!(last.finished_at.unwrap().timestamp(), 1_767_323_045);
        assert_eq!(pods.end(&container(0)).unwrap().exit_code, Some(1));
        assert_eq!(pods.end(&container(2)), None);
    }

    #[test]
    fn a_driver_has_no_executor_number_and_a_stranger_no_owner() {
        let driver = pod(json!({ APPLICATION: "spark-1", ROLE: "driver" }), json!([]));
        assert_eq!(owner_of(&driver).unwrap().executor, "driver");
        assert_eq!(owner_of(&pod(json!({ ROLE: "executor" }), json!([]))), None);
        assert_eq!(owner_of(&pod(json!({ "app": "x" }), json!([]))), None);
    }
}
