//! Event logs to a model, and the model to Spark's REST API.
//!
//! [`History`] is the handle: [`History::applications`] is the list, [`History::open`] an attempt of an application as an
//! [`OpenApplication`], replayed once however many ask. Its model holds everything but tasks, of which there can be
//! millions: [`OpenApplication::stage_tasks`] brings those of one stage attempt.
//!
//! Data flows one way: [`event_log`] finds files and gives whole lines, [`history_replay`] makes a [`model`] of them without
//! knowing of files, and [`api`] answers from the model. Nothing here knows HTML, Kubernetes or the other servers. Start
//! reading at `history/open.rs`.

mod access;
pub mod api;
mod cache;
mod clean;
mod config;
mod error;
pub mod event_log;
mod history;
mod listing;
mod load;
mod log_url;
mod metrics;
mod opened;
mod pods;
mod progress;
mod redaction;
pub mod tables;

pub use history_model::{self as model, StageTasks};
pub use history_replay::Settings as ReplaySettings;

pub use access::{AccessConfig, Viewer};
pub use clean::CleanConfig;
pub use config::Config;
pub use error::Error;
pub use history::{History, LogEntry, Opening};
pub use listing::{Filter, Outcome, Page, ScanFailure, Sort};
pub use metrics::Figures;
pub use opened::OpenApplication;
pub use pods::{PodName, Pods};
pub use progress::Progress;
pub use redaction::Redaction;
