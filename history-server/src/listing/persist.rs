//! The list as an object in the store, so that a restart need not read a million logs again.
//!
//! `history/.listing/<format>.zst`: zstd of lines of JSON, a header and then an array for each log. Replicas write the
//! same object; whichever writes last, it is right about the logs whose fingerprints still fit, and the others are read
//! again.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};

use serde::{Deserialize, Serialize};
use storage::{Key, ObjectPath, Store};

use super::Listing;
use super::row::{Listed, Seen};
use super::rows::Rows;
use super::summary::Summary;
use crate::access::Acls;

/// Changes whenever the meaning of a line does.
const FORMAT: u32 = 1;
/// A list is refused above this; ten million applications have less.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    /// Where the logs are; rows name their source by its index here.
    sources: Vec<String>,
}

/// Source, log, fingerprint, length, times of change, update and discovery, whether complete.
type LogPart<S> = (u16, S, u64, u64, i64, i64, i64, bool);
/// Application, attempt, name, user, version, start, end, ACLs.
type AppPart<S, A> = (S, Option<S>, S, S, S, i64, Option<(i64, Option<i32>)>, Option<A>);

fn path() -> storage::Result<ObjectPath> {
    Ok(Key::History(ObjectPath::parse(&format!(".listing/{FORMAT}.zst"))?).path())
}

impl Listing {
    /// Writes the list into `store`, in place of what is there.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn save(self: &std::sync::Arc<Self>, store: &Store) -> storage::Result<()> {
        let path = path()?;
        let listing = std::sync::Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || listing.to_bytes()).await;
        let corrupt = |reason: String| storage::Error::Corrupt { path: path.clone(), reason };
        let bytes = written.map_err(|e| corrupt(e.to_string()))?.map_err(|e| corrupt(e.to_string()))?;
        let mut writer = store.writer(&path);
        for chunk in bytes.chunks(1024 * 1024) {
            writer.write(chunk).await?;
        }
        writer.finish().await.map(drop)
    }

    /// Takes in the list that lies in `store`; how many logs it knows. What it does not understand it leaves out.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn load(self: &std::sync::Arc<Self>, store: &Store) -> storage::Result<usize> {
        let bytes = match store.get(&path()?, MAX_BYTES).await {
            Err(error) if error.is_not_found() => return Ok(0),
            other => other?,
        };
        let listing = std::sync::Arc::clone(self);
        Ok(tokio::task::spawn_blocking(move || listing.take_bytes(&bytes).unwrap_or_default())
            .await
            .unwrap_or_default())
    }

    fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let sources = self.sources.iter().map(|source| source.full_path.clone()).collect();
        let mut out = zstd::Encoder::new(Vec::new(), 1)?;
        serde_json::to_writer(&mut out, &Header { format: FORMAT, sources })?;
        let mut lines = Vec::new();
        let rows = self.rows();
        // In order, a list is taken up again without looking for each place.
        for row in rows.all_in_order() {
            lines.push(b'\n');
            serde_json::to_writer(&mut lines, &parts(&rows, row))?;
            if lines.len() > 256 * 1024 {
                out.write_all(&lines)?;
                lines.clear();
            }
        }
        out.write_all(&lines)?;
        out.finish()
    }

    fn take_bytes(&self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = BufReader::with_capacity(256 * 1024, zstd::Decoder::with_buffer(bytes)?);
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line)?;
        let header: Header = serde_json::from_slice(&line)?;
        if header.format != FORMAT {
            return Ok(0);
        }
        let here: HashMap<&str, usize> =
            self.sources.iter().enumerate().map(|(i, source)| (source.full_path.as_str(), i)).collect();
        let index = |source: &String| here.get(source.as_str()).and_then(|i| u16::try_from(*i).ok());
        let sources: Vec<Option<u16>> = header.sources.iter().map(index).collect();
        let mut rows = self.rows_mut();
        let mut known = 0;
        loop {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(known);
            }
            let Some(mut seen) = seen(&line) else { continue };
            let Some(Some(source)) = sources.get(usize::from(seen.source)) else { continue };
            seen.source = *source;
            rows.insert(seen);
            known += 1;
        }
    }
}

fn parts<'a>(rows: &'a Rows, row: Listed<'a>) -> (LogPart<&'a str>, Option<AppPart<&'a str, &'a Acls>>) {
    let log = (
        row.source,
        row.log(),
        row.fingerprint,
        row.size_bytes,
        row.modified_millis,
        row.updated_millis,
        row.found_millis,
        row.complete,
    );
    let acls = Some(rows.acls(row.acls)).filter(|acls| **acls != Acls::default());
    let text = |symbol| rows.symbols.get(symbol);
    let app = row.app().map(|id| {
        let end = row.ended.then_some((row.end_millis, row.exit_code));
        let attempt = row.attempt_id();
        (id, attempt, text(row.name), text(row.user), text(row.spark_version), row.start_millis, end, acls)
    });
    (log, app)
}

fn seen(line: &[u8]) -> Option<Seen> {
    let (log, app): (LogPart<String>, Option<AppPart<String, Acls>>) = serde_json::from_slice(line).ok()?;
    let (source, log, fingerprint, size_bytes, modified_millis, updated_millis, found_millis, complete) = log;
    let summary = app.map_or_else(Summary::default, |app| {
        let (id, attempt_id, app_name, user, spark_version, start_millis, end, acls) = app;
        Summary {
            app_id: Some(id),
            attempt_id,
            app_name,
            user,
            spark_version,
            start_millis,
            end_millis: end.map(|(end_millis, _)| end_millis),
            exit_code: end.and_then(|(_, exit_code)| exit_code),
            acls: acls.unwrap_or_default(),
            has_environment: true,
            malformed: false,
        }
    });
    Some(Seen {
        source,
        log,
        summary,
        fingerprint,
        size_bytes,
        modified_millis,
        updated_millis,
        found_millis,
        complete,
        scan: 0,
    })
}
