//! Executors, their exclusion, and what they measure.

use crate::event::core::{
    BlockManagerAdded, BlockManagerRemoved, Exclusion, ExecutorAdded, ExecutorRemoved, StageExecutorMetrics, entries,
};
use history_model::timeline::{ExecutorEvent, ExecutorEventKind};
use history_model::types::{Date, ExecutorMetrics, MemoryMetrics};

use crate::cpus::Cpus;
use crate::live::{LiveExecutor, StageKey};
use crate::state::State;

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
        self.executor_events.push(ExecutorEvent {
            kind: ExecutorEventKind::Added,
            time: Some(event.time.0),
            executor_id: Some(event.executor_id.clone()),
            host: info.host.clone(),
            cores: Some(info.total_cores.as_i32()),
            ..ExecutorEvent::default()
        });
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
        self.executor_events.push(ExecutorEvent {
            kind: ExecutorEventKind::Removed,
            time: Some(event.time.0),
            executor_id: Some(event.executor_id.clone()),
            host: self.live_executors.get(&code).and_then(|executor| executor.hostname().map(str::to_owned)),
            reason: event.reason.clone(),
            ..ExecutorEvent::default()
        });
        let Some(mut executor) = self.live_executors.remove(&code) else { return };
        executor.summary.is_active = false;
        executor.summary.remove_time = Some(Date(event.time.0));
        executor.summary.remove_reason = event.reason;
        self.executors.insert(event.executor_id.clone(), executor.written());
        self.executor_written(&event.executor_id, false, true);
        self.forget_blocks_of(&event.executor_id, code);
        if self.first_submission().is_some_and(|first| first < event.time.0) {
            self.dead_executors.insert(code, executor);
            self.deaths.insert((event.time.0, code));
        }
    }

    /// When the first of the live stages was submitted; what went before that, no stage needs to know.
    fn first_submission(&self) -> Option<i64> {
        self.live_stages.values().map(|stage| stage.info.submission_time.map_or(0, |time| time.0)).min()
    }

    pub(crate) fn forget_dead_executors(&mut self) {
        if self.deaths.is_empty() {
            return;
        }
        let first = self.first_submission().unwrap_or(i64::MAX);
        while let Some((removed, code)) = self.deaths.first().copied().filter(|(removed, _)| *removed <= first) {
            self.deaths.pop_first();
            // Its id may have been another's since, which went later.
            let is_it = |dead: &LiveExecutor| dead.summary.remove_time.is_some_and(|time| time.0 == removed);
            if self.dead_executors.get(&code).is_some_and(is_it) {
                self.dead_executors.remove(&code);
            }
        }
    }

    pub(crate) fn block_manager_added(&mut self, event: &BlockManagerAdded) {
        self.executor_events.push(ExecutorEvent {
            kind: ExecutorEventKind::BlockManagerAdded,
            time: event.time.map(|time| time.0),
            executor_id: Some(event.id.executor_id.clone()),
            host: Some(event.id.host.clone()),
            port: Some(event.id.port.as_i32()),
            max_memory: Some(event.max_memory.0),
            max_on_heap_memory: event.max_on_heap.map(|bytes| bytes.0),
            max_off_heap_memory: event.max_off_heap.map(|bytes| bytes.0),
            ..ExecutorEvent::default()
        });
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

    /// Nothing but the time line tells of it: the executor itself is said to be gone by another event.
    pub(crate) fn block_manager_removed(&mut self, event: BlockManagerRemoved) {
        self.executor_events.push(ExecutorEvent {
            kind: ExecutorEventKind::BlockManagerRemoved,
            time: event.time.0,
            executor_id: Some(event.id.executor_id),
            host: Some(event.id.host),
            port: Some(event.id.port.as_i32()),
            ..ExecutorEvent::default()
        });
    }

    /// An executor or a node is excluded, or is not any more.
    pub(crate) fn exclusion(&mut self, kind: ExecutorEventKind, event: Exclusion) {
        let (id, node) =
            (event.executor_id.as_deref().unwrap_or_default(), event.host_id.as_deref().unwrap_or_default());
        let of_stage = (event.stage_id.as_i32(), event.stage_attempt_id.as_i32());
        let mut stage = None;
        match kind {
            ExecutorEventKind::Excluded => self.executor_excluded(id, true),
            ExecutorEventKind::Unexcluded => self.executor_excluded(id, false),
            ExecutorEventKind::NodeExcluded => self.node_excluded(node, true),
            ExecutorEventKind::NodeUnexcluded => self.node_excluded(node, false),
            ExecutorEventKind::ExcludedForStage => {
                self.executor_excluded_for_stage(id, of_stage);
                stage = Some(of_stage);
            }
            ExecutorEventKind::NodeExcludedForStage => {
                self.node_excluded_for_stage(node, of_stage);
                stage = Some(of_stage);
            }
            ExecutorEventKind::Added
            | ExecutorEventKind::Removed
            | ExecutorEventKind::BlockManagerAdded
            | ExecutorEventKind::BlockManagerRemoved => {}
        }
        self.executor_events.push(ExecutorEvent {
            kind,
            time: event.time.0,
            executor_id: event.executor_id,
            host: event.host_id,
            stage,
            failures: event.task_failures.as_i32().or(event.executor_failures.as_i32()),
            ..ExecutorEvent::default()
        });
    }

    fn executor_excluded(&mut self, id: &str, excluded: bool) {
        let code = self.tables.strings.intern(id);
        if let Some(executor) = self.live_executors.get_mut(&code) {
            executor.summary.is_excluded = excluded;
        }
    }

    fn node_excluded(&mut self, host: &str, excluded: bool) {
        let on_host = |executor: &&mut LiveExecutor| executor.hostname() == Some(host) && !executor.is_driver();
        for executor in self.live_executors.values_mut().filter(on_host) {
            executor.summary.is_excluded = excluded;
        }
    }

    fn executor_excluded_for_stage(&mut self, id: &str, stage: StageKey) {
        let code = self.tables.strings.intern(id);
        self.exclude_from_stage(stage, &[code]);
        if let Some(executor) = self.live_executors.get_mut(&code) {
            executor.excluded_in_stages.insert(stage.0);
        }
    }

    fn node_excluded_for_stage(&mut self, host: &str, stage: StageKey) {
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
