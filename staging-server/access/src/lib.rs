//! Who asks, and what they may do.
//!
//! A door finds out who asks and makes a [`Caller`] of it; the file system asks [`Rules`] before it does anything for that
//! caller. The rules stand in one table (`rules`). Nothing here knows HTTP, files or the store.

mod caller;
mod rules;

pub use caller::{Caller, Identity};
pub use rules::{Act, Denied, Grant, Grants, Rules};
