use std::collections::BTreeMap;
use std::sync::Arc;

use super::Identity;
use super::rows::StageKey;
use crate::event_log::Problem;
use crate::log_url::Links;
use crate::redaction::Redaction;
use history_model::Application;
use history_model::other_events::OtherEvent;
use history_model::strings::Strings;
use history_model::task_peaks::TaskPeaks;
use history_model::tasks::TaskTable;

/// What is stored of an application.
pub(crate) struct Content<'a> {
    pub(crate) app_id: &'a str,
    pub(crate) attempt_id: Option<&'a str>,
    pub(crate) identity: Identity,
    pub(crate) model: &'a Application,
    pub(crate) problems: &'a [Problem],
    pub(crate) logged_links: &'a Links,
    /// What is masked in tables.
    pub(crate) redaction: &'a Redaction,
    pub(crate) strings: &'a Strings,
    pub(crate) stages: &'a BTreeMap<StageKey, Arc<TaskTable>>,
    pub(crate) peaks: &'a BTreeMap<StageKey, Arc<TaskPeaks>>,
    pub(crate) other_events: &'a [OtherEvent],
}
