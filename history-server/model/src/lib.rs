//! What a replay gives and what answers are made of: an application, its jobs, stages, tasks, executors, storage, SQL executions and
//! streaming queries, and what it did as a Connect or Thrift server. Plain data, and questions about it that need nothing else: tasks
//! in an order ([`TaskList`]), quantiles ([`task_summary`]).
//!
//! Nothing here reads files, waits, or knows how a log is written. Start reading at `application.rs`.

mod application;
pub mod column;
pub mod connect;
pub mod format;
pub mod metric;
pub mod operation;
pub mod order;
pub mod other_events;
pub mod plan;
pub mod problems;
pub mod series;
mod share_out;
mod size;
mod stage_tasks;
pub mod streaming;
pub mod strings;
mod summaries;
mod summary;
mod task_list;
pub mod task_peaks;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod thrift;
pub mod timeline;
pub mod types;

pub use application::{Application, Attempt, Job, RddNode, SqlExecution, Stage, StreamBlock};
pub use share_out::share_out;
pub use stage_tasks::{CHUNK as ROWS_AT_ONCE, StageTasks};
pub use streaming::StreamingQuery;
pub use summaries::Summaries;
pub use summary::{executor_summary, task_summary};
pub use task_list::{RowQuery, TaskList, TaskQuery, TaskSort, TellWanted};
