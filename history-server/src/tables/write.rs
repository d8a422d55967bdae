use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use parquet::file::metadata::KeyValue;
use storage::{BlobWriter, Store};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::column::{self, Column};
use super::rows::{StageKey, TaskRows};
use super::schema::{self, Owner};
use super::services::{self, Lists};
use super::streaming::{self, MetricRows, ProgressRows};
use super::{FORMAT, Folder, Identity, Stored, StoredHead, Table};
use crate::event_log::Problem;
use crate::log_url::Links;
use history_model::Application;
use history_model::strings::Strings;
use history_model::tasks::TaskTable;

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

/// Writes the tables and then the model. Tables that are rare and have no rows are not written, and removed where they were.
/// Blocks: for blocking threads only.
///
/// # Errors
/// A failure of the store, as what the writer said.
pub(crate) fn save(store: &Store, folder: &Folder, content: &Content<'_>, runtime: &Handle) -> io::Result<()> {
    let rows = Rows::new(content);
    let generation = Uuid::new_v4();
    let there = runtime.block_on(store.list_folder(&folder.0)).map_err(io::Error::other)?.objects;
    for table in Table::ALL {
        let path = folder.table(table).map_err(io::Error::other)?;
        if !table.is_rare() || rows.count(table) > 0 {
            let upload = Upload { writer: store.writer(&path), runtime };
            write_table(table, content, generation, &rows, upload)?;
        } else if there.iter().any(|object| object.path == path) {
            runtime.block_on(store.delete(&path)).map_err(io::Error::other)?;
        }
    }
    let head = StoredHead { format: FORMAT, identity: content.identity.clone(), generation };
    let stored = Stored {
        problems: content.problems.to_vec(),
        logged_links: content.logged_links.clone(),
        strings: content.strings.clone(),
        stages: rows.tasks.index.clone(),
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

/// The rows of the tables, as far as they are not the model's own.
struct Rows<'a> {
    model: &'a Application,
    tasks: TaskRows<'a>,
    sql_metrics: Vec<schema::SqlMetricRow<'a>>,
    progress: ProgressRows<'a>,
    metrics: MetricRows<'a>,
    connect: Lists,
    thrift: Lists,
}

impl<'a> Rows<'a> {
    fn new(content: &Content<'a>) -> Self {
        let model = content.model;
        Self {
            model,
            tasks: TaskRows::new(content.strings, content.stages),
            sql_metrics: schema::sql_metric_rows(model),
            progress: ProgressRows::new(&model.streaming),
            metrics: MetricRows::new(&model.streaming),
            connect: Lists::of_connect(&model.connect),
            thrift: Lists::of_thrift(&model.thrift),
        }
    }

    fn count(&self, table: Table) -> usize {
        let model = self.model;
        match table {
            Table::Tasks => self.tasks.task_count(),
            Table::TaskAccumulators => self.tasks.accumulator_count(),
            Table::Stages => model.stages.len(),
            Table::Jobs => model.jobs.len(),
            Table::Executors => model.executors.len(),
            Table::SqlExecutions => model.sql.len(),
            Table::SqlMetrics => self.sql_metrics.len(),
            Table::StreamingQueries => model.streaming.len(),
            Table::StreamingProgress => self.progress.count(),
            Table::StreamingMetrics => self.metrics.count(),
            Table::ConnectSessions => model.connect.sessions.len(),
            Table::ConnectOperations => model.connect.operations.len(),
            Table::ThriftSessions => model.thrift.sessions.len(),
            Table::ThriftStatements => model.thrift.statements.len(),
        }
    }

    fn columns<'r>(&'r self, table: Table, owner: &Owner<'r>) -> Vec<Column<'r>> {
        let model = self.model;
        match table {
            Table::Tasks => schema::tasks(owner, &self.tasks),
            Table::TaskAccumulators => schema::task_accumulators(owner, &self.tasks),
            Table::Stages => schema::stages(owner, model),
            Table::Jobs => schema::jobs(owner, model),
            Table::Executors => schema::executors(owner, model),
            Table::SqlExecutions => schema::sql_executions(owner, model),
            Table::SqlMetrics => schema::sql_metrics(owner, &self.sql_metrics),
            Table::StreamingQueries => streaming::queries(owner, &model.streaming),
            Table::StreamingProgress => streaming::progress(owner, &self.progress),
            Table::StreamingMetrics => streaming::metrics(owner, &self.metrics),
            Table::ConnectSessions => services::connect_sessions(owner, &model.connect),
            Table::ConnectOperations => services::connect_operations(owner, &model.connect, &self.connect),
            Table::ThriftSessions => services::thrift_sessions(owner, &model.thrift),
            Table::ThriftStatements => services::thrift_statements(owner, &model.thrift, &self.thrift),
        }
    }
}

fn write_table(
    table: Table,
    content: &Content<'_>,
    generation: Uuid,
    rows: &Rows<'_>,
    mut upload: Upload<'_>,
) -> io::Result<()> {
    let owner = Owner { app_id: content.app_id, attempt_id: content.attempt_id };
    let columns = rows.columns(table, &owner);
    let mut sink = BufWriter::with_capacity(1024 * 1024, &mut upload);
    column::write(&columns, rows.count(table), identity(&content.identity, generation), &mut sink)
        .map_err(io::Error::other)?;
    sink.flush()?;
    drop(sink);
    upload.finish()
}

/// What a table's footer says of the log that it is of, and of who wrote it: replicas with other settings write other tables.
pub(super) fn identity(identity: &Identity, generation: Uuid) -> Vec<KeyValue> {
    vec![
        KeyValue::new("hearth.format".to_owned(), FORMAT.to_string()),
        KeyValue::new("hearth.log".to_owned(), identity.log.clone()),
        KeyValue::new("hearth.fingerprint".to_owned(), format!("{:016x}", identity.fingerprint)),
        KeyValue::new("hearth.settings".to_owned(), identity.settings.clone()),
        KeyValue::new("hearth.generation".to_owned(), generation.to_string()),
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
