use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use tokio::time::Instant;

use super::answer::Answer;
use super::operations::Operation;
use super::parameters::invalid;
use super::{Call, redirect};
use crate::path::FilePath;
use crate::status::{Permission, Wish};
use crate::upload::Incoming;
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
        let recursive = self.parameters.flag("recursive")?;
        let (staging, path) = (self.staging.clone(), self.path);
        let removed = self.staging.uploads().spawn(async move { staging.files().remove(&path, recursive).await });
        Ok(Answer::boolean(removed.await.map_err(|_| Error::Interrupted)??))
    }

    /// Hadoop's client sets the permission of a file that it creates on a second connection, right after it has sent the
    /// head of the first: which of the two is served first is anyone's guess, so a file that is not there may be on its way.
    pub(super) async fn set_attributes(self) -> Result<Answer> {
        let wish = self.wanted()?;
        let deadline = Instant::now() + ARRIVAL_TIMEOUT;
        loop {
            match self.files().set(&self.path, &wish).await {
                Err(Error::NotFound { .. }) if Instant::now() < deadline => tokio::time::sleep(ARRIVAL_POLL).await,
                set => return set.map(|_| Answer::Empty(StatusCode::OK)),
            }
        }
    }

    fn wanted(&self) -> Result<Wish> {
        let mut wish = self.parameters.wish()?;
        match self.operation {
            Operation::SetOwner if wish.owner.is_none() && wish.group.is_none() => {
                Err(Error::Invalid("Both owner and group are empty.".to_owned()))
            }
            Operation::SetPermission => {
                // HDFS's own default.
                wish.permission.get_or_insert(Permission(0o755));
                Ok(wish)
            }
            _ => Ok(wish),
        }
    }

    /// How often a file is kept is the store's affair; copying tools only want a yes.
    pub(super) async fn set_replication(self) -> Result<Answer> {
        let found = self.files().find(&self.path).await?;
        Ok(Answer::boolean(found.is_some_and(|status| !status.is_folder())))
    }

    /// What is cut is cut at once, where HDFS may only begin to.
    pub(super) async fn truncate(self) -> Result<Answer> {
        let Some(length) = self.parameters.at_least::<i64>("newlength", 0)? else {
            return Err(invalid("newlength", "", "write the new length in bytes"));
        };
        let length = u64::try_from(length).unwrap_or_default();
        let (staging, path) = (self.staging.clone(), self.path);
        let cut = self.staging.uploads().spawn(async move { staging.files().truncate(&path, length).await });
        cut.await.map_err(|_| Error::Interrupted)??;
        Ok(Answer::boolean(true))
    }

    pub(super) async fn concat(self) -> Result<Answer> {
        let sources = self.parameters.required("sources")?.split(',').filter(|source| !source.is_empty());
        let sources = sources
            .map(|source| match source.starts_with('/') {
                true => FilePath::parse(source),
                false => Err(Error::Conflict(format!("concat: {source} is not an absolute path"))),
            })
            .collect::<Result<Vec<_>>>()?;
        let (staging, path) = (self.staging.clone(), self.path);
        let joined = self.staging.uploads().spawn(async move { staging.files().concat(&path, &sources).await });
        joined.await.map_err(|_| Error::Interrupted)??;
        Ok(Answer::Empty(StatusCode::OK))
    }

    /// The first request has no data, and Hadoop's client takes an early 201 for the end: it must be sent on.
    pub(super) async fn create(self, body: Body) -> Result<Answer> {
        let how = self.parameters.creation()?;
        if !self.parameters.flag(redirect::DATA)? {
            self.files().check_create(&self.path, &how).await?;
            return self.redirect();
        }
        let created = self.location()?;
        let (staging, path, body) = (self.staging.clone(), self.path, incoming(body));
        let upload = self.staging.uploads().spawn(async move { staging.files().create(&path, &how, body).await });
        upload.await.map_err(|_| Error::Interrupted)??;
        Ok(Answer::Created(created))
    }

    pub(super) async fn append(self, body: Body) -> Result<Answer> {
        if !self.parameters.flag(redirect::DATA)? {
            self.files().check_append(&self.path).await?;
            return self.redirect();
        }
        let (staging, path, body) = (self.staging.clone(), self.path, incoming(body));
        let upload = self.staging.uploads().spawn(async move { staging.files().append(&path, body).await });
        upload.await.map_err(|_| Error::Interrupted)??;
        Ok(Answer::Empty(StatusCode::OK))
    }

    /// A folder's move goes on to its end also when its client does not wait for it.
    pub(super) async fn rename(self) -> Result<Answer> {
        let to = destination(self.parameters.required("destination")?)?;
        let options = self.parameters.rename_options()?;
        let (staging, from) = (self.staging.clone(), self.path);
        let moved = self.staging.uploads().spawn(async move {
            match options {
                None => staging.files().rename(&from, &to).await.map(Some),
                Some(options) => staging.files().rename_exactly(&from, &to, options.overwrite).await.map(|()| None),
            }
        });
        let moved = moved.await.map_err(|_| Error::Interrupted)??;
        // The newer call, with options, expects no answer.
        Ok(moved.map_or(Answer::Empty(StatusCode::OK), Answer::boolean))
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

fn incoming(body: Body) -> Incoming {
    body.into_data_stream().map_err(Into::into).boxed()
}

/// Where something is to be moved. Hadoop reads it as one of its own paths: `..` and doubled slashes are gone then.
fn destination(text: &str) -> Result<FilePath> {
    if !text.starts_with('/') {
        return Err(invalid("destination", text, "write an absolute path"));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    FilePath::parse(&format!("/{}", parts.join("/")))
}
