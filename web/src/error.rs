//! What can go wrong with a page, and the page that says so.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use history_server::Progress;
use history_server::api::v1::types::ApplicationInfo;

use crate::config::Web;
use crate::frame::{AppHead, Frame, INTERNAL, html};
use crate::links::Links;
use crate::pages::loading;

/// Why there is no page.
#[derive(Clone, Debug)]
pub(crate) enum Error {
    /// What the URL names is not there.
    NotFound {
        title: String,
        text: String,
        /// A way on: link and text.
        way_on: Option<(String, String)>,
        /// The application in which it was looked for.
        app: Option<Arc<AppHead>>,
    },
    /// The URL lacks something, or has something that cannot be.
    BadRequest { text: String, app: Option<Arc<AppHead>> },
    /// The reader may not see it.
    Forbidden { text: String },
    /// It is not ready yet, and will be: of the application of this name so much was read.
    Loading { name: String, progress: Progress },
    /// The store does not answer.
    Unavailable,
    /// A fault of ours, told to the log already.
    Internal,
}

impl Error {
    /// A parameter is missing or is no number.
    pub(crate) fn missing(app: Option<Arc<AppHead>>, name: &str, meaning: &str) -> Self {
        Self::BadRequest { text: format!("The URL needs a parameter {name}: {meaning}, as in ?{name}=0."), app }
    }

    /// Part of an application that it does not have.
    pub(crate) fn no_such(app: Arc<AppHead>, what: &str, way_on: (String, String)) -> Self {
        Self::NotFound {
            title: format!("No {what}"),
            text: format!("The event log of this application knows no {what}."),
            way_on: Some(way_on),
            app: Some(app),
        }
    }

    pub(crate) fn no_application(id: &str) -> Self {
        Self::NotFound {
            title: "Application not found".to_owned(),
            text: format!(
                "Application {id} not found. Either its id is misspelt, or its event log is not in the folder that this \
                 server reads (yet): the log appears when the driver writes to spark.eventLog.dir."
            ),
            way_on: None,
            app: None,
        }
    }

    pub(crate) fn no_attempt(app: &ApplicationInfo, links: &Links, attempt: Option<&str>) -> Self {
        Self::NotFound {
            title: "No such attempt".to_owned(),
            text: format!("Application {} has no attempt {}.", app.id, attempt.unwrap_or_default()),
            way_on: Some((links.app(&app.id, None).root(), "The newest attempt".to_owned())),
            app: None,
        }
    }

    pub(crate) fn no_page() -> Self {
        Self::NotFound {
            title: "No such page".to_owned(),
            text: "There is nothing at this address.".to_owned(),
            way_on: None,
            app: None,
        }
    }

    /// A fault of ours, told to the log here.
    pub(crate) fn broken(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "a page could not be made");
        Self::Internal
    }

    /// What is wrong, in words that tell nothing of this server's inside.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::NotFound { text, .. } | Self::BadRequest { text, .. } | Self::Forbidden { text } => text.clone(),
            Self::Loading { .. } => "The event log is being read. Please come back in a moment.".to_owned(),
            Self::Unavailable => "The object store does not answer. Please try again in a moment.".to_owned(),
            Self::Internal => INTERNAL.to_owned(),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            // Nothing failed: proxies and monitors need not take notice.
            Self::Loading { .. } => StatusCode::OK,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<history_server::Error> for Error {
    fn from(error: history_server::Error) -> Self {
        use history_server::Error as E;
        match &error {
            E::UnknownApplication { app_id } => Self::no_application(app_id),
            E::UnknownAttempt { app_id, .. } => Self::no_application(app_id),
            E::Forbidden { .. } => Self::Forbidden {
                text: format!(
                    "The application's ACLs do not let you see it: {error}. Whoever ran it can name you in spark.ui.view.acls."
                ),
            },
            E::LogGone { .. } => Self::NotFound {
                title: "The event log is gone".to_owned(),
                text: format!("This application was listed, but {error}: it was deleted, or moved away."),
                way_on: None,
                app: None,
            },
            E::Store(_) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an event log could not be read");
                Self::Unavailable
            }
            E::ReplayFailed { .. } => Self::Internal,
        }
    }
}

/// The page itself is drawn by [`render`], which knows where the server is and so where its style sheet is.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    title: String,
    text: String,
    way_on: Option<(String, String)>,
}

/// Draws the page of an [`Error`] that a handler or an extractor returned.
pub(crate) async fn render(State(web): State<Web>, request: Request, next: Next) -> Response {
    let links = Links::new(request.headers(), web.prefix());
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<Error>().cloned() else { return response };
    let status = error.status();
    let mut frame = Frame::new(&links, web.title(), "");
    let (title, text, way_on) = match error {
        Error::NotFound { title, text, way_on, app } => {
            frame.app = app;
            (title, text, way_on)
        }
        Error::BadRequest { text, app } => {
            frame.app = app;
            ("This cannot be shown".to_owned(), text, None)
        }
        Error::Forbidden { text } => ("Not yours to see".to_owned(), text, None),
        Error::Loading { name, progress } => return loading::page(&web, frame, &name, progress),
        Error::Unavailable => (
            "The object store does not answer".to_owned(),
            "The page is not lost: please try again in a moment. The server's log says what failed.".to_owned(),
            None,
        ),
        Error::Internal => ("Something went wrong".to_owned(), INTERNAL.to_owned(), None),
    };
    let way_on = way_on.or_else(|| Some((links.list(), "All applications".to_owned())));
    frame.title = format!("{title} – {}", web.title());
    html(status, &ErrorPage { frame, title, text, way_on })
}
