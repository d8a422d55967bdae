//! What was asked, and of which application.

use std::sync::Arc;

use super::error::Refusal;
use super::params::Params;
use crate::access::Viewer;
use crate::history::History;
use crate::opened::OpenApplication;

/// A request for something.
pub(super) struct Request {
    pub(super) history: History,
    pub(super) viewer: Viewer,
    pub(super) params: Params,
    /// The path as it was sent.
    pub(super) uri: String,
    /// Its parts behind `/api/v1/`, decoded.
    pub(super) path: Vec<String>,
}

/// An application, or one of its attempts.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) app: &'a str,
    pub(super) attempt: Option<&'a str>,
}

impl Target<'_> {
    pub(super) fn key(self) -> String {
        self.attempt.map_or_else(|| self.app.to_owned(), |attempt| format!("{}/{attempt}", self.app))
    }
}

impl Request {
    /// The application that is asked about.
    pub(super) async fn open(&self, target: Target<'_>) -> Result<Arc<OpenApplication>, Refusal> {
        let opened = self.history.open(target.app, target.attempt, &self.viewer).await;
        opened.map_err(|error| Refusal::of(&error, &target.key()))
    }
}
