//! Lines of an event log to a model, in the way of Spark's own listeners.
//!
//! [`Replay::feed`] takes the bytes of a log as they come, [`Replay::snapshot`] tells what they amount to so far. How the bytes are
//! split makes no difference. Nothing here reads files or waits. `event.rs` makes events of lines, `replay.rs` applies them to what
//! `state.rs` holds.

mod application;
mod budget;
mod cells;
mod connect;
mod cpus;
mod entries;
mod event;
mod executors;
mod heartbeat;
mod jobs;
mod live;
mod other_events;
mod parallel;
mod plan;
mod replay;
mod retention;
mod services;
mod settings;
mod sql;
mod sql_metrics;
mod stages;
mod state;
mod storage;
mod streaming;
mod tasks;
#[cfg(test)]
mod tests;
mod thrift;

pub use replay::Replay;
pub use settings::Settings;
