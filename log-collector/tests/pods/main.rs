//! Pods' logs from the files that a kubelet writes to what a reader gets back.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop a test at once")]

mod api;
mod api_logs;
mod fair;
mod kubelet;
mod labels;
mod loss;
mod names;
mod reading;
mod retention;
mod spill;
mod support;
mod two;
