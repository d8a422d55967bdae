//! Brings the log of one container into the store: reads, batches, writes, and tries again until it is there.

mod budget;
mod retry;
mod shipper;
mod task;

pub(crate) use budget::Budget;
pub(crate) use retry::{Retry, Stopped};
pub(crate) use task::{Context, Outcome, Settings, run};
