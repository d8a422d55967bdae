use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::event_log::{Checkpoint, EventLog, Problem};
use crate::log_url::{Links, LogUrlPattern};
use crate::pods::{PodName, Pods};
use crate::tables::{Loaded, StoredTasks};
use history_model::other_events::OtherEvent;
use history_model::problems::StopReason;
use history_model::strings::Strings;
use history_model::task_peaks::TaskPeaks;
use history_model::tasks::{TaskTable, TaskTables};
use history_model::{Application, StageTasks, Summaries};
use history_replay::Replay;

/// An attempt of an application, replayed: its log as it was at one moment.
#[derive(Debug)]
pub struct OpenApplication {
    /// The application's id, as the list has it.
    pub app_id: String,
    /// Which attempt, where the cluster manager counts them.
    pub attempt_id: Option<String>,
    /// What the log says. Its [`Application::tasks`] are empty here: ask [`OpenApplication::stage_tasks`], which reads only
    /// what is asked for.
    pub model: Application,
    tasks: Tasks,
    /// What of its files could not be read, for people to see; [`Application::problems`] tells of lines.
    pub problems: Vec<Problem>,
    /// Whether nothing will be added to the log.
    pub complete: bool,
    /// About how much memory this takes.
    pub size_bytes: u64,
    pub(crate) fingerprint: u64,
    /// Whether this program failed on the log: a later version may not, so this is not kept.
    pub(crate) faulty: bool,
    pub(crate) looked_at: Mutex<std::time::Instant>,
    /// Where a growing log is read on. Taken by the one who does.
    pub(crate) growing: Mutex<Option<Box<Growing>>>,
    pods: Pods,
    broken: AtomicBool,
    /// What was worked out of the tasks of stage attempts; there are as many of these as stages that somebody looked at.
    summaries: Mutex<BTreeMap<(i32, i32), Arc<Summaries>>>,
    /// The links to executors' logs as the event log has them, where others are shown in their place.
    logged_links: Links,
    /// How many of the problems are of the log's own files; they come first.
    file_problems: usize,
}

/// Where an application's tasks are, and what else is read only when it is asked for.
#[derive(Debug)]
enum Tasks {
    Memory(Replayed),
    Stored(Box<StoredTasks>),
}

/// What a replay has made of a log, and a model does not hold.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) strings: Arc<Strings>,
    pub(crate) stages: StageTables,
    pub(crate) peaks: BTreeMap<(i32, i32), Arc<TaskPeaks>>,
    pub(crate) other_events: Vec<OtherEvent>,
}

/// Tasks by stage and attempt.
pub(crate) type StageTables = BTreeMap<(i32, i32), Arc<TaskTable>>;

/// A replay that waits for more.
#[derive(Debug)]
pub(crate) struct Growing {
    pub(crate) replay: Replay,
    pub(crate) checkpoint: Checkpoint,
}

impl OpenApplication {
    /// What a replay has made of `log`.
    pub(crate) fn replayed(
        app_id: &str,
        attempt_id: Option<&str>,
        log: &EventLog,
        mut model: Application,
        problems: Vec<Problem>,
    ) -> Self {
        let size_bytes = model.size_bytes();
        let TaskTables { strings, stages, peaks } = std::mem::take(&mut model.tasks);
        let other_events = std::mem::take(&mut model.other_events);
        let tasks = Tasks::Memory(Replayed { strings: Arc::new(strings), stages, peaks, other_events });
        Self::build(app_id, attempt_id, log, model, problems, tasks, size_bytes)
    }

    /// What was kept of `log`.
    pub(crate) fn stored(app_id: &str, attempt_id: Option<&str>, log: &EventLog, stored: Loaded) -> Self {
        let Loaded { model, problems, tasks, text_bytes } = stored;
        Self::build(app_id, attempt_id, log, model, problems, Tasks::Stored(Box::new(tasks)), 2 * text_bytes)
    }

    fn build(
        app_id: &str,
        attempt_id: Option<&str>,
        log: &EventLog,
        model: Application,
        problems: Vec<Problem>,
        tasks: Tasks,
        size_bytes: u64,
    ) -> Self {
        Self {
            app_id: app_id.to_owned(),
            attempt_id: attempt_id.map(str::to_owned),
            size_bytes,
            tasks,
            pods: Pods::of(model.environment.as_ref()),
            model,
            complete: log.complete,
            fingerprint: log.fingerprint(),
            faulty: false,
            looked_at: Mutex::new(std::time::Instant::now()),
            growing: Mutex::new(None),
            broken: AtomicBool::new(false),
            summaries: Mutex::default(),
            logged_links: BTreeMap::new(),
            file_problems: problems.len(),
            problems,
        }
    }

    /// Puts links made by a pattern in the place of those of the event log.
    pub(crate) fn with_links(mut self, pattern: &LogUrlPattern<'_>) -> Self {
        for executor in &mut self.model.executors {
            let mut attributes = executor.attributes.clone();
            if let Some(pod) = self.pods.executor_pod(&executor.id) {
                let known = [
                    ("POD_NAME", pod.name),
                    ("NAMESPACE", pod.namespace),
                    ("APP_ID", self.app_id.clone()),
                    ("EXECUTOR_ID", executor.id.clone()),
                ];
                for (name, value) in known {
                    attributes.entry(name.to_owned()).or_insert(value);
                }
            }
            if let Some(links) = pattern.links(&attributes) {
                let logged = std::mem::replace(&mut executor.executor_logs, links);
                self.logged_links.insert(executor.id.clone(), logged);
            }
        }
        self
    }

    pub(crate) fn file_problems(&self) -> &[Problem] {
        self.problems.get(..self.file_problems).unwrap_or_default()
    }

    pub(crate) fn logged_links(&self) -> &Links {
        &self.logged_links
    }

    /// The tasks and all else, while all of it is in memory.
    pub(crate) fn in_memory(&self) -> Option<&Replayed> {
        match &self.tasks {
            Tasks::Memory(replayed) => Some(replayed),
            Tasks::Stored(_) => None,
        }
    }

    /// Whether what was kept of it turned out to be unusable.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// The tasks of a stage attempt; `None` where the log tells of none.
    ///
    /// # Errors
    /// A failure of the store that keeps them.
    pub async fn stage_tasks(&self, stage_id: i32, attempt_id: i32) -> Result<Option<StageTasks>, Error> {
        let key = (stage_id, attempt_id);
        let (strings, table) = match &self.tasks {
            Tasks::Memory(replayed) => (&replayed.strings, replayed.stages.get(&key).map(Arc::clone)),
            Tasks::Stored(stored) => (&stored.strings, self.noted(stored.stage(key).await)?),
        };
        let summaries = || {
            let mut summaries = self.summaries.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(summaries.entry(key).or_default())
        };
        Ok(table.map(|table| StageTasks { strings: Arc::clone(strings), table, summaries: summaries() }))
    }

    /// What the executors of a stage attempt's tasks measured while those ran; `None` where they measured nothing.
    ///
    /// # Errors
    /// A failure of the store that keeps it.
    pub async fn task_peaks(&self, stage_id: i32, attempt_id: i32) -> Result<Option<Arc<TaskPeaks>>, Error> {
        let key = (stage_id, attempt_id);
        match &self.tasks {
            Tasks::Memory(replayed) => Ok(replayed.peaks.get(&key).map(Arc::clone)),
            Tasks::Stored(stored) => Ok(self.noted(stored.peaks(key).await)?),
        }
    }

    /// The events of this name that others than Spark have written, or that nobody here reads: in order, as far as they were kept.
    /// [`Problems::unknown_events`](history_model::problems::Problems) has their names.
    ///
    /// # Errors
    /// A failure of the store that keeps them.
    pub async fn other_events(&self, name: &str) -> Result<Vec<OtherEvent>, Error> {
        match &self.tasks {
            Tasks::Memory(replayed) => {
                Ok(replayed.other_events.iter().filter(|event| &*event.name == name).cloned().collect())
            }
            Tasks::Stored(stored) => Ok(self.noted(stored.other_events(name).await)?),
        }
    }

    /// What was read of what is kept. Where that fails, somebody has written another form over it: the next one who opens this
    /// replays the log.
    fn noted<T>(&self, read: storage::Result<T>) -> storage::Result<T> {
        self.broken.fetch_or(read.is_err(), Ordering::Relaxed);
        read
    }

    /// The driver's pod, if the application ran on Kubernetes in cluster mode.
    #[must_use]
    pub fn driver_pod(&self) -> Option<PodName> {
        self.pods.driver_pod()
    }

    /// The pod of an executor (or of the driver, for `driver`), if the application ran on Kubernetes.
    #[must_use]
    pub fn executor_pod(&self, executor_id: &str) -> Option<PodName> {
        self.pods.executor_pod(executor_id)
    }

    /// Whether the log takes more memory than it may.
    pub(crate) fn is_given_up(&self) -> bool {
        self.model.problems.stopped.is_some_and(|stopped| stopped.reason == StopReason::Memory)
    }

    pub(crate) fn take_growing(&self) -> Option<Box<Growing>> {
        self.growing.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
