//! What a page of a log shows.

use askama::Template;

use super::lines::LogLine;
use crate::cell::Badge;
use crate::frame::{Fact, Frame, Notice, Tab};
use crate::logs::EVERYBODY;

/// The page.
#[derive(Template)]
#[template(path = "log.html")]
pub(super) struct LogPage {
    pub(super) frame: Frame,
    pub(super) title: String,
    pub(super) state: Badge,
    pub(super) facts: Vec<Fact>,
    pub(super) notices: Vec<Notice>,
    pub(super) streams: Vec<Tab>,
    pub(super) containers: Vec<Tab>,
    pub(super) wrap: Tab,
    pub(super) follow: Option<Tab>,
    pub(super) first_error: Option<Tab>,
    /// What is looked for, and how.
    pub(super) find: String,
    pub(super) regex: bool,
    pub(super) context: usize,
    /// For the field of the time.
    pub(super) time: String,
    /// From what was found to the whole.
    pub(super) back: Option<String>,
    /// What the forms carry on.
    pub(super) kept: Vec<(String, String)>,
    /// Text and link; no link where there is nothing further.
    pub(super) moves: Vec<Tab>,
    pub(super) range: String,
    pub(super) whole: String,
    pub(super) download: String,
    pub(super) lines: Vec<LogLine>,
    pub(super) empty: String,
    pub(super) class: &'static str,
    /// Whether lines say whose they are.
    pub(super) several: bool,
    /// Whether their labels are times.
    pub(super) timed: bool,
    pub(super) following: bool,
}

/// `executor 3`, or `the driver`.
pub(super) fn title(executor: &str) -> String {
    match executor {
        "driver" => "the driver".to_owned(),
        EVERYBODY => "all executors and the driver".to_owned(),
        executor => format!("executor {executor}"),
    }
}
