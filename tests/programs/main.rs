//! The programs tier: `cargo test --test programs`. Real peers as processes: Spark's and Hadoop's own programs from the
//! pyspark wheels, headless Chromium. `tests/setup programs` brings what it needs; a test fails, and names that command,
//! when something is missing.
//!
//! One module a peer or a subject; what is shared lives in `tests/support`.

#![allow(clippy::print_stdout, reason = "a comparison tells how much agreed, for people to read")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself would")]

#[path = "../support.rs"]
mod support;

mod access;
mod book;
mod client;
mod clients;
#[path = "../fast/cluster_api.rs"]
mod cluster_api;
mod collector;
mod contract;
mod dependencies;
mod history;
mod monitoring;
mod pages;
mod peers;
mod staging;
