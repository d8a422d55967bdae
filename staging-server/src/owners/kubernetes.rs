use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt as _};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::{Driver, Drivers};

/// What a driver's pod has, in all versions of Spark.
const SELECTOR: &str = "spark-role=driver";
const PAGE: u32 = 500;
const AT_ONCE: usize = 8;
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The drivers that the Kubernetes API knows, in all namespaces.
///
/// This process needs the right to list pods, and to get `ConfigMap`s: only those are read that a driver's pod mounts. They do
/// not change, and so are read once for each pod.
#[derive(Default)]
pub struct KubernetesDrivers {
    client: OnceCell<Client>,
    read: Mutex<HashMap<Mounted, Arc<Vec<String>>>>,
}

/// A `ConfigMap` of a pod.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Mounted {
    pod: String,
    namespace: String,
    name: String,
}

impl KubernetesDrivers {
    /// The cluster that this process runs in, or that its kubeconfig names. It is looked for when it is first asked.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    async fn client(&self) -> Result<&Client, String> {
        self.client
            .get_or_try_init(Client::try_default)
            .await
            .map_err(|error| format!("there is no Kubernetes to ask: run in a pod, or give a kubeconfig ({error})"))
    }

    async fn pods(&self) -> Result<Vec<Pod>, String> {
        let pods: Api<Pod> = Api::all(self.client().await?.clone());
        let mut parameters = ListParams::default().labels(SELECTOR).limit(PAGE);
        let mut all = Vec::new();
        loop {
            let page = pods.list(&parameters).await.map_err(|error| refused("list pods", &error))?;
            parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            all.extend(page.items.into_iter().filter(has_not_ended));
            if parameters.continue_token.is_none() {
                return Ok(all);
            }
        }
    }

    async fn driver(&self, pod: Pod) -> Result<Driver, String> {
        let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        let mut texts = command_lines(&pod);
        for mounted in mounts(&pod) {
            texts.extend(self.texts(&mounted).await?.iter().cloned());
        }
        Ok(Driver { namespace, name, labels: pod.metadata.labels.unwrap_or_default(), texts })
    }

    /// The files of a `ConfigMap`; nothing where there is none, or not yet.
    async fn texts(&self, mounted: &Mounted) -> Result<Arc<Vec<String>>, String> {
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(mounted).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let maps: Api<ConfigMap> = Api::namespaced(self.client().await?.clone(), &mounted.namespace);
        let found = maps.get_opt(&mounted.name).await.map_err(|error| refused("get configmaps", &error))?;
        let Some(found) = found else { return Ok(Arc::default()) };
        let texts = Arc::new(found.data.unwrap_or_default().into_values().collect::<Vec<_>>());
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(mounted.clone(), Arc::clone(&texts));
        Ok(texts)
    }

    /// Forgets what belonged to pods that have gone.
    fn forget_all_but(&self, pods: &BTreeSet<String>) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).retain(|mounted, _| pods.contains(&mounted.pod));
    }
}

#[async_trait]
impl Drivers for KubernetesDrivers {
    async fn living(&self) -> Result<Vec<Driver>, String> {
        let asked = async {
            let pods = self.pods().await?;
            self.forget_all_but(&pods.iter().filter_map(Pod::uid).collect());
            let drivers = stream::iter(pods).map(|pod| self.driver(pod)).buffered(AT_ONCE);
            drivers.try_collect().await
        };
        timeout(TIME_LIMIT, asked).await.unwrap_or_else(|_| {
            Err(format!(
                "the Kubernetes API did not say within {} seconds which drivers there are",
                TIME_LIMIT.as_secs()
            ))
        })
    }
}

fn has_not_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    !matches!(phase, Some("Succeeded" | "Failed"))
}

fn command_lines(pod: &Pod) -> Vec<String> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    containers
        .flat_map(|container| {
            let variables = container.env.iter().flatten().filter_map(|variable| variable.value.as_ref());
            container.command.iter().flatten().chain(container.args.iter().flatten()).chain(variables)
        })
        .cloned()
        .collect()
}

fn mounts(pod: &Pod) -> Vec<Mounted> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let maps = volumes.filter_map(|volume| Some(volume.config_map.as_ref()?.name.clone()));
    let (pod_uid, namespace) = (pod.uid().unwrap_or_default(), pod.namespace().unwrap_or_default());
    maps.map(|name| Mounted { pod: pod_uid.clone(), namespace: namespace.clone(), name }).collect()
}

fn refused(what: &str, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
            format!(
                "the Kubernetes API does not let this server {what}: grant its service account that ({})",
                status.message
            )
        }
        error => format!("the Kubernetes API does not answer ({error})"),
    }
}
