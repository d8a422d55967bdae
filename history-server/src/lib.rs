//! Event logs to a model, and the model to Spark's REST API.

mod access;
pub mod api;
mod cache;
mod clean;
mod config;
mod error;
mod event;
pub mod event_log;
mod history;
mod listing;
mod load;
mod metrics;
pub mod model;
mod opened;
mod pods;
pub mod replay;

pub use access::{AccessConfig, Viewer};
pub use clean::CleanConfig;
pub use config::Config;
pub use error::Error;
pub use history::{History, LogEntry};
pub use listing::{Filter, Page, Sort};
pub use metrics::Figures;
pub use opened::OpenApplication;
pub use pods::{PodName, Pods};
pub use replay::Settings as ReplaySettings;
