//! Jobs.

use std::collections::BTreeSet;

use crate::event::core::{Int, JobEnd, JobStart, StageInfo, property};
use history_model::order::java_cmp;
use history_model::types::{Date, JobData, JobExecutionStatus, StageStatus};

use crate::live::{LiveJob, LiveStage};
use crate::stages::rdd_nodes;
use crate::state::State;

/// The stages of a job; Spark before 1.2 names them only.
fn stage_infos(event: &mut JobStart) -> Vec<StageInfo> {
    event.stages.take().unwrap_or_else(|| {
        let unknown = |id: &Int| StageInfo { id: *id, name: Some("unknown".to_owned()), ..StageInfo::default() };
        event.stage_ids.iter().map(unknown).collect()
    })
}

fn tags(text: Option<&str>) -> Vec<String> {
    let tags: BTreeSet<_> = text.unwrap_or_default().split(',').filter(|tag| !tag.is_empty()).collect();
    let mut tags: Vec<_> = tags.into_iter().map(str::to_owned).collect();
    tags.sort_by(|left, right| java_cmp(left, right));
    tags
}

impl State {
    pub(crate) fn job_start(&mut self, mut event: JobStart) {
        let stages = stage_infos(&mut event);
        let properties = event.properties.as_ref();
        let last = stages.iter().max_by_key(|stage| stage.id.as_i32());
        let missing = stages.iter().filter(|stage| stage.completion_time.is_none());
        let sql_execution_id = match property(properties, "spark.sql.execution.id").map(str::parse) {
            // Spark drops a job whose execution has no number.
            Some(Err(_)) => return,
            Some(Ok(id)) => Some(id),
            None => None,
        };
        let data = JobData {
            job_id: event.id.as_i32(),
            name: last.and_then(|stage| stage.name.clone()).unwrap_or_default(),
            description: property(properties, "spark.job.description").map(str::to_owned),
            submission_time: event.time.filter(|time| time.0 > 0).map(|time| Date(time.0)),
            stage_ids: stages.iter().map(|stage| stage.id.as_i32()).collect(),
            job_group: property(properties, "spark.jobGroup.id").map(str::to_owned),
            job_tags: tags(property(properties, "spark.job.tags")),
            num_tasks: missing.fold(0i32, |sum, stage| sum.wrapping_add(stage.num_tasks.as_i32())),
            ..JobData::default()
        };
        let id = data.job_id;
        let ids = data.stage_ids.iter().copied().collect();
        let at = self.all_jobs.add(LiveJob { data, stages: ids, sql_execution_id, uses: 1, ..LiveJob::default() });
        if let Some(other) = self.live_jobs.insert(id, at) {
            self.all_jobs.release(other);
        }
        for info in stages {
            self.rdd_graphs.insert(info.id.as_i32(), rdd_nodes(&info));
            let stage = self.stage_of(info);
            stage.jobs.push(at);
            stage.job_ids.insert(id);
            self.all_jobs.hold(at);
        }
    }

    pub(crate) fn job_end(&mut self, event: &JobEnd) {
        let Some(at) = self.live_jobs.remove(&event.id.as_i32()) else { return };
        let stage_ids = &self.all_jobs[at].stages;
        let pending = |stage: &LiveStage| stage.status == StageStatus::Pending;
        let skipped: Vec<_> = self
            .live_stages
            .iter()
            .filter(|(key, stage)| stage_ids.contains(&key.0) && pending(stage))
            .map(|(key, _)| *key)
            .collect();
        for key in skipped {
            if let Some(stage) = self.live_stages.get_mut(&key) {
                stage.status = StageStatus::Skipped;
                self.all_jobs[at].stage_skipped(key.0, stage.info.num_tasks.as_i32());
            }
            self.write_stage(key);
        }
        let job = &mut self.all_jobs[at];
        job.data.status = if event.result.result == "JobSucceeded" {
            JobExecutionStatus::Succeeded
        } else {
            JobExecutionStatus::Failed
        };
        job.data.completion_time = event.time.filter(|time| time.0 > 0).map(|time| Date(time.0));
        self.write_job(at, true);
        self.all_jobs.release(at);
    }

    /// Writes a job down as it stands; `last` tells that it has ended.
    pub(crate) fn write_job(&mut self, at: usize, last: bool) {
        let job = &mut self.all_jobs[at];
        let first = !std::mem::replace(&mut job.is_written, true);
        let (id, ended) = (job.data.job_id, job.data.completion_time.map(|time| time.0));
        // One that runs is written again when it ends, or with the log's last line: only that it is there matters so far.
        if last || self.live_jobs.get(&id) != Some(&at) {
            self.jobs.insert(id, job.written());
        }
        self.job_written(id, ended, first || last);
    }

    pub(crate) fn finish_jobs(&mut self) {
        let running: Vec<_> = self.live_jobs.values().copied().collect();
        for at in running {
            self.write_job(at, false);
            self.jobs.insert(self.all_jobs[at].data.job_id, self.all_jobs[at].written());
        }
    }
}
