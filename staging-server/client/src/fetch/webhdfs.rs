//! WebHDFS's OPEN, of Hearth's staging server and of HDFS.

use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use super::http;
use super::transfer::{Opened, Resume};
use crate::wire::{self, refused};
use crate::{Access, Failure};

/// A file of a server.
pub(super) struct Place<'a> {
    pub(super) http: &'a Client,
    pub(super) server: &'a Url,
    pub(super) path: &'a str,
    pub(super) access: &'a Access,
    pub(super) headers: HeaderMap,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "FileStatus")]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    length: u64,
    modification_time: i64,
    #[serde(rename = "type")]
    kind: String,
}

impl Place<'_> {
    /// Asks for the status first: HDFS answers OPEN without a validator, and sometimes without a length.
    pub(super) async fn open(&self, resume: &Resume) -> Result<Opened, Failure> {
        let status = self.status().await?;
        if status.kind != "FILE" {
            return Err(
                Failure::lasting(format!("{} is a folder", self.path)).advising("name the files in it one by one")
            );
        }
        let validator = Some(format!("{} {}", status.modification_time, status.length));
        let start = if validator == resume.validator { resume.offset } else { 0 };
        let total = Some(status.length);
        if start == status.length {
            return Ok(Opened { start, total, validator, body: Box::pin(futures::stream::empty()) });
        }
        let answer = self.ask("OPEN", Some(start)).await?;
        if answer.status() != StatusCode::OK {
            return Err(refused(answer).await);
        }
        Ok(Opened { start, total, validator, body: http::body(answer) })
    }

    async fn status(&self) -> Result<Status, Failure> {
        let answer = self.ask("GETFILESTATUS", None).await?;
        if answer.status() != StatusCode::OK {
            return Err(refused(answer).await);
        }
        wire::json::<Answer>(answer, 64 * 1024).await.map(|answer| answer.status).ok_or_else(|| {
            Failure::lasting("the server does not speak WebHDFS").advising("look at the host and the port of the URL")
        })
    }

    async fn ask(&self, operation: &str, offset: Option<u64>) -> Result<reqwest::Response, Failure> {
        let mut url = self.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(["webhdfs", "v1"])
                .extend(self.path.split('/').filter(|part| !part.is_empty()));
        }
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("op", operation);
            if let Some(offset) = offset {
                query.append_pair("offset", &offset.to_string());
            }
            // A delegation token says who asks; a name beside it would be refused.
            match (&self.access.webhdfs_delegation, &self.access.webhdfs_user) {
                (Some(token), _) => {
                    query.append_pair("delegation", token.reveal());
                }
                (None, Some(user)) => {
                    query.append_pair("user.name", user);
                }
                (None, None) => {}
            }
        }
        http::send(self.http.get(url).headers(self.headers.clone())).await
    }
}
