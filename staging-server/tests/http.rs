//! The staging server through its doors: what clients send, and what they get.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "http/client.rs"]
mod client;
#[path = "http/event_logs.rs"]
mod event_logs;
#[path = "http/faults.rs"]
mod faults;
#[path = "http/hdfs.rs"]
mod hdfs;
#[path = "http/limits.rs"]
mod limits;
#[path = "http/outages.rs"]
mod outages;
#[path = "http/owners.rs"]
mod owners;
#[path = "http/plain.rs"]
mod plain;
#[path = "http/pod_templates.rs"]
mod pod_templates;
#[path = "http/refused.rs"]
mod refused;
#[path = "http/rss.rs"]
mod rss;
#[path = "http/staging.rs"]
mod staging;
#[path = "http/sweeps.rs"]
mod sweeps;
#[path = "http/v1.rs"]
mod v1;
