//! The cluster tier: `cargo test --test cluster`. A real one-node Kubernetes, API server to containerd, that the suite
//! starts and ends itself; needs root on Linux. `tests/setup cluster` builds and caches its programs and images.
//!
//! A test takes a namespace of its own from the one node that all tests of this binary share.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself would")]

#[path = "../support.rs"]
mod support;

mod access;
mod chart;
mod deploy;
mod drop_in;
mod fetched;
mod job;
mod node;
mod operators;
#[path = "../../storage/tests/conformance/s3_server.rs"]
mod s3_server;
mod upgrade;
mod whole_way;
