use futures::FutureExt as _;
use storage::{ByteStream, Store, growing, zip};

use super::History;
use crate::access::Viewer;
use crate::error::Error;
use crate::event_log::{Codec, EventLog, LogFile, find};
use crate::listing::Known;

/// A file or folder of an application's event logs, for who downloads them.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Its path in an archive; a folder's ends in `/`.
    pub name: String,
    /// Its length; 0 of a folder.
    pub size_bytes: u64,
    file: Option<(Store, LogFile)>,
}

impl LogEntry {
    /// The same, as what goes into an archive.
    pub(crate) fn into_file(self) -> zip::File<Error> {
        let name = self.name.clone();
        let is_packed = |name: &str, first: &[u8]| Codec::of(name, first) != Codec::Plain;
        zip::File { name, is_packed, read: async move { self.read().await }.boxed() }
    }

    /// The bytes as they lie in the store, still compressed.
    ///
    /// # Errors
    /// A failure of the store, now or in the stream.
    pub async fn read(&self) -> Result<ByteStream, Error> {
        match &self.file {
            None => Ok(Box::pin(futures::stream::empty())),
            Some((store, LogFile { growing: Some(growing), .. })) => Ok(growing::read(store, growing, 0)),
            Some((store, file)) => {
                let (_, bytes) = store.read(&file.path, 0).await?;
                Ok(bytes)
            }
        }
    }
}

impl History {
    /// The event logs of an attempt, or of all attempts of an application, as an archive has them. Replays nothing.
    ///
    /// # Errors
    /// All of [`Error`] but a failed replay.
    pub async fn log_entries(
        &self,
        app_id: &str,
        attempt_id: Option<&str>,
        viewer: &Viewer,
    ) -> Result<Vec<LogEntry>, Error> {
        let mut logs = self.inner.listing.logs(app_id);
        if logs.is_empty() {
            self.find_unseen(app_id, attempt_id).await?;
            logs = self.inner.listing.logs(app_id);
        }
        self.authorize(app_id, attempt_id, viewer)?;
        logs.retain(|known| attempt_id.is_none() || known.attempt_id.as_deref() == attempt_id);
        let mut entries = Vec::new();
        for known in &logs {
            entries.extend(self.entries_of(known).await?);
        }
        Ok(entries)
    }

    async fn entries_of(&self, known: &Known) -> Result<Vec<LogEntry>, Error> {
        let gone = || Error::LogGone { log: known.log.clone() };
        let source = self.inner.config.event_logs.get(usize::from(known.source)).ok_or_else(gone)?;
        let EventLog { name, rolling, files, others, .. } =
            find::by_name(source, &known.log).await?.ok_or_else(gone)?;
        let folder = if rolling { format!("{name}/") } else { String::new() };
        let mut entries = Vec::new();
        if rolling {
            entries.push(LogEntry { name: folder.clone(), size_bytes: 0, file: None });
        }
        let mut files: Vec<_> = files.into_iter().chain(others).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        entries.extend(files.into_iter().map(|file| LogEntry {
            name: format!("{folder}{}", file.path.name()),
            size_bytes: file.size_bytes,
            file: Some((source.store.clone(), file)),
        }));
        Ok(entries)
    }
}
