use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use super::answer::Answer;
use super::{Call, redirect};
use crate::{Error, Result};

/// How long a file may be on its way on another connection.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(2);
const ARRIVAL_POLL: Duration = Duration::from_millis(20);

impl Call {
    pub(super) async fn make_directories(self) -> Result<Answer> {
        self.files().make_folder(&self.path, &self.parameters.wish_of_maker()?).await?;
        Ok(Answer::boolean(true))
    }

    pub(super) async fn delete(self) -> Result<Answer> {
        let removed = self.files().remove(&self.path, self.parameters.flag("recursive")?).await?;
        Ok(Answer::boolean(removed))
    }

    /// Hadoop's client sets the permission of a file that it creates on a second connection, right after it has sent the
    /// head of the first: which of the two is served first is anyone's guess, so a file that is not there may be on its way.
    pub(super) async fn set_attributes(self) -> Result<Answer> {
        let wish = self.parameters.wish()?;
        let deadline = Instant::now() + ARRIVAL_TIMEOUT;
        loop {
            match self.files().set(&self.path, &wish).await {
                Err(Error::NotFound { .. }) if Instant::now() < deadline => tokio::time::sleep(ARRIVAL_POLL).await,
                set => return set.map(|_| Answer::Empty(StatusCode::OK)),
            }
        }
    }

    /// How often a file is kept is the store's affair; copying tools only want a yes.
    pub(super) async fn set_replication(self) -> Result<Answer> {
        self.files().status(&self.path).await?;
        Ok(Answer::boolean(true))
    }

    /// The first request has no data, and Hadoop's client takes an early 201 for the end: it must be sent on.
    pub(super) async fn create(self, body: Body) -> Result<Answer> {
        let overwrite = self.parameters.flag("overwrite")?;
        let wish = self.parameters.wish_of_maker()?;
        if !self.parameters.flag(redirect::DATA)? {
            self.files().check_create(&self.path, overwrite).await?;
            return self.redirect();
        }
        let created = self.location()?;
        let (staging, path) = (self.staging.clone(), self.path);
        let upload =
            self.staging.uploads().spawn(async move { staging.files().create(&path, &wish, overwrite, body).await });
        upload.await.map_err(|_| Error::Interrupted)??;
        Ok(Answer::Created(created))
    }

    pub(super) async fn append(self, body: Body) -> Result<Answer> {
        if !self.parameters.flag(redirect::DATA)? {
            self.files().check_append(&self.path).await?;
            return self.redirect();
        }
        let (staging, path) = (self.staging.clone(), self.path);
        let upload = self.staging.uploads().spawn(async move { staging.files().append(&path, body).await });
        upload.await.map_err(|_| Error::Interrupted)??;
        Ok(Answer::Empty(StatusCode::OK))
    }

    pub(super) async fn rename(self) -> Result<Answer> {
        let destination = self.parameters.required("destination")?;
        let to = crate::tree::FilePath::parse(destination)?;
        let options = self.parameters.text("renameoptions");
        let overwrite =
            options.is_some_and(|options| options.split(',').any(|word| word.eq_ignore_ascii_case("OVERWRITE")));
        self.files().rename(&self.path, &to, overwrite).await?;
        // The newer call, with options, expects no answer; the older one a yes.
        Ok(if options.is_some() { Answer::Empty(StatusCode::OK) } else { Answer::boolean(true) })
    }

    pub(super) fn location(&self) -> Result<HeaderValue> {
        redirect::location(self.staging.config().public_url.as_ref(), &self.headers, &self.uri)
    }

    fn redirect(self) -> Result<Answer> {
        match self.parameters.flag("noredirect")? {
            true => self.location_answer(),
            false => Ok(Answer::Redirect(self.location()?)),
        }
    }

    /// For clients that ask for the place in an answer (`noredirect=true`).
    pub(super) fn location_answer(&self) -> Result<Answer> {
        let location = self.location()?;
        Ok(Answer::json(json!({"Location": String::from_utf8_lossy(location.as_bytes())})))
    }
}
