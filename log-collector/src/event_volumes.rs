//! Event logs in `emptyDir` volumes of drivers, read on the node, from the kubelet's own folder:
//! `<kubelet>/pods/<uid>/volumes/kubernetes.io~empty-dir/<volume>`. The driver needs no sidecar, no extra jar and no
//! credentials; what is open when the pod goes is still shipped.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::event_logs;
use crate::metrics::Metrics;
use crate::parts;
use crate::ship::Context;

/// The volume of one pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Volume {
    pod_uid: String,
    folder: PathBuf,
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event logs of the pod {}", self.pod_uid)
    }
}

/// Ships what drivers write to their volumes of that name, until the collector stops. `pods` is the kubelet's folder of pods.
pub(crate) async fn run(context: Arc<Context>, pods: PathBuf, volume: String, scan_interval: Duration) {
    let (mut tasks, mut running) = (JoinSet::new(), parts::Running::default());
    let trouble = format!("the kubelet's folder of pods {}", pods.display());
    while !context.stop.is_cancelled() {
        context.health.works(&trouble);
        let (folder, name) = (pods.clone(), volume.clone());
        let found = tokio::task::spawn_blocking(move || find(&folder, &name)).await;
        match found.map_err(std::io::Error::other).flatten() {
            Ok(volumes) => {
                context.health.clear(&trouble);
                for volume in volumes {
                    // Whoever names a volume so could publish what he likes: only Spark's drivers may.
                    if !running.has(&volume) && context.identities.is_driver(&volume.pod_uid) {
                        let logs = event_logs::run(Arc::clone(&context), volume.folder.clone(), scan_interval, true);
                        running.add(tasks.spawn(logs).id(), volume);
                    }
                }
            }
            Err(error) => {
                Metrics::add(&context.metrics.read_errors, 1);
                context.health.tell(&trouble, format!("{trouble} cannot be read"));
                tracing::warn!(%error, "{trouble} cannot be read; trying again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(scan_interval) => {}
            Some(ended) = tasks.join_next_with_id() => drop(running.take(ended, &context)),
            () = context.stop.cancelled() => {}
        }
    }
    context.health.rests(&trouble);
    while tasks.join_next().await.is_some() {}
}

fn find(pods: &Path, volume: &str) -> std::io::Result<Vec<Volume>> {
    let mut found = Vec::new();
    for pod in fs::read_dir(pods)?.filter_map(Result::ok) {
        let Ok(pod_uid) = pod.file_name().into_string() else { continue };
        let folder = pod.path().join("volumes/kubernetes.io~empty-dir").join(volume);
        if fs::symlink_metadata(&folder).is_ok_and(|meta| meta.is_dir()) {
            found.push(Volume { pod_uid, folder });
        }
    }
    Ok(found)
}
