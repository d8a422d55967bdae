//! Event logs to a model, and the model to Spark's REST API.

pub mod api;
pub mod event_log;
