use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf as _, Bytes};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::page_index::RowGroupPageIndex;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{ChunkReader, Length, RowGroupReader as _};
use parquet::file::serialized_reader::SerializedRowGroupReader;
use storage::{ObjectPath, Store};
use tokio::sync::OnceCell;

use super::column::Kind;
use super::rows::{StageKey, StageRows};
use super::schema::TASK_KINDS;
use super::{FORMAT, Folder, Identity, StoredHead, StoredModel, Table, write};
use crate::event_log::Problem;
use crate::model::Application;
use crate::model::column::Column;
use crate::model::metric;
use crate::model::strings::Strings;
use crate::model::tasks::{COLUMN_NAMES, TaskAccumulable, TaskColumn, TaskTable};

/// Larger models are replayed instead.
const MAX_MODEL_BYTES: u64 = 1024 * 1024 * 1024;
/// What is read of a table to find its footer in.
const TAIL_BYTES: u64 = 64 * 1024;

/// A stored application, without its tasks.
pub(crate) struct Loaded {
    pub(crate) model: Application,
    pub(crate) problems: Vec<Problem>,
    pub(crate) tasks: StoredTasks,
    /// Length of the model as text, from which its size in memory is guessed.
    pub(crate) text_bytes: u64,
}

/// What is stored, if it is of this very log and in this format.
///
/// # Errors
/// A failure of the store.
pub(crate) async fn load(store: &Store, folder: &Folder, identity: &Identity) -> storage::Result<Option<Loaded>> {
    let bytes = match store.get(&folder.model()?, MAX_MODEL_BYTES).await {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let wanted = identity.clone();
    let parsed = tokio::task::spawn_blocking(move || parse(&bytes, &wanted)).await.ok().flatten();
    let Some((mut stored, text_bytes)) = parsed else { return Ok(None) };
    for executor in &mut stored.model.executors {
        if let Some(links) = stored.logged_links.remove(&executor.id) {
            executor.executor_logs = links;
        }
    }
    let tasks = StoredTasks {
        store: store.clone(),
        folder: folder.clone(),
        identity: stored.identity,
        strings: Arc::new(stored.strings.into()),
        stages: stored.stages.into_iter().map(|rows| (rows.stage, rows)).collect(),
        footers: Default::default(),
        recent: Mutex::default(),
    };
    Ok(Some(Loaded { model: stored.model, problems: stored.problems, tasks, text_bytes }))
}

fn parse(bytes: &[u8], wanted: &Identity) -> Option<(StoredModel, u64)> {
    let text = zstd::decode_all(bytes).ok()?;
    // Another format need not parse as this one does.
    let head: StoredHead = serde_json::from_slice(&text).ok()?;
    if head.format != FORMAT || head.identity != *wanted {
        return None;
    }
    Some((serde_json::from_slice(&text).ok()?, text.len() as u64))
}

/// The tasks of a stored application. Those of a stage attempt are read when they are asked for.
#[derive(Debug)]
pub(crate) struct StoredTasks {
    store: Store,
    folder: Folder,
    identity: Identity,
    pub(crate) strings: Arc<Strings>,
    stages: HashMap<StageKey, StageRows>,
    footers: [OnceCell<Arc<ParquetMetaData>>; 2],
    recent: Mutex<Vec<(StageKey, Arc<TaskTable>)>>,
}

/// How many stages' tasks are held of each application.
const RECENT: usize = 4;

impl StoredTasks {
    /// The rows of a stage attempt.
    ///
    /// # Errors
    /// A failure of the store; [`storage::Error::Corrupt`] when the table is not the one that the model is of.
    pub(crate) async fn stage(&self, stage: StageKey) -> storage::Result<Option<Arc<TaskTable>>> {
        let Some(rows) = self.stages.get(&stage) else { return Ok(None) };
        let held = self.recent().iter().find(|(key, _)| *key == stage).map(|(_, table)| Arc::clone(table));
        if held.is_some() {
            return Ok(held);
        }
        let tasks = self.chunks(Table::Tasks, &self.footers[0], rows.tasks.clone()).await?;
        let accumulators = match rows.accumulators.is_empty() {
            true => Vec::new(),
            false => self.chunks(Table::TaskAccumulators, &self.footers[1], rows.accumulators.clone()).await?,
        };
        let strings = Arc::clone(&self.strings);
        let decoded = tokio::task::spawn_blocking(move || decode(&tasks, &accumulators, &strings)).await;
        let corrupt = |reason: String| storage::Error::Corrupt { path: self.folder.0.clone(), reason };
        let table = decoded.map_err(|e| corrupt(e.to_string()))?.map_err(|e| corrupt(e.to_string()))?;
        let table = Arc::new(table);
        let mut recent = self.recent();
        recent.retain(|(key, _)| *key != stage);
        recent.insert(0, (stage, Arc::clone(&table)));
        recent.truncate(RECENT);
        Ok(Some(table))
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Vec<(StageKey, Arc<TaskTable>)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn footer(&self, path: &ObjectPath) -> storage::Result<Arc<ParquetMetaData>> {
        let corrupt = |reason: String| storage::Error::Corrupt { path: path.clone(), reason };
        let (meta, mut tail) = self.store.get_tail(path, TAIL_BYTES).await?;
        let length = match tail.last_chunk() {
            Some([a, b, c, d, b'P', b'A', b'R', b'1']) => u64::from(u32::from_le_bytes([*a, *b, *c, *d])),
            _ => return Err(corrupt("it does not end as a Parquet file does".to_owned())),
        };
        if length + 8 > tail.len() as u64 {
            let start = meta.size_bytes.saturating_sub(length + 8);
            tail = self.store.get_range(path, start..meta.size_bytes).await?;
        }
        let end = tail.len().saturating_sub(8);
        let start = end.saturating_sub(usize::try_from(length).unwrap_or(usize::MAX));
        let footer = ParquetMetaDataReader::decode_metadata(&tail[start..end]).map_err(|e| corrupt(e.to_string()))?;
        let said = footer.file_metadata().key_value_metadata().cloned().unwrap_or_default();
        if !write::identity(&self.identity).iter().all(|wanted| said.contains(wanted)) {
            return Err(corrupt("it is of another log, or of another format".to_owned()));
        }
        Ok(Arc::new(footer))
    }

    /// The bytes of the row groups in which `rows` are.
    async fn chunks(
        &self,
        table: Table,
        footer: &OnceCell<Arc<ParquetMetaData>>,
        rows: Range<usize>,
    ) -> storage::Result<Vec<Chunk>> {
        let path = self.folder.table(table)?;
        let footer = footer.get_or_try_init(|| self.footer(&path)).await?;
        let mut chunks = Vec::new();
        let mut first = 0;
        for group in footer.row_groups() {
            let count = usize::try_from(group.num_rows()).unwrap_or_default();
            let (start, end) = (rows.start.max(first), rows.end.min(first + count));
            if start < end {
                let ranges = group.columns().iter().map(|column| column.byte_range());
                let (from, to) =
                    ranges.fold((u64::MAX, 0), |(from, to), (at, length)| (from.min(at), to.max(at + length)));
                let bytes = self.store.get_range(&path, from..to).await?;
                chunks.push(Chunk { group: group.clone(), start: from, bytes, rows: start - first..end - first });
            }
            first += count;
        }
        Ok(chunks)
    }
}

/// A row group with its bytes, and which of its rows are wanted.
struct Chunk {
    group: RowGroupMetaData,
    start: u64,
    bytes: Bytes,
    rows: Range<usize>,
}

/// The bytes of a row group, at their place in the file.
struct Part {
    start: u64,
    bytes: Bytes,
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Part {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let at = usize::try_from(start.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.bytes.slice(at.min(self.bytes.len())..).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let at = usize::try_from(start.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let end = at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| ParquetError::EOF("a page lies outside its row group".to_owned()))?;
        Ok(self.bytes.slice(at..end))
    }
}

/// A row group that is being read.
struct Group<'a> {
    chunk: &'a Chunk,
    reader: SerializedRowGroupReader<'a, Part>,
}

impl<'a> Group<'a> {
    fn new(chunk: &'a Chunk) -> ParquetResult<Self> {
        let part = Arc::new(Part { start: chunk.start, bytes: chunk.bytes.clone() });
        let properties = Arc::new(ReaderProperties::builder().build());
        let pages = RowGroupPageIndex::new(0, None);
        Ok(Self { reader: SerializedRowGroupReader::new(part, &chunk.group, pages, properties)?, chunk })
    }

    /// The values of the wanted rows, by name; `None` where they are null.
    fn values<T: DataType>(&self, name: &str) -> ParquetResult<impl Iterator<Item = Option<T::T>>>
    where
        T::T: Clone,
    {
        let columns = self.chunk.group.columns();
        let missing = || ParquetError::General(format!("there is no column {name}"));
        let at = columns.iter().position(|column| column.column_path().string() == name).ok_or_else(missing)?;
        let optional = columns[at].column_descr().max_def_level() > 0;
        let mut reader = parquet::column::reader::get_typed_column_reader::<T>(self.reader.get_column_reader(at)?);
        reader.skip_records(self.chunk.rows.start)?;
        let (mut values, mut levels, wanted) = (Vec::new(), Vec::new(), self.chunk.rows.len());
        let mut read = 0;
        while read < wanted {
            let (records, ..) =
                reader.read_records(wanted - read, optional.then_some(&mut levels), None, &mut values)?;
            if records == 0 {
                return Err(ParquetError::EOF(format!("the column {name} is too short")));
            }
            read += records;
        }
        let mut values = values.into_iter();
        let next = move |row| if optional && levels.get(row) == Some(&0) { None } else { values.next() };
        Ok((0..wanted).map(next))
    }

    fn numbers(&self, name: &str, kind: Kind, null: i64, out: &mut Vec<i64>) -> ParquetResult<()> {
        match kind {
            Kind::Int32 => out.extend(self.values::<Int32Type>(name)?.map(|value| value.map_or(null, i64::from))),
            Kind::Bool => out.extend(self.values::<BoolType>(name)?.map(|value| value.map_or(null, i64::from))),
            _ => out.extend(self.values::<Int64Type>(name)?.map(|value| value.unwrap_or(null))),
        }
        Ok(())
    }

    fn texts(&self, name: &str) -> ParquetResult<impl Iterator<Item = Option<ByteArray>>> {
        self.values::<ByteArrayType>(name)
    }

    /// Texts as codes.
    fn codes(&self, name: &str, strings: &Strings, out: &mut Vec<Option<u32>>) -> ParquetResult<()> {
        // Few texts in many rows: a small map is faster than hashing each.
        let mut last: Option<(ByteArray, Option<u32>)> = None;
        for text in self.texts(name)? {
            let code = text.and_then(|text| match &last {
                Some((same, code)) if *same == text => *code,
                _ => {
                    let code = text.as_utf8().ok().and_then(|text| strings.code(text));
                    last = Some((text, code));
                    code
                }
            });
            out.push(code);
        }
        Ok(())
    }
}

fn decode(tasks: &[Chunk], accumulators: &[Chunk], strings: &Strings) -> ParquetResult<TaskTable> {
    let groups = tasks.iter().map(Group::new).collect::<ParquetResult<Vec<_>>>()?;
    let mut columns: Vec<Column> = Vec::with_capacity(COLUMN_NAMES.len() + metric::COUNT);
    for (name, (column, kind, null)) in COLUMN_NAMES.iter().zip(TASK_KINDS) {
        let (mut numbers, mut codes) = (Vec::new(), Vec::new());
        for group in &groups {
            match kind {
                Kind::Text => group.codes(name, strings, &mut codes)?,
                _ => group.numbers(name, kind, null.unwrap_or_default(), &mut numbers)?,
            }
        }
        let code = |code: Option<u32>| code.map_or(0, |code| i64::from(code) + i64::from(column == TaskColumn::Error));
        columns.push(match kind {
            Kind::Text => codes.into_iter().map(code).collect(),
            _ => numbers.into_iter().collect(),
        });
    }
    for name in metric::NAMES {
        let mut numbers = Vec::new();
        for group in &groups {
            group.numbers(name, Kind::Int64, 0, &mut numbers)?;
        }
        columns.push(numbers.into_iter().collect());
    }
    let accumulables = decode_accumulators(accumulators, strings)?;
    TaskTable::from_columns(columns, accumulables)
        .map_err(|count| ParquetError::General(format!("{count} columns do not make a table of tasks")))
}

fn decode_accumulators(chunks: &[Chunk], strings: &Strings) -> ParquetResult<Vec<TaskAccumulable>> {
    let mut all = Vec::new();
    for chunk in chunks {
        let group = Group::new(chunk)?;
        let (mut rows, mut ids, mut names) = (Vec::new(), Vec::new(), Vec::new());
        group.numbers("task_row", Kind::Int32, 0, &mut rows)?;
        group.numbers("accumulator_id", Kind::Int64, 0, &mut ids)?;
        group.codes("name", strings, &mut names)?;
        let text = |text: Option<ByteArray>| text.and_then(|text| Some(text.as_utf8().ok()?.into()));
        let (updates, values) = (group.texts("update")?.map(text), group.texts("value")?.map(text));
        for ((((row, id), name), update), value) in rows.into_iter().zip(ids).zip(names).zip(updates).zip(values) {
            all.push(TaskAccumulable { row: u32::try_from(row).unwrap_or_default(), id, name, update, value });
        }
    }
    Ok(all)
}
