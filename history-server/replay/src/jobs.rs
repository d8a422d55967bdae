//! Jobs.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::{Index, IndexMut};

use crate::event::core::{Int, JobEnd, JobStart, StageInfo};
use history_model::Job;
use history_model::order::java_cmp;
use history_model::types::{Date, JobData, JobExecutionStatus, StageStatus};

use crate::stages::{property, rdd_nodes};
use crate::state::State;

/// A set of places in a stage: a bit for each, but for absurdly large ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexSet {
    words: Vec<u64>,
    outliers: HashSet<i32>,
    len: usize,
}

/// Places from here on are kept one by one, so that a damaged log cannot make the set huge.
const MAX_BIT: i32 = 1 << 26;

impl IndexSet {
    /// Adds a place, and says whether it is new.
    pub(crate) fn insert(&mut self, index: i32) -> bool {
        let new = if (0..MAX_BIT).contains(&index) {
            let (word, bit) = (index as usize / 64, 1u64 << (index % 64));
            if word >= self.words.len() {
                self.words.resize(word + 1, 0);
            }
            let new = self.words[word] & bit == 0;
            self.words[word] |= bit;
            new
        } else {
            self.outliers.insert(index)
        };
        self.len += usize::from(new);
        new
    }

    pub(crate) fn contains(&self, index: i32) -> bool {
        if (0..MAX_BIT).contains(&index) {
            self.words.get(index as usize / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
        } else {
            self.outliers.contains(&index)
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// A job, while it runs and as long as a stage of it does.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveJob {
    pub(crate) data: JobData,
    sql_execution_id: Option<i64>,
    pub(crate) completed_stages: BTreeSet<i32>,
    skipped_stages: BTreeSet<i32>,
    /// Completed places by stage.
    completed_indices: BTreeMap<i32, IndexSet>,
    /// Whether it was written down before.
    is_written: bool,
    /// How many live stages name it, and one more while it runs. Without any, its place is for another.
    uses: usize,
}

/// Jobs by places that live stages keep.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveJobs {
    all: Vec<LiveJob>,
    free: Vec<usize>,
}

impl LiveJobs {
    fn add(&mut self, job: LiveJob) -> usize {
        match self.free.pop() {
            Some(at) => {
                self.all[at] = job;
                at
            }
            None => {
                self.all.push(job);
                self.all.len() - 1
            }
        }
    }

    /// Someone needs a job.
    pub(crate) fn hold(&mut self, at: usize) {
        self.all[at].uses += 1;
    }

    /// … and does not any more.
    pub(crate) fn release(&mut self, at: usize) {
        self.all[at].uses -= 1;
        if self.all[at].uses == 0 {
            self.all[at] = LiveJob::default();
            self.free.push(at);
        }
    }

    /// How many there is room for.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

impl Index<usize> for LiveJobs {
    type Output = LiveJob;

    fn index(&self, at: usize) -> &LiveJob {
        &self.all[at]
    }
}

impl IndexMut<usize> for LiveJobs {
    fn index_mut(&mut self, at: usize) -> &mut LiveJob {
        &mut self.all[at]
    }
}

impl LiveJob {
    /// Notes that a task of this stage and place has succeeded.
    pub(crate) fn index_completed(&mut self, stage_id: i32, index: i32) {
        if self.completed_indices.entry(stage_id).or_default().insert(index) {
            self.data.num_completed_indices += 1;
        }
    }

    pub(crate) fn stage_ended(&mut self, stage_id: i32, status: StageStatus, num_tasks: i32) {
        match status {
            StageStatus::Complete => {
                self.completed_stages.insert(stage_id);
            }
            StageStatus::Skipped => self.stage_skipped(stage_id, num_tasks),
            _ => self.data.num_failed_stages += 1,
        }
        self.data.num_active_stages -= 1;
    }

    fn stage_skipped(&mut self, stage_id: i32, num_tasks: i32) {
        self.skipped_stages.insert(stage_id);
        self.data.num_skipped_tasks += num_tasks;
    }

    fn written(&self) -> Job {
        let mut data = self.data.clone();
        data.num_completed_stages = self.completed_stages.len() as i32;
        data.num_skipped_stages = self.skipped_stages.len() as i32;
        Job { data, skipped_stages: self.skipped_stages.clone(), sql_execution_id: self.sql_execution_id }
    }
}

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
        let at = self.all_jobs.add(LiveJob { data, sql_execution_id, uses: 1, ..LiveJob::default() });
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
        let stage_ids: HashSet<_> = self.all_jobs[at].data.stage_ids.iter().copied().collect();
        let pending = |stage: &crate::stages::LiveStage| stage.status == StageStatus::Pending;
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
        let job = self.all_jobs[at].written();
        let first = !std::mem::replace(&mut self.all_jobs[at].is_written, true);
        let (id, ended) = (job.data.job_id, job.data.completion_time.map(|time| time.0));
        self.jobs.insert(id, job);
        self.job_written(id, ended, first || last);
    }

    pub(crate) fn finish_jobs(&mut self) {
        let running: Vec<_> = self.live_jobs.values().copied().collect();
        running.into_iter().for_each(|at| self.write_job(at, false));
    }
}
