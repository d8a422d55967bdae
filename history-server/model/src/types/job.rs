//! Jobs.

use std::collections::BTreeMap;

use super::Date;
use serde::{Deserialize, Serialize};

/// One job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobData {
    /// The job's id.
    pub job_id: i32,
    /// The name of its last stage.
    pub name: String,
    /// What the application said that the job does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_time: Option<Date>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Date>,
    /// Its stages, in Spark's order.
    pub stage_ids: Vec<i32>,
    /// The group that the application put it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_group: Option<String>,
    /// Its tags, sorted.
    pub job_tags: Vec<String>,
    /// How it stands.
    pub status: JobExecutionStatus,
    /// Num tasks.
    pub num_tasks: i32,
    /// Num active tasks.
    pub num_active_tasks: i32,
    /// Num completed tasks.
    pub num_completed_tasks: i32,
    /// Num skipped tasks.
    pub num_skipped_tasks: i32,
    /// Num failed tasks.
    pub num_failed_tasks: i32,
    /// Num killed tasks.
    pub num_killed_tasks: i32,
    /// Num completed indices.
    pub num_completed_indices: i32,
    /// Num active stages.
    pub num_active_stages: i32,
    /// Num completed stages.
    pub num_completed_stages: i32,
    /// Num skipped stages.
    pub num_skipped_stages: i32,
    /// Num failed stages.
    pub num_failed_stages: i32,
    /// Reason to number of tasks killed for it.
    pub killed_tasks_summary: BTreeMap<String, i32>,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobExecutionStatus {
    /// It has started and not ended.
    #[default]
    Running,
    /// It has ended well.
    Succeeded,
    /// It has failed.
    Failed,
    /// Never seen in an event log.
    Unknown,
}
