//! Logs of pods on nodes whose files cannot be read (virtual nodes), taken from the Kubernetes API (`pods/log`).
//!
//! They are written to a folder as a kubelet would write them, and shipped from there like all others:
//!
//! ```text
//! <folder>/pods/<namespace>_<pod>_<uid>/<container>/<restart>.log     every line as one of stdout, for the API does not say which it is
//! <folder>/pins/…                                                     links to what has not been shipped
//! ```
//!
//! A request that breaks off is made again from two seconds before the last line, and what comes again is passed over. What
//! the node has rotated away meanwhile cannot be had: a line in the log says so.

mod follow;
mod overlap;
mod spool;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use tokio::task::JoinSet;

use crate::discover::ApiPods;
use crate::ship::Context;
use crate::{Container, parts};

/// Where in the folder the logs are.
pub(crate) const PODS: &str = "pods";
/// Where in it the links are.
pub(crate) const PINS: &str = "pins";

const PART: &str = "the watch of pods whose logs the API has";

/// Writes the logs of these pods to files below `pods`, until the collector stops.
pub(crate) async fn run(context: Arc<Context>, mut watched: ApiPods, pods: PathBuf) {
    let (mut tasks, mut running, mut done) = (JoinSet::new(), parts::Running::default(), HashSet::new());
    let watches = std::mem::take(&mut watched.watches)
        .into_iter()
        .map(|(api, config)| watcher::watcher(api, config).default_backoff().boxed());
    let mut events = stream::select_all(watches);
    while !context.stop.is_cancelled() {
        tokio::select! {
            Some(event) = events.next() => match event {
                Ok(Event::Apply(pod) | Event::InitApply(pod)) => {
                    for container in started(&pod).filter(|container| watched.wants(container, &pod)) {
                        if !done.contains(&container) && !running.has(&container) {
                            let client = watched.client.clone();
                            let following =
                                follow::run(Arc::clone(&context), client, container.clone(), pods.clone());
                            running.add(tasks.spawn(following).id(), container);
                        }
                    }
                }
                Ok(Event::Delete(pod)) => done.retain(|container: &Container| pod.metadata.uid.as_ref() != Some(&container.pod_uid)),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "{PART} failed; trying again"),
            },
            Some(ended) = tasks.join_next_with_id() => {
                if let Some((container, Some(true))) = running.take(ended, &context) {
                    done.insert(container);
                }
            }
            () = context.stop.cancelled() => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// The containers of a pod that have written something, or could have.
fn started(pod: &Pod) -> impl Iterator<Item = Container> {
    let (meta, status) = (&pod.metadata, pod.status.clone().unwrap_or_default());
    let id = meta.namespace.clone().zip(meta.name.clone()).zip(meta.uid.clone());
    let lists = [status.init_container_statuses, status.container_statuses, status.ephemeral_container_statuses];
    let of_container = move |status: ContainerStatus| {
        let restart = u32::try_from(status.restart_count).unwrap_or_default();
        let states = [(Some(restart), status.state), (restart.checked_sub(1), status.last_state)];
        let id = id.clone();
        states.into_iter().filter_map(move |(restart, state)| {
            let state = state?;
            let ((namespace, pod), pod_uid) = id.clone()?;
            let has_started = state.running.is_some() || state.terminated.is_some();
            has_started.then_some(Container { namespace, pod, pod_uid, name: status.name.clone(), restart: restart? })
        })
    };
    lists.into_iter().flatten().flatten().flat_map(of_container)
}
