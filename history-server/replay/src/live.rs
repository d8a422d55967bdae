//! What is alive while a log is read: it changes with every event, and is written down when it ends.

mod executor;
mod index_set;
mod job;
mod kept;
mod rdd;
mod stage;
mod task;

pub(crate) use executor::{LiveExecutor, LiveExecutorView};
pub(crate) use index_set::IndexSet;
pub(crate) use job::{LiveJob, LiveJobs};
pub(crate) use kept::{Kept, Retention, excess};
pub(crate) use rdd::{Deltas, LiveRdd, add};
pub(crate) use stage::{DEFAULT_POOL, LiveExecutorStage, LiveStage};
pub(crate) use task::LiveTask;

/// Stage and attempt.
pub(crate) type StageKey = (i32, i32);
