//! The log collector's settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use log_collector::LabelSelector;

use super::layers::Layers;
use super::settings::Section::Collector as Own;
use super::values;

/// How Spark's pods are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodIdentity {
    Kubernetes,
    Names,
}

/// The log collector's settings.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) pod_logs: Option<PathBuf>,
    pub(crate) api_logs: Option<PathBuf>,
    pub(crate) event_log_dirs: Vec<PathBuf>,
    pub(crate) pod_identity: PodIdentity,
    pub(crate) namespaces: Vec<String>,
    pub(crate) node_name: Option<String>,
    pub(crate) pod_selector: Option<LabelSelector>,
    pub(crate) application_label: Option<String>,
    /// Whether only the container is shipped that a pod is there for.
    pub(crate) main_containers_only: bool,
    pub(crate) flush_interval: Duration,
    pub(crate) pin_dir: Option<PathBuf>,
    pub(crate) spill_dir: Option<PathBuf>,
    pub(crate) max_spilled_bytes: u64,
    pub(crate) kubelet_dir: Option<PathBuf>,
    pub(crate) event_log_volume: String,
    pub(crate) logs_max_age: Option<Duration>,
    pub(crate) logs_max_bytes: Option<u64>,
    pub(crate) logs_clean_interval: Duration,
}

/// Reads them; `serve`: for all roles in one process, where nothing is collected unless told so.
pub(super) fn read(layers: &mut Layers<'_>, serve: bool) -> Option<Collector> {
    let folder = |text: &str| match std::fs::metadata(text) {
        Ok(meta) if !meta.is_dir() => Err("it is not a folder".to_owned()),
        Ok(_) => Ok(PathBuf::from(text)),
        Err(error) => Err(error.to_string()),
    };
    let mut pod_logs = layers.many_with(Own, "pod-logs", folder).pop();
    let api_logs = layers.one(Own, "api-logs");
    let event_log_dirs = layers.many_with(Own, "event-log-dir", folder);
    let kubelet_dir = layers.many_with(Own, "kubelet-dir", folder).pop();
    let event_log_volume = layers.one(Own, "event-log-volume");
    let is_told = api_logs.is_some() || !event_log_dirs.is_empty() || kubelet_dir.is_some();
    if pod_logs.is_none() && !is_told && !serve {
        pod_logs = Some(PathBuf::from("/var/log/pods"));
    }
    let pin_dir = match layers.one::<String>(Own, "pin-dir").as_deref() {
        Some("off") => None,
        Some("auto") | None => pod_logs.as_deref().and_then(beside),
        Some(folder) => Some(PathBuf::from(folder)),
    };
    let pod_identity = identity(layers, api_logs.is_some());
    let main_containers_only = layers.one_with(Own, "containers", |text| match text {
        "all" => Ok(false),
        "main" => Ok(true),
        _ => Err("there are all and main".to_owned()),
    });
    let namespaces = layers.many_with(Own, "namespace", |text| Ok(text.to_owned()));
    let node_name = layers.one(Own, "node-name");
    let pod_selector = layers.one(Own, "pod-selector");
    let application_label = layers.one(Own, "application-label");
    let flush_interval = layers.one_with(Own, "flush-interval", values::duration);
    let spill_dir = layers.one(Own, "spill-dir");
    let max_spilled_bytes = layers.one_with(Own, "spill-max-size", values::size_bytes);
    let logs_max_age = layers.one_with(Own, "logs-max-age", values::age);
    let logs_max_bytes = layers.one_with(Own, "logs-max-size", values::size_bytes);
    let logs_clean_interval = layers.one_with(Own, "logs-clean-interval", values::age);
    Some(Collector {
        pod_logs,
        api_logs,
        event_log_dirs,
        pod_identity: pod_identity?,
        namespaces,
        node_name,
        pod_selector,
        application_label,
        main_containers_only: main_containers_only?,
        flush_interval: flush_interval?,
        pin_dir,
        spill_dir,
        max_spilled_bytes: max_spilled_bytes?,
        kubelet_dir,
        event_log_volume: event_log_volume?,
        logs_max_age,
        logs_max_bytes,
        logs_clean_interval: logs_clean_interval?,
    })
}

/// A hidden folder beside `folder`, on the same file system unless that is a mount point.
fn beside(folder: &Path) -> Option<PathBuf> {
    Some(folder.with_file_name(format!(".{}-hearth-pins", folder.file_name()?.to_str()?)))
}

/// How pods are recognised; whose logs the API is asked for, the API must name.
fn identity(layers: &mut Layers<'_>, asks_for_logs: bool) -> Option<PodIdentity> {
    let identity = layers.one_with(Own, "pod-identity", |text| match text {
        "kubernetes" => Ok(PodIdentity::Kubernetes),
        "names" => Ok(PodIdentity::Names),
        _ => Err("there are kubernetes and names".to_owned()),
    });
    if asks_for_logs && identity == Some(PodIdentity::Names) {
        layers
            .mistake("--api-logs needs --pod-identity kubernetes: it asks the API for pods and their logs".to_owned());
    }
    identity
}
