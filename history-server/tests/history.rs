//! The history as its users see it: folders of event logs in, applications out.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

#[path = "history/answers.rs"]
mod answers;
#[path = "history/bounds.rs"]
mod bounds;
#[path = "history/clean.rs"]
mod clean;
#[path = "history/damaged.rs"]
mod damaged;
#[path = "history/faults.rs"]
mod faults;
#[path = "history/format.rs"]
mod format;
#[path = "history/links.rs"]
mod links;
#[path = "history/list.rs"]
mod list;
#[path = "history/long.rs"]
mod long;
#[path = "history/open.rs"]
mod open;
#[path = "history/services.rs"]
mod services;
#[path = "history/stored.rs"]
mod stored;
#[path = "history/support.rs"]
mod support;
#[path = "history/tables.rs"]
mod tables;
