use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use storage::Store;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::discover::{ApiPods, Found, Identities, Keeping, Learner, Scanner, Watcher};
use crate::lock::FolderLock;
use crate::parts::Running;
use crate::ship::{self, Budget, Outcome, Settings, Uploads};
use crate::{
    Container, Error, Health, Metrics, PodIdentity, Result, Retention, Selection, api_logs, event_logs, event_volumes,
};

/// What a collector collects, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// The node's folder of pod logs (`/var/log/pods` on most), if pods' logs are to be shipped.
    pub pod_logs: Option<PathBuf>,
    /// A folder to work in, if pods' logs are to be taken from the Kubernetes API and not from a node's files. It holds what has
    /// not been shipped, and should outlive the collector. Links must be possible in it.
    pub api_logs: Option<PathBuf>,
    /// Folders of Spark's event logs, single and rolling.
    pub event_log_dirs: Vec<PathBuf>,
    /// The kubelet's folder of pods (`/var/lib/kubelet/pods` on most), if event logs are to be shipped from drivers'
    /// `emptyDir` volumes of the name that follows.
    pub kubelet_pods: Option<PathBuf>,
    /// The name of those volumes.
    pub event_log_volume: String,
    /// How Spark's pods are recognised.
    pub pod_identity: PodIdentity,
    /// Which pods are shipped besides Spark's, and which containers.
    pub selection: Selection,
    /// Ship the pods of these namespaces only; of all when there are none.
    pub namespaces: Vec<String>,
    /// How long a line may wait before it is shipped.
    pub flush_interval: Duration,
    /// How often files are looked at for new lines.
    pub poll_interval: Duration,
    /// How often folders are looked through for new files, should the system not have told of them.
    pub scan_interval: Duration,
    /// How long a pod waits for its labels before it is asked for by itself; and before one that is named as Spark names its
    /// pods is shipped by its name, if nobody answers. Any other is held until somebody does.
    pub identity_timeout: Duration,
    /// How long a file that was rotated away or deleted must have been quiet before it is taken as complete: a container
    /// runtime writes what it still holds to the old file after the new one is there.
    pub rotation_grace: Duration,
    /// How long, after it was told to stop, a collector goes on trying to ship what is there.
    pub drain_timeout: Duration,
    /// How long the store may take for one request about a pod's log; one that takes longer has failed.
    pub request_timeout: Duration,
    /// The longest pause between two attempts to reach the store.
    pub longest_pause: Duration,
    /// How long the reason why a container ended is waited for when its file is gone.
    pub end_timeout: Duration,
    /// A collector with lines that have waited longer than this to be shipped does not do its job.
    pub lag_limit: Duration,
    /// How much memory may hold lines.
    pub memory_bytes: u64,
    /// A folder for hard links to log files that have not been shipped, so that also what is deleted while no collector runs
    /// is not lost. It must lie on the logs' file system, reached by the same mount, and not among them.
    pub pin_dir: Option<PathBuf>,
    /// How much may lie in files that are kept by such links alone; no more are linked then.
    pub max_pinned_bytes: u64,
    /// A folder for copies of log files that are not linked, made while the store takes nothing, or too little: what is deleted
    /// then is lost neither now nor when this collector is killed. It should outlive the process.
    pub spill_dir: Option<PathBuf>,
    /// How much may lie there; of what has no room, a gap tells if it is lost.
    pub max_spilled_bytes: u64,
    /// How many files of pods' logs may be open; two of each container always may. What must wait for another to be closed is
    /// read later, or, when it is deleted before, told as a gap.
    pub max_open_files: u64,
    /// Which logs in the store are deleted.
    pub retention: Retention,
    /// An object of a pod's log that has grown to this size is written however new its lines are.
    pub segment_bytes: usize,
    /// An object of a pod's log that has this size is not written again: the next one begins.
    pub sealed_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pod_logs: None,
            api_logs: None,
            event_log_dirs: Vec::new(),
            kubelet_pods: None,
            event_log_volume: "spark-event-logs".to_owned(),
            pod_identity: PodIdentity::Names,
            selection: Selection::default(),
            namespaces: Vec::new(),
            flush_interval: Duration::from_secs(5),
            poll_interval: Duration::from_millis(500),
            scan_interval: Duration::from_secs(1),
            identity_timeout: Duration::from_secs(10),
            rotation_grace: Duration::from_secs(2),
            drain_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_mins(2),
            longest_pause: Duration::from_secs(30),
            end_timeout: Duration::from_mins(5),
            lag_limit: Duration::from_mins(5),
            memory_bytes: 24 * 1024 * 1024,
            pin_dir: None,
            max_pinned_bytes: 4 * 1024 * 1024 * 1024,
            spill_dir: None,
            max_spilled_bytes: 1024 * 1024 * 1024,
            max_open_files: 2000,
            retention: Retention::default(),
            // What a writer in a hurry fills in some seconds.
            segment_bytes: 4 * 1024 * 1024,
            // Half an hour of an executor that logs as Spark does by default.
            sealed_bytes: 256 * 1024,
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
impl Config {
    fn settings(&self) -> Settings {
        Settings {
            flush_interval: self.flush_interval,
            poll_interval: self.poll_interval,
            identity_timeout: self.identity_timeout,
            rotation_grace: self.rotation_grace,
            end_timeout: self.end_timeout,
            request_timeout: self.request_timeout,
            segment_bytes: self.segment_bytes,
            sealed_bytes: self.sealed_bytes,
            longest_silence: self.retention.longest_silence(),
        }
    }
}

/// Ships logs. Made by [`Collector::new`], it does nothing before [`Collector::run`].
///
/// One collector at a time for each folder, which a lock on it sees to: another one waits until the first has ended.
#[derive(Debug)]
pub struct Collector {
    store: Store,
    config: Config,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl Collector {
    /// A collector that ships into `store`.
    #[must_use]
    pub fn new(store: Store, config: Config) -> Self {
        let metrics = Arc::<Metrics>::default();
        let health = Arc::new(Health::new(Arc::clone(&metrics), config.lag_limit));
        Self { store, config, metrics, health }
    }

    /// What it counts, also while it runs.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Whether it does its job, also while it runs.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Ships until `stop` is cancelled, and then, for as long as the drain time allows, what is there.
    ///
    /// A store or a Kubernetes API that fails is no reason to end. Dropping the future ends everything at once; nothing is
    /// lost by that, for the next collector goes on from what is in the store.
    ///
    /// # Errors
    /// [`Error::Folder`] or [`Error::Kubernetes`], both before anything is shipped; [`Error::Broken`].
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let Self { store, config, metrics, health } = self;
        for folder in config.pod_logs.iter().chain(&config.event_log_dirs).chain(&config.kubelet_pods) {
            if let Err(source) = tokio::fs::read_dir(folder).await {
                return Err(Error::Folder { folder: folder.clone(), source });
            }
        }
        raise_open_files();
        let (identities, learner) =
            Identities::start(&config.pod_identity, &config.namespaces, config.selection.clone()).await?;
        let api_pods = learner.as_ref().and_then(Learner::api_pods);
        let mut background = JoinSet::new();
        if let Some(learner) = learner {
            background.spawn(learner.run());
        }
        if !config.retention.is_off() {
            let sweeping = config.retention.clone().run(store.clone());
            background.spawn(async move { match sweeping.await {} });
        }
        let give_up = CancellationToken::new();
        let settings = config.settings();
        let context = Arc::new(ship::Context {
            store,
            writer: uuid::Uuid::new_v4().to_string(),
            identities,
            metrics,
            health,
            budget: Budget::new(config.memory_bytes),
            uploads: Uploads::new(FIRST_PAUSE, config.longest_pause, give_up.clone()),
            processors: Semaphore::new(std::thread::available_parallelism().map_or(1, Into::into)),
            open_files: Arc::default(),
            stop: stop.clone(),
            settings,
        });
        let mut parts = start(config.clone(), &context);
        start_api_logs(&config, api_pods, &context, &mut parts)?;
        tokio::select! {
            // First: told to stop, the parts end by themselves, perhaps before this is looked at.
            biased;
            () = stop.cancelled() => {}
            Some(_) = parts.join_next() => return Err(Error::Broken { part: "a reader of a folder" }),
            Some(_) = background.join_next() => return Err(Error::Broken { part: "the watch of pods, or of old logs" }),
        }
        let drained = tokio::time::timeout(config.drain_timeout, async { while parts.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!("some lines were not shipped in time; the next collector will find them in their files");
            give_up.cancel();
            while parts.join_next().await.is_some() {}
        }
        Ok(())
    }
}

/// Each rotated file stays open until it has been shipped: as many as this process may.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    if now.current != now.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, ..now })
    {
        tracing::warn!(%error, current = now.current, "the limit on open files cannot be raised");
    }
}

/// One task for each folder.
fn start(config: Config, context: &Arc<ship::Context>) -> JoinSet<()> {
    let mut parts = JoinSet::new();
    if let Some(root) = config.pod_logs {
        let context = Arc::clone(context);
        parts.spawn(async move {
            let Some(_lock) = FolderLock::take(&root, &context).await else { return };
            let keeping = Keeping {
                pins: config.pin_dir.map(|folder| (folder, config.max_pinned_bytes)),
                spill: config.spill_dir.map(|folder| (folder, config.max_spilled_bytes)),
            };
            let pods = Pods::new((root, config.namespaces), keeping, config.max_open_files, context);
            pods.run(config.scan_interval).await;
        });
    }
    if let Some(pods) = config.kubelet_pods {
        let context = Arc::clone(context);
        parts.spawn(async move {
            let Some(_lock) = FolderLock::take(&pods, &context).await else { return };
            event_volumes::run(context, pods, config.event_log_volume, config.scan_interval).await;
        });
    }
    for folder in config.event_log_dirs {
        let context = Arc::clone(context);
        parts.spawn(async move {
            let Some(_lock) = FolderLock::take(&folder, &context).await else { return };
            event_logs::run(context, folder, config.scan_interval, false).await;
        });
    }
    parts
}

/// Two more tasks: one takes logs from the API, one ships what it has written.
fn start_api_logs(
    config: &Config,
    api_pods: Option<ApiPods>,
    context: &Arc<ship::Context>,
    parts: &mut JoinSet<()>,
) -> Result<()> {
    let Some((folder, api_pods)) = config.api_logs.clone().zip(api_pods) else { return Ok(()) };
    let (pods, pins) = (folder.join(api_logs::PODS), folder.join(api_logs::PINS));
    for made in [&pods, &pins] {
        std::fs::create_dir_all(made).map_err(|source| Error::Folder { folder: made.clone(), source })?;
    }
    let (taking, root) = (Arc::clone(context), pods.clone());
    parts.spawn(async move {
        let Some(_lock) = FolderLock::take(&folder, &taking).await else { return };
        api_logs::run(taking, api_pods, root).await;
    });
    let (context, config) = (Arc::clone(context), config.clone());
    parts.spawn(async move {
        let Some(_lock) = FolderLock::take(&pods, &context).await else { return };
        let keeping = Keeping { pins: Some((pins, config.max_pinned_bytes)), spill: None };
        let pods = Pods::new((pods, config.namespaces), keeping, config.max_open_files, context);
        pods.run(config.scan_interval).await;
    });
    Ok(())
}

const FOLDER: &str = "the folder of pod logs";

/// Finds the files of pods, and keeps one task for each container.
struct Pods {
    context: Arc<ship::Context>,
    scanner: Scanner,
    watcher: Watcher,
    tasks: JoinSet<Outcome>,
    running: Running<Container>,
    inboxes: HashMap<Container, UnboundedSender<Found>>,
}

impl Pods {
    fn new(what: (PathBuf, Vec<String>), keeping: Keeping, max_open_files: u64, context: Arc<ship::Context>) -> Self {
        let watcher = Watcher::new();
        let open = (Arc::clone(&context.open_files), max_open_files);
        let scanner = Scanner::new(what, watcher.folders(), open, keeping, Arc::clone(&context.metrics));
        let (tasks, running, inboxes) = (JoinSet::new(), Running::default(), HashMap::new());
        Self { context, scanner, watcher, tasks, running, inboxes }
    }

    async fn run(mut self, scan_interval: Duration) {
        let stop = self.context.stop.clone();
        loop {
            self.context.health.works(FOLDER);
            self = self.scan().await;
            if stop.is_cancelled() {
                break;
            }
            tokio::select! {
                () = self.watcher.changed() => {}
                () = tokio::time::sleep(scan_interval) => {}
                Some(ended) = self.tasks.join_next_with_id() => self.retire(ended),
                () = stop.cancelled() => {}
            }
        }
        self.context.health.rests(FOLDER);
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.retire(ended);
        }
    }

    async fn scan(mut self) -> Self {
        let identities = self.context.identities.clone();
        self.scanner.reconsider(|container| identities.wants(container));
        let (mut scanner, is_away) = (self.scanner, self.context.is_away());
        let scanned = tokio::task::spawn_blocking(move || {
            let found = scanner.scan(is_away);
            (scanner, found)
        });
        let (scanner, found) = match scanned.await {
            Ok(scanned) => scanned,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        self.scanner = scanner;
        match found {
            Ok(found) => {
                self.context.health.clear(FOLDER);
                found.into_iter().for_each(|found| self.hand_over(found));
            }
            Err(error) => {
                self.context.health.tell(FOLDER, format!("{FOLDER} cannot be read"));
                Metrics::add(&self.context.metrics.read_errors, 1);
                tracing::warn!(%error, "the folder of pod logs cannot be read; trying again");
            }
        }
        self
    }

    /// Gives files to the task that follows their container, or to a new one.
    fn hand_over(&mut self, found: Found) {
        if let Some(inbox) = self.inboxes.get(&found.container) {
            let container = found.container.clone();
            if inbox.send(found).is_err() {
                // Its task has just ended. A new one must be given all files there are, not only the newest.
                self.scanner.forget(&container);
            }
            return;
        }
        if found.generations.is_empty() {
            return;
        }
        if self.running.has(&found.container) {
            // Broken off a moment ago.
            return self.scanner.forget(&found.container);
        }
        let (sender, inbox) = unbounded_channel();
        let container = found.container.clone();
        self.inboxes.insert(container.clone(), sender);
        let task = self.tasks.spawn(ship::run(Arc::clone(&self.context), found, inbox));
        self.running.add(task.id(), container);
        self.count();
    }

    fn retire(&mut self, ended: std::result::Result<(tokio::task::Id, Outcome), tokio::task::JoinError>) {
        let Some((container, outcome)) = self.running.take(ended, &self.context) else { return };
        self.inboxes.remove(&container);
        match outcome {
            Some(Outcome::Stranger) => {
                Metrics::add(&self.context.metrics.strangers, 1);
                self.scanner.ignore(container);
            }
            Some(Outcome::Finished | Outcome::Stopped) | None => self.scanner.forget(&container),
        }
        self.count();
    }

    fn count(&self) {
        let containers = u64::try_from(self.tasks.len()).unwrap_or_default();
        self.context.metrics.containers.store(containers, std::sync::atomic::Ordering::Relaxed);
    }
}
