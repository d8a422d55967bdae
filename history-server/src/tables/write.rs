use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use parquet::file::metadata::KeyValue;
use storage::{BlobWriter, Store};
use tokio::runtime::Handle;

use super::column::{self, Column};
use super::rows::{StageKey, TaskRows};
use super::schema::{self, Owner};
use super::{FORMAT, Folder, Identity, Stored, StoredHead, Table};
use crate::event_log::Problem;
use crate::model::Application;
use crate::model::strings::Strings;
use crate::model::tasks::TaskTable;
use crate::opened::Links;

/// What is stored of an application.
pub(crate) struct Content<'a> {
    pub(crate) app_id: &'a str,
    pub(crate) attempt_id: Option<&'a str>,
    pub(crate) identity: Identity,
    pub(crate) model: &'a Application,
    pub(crate) problems: &'a [Problem],
    pub(crate) logged_links: &'a Links,
    pub(crate) strings: &'a Strings,
    pub(crate) stages: &'a BTreeMap<StageKey, Arc<TaskTable>>,
}

/// Writes the tables and then the model. Blocks: for blocking threads only.
///
/// # Errors
/// A failure of the store, as what the writer said.
pub(crate) fn save(store: &Store, folder: &Folder, content: &Content<'_>, runtime: &Handle) -> io::Result<()> {
    let rows = TaskRows::new(content.strings, content.stages);
    for table in Table::ALL {
        let path = folder.table(table).map_err(io::Error::other)?;
        write_table(table, content, &rows, Upload { writer: store.writer(&path), runtime })?;
    }
    let head = StoredHead { format: FORMAT, identity: content.identity.clone() };
    let stored = Stored {
        problems: content.problems.to_vec(),
        logged_links: content.logged_links.clone(),
        strings: content.strings.clone(),
        stages: rows.index.clone(),
        model: content.model,
    };
    let path = folder.model().map_err(io::Error::other)?;
    let mut upload = Upload { writer: store.writer(&path), runtime };
    let mut packed = zstd::Encoder::new(BufWriter::with_capacity(256 * 1024, &mut upload), 1)?;
    let mut text = BufWriter::with_capacity(64 * 1024, &mut packed);
    serde_json::to_writer(&mut text, &head)?;
    text.write_all(b"\n")?;
    serde_json::to_writer(&mut text, &stored)?;
    text.flush()?;
    drop(text);
    packed.finish()?.flush()?;
    upload.finish()
}

fn write_table(table: Table, content: &Content<'_>, rows: &TaskRows<'_>, mut upload: Upload<'_>) -> io::Result<()> {
    let owner = Owner { app_id: content.app_id, attempt_id: content.attempt_id };
    let model = content.model;
    let metrics = if table == Table::SqlMetrics { schema::sql_metric_rows(model) } else { Vec::new() };
    let (columns, count): (Vec<Column<'_>>, usize) = match table {
        Table::Tasks => (schema::tasks(&owner, rows), rows.task_count()),
        Table::TaskAccumulators => (schema::task_accumulators(&owner, rows), rows.accumulator_count()),
        Table::Stages => (schema::stages(&owner, model), model.stages.len()),
        Table::Jobs => (schema::jobs(&owner, model), model.jobs.len()),
        Table::Executors => (schema::executors(&owner, model), model.executors.len()),
        Table::SqlExecutions => (schema::sql_executions(&owner, model), model.sql.len()),
        Table::SqlMetrics => (schema::sql_metrics(&owner, &metrics), metrics.len()),
    };
    let mut sink = BufWriter::with_capacity(1024 * 1024, &mut upload);
    column::write(&columns, count, identity(&content.identity), &mut sink).map_err(io::Error::other)?;
    sink.flush()?;
    drop(sink);
    upload.finish()
}

/// What a table's footer says of the log that it is of.
pub(super) fn identity(identity: &Identity) -> Vec<KeyValue> {
    vec![
        KeyValue::new("hearth.format".to_owned(), FORMAT.to_string()),
        KeyValue::new("hearth.log".to_owned(), identity.log.clone()),
        KeyValue::new("hearth.fingerprint".to_owned(), format!("{:016x}", identity.fingerprint)),
    ]
}

/// An object in the making, for who writes without waiting.
struct Upload<'a> {
    writer: BlobWriter,
    runtime: &'a Handle,
}

impl Upload<'_> {
    fn finish(self) -> io::Result<()> {
        self.runtime.block_on(self.writer.finish()).map(drop).map_err(io::Error::other)
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.runtime.block_on(self.writer.write(bytes)).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
