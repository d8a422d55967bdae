use std::sync::Arc;

/// Why an application cannot be shown. Cheap to clone: one failed load answers everyone who waited for it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No log of such an application.
    #[error("application {app_id} is not known here; its event log may not have arrived yet")]
    UnknownApplication {
        /// What was asked for.
        app_id: String,
    },
    /// The application is there, but no such attempt of it.
    #[error("application {app_id} has no attempt {}", attempt_id.as_deref().unwrap_or("without a number"))]
    UnknownAttempt {
        /// What was asked for.
        app_id: String,
        /// Which attempt; `None` where none was named, which fits only an application whose attempts have no ids.
        attempt_id: Option<String>,
    },
    /// The ACLs of the application do not let this user see it.
    #[error("user \"{user}\" is not authorized")]
    Forbidden {
        /// Who asked; empty when nobody was named.
        user: String,
    },
    /// The event log was listed, and is not there any more.
    #[error("the event log {log} of this application is gone")]
    LogGone {
        /// Its name.
        log: String,
    },
    /// The store failed; it may answer later.
    #[error("the store of the event logs cannot be read; try again later")]
    Store(#[source] Arc<storage::Error>),
    /// The replay broke off. A fault of this program; the cause was logged.
    #[error("the event log {log} could not be replayed; see this server's own log")]
    ReplayFailed {
        /// Its name.
        log: String,
    },
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        Self::Store(Arc::new(error))
    }
}
