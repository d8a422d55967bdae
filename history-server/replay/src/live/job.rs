//! Jobs while they run.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::{Index, IndexMut};

use history_model::Job;
use history_model::types::{JobData, StageStatus};

use super::index_set::IndexSet;

/// A job, while it runs and as long as a stage of it does.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveJob {
    pub(crate) data: JobData,
    /// The stages in `data`.
    pub(crate) stages: HashSet<i32>,
    pub(crate) sql_execution_id: Option<i64>,
    pub(crate) completed_stages: BTreeSet<i32>,
    pub(crate) skipped_stages: BTreeSet<i32>,
    /// Completed places by stage.
    pub(crate) completed_indices: BTreeMap<i32, IndexSet>,
    /// Whether it was written down before.
    pub(crate) is_written: bool,
    /// How many live stages name it, and one more while it runs. Without any, its place is for another.
    pub(crate) uses: usize,
}

/// Jobs by places that live stages keep.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveJobs {
    all: Vec<LiveJob>,
    free: Vec<usize>,
}

impl LiveJobs {
    pub(crate) fn add(&mut self, job: LiveJob) -> usize {
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

    /// Bytes of memory that they take, about, but for texts.
    pub(crate) fn size_bytes(&self) -> usize {
        let places = self.all.iter().flat_map(|job| job.completed_indices.values());
        self.all.capacity() * size_of::<LiveJob>() + places.map(|set| set.size_bytes() + 64).sum::<usize>()
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

    pub(crate) fn stage_skipped(&mut self, stage_id: i32, num_tasks: i32) {
        self.skipped_stages.insert(stage_id);
        self.data.num_skipped_tasks = self.data.num_skipped_tasks.wrapping_add(num_tasks);
    }

    pub(crate) fn written(&self) -> Job {
        let mut data = self.data.clone();
        data.num_completed_stages = self.completed_stages.len() as i32;
        data.num_skipped_stages = self.skipped_stages.len() as i32;
        Job { data, skipped_stages: self.skipped_stages.clone(), sql_execution_id: self.sql_execution_id }
    }
}
