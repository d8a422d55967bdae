//! Executors, their exclusion, and what they measure.

use std::collections::BTreeSet;

use crate::event::core::{BlockManagerAdded, ExecutorAdded, ExecutorRemoved, StageExecutorMetrics};
use history_model::types::{Date, ExecutorMetrics, ExecutorSummary, MemoryMetrics};

use crate::application::entries;
use crate::cpus::Cpus;
use crate::state::{StageKey, State};

/// An executor that is there, or that stages still need to know about.
#[derive(Clone, Debug)]
pub(crate) struct LiveExecutor {
    /// The numbers, as far as they need no working out.
    pub(crate) summary: ExecutorSummary,
    /// Where its block manager listens.
    pub(crate) host_port: Option<String>,
    host: Option<String>,
    pub(crate) excluded_in_stages: BTreeSet<i32>,
    /// Storage memory; absent where the log does not tell on-heap and off-heap apart.
    pub(crate) memory: Option<MemoryMetrics>,
    pub(crate) peaks: ExecutorMetrics,
    /// Whether it was written down before.
    is_written: bool,
}

impl LiveExecutor {
    fn new(id: &str, time: i64) -> Self {
        let summary =
            ExecutorSummary { id: id.to_owned(), is_active: true, add_time: Date(time), ..ExecutorSummary::default() };
        Self {
            summary,
            host_port: None,
            host: None,
            excluded_in_stages: BTreeSet::new(),
            memory: None,
            peaks: ExecutorMetrics::default(),
            is_written: false,
        }
    }

    /// Notes that it is written down, and says whether for the first time.
    pub(crate) fn first_write(&mut self) -> bool {
        !std::mem::replace(&mut self.is_written, true)
    }

    fn is_driver(&self) -> bool {
        is_driver(&self.summary.id)
    }

    /// The host that it runs on.
    fn hostname(&self) -> Option<&str> {
        let of_port =
            || self.host_port.as_deref().map(|address| address.rsplit_once(':').map_or(address, |(host, _)| host));
        self.host.as_deref().or_else(of_port)
    }

    /// The address that is shown.
    pub(crate) fn address(&self) -> Option<String> {
        self.host_port.clone().or_else(|| self.host.clone())
    }

    fn written(&self) -> ExecutorSummary {
        let mut summary = self.summary.clone();
        summary.host_port = self.address();
        summary.memory_metrics = self.memory.clone();
        summary.peak_memory_metrics = Some(self.peaks).filter(ExecutorMetrics::is_set);
        summary.is_blacklisted = summary.is_excluded;
        summary.excluded_in_stages = self.excluded_in_stages.iter().copied().collect();
        summary.blacklisted_in_stages = summary.excluded_in_stages.clone();
        summary
    }
}

/// Whether an executor's id is the driver's. (Its id was another one before Spark 1.4, which Spark has forgotten.)
pub(crate) fn is_driver(id: &str) -> bool {
    id == "driver"
}

impl State {
    fn executor(&mut self, id: &str, time: i64) -> &mut LiveExecutor {
        let code = self.tables.strings.intern(id);
        self.live_executors.entry(code).or_insert_with(|| LiveExecutor::new(id, time))
    }

    pub(crate) fn executor_added(&mut self, event: ExecutorAdded) {
        let info = event.info;
        let profile = info.resource_profile_id.map_or(0, |id| id.as_i32());
        let of_profile = self.profiles.get(&profile).and_then(|profile| profile.task_resources.get("cpus"));
        let cpus = of_profile.and_then(|cpus| Cpus::of(cpus.amount)).unwrap_or(self.cpus_per_task);
        let executor = self.executor(&event.executor_id, event.time.0);
        executor.host = info.host;
        let summary = &mut executor.summary;
        summary.is_active = true;
        summary.total_cores = info.total_cores.as_i32();
        summary.max_tasks = cpus.tasks_on(summary.total_cores);
        summary.executor_logs = entries(info.log_urls).collect();
        summary.resources = info.resources.unwrap_or_default();
        summary.attributes = info.attributes.into_iter().flat_map(entries).collect();
        summary.resource_profile_id = profile;
    }

    pub(crate) fn executor_removed(&mut self, event: ExecutorRemoved) {
        let code = self.tables.strings.intern(&event.executor_id);
        let Some(mut executor) = self.live_executors.remove(&code) else { return };
        executor.summary.is_active = false;
        executor.summary.remove_time = Some(Date(event.time.0));
        executor.summary.remove_reason = event.reason;
        self.executors.insert(event.executor_id.clone(), executor.written());
        self.executor_written(&event.executor_id, false, true);
        self.forget_blocks_of(&event.executor_id, &executor);
        if self.is_needed(&executor) {
            self.dead_executors.insert(code, executor);
        }
    }

    /// Whether a live stage was submitted before the executor went.
    fn is_needed(&self, executor: &LiveExecutor) -> bool {
        let removed = executor.summary.remove_time.map_or(0, |time| time.0);
        self.live_stages.values().any(|stage| stage.info.submission_time.map_or(0, |time| time.0) < removed)
    }

    pub(crate) fn forget_dead_executors(&mut self) {
        let dead = std::mem::take(&mut self.dead_executors);
        self.dead_executors = dead.into_iter().filter(|(_, executor)| self.is_needed(executor)).collect();
    }

    pub(crate) fn block_manager_added(&mut self, event: &BlockManagerAdded) {
        let address = format!("{}:{}", event.id.host, event.id.port.0);
        let executor = self.executor(&event.id.executor_id, event.time.map_or(-1, |time| time.0));
        executor.host_port = Some(address);
        if let Some(on_heap) = event.max_on_heap {
            executor.memory = Some(MemoryMetrics {
                total_on_heap_storage_memory: on_heap.0,
                total_off_heap_storage_memory: event.max_off_heap.map_or(0, |off_heap| off_heap.0),
                ..MemoryMetrics::default()
            });
        }
        executor.summary.is_active = true;
        executor.summary.max_memory = event.max_memory.0;
    }

    pub(crate) fn executor_excluded(&mut self, id: &str, excluded: bool) {
        let code = self.tables.strings.intern(id);
        if let Some(executor) = self.live_executors.get_mut(&code) {
            executor.summary.is_excluded = excluded;
        }
    }

    pub(crate) fn node_excluded(&mut self, host: &str, excluded: bool) {
        let on_host = |executor: &&mut LiveExecutor| executor.hostname() == Some(host) && !executor.is_driver();
        for executor in self.live_executors.values_mut().filter(on_host) {
            executor.summary.is_excluded = excluded;
        }
    }

    pub(crate) fn executor_excluded_for_stage(&mut self, id: &str, stage: StageKey) {
        let code = self.tables.strings.intern(id);
        self.exclude_from_stage(stage, &[code]);
        if let Some(executor) = self.live_executors.get_mut(&code) {
            executor.excluded_in_stages.insert(stage.0);
        }
    }

    pub(crate) fn node_excluded_for_stage(&mut self, host: &str, stage: StageKey) {
        let executors: Vec<_> = self
            .live_executors
            .iter()
            .filter(|(_, executor)| executor.host.as_deref() == Some(host) && !executor.is_driver())
            .map(|(code, _)| *code)
            .collect();
        self.exclude_from_stage(stage, &executors);
        let on_host = |executor: &&mut LiveExecutor| executor.hostname() == Some(host) && !executor.is_driver();
        for executor in self.live_executors.values_mut().filter(on_host) {
            executor.excluded_in_stages.insert(stage.0);
        }
    }

    pub(crate) fn stage_executor_metrics(&mut self, event: &StageExecutorMetrics) {
        let code = self.tables.strings.intern(&event.executor_id);
        if self.live_executors.contains_key(&code) {
            self.raise_executor_peaks(code, &event.metrics);
        } else if let Some(executor) = self.dead_executors.get_mut(&code)
            && executor.peaks.raise_to(&event.metrics)
        {
            self.executors.insert(event.executor_id.clone(), executor.written());
            self.executor_written(&event.executor_id, false, false);
        }
        let stage = (event.stage_id.as_i32(), event.stage_attempt.as_i32());
        self.raise_stage_peaks(stage, code, &event.metrics);
    }

    pub(crate) fn raise_executor_peaks(&mut self, executor: u32, metrics: &ExecutorMetrics) {
        let Some(executor) = self.live_executors.get_mut(&executor) else { return };
        if executor.peaks.raise_to(metrics) {
            let (id, first) = (executor.summary.id.clone(), executor.first_write());
            self.executor_written(&id, true, first);
        }
    }

    pub(crate) fn finish_executors(&mut self) {
        for executor in self.live_executors.values() {
            let written = executor.written();
            self.executors.insert(written.id.clone(), written);
        }
    }
}
