//! Brings the log of one container into the store: reads, batches, writes, and tries again until it is there.

mod budget;
mod context;
mod errors;
mod find;
mod follow;
mod object;
mod pipe;
mod shipper;
mod uploads;

pub(crate) use budget::Budget;
pub(crate) use context::{Context, Settings};
pub(crate) use follow::{Outcome, run};
pub(crate) use uploads::{Stopped, Uploads};
