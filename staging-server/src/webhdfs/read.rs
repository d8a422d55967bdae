use axum::body::Body;
use axum::http::StatusCode;
use futures::TryStreamExt as _;
use serde_json::{Value, json};

use super::answer::{Answer, file_status};
use super::{Call, Client, redirect};
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
        self.files().status(&self.path).await?;
        Ok(Answer::Empty(StatusCode::OK))
    }

    pub(super) fn home_directory(&self) -> Answer {
        Answer::json(json!({"Path": HOME}))
    }

    pub(super) async fn open(self) -> Result<Answer> {
        let file = self.files().complete_file(&self.path).await?;
        let (offset, length) = (self.parameters.number::<u64>("offset")?, self.parameters.number::<u64>("length")?);
        if self.parameters.flag("noredirect")? {
            return self.location_answer();
        }
        // Hadoop's client opens once to learn where to read, without an offset, and throws away what it is sent. A place to
        // go costs no more than bytes that nobody reads.
        let asks_where = offset.is_none() && Client::of(&self.headers) == Client::Java;
        if asks_where && !self.parameters.flag(redirect::DATA)? {
            return Ok(Answer::Redirect(self.location()?));
        }
        let (offset, size_bytes) = (offset.unwrap_or(0), file.size_bytes);
        if offset > size_bytes {
            return Err(Error::OffsetBehindEnd { path: self.path.to_string(), offset, size_bytes });
        }
        let end = length.map_or(size_bytes, |length| offset.saturating_add(length).min(size_bytes));
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
            let seen = entries.partition_point(|entry| entry.name.as_str() <= last);
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
            "fileCount": sum.files,
            "length": sum.size_bytes,
            "quota": -1,
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
        let block = json!({
            "cachedHosts": [], "corrupt": false, "hosts": [name], "length": file.size_bytes, "names": [host],
            "offset": 0, "storageIds": [], "storageTypes": ["DISK"], "topologyPaths": [format!("/default-rack/{host}")],
        });
        let blocks = if file.size_bytes == 0 { vec![] } else { vec![block] };
        Ok(Answer::json(json!({"BlockLocations": {"BlockLocation": blocks}})))
    }

    /// In the same tree, so that things can be moved there: `hadoop fs -rm` with a trash does.
    pub(super) fn trash_root(&self) -> Answer {
        let (tree, inside) = self.path.split();
        let user = self.parameters.text("user.name").unwrap_or("hearth");
        let path = match (tree, inside.parts().next()) {
            ("event-logs", _) => format!("/event-logs/.Trash/{user}"),
            ("staging", Some(namespace)) => format!("/staging/{namespace}/.Trash/{user}"),
            _ => format!("{HOME}/.Trash/{user}"),
        };
        Answer::json(json!({"Path": path}))
    }
}

fn statuses(entries: &[Entry]) -> Value {
    let statuses: Vec<_> = entries.iter().map(|entry| file_status(&entry.name, &entry.status)).collect();
    json!({"FileStatuses": {"FileStatus": statuses}})
}
