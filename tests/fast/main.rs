//! The fast tier: `cargo test`. Needs nothing installed, no root, no network, and takes seconds.
//!
//! Here belongs what looks at the whole project or drives the real `hearth` binary. What one crate can prove by itself
//! is tested in that crate.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself would")]

#[path = "../support.rs"]
mod support;

mod access;
mod ask;
mod book;
mod clients;
mod cluster_api;
mod collector_bounds;
mod collector_kills;
mod fetch;
mod history_clients;
mod history_on_s3;
mod layering;
mod lifecycle;
mod manual;
mod metrics;
mod operator;
mod owners;
mod pod_template;
mod release;
#[path = "../../storage/tests/conformance/s3_server.rs"]
mod s3_server;
mod settings;
mod shared_folder;
mod spark_image;
mod stage;
mod tls;
mod version;
