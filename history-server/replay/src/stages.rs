//! Stage attempts.

use foldhash::HashMap;
use history_model::strings::Strings;
use history_model::types::{ExecutorMetrics, ExecutorStageSummary, StageStatus};
use history_model::{RddNode, Stage};

use crate::event::core::{StageInfo, StageSubmitted, Text, property};
use crate::live::{DEFAULT_POOL, LiveExecutorStage, LiveStage, StageKey};
use crate::state::State;

impl State {
    /// The live stage of this description, which may be new.
    pub(crate) fn stage_of(&mut self, info: StageInfo) -> &mut LiveStage {
        match self.live_stages.entry(info.key()) {
            std::collections::hash_map::Entry::Occupied(stage) => {
                let stage = stage.into_mut();
                stage.info = info;
                stage
            }
            std::collections::hash_map::Entry::Vacant(free) => free.insert(LiveStage::new(info)),
        }
    }

    pub(crate) fn stage_submitted(&mut self, event: StageSubmitted) {
        let properties = event.properties.as_ref();
        let pool = property(properties, "spark.scheduler.pool").unwrap_or(DEFAULT_POOL).to_owned();
        let description = property(properties, "spark.job.description").map(str::to_owned);
        let (stage_id, _) = event.info.key();
        let all_jobs = &self.all_jobs;
        let jobs: Vec<_> =
            self.live_jobs.values().copied().filter(|at| all_jobs[*at].stages.contains(&stage_id)).collect();
        for at in &jobs {
            let job = &mut self.all_jobs[*at];
            job.completed_stages.remove(&stage_id);
            job.data.num_active_stages += 1;
            self.all_jobs.hold(*at);
        }
        let job_ids = jobs.iter().map(|at| self.all_jobs[*at].data.job_id).collect();
        self.rdds_of(&event.info);
        let stage = self.stage_of(event.info);
        stage.status = StageStatus::Active;
        stage.pool = pool;
        stage.description = description;
        stage.job_ids = job_ids;
        for at in std::mem::replace(&mut stage.jobs, jobs) {
            self.all_jobs.release(at);
        }
    }

    pub(crate) fn stage_completed(&mut self, info: StageInfo) {
        let key = info.key();
        if let Some(stage) = self.live_stages.get_mut(&key) {
            stage.executors.values_mut().filter(|executor| executor.exists).for_each(LiveExecutorStage::write);
            stage.status = match (&info.failure_reason, info.submission_time) {
                (Some(_), _) => StageStatus::Failed,
                (None, Some(_)) => StageStatus::Complete,
                // Logs before Spark 2.2 tell only at the end that a stage was skipped.
                (None, None) => StageStatus::Skipped,
            };
            let num_tasks = info.num_tasks.as_i32();
            stage.info = info;
            for at in &stage.jobs {
                self.all_jobs[*at].stage_ended(key.0, stage.status, num_tasks);
            }
            for executor in &stage.excluded_executors {
                if let Some(executor) = self.live_executors.get_mut(executor) {
                    executor.excluded_in_stages.remove(&key.0);
                }
            }
            if stage.active_tasks == 0 {
                self.write_stage(key);
            } else {
                self.note_stage(key);
            }
        }
        self.forget_dead_executors();
    }

    /// Writes a live stage down that will be written again: only that it is there matters, and how it stands.
    fn note_stage(&mut self, key: StageKey) {
        let Some(stage) = self.live_stages.get_mut(&key) else { return };
        let first = !std::mem::replace(&mut stage.is_written, true);
        let (status, ended) = (stage.status, stage.info.completion_time.map(|time| time.0));
        self.stage_written(key, status, ended, first);
    }

    /// Writes a live stage down for good.
    pub(crate) fn write_stage(&mut self, key: StageKey) {
        let Some(stage) = self.live_stages.remove(&key) else { return };
        stage.jobs.iter().for_each(|at| self.all_jobs.release(*at));
        let strings = &self.tables.strings;
        let locality = stage.localities.iter().map(|(code, count)| (strings.get(*code).to_owned(), *count)).collect();
        let data = stage.data();
        let parent_ids = stage.info.parent_ids.iter().flatten().map(|id| id.as_i32()).collect();
        let written = written_executors(stage.executors, strings);
        self.stage_executors.entry(key).or_default().extend(written);
        if let Some(speculation) = stage.speculation {
            self.speculation.insert(key, speculation);
        }
        let (status, ended) = (data.status, data.completion_time.map(|time| time.0));
        let written = Stage { data, job_ids: stage.job_ids, parent_ids, locality, ..Stage::default() };
        self.stages.insert(key, written);
        self.stage_written(key, status, ended, true);
    }

    pub(crate) fn exclude_from_stage(&mut self, key: StageKey, executors: &[u32]) {
        let Some(stage) = self.live_stages.get_mut(&key) else { return };
        for executor in executors {
            stage.executor(*executor).is_excluded = true;
            stage.excluded_executors.insert(*executor);
        }
    }

    pub(crate) fn raise_stage_peaks(&mut self, key: StageKey, executor: u32, metrics: &ExecutorMetrics) {
        let Some(stage) = self.live_stages.get_mut(&key) else { return };
        let raised = stage.peaks.raise_to(metrics);
        let summary = stage.executor(executor);
        if summary.peaks.raise_to(metrics) {
            summary.write();
        }
        if raised {
            self.note_stage(key);
        }
    }

    /// Writes down what is still alive, and puts together what was written apart.
    pub(crate) fn finish_stages(&mut self) {
        let keys: Vec<_> = self.live_stages.keys().copied().collect();
        for key in keys {
            if let Some(stage) = self.live_stages.get_mut(&key) {
                stage.executors.values_mut().filter(|executor| executor.exists).for_each(LiveExecutorStage::write);
            }
            self.write_stage(key);
        }
        for (key, stage) in &mut self.stages {
            stage.executors = self.stage_executors.remove(key).unwrap_or_default();
            stage.speculation = self.speculation.remove(key);
        }
    }
}

fn written_executors<'a>(
    executors: HashMap<u32, LiveExecutorStage>,
    strings: &'a Strings,
) -> impl Iterator<Item = (String, ExecutorStageSummary)> + 'a {
    executors.into_iter().filter_map(|(code, executor)| Some((strings.get(code).to_owned(), executor.written?)))
}

/// The RDDs of a stage, for its graph.
pub(crate) fn rdd_nodes(info: &StageInfo) -> Vec<RddNode> {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.0.clone());
    info.rdds
        .iter()
        .map(|rdd| RddNode {
            id: rdd.id.as_i32(),
            name: rdd.name.clone(),
            scope: text(&rdd.scope),
            callsite: text(&rdd.callsite).unwrap_or_default(),
            parent_ids: rdd.parent_ids.iter().flatten().map(|id| id.as_i32()).collect(),
            is_cached: rdd.storage_level.is_valid(),
            is_barrier: rdd.barrier.unwrap_or(false),
            deterministic_level: text(&rdd.deterministic_level).unwrap_or_else(|| "DETERMINATE".to_owned()),
            num_partitions: rdd.num_partitions.as_i32(),
        })
        .collect()
}
