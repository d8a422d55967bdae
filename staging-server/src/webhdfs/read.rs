use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

use super::answer::{Answer, file_status};
use super::client::Client;
use super::parameters::invalid;
use super::{Call, redirect};
use crate::status::Entry;
use crate::{Error, Result};

/// Whose home a relative path is in: Spark's default namespace.
const HOME: &str = "/staging/default";

/// How many entries a `LISTSTATUS_BATCH` answers at once; HDFS's own default.
const BATCH: usize = 1000;

impl Call {
    pub(super) async fn file_status(self) -> Result<Answer> {
        let status = self.files().status(&self.path).await?;
        Ok(Answer::json(json!({"FileStatus": file_status("", &status)})))
    }

    pub(super) async fn list(self) -> Result<Answer> {
        Ok(Answer::json(statuses(&self.files().list(&self.path).await?)))
    }

    pub(super) async fn check_access(self) -> Result<Answer> {
        let wanted = self.parameters.required("fsaction")?;
        let is_one = wanted.len() == 3 && wanted.chars().zip("rwx".chars()).all(|(c, right)| c == '-' || c == right);
        if !is_one {
            return Err(invalid("fsaction", wanted, "write three of 'r', 'w', 'x' and '-', in this order"));
        }
        self.files().status(&self.path).await?;
        Ok(Answer::Empty(StatusCode::OK))
    }

    pub(super) fn home_directory(&self) -> Answer {
        Answer::json(json!({"Path": HOME}))
    }

    pub(super) async fn open(self) -> Result<Answer> {
        if self.path.check_name().is_err() && matches!(self.files().find(&self.path).await, Ok(None)) {
            self.path.check_name()?;
        }
        let file = self.files().complete_file(&self.path).await?;
        let (offset, length) = (self.parameters.offset()?, self.parameters.length()?);
        let size_bytes = file.size_bytes;
        if let Some(offset) = offset.filter(|offset| *offset > size_bytes) {
            return Err(Error::OffsetBehindEnd { path: self.path.to_string(), offset, size_bytes });
        }
        let is_data = self.parameters.flag(redirect::DATA)?;
        if self.parameters.flag("noredirect")? && !is_data {
            return self.location_answer();
        }
        if self.method == Method::HEAD {
            // As HDFS: there is a place to read at, and nothing but reading can be done there.
            return match is_data {
                true => Err(Error::Invalid("OPEN is sent with GET".to_owned())),
                false => Ok(Answer::Redirect(self.location()?)),
            };
        }
        // Hadoop's client opens once to learn where to read, without an offset, and throws away what it is sent. A place to
        // go costs no more than bytes that nobody reads.
        if offset.is_none() && Client::of(&self.headers) == Client::Java && !is_data {
            return Ok(Answer::Redirect(self.location()?));
        }
        let offset = offset.unwrap_or(0);
        let end = length.map_or(size_bytes, |length| offset.saturating_add(length).min(size_bytes));
        self.files().note_use(&self.path, &file).await;
        let bytes = file.read(self.files().store(), offset..end).await?;
        let path = self.path.to_string();
        let logged = bytes.inspect_err(move |error| {
            tracing::error!(path, error = error as &dyn std::error::Error, "a download broke off at the store");
        });
        Ok(Answer::Bytes(end - offset, Body::from_stream(logged)))
    }

    pub(super) async fn list_batch(self) -> Result<Answer> {
        let mut entries = self.files().list(&self.path).await?;
        if let Some(last) = self.parameters.text("startafter") {
            // The name of a file that is listed is empty, and is not behind anything.
            let is_file = matches!(entries.as_slice(), [Entry { name, .. }] if name.is_empty());
            let last = last.trim_end_matches('/');
            let seen = entries.partition_point(|entry| !is_file && entry.name.as_str() <= last);
            entries.drain(..seen);
        }
        let remaining = entries.len().saturating_sub(BATCH);
        entries.truncate(BATCH);
        let listing = json!({"partialListing": statuses(&entries), "remainingEntries": remaining});
        Ok(Answer::json(json!({"DirectoryListing": listing})))
    }

    pub(super) async fn content_summary(self) -> Result<Answer> {
        let sum = self.files().summary(&self.path).await?;
        Ok(Answer::json(json!({"ContentSummary": {
            "directoryCount": sum.folders,
            "ecPolicy": "",
            "fileCount": sum.files,
            "length": sum.size_bytes,
            "quota": -1,
            "snapshotDirectoryCount": 0,
            "snapshotFileCount": 0,
            "snapshotLength": 0,
            "snapshotSpaceConsumed": 0,
            "spaceConsumed": sum.size_bytes,
            "spaceQuota": -1,
            "typeQuota": {},
        }})))
    }

    /// One block, here: enough for Spark to split a file by.
    pub(super) async fn block_locations(self) -> Result<Answer> {
        let file = self.files().file(&self.path).await?;
        let host =
            self.headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let name = host.split(':').next().unwrap_or(host);
        let (offset, length) = (self.parameters.offset()?.unwrap_or(0), self.parameters.length()?);
        let is_wanted = offset < file.size_bytes && length != Some(0);
        let block = json!({
            "cachedHosts": [], "corrupt": false, "hosts": [name], "length": file.size_bytes, "names": [host],
            "offset": 0, "storageTypes": ["DISK"], "topologyPaths": [format!("/default-rack/{host}")],
        });
        let blocks = if is_wanted { vec![block] } else { vec![] };
        Ok(Answer::json(json!({"BlockLocations": {"BlockLocation": blocks}})))
    }

    /// In the same tree, so that things can be moved there: `hadoop fs -rm` with a trash does.
    pub(super) fn trash_root(&self) -> Result<Answer> {
        let (tree, inside) = self.path.split();
        let user = self.parameters.user()?;
        let path = match (tree, inside.parts().next()) {
            ("event-logs", _) => format!("/event-logs/.Trash/{user}"),
            ("staging", Some(namespace)) => format!("/staging/{namespace}/.Trash/{user}"),
            _ => format!("{HOME}/.Trash/{user}"),
        };
        Ok(Answer::json(json!({"Path": path})))
    }
}

fn statuses(entries: &[Entry]) -> Value {
    let statuses: Vec<_> = entries.iter().map(|entry| file_status(&entry.name, &entry.status)).collect();
    json!({"FileStatuses": {"FileStatus": statuses}})
}
