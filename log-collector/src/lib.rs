//! Ships the logs of Spark's pods, and Spark's event logs, into the store; reads shipped logs back.
//!
//! [`Collector`] writes, [`Logs`] reads; they share nothing but what lies in the store. What is in the store is the only
//! memory that a collector has: started again, it asks the store how far it came, and goes on from there, so that a
//! collector can be killed at any instant. What it cannot get back is a file that was deleted while no collector ran.
//!
//! Read `layout` for what lies where, then `discover` (which files there are, and whose), `tail` (what their bytes
//! mean) and `ship` (how they get into the store); `event_logs` does all of that for Spark's event logs.
//!
//! This crate knows nothing of HTTP, pages, or what is inside of an event log.

mod api_logs;
mod collector;
mod container;
mod discover;
mod error;
mod event_logs;
mod event_volumes;
mod files;
mod health;
mod lag;
mod layout;
mod lock;
mod metrics;
mod parts;
mod read;
mod retain;
mod ship;
mod tail;

pub use collector::{Collector, Config};
pub use container::{Container, End, ErrorLines, Gap, STREAMS, Stream};
pub use discover::{LabelSelector, PodIdentity, Selection};
pub use error::{Error, Result};
pub use health::Health;
pub use lag::Behind;
pub use metrics::{Metrics, Snapshot};
pub use read::{
    Added, ContainerLog, Logs, MergedLine, Page, Part, Search, Shown, Text, Wanted, archive, merge, pattern,
};
pub use retain::{Removed, Retention};
