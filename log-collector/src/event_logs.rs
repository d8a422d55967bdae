//! A local folder of Spark's event logs, shipped to `event-logs/` while they grow.
//!
//! | in the folder | in the store while it grows | when it is complete |
//! | --- | --- | --- |
//! | `<app>.inprogress`, renamed to `<app>` | a growing file `<app>.inprogress` | the object `<app>` |
//! | `eventlog_v2_<app>/events_<n>_<app>` | a growing file of that name | an object of that name |
//! | `eventlog_v2_<app>/appstatus_<app>.inprogress`, renamed | an object of that name | an object of the new name |
//!
//! Bytes are shipped as they are, half a line or half a zstd frame at the end included. A log is marked as complete after
//! all of its bytes are there, and the other mark goes last. Local files are never changed or deleted.
//!
//! Applications write to the folder, so no link in it is followed: one would publish whatever this process can read.
//!
//! A log that vanishes before Spark has renamed it (its driver was killed) becomes one object too, but keeps the name of one
//! in progress, for only as such does Spark's history server open a log that may end anywhere. That nothing will follow says
//! a mark, `.growing/<name>/cut`. When another file takes the name of a log that grows, what there is of the first is kept as
//! `<app>_cut-<time>.inprogress`.

mod file;
mod rolling;
mod single;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;

use self::file::IN_PROGRESS;
use crate::discover::{Folders, Watcher};
use crate::metrics::Metrics;
use crate::parts;
use crate::ship::Context;

const ROLLING: &str = "eventlog_v2_";

/// One application's log, single or rolling, by its final name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Log {
    name: String,
    is_rolling: bool,
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the event log {}", self.name)
    }
}

/// What a complete log looked like: one that changes is shipped again.
type Look = (u64, Option<SystemTime>);

/// Ships a folder's logs until the collector stops; with `until_gone`, or the folder goes.
pub(crate) async fn run(context: Arc<Context>, folder: PathBuf, scan_interval: Duration, until_gone: bool) {
    let mut watcher = Watcher::new();
    let (mut tasks, mut running, mut done) = (JoinSet::new(), parts::Running::default(), HashMap::new());
    let trouble = format!("the folder of event logs {}", folder.display());
    loop {
        context.health.works(&trouble);
        match scan(&folder, watcher.folders()).await {
            Ok(logs) => {
                context.health.clear(&trouble);
                done.retain(|log, _| logs.contains_key(log));
                for (log, look) in logs {
                    if done.get(&log) != Some(&look) && !running.has(&log) {
                        let task = tasks.spawn(ship(Arc::clone(&context), folder.clone(), log.clone(), look));
                        running.add(task.id(), log);
                    }
                }
            }
            // What was opened of it is still shipped.
            Err(error) if until_gone && error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => {
                Metrics::add(&context.metrics.read_errors, 1);
                context.health.tell(&trouble, format!("{trouble} cannot be read"));
                tracing::warn!(%error, folder = %folder.display(), "the folder of event logs cannot be read; trying again");
            }
        }
        if context.stop.is_cancelled() {
            break;
        }
        tokio::select! {
            () = watcher.changed() => {}
            () = tokio::time::sleep(scan_interval) => {}
            Some(ended) = tasks.join_next_with_id() => {
                if let Some((log, Some(look))) = running.take(ended, &context) {
                    done.extend(look.map(|look| (log, look)));
                }
            }
            () = context.stop.cancelled() => {}
        }
    }
    context.health.rests(&trouble);
    while tasks.join_next().await.is_some() {}
}

/// Ships one log; gives back how it looked if it is complete now.
async fn ship(context: Arc<Context>, folder: PathBuf, log: Log, look: Look) -> Option<Look> {
    let complete = match log.is_rolling {
        true => rolling::ship(&context, &folder, &log.name).await,
        false => single::ship(&context, &folder, &log.name).await,
    };
    if complete != Ok(true) {
        return None;
    }
    let (path, name) = (folder.join(&log.name), log.name.clone());
    let now = tokio::task::spawn_blocking(move || look_at(&path)).await.ok().flatten();
    tracing::info!(event_log = name, "an event log is complete in the store");
    now.or(Some(look))
}

async fn scan(folder: &Path, folders: Folders) -> io::Result<HashMap<Log, Look>> {
    let folder = folder.to_owned();
    let scanned = tokio::task::spawn_blocking(move || {
        // Watched first, read then. A folder that is watched already stays so.
        folders.add(&folder);
        let entries = fs::read_dir(&folder)?;
        Ok(entries.filter_map(|entry| log_of(&entry.ok()?.path())).collect())
    });
    scanned.await.map_err(io::Error::other)?
}

fn log_of(path: &Path) -> Option<(Log, Look)> {
    let name = path.file_name()?.to_str()?;
    let meta = fs::symlink_metadata(path).ok()?;
    let is_rolling = meta.is_dir() && name.starts_with(ROLLING);
    let is_single = meta.is_file() && !name.starts_with(['.', '_']) && !name.ends_with(".crc");
    let name = if is_rolling { name } else { name.strip_suffix(IN_PROGRESS).unwrap_or(name) };
    let log = Log { name: name.to_owned(), is_rolling };
    (is_rolling || is_single).then_some((log, (meta.len(), meta.modified().ok())))
}

fn look_at(path: &Path) -> Option<Look> {
    let meta = fs::symlink_metadata(path).ok()?;
    Some((meta.len(), meta.modified().ok()))
}
