//! From row groups to a table of tasks.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::metadata::page_index::RowGroupPageIndex;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{ChunkReader, Length, RowGroupReader as _};
use parquet::file::serialized_reader::SerializedRowGroupReader;

use super::column::Kind;
use super::schema::TASK_KINDS;
use super::sheet::PEAKS;
use history_model::column::Column;
use history_model::metric;
use history_model::other_events::OtherEvent;
use history_model::share_out;
use history_model::strings::Strings;
use history_model::task_peaks::TaskPeaks;
use history_model::tasks::{COLUMN_NAMES, TaskAccumulable, TaskColumn, TaskTable};
use history_model::types::{EXECUTOR_METRICS, ExecutorMetrics};

/// A row group with its bytes, and which of its rows are wanted.
pub(super) struct Chunk {
    pub(super) group: RowGroupMetaData,
    /// Where in the file the bytes begin.
    pub(super) start: u64,
    pub(super) bytes: Bytes,
    pub(super) rows: Range<usize>,
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

    fn numbers(&self, name: &str, kind: Kind, null: i64, out: &mut impl Extend<i64>) -> ParquetResult<()> {
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
    fn codes(&self, name: &str, strings: &Strings, out: &mut impl Extend<Option<u32>>) -> ParquetResult<()> {
        // Few texts in many rows: a small map is faster than hashing each.
        let mut last: Option<(ByteArray, Option<u32>)> = None;
        out.extend(self.texts(name)?.map(|text| {
            let text = text?;
            match &last {
                Some((same, code)) if *same == text => *code,
                _ => {
                    let code = text.as_utf8().ok().and_then(|text| strings.code(text));
                    last = Some((text, code));
                    code
                }
            }
        }));
        Ok(())
    }
}

/// The table of the wanted rows.
pub(super) fn decode(tasks: &[Chunk], accumulators: &[Chunk], strings: &Strings) -> ParquetResult<TaskTable> {
    let groups = tasks.iter().map(Group::new).collect::<ParquetResult<Vec<_>>>()?;
    let rows = tasks.iter().map(|chunk| chunk.rows.len()).sum();
    let columns = share_out(COLUMN_NAMES.len() + metric::COUNT, rows, |at| decode_column(&groups, at, strings));
    let columns = columns.into_iter().collect::<ParquetResult<_>>()?;
    let accumulables = decode_accumulators(accumulators, strings)?;
    TaskTable::from_columns(columns, accumulables)
        .map_err(|count| ParquetError::General(format!("{count} columns do not make a table of tasks")))
}

/// What executors measured for the tasks of the wanted rows.
pub(super) fn decode_peaks(chunks: &[Chunk]) -> ParquetResult<TaskPeaks> {
    let mut all = TaskPeaks::default();
    for chunk in chunks {
        let group = Group::new(chunk)?;
        let number = |name: &str| -> ParquetResult<Vec<i64>> {
            let mut values = Vec::with_capacity(chunk.rows.len());
            group.numbers(name, Kind::Int64, 0, &mut values)?;
            Ok(values)
        };
        let ids = number("task_id")?;
        let metrics = PEAKS.into_iter().map(number).collect::<ParquetResult<Vec<_>>>()?;
        for (row, id) in ids.into_iter().enumerate() {
            let mut peaks = ExecutorMetrics([0; EXECUTOR_METRICS.len()]);
            peaks.0.iter_mut().zip(&metrics).for_each(|(peak, values)| *peak = values[row]);
            all.push(id, &peaks);
        }
    }
    Ok(all)
}

/// The events of a name.
pub(super) fn decode_events(chunks: &[Chunk], name: &Arc<str>) -> ParquetResult<Vec<OtherEvent>> {
    let mut all = Vec::new();
    for chunk in chunks {
        let group = Group::new(chunk)?;
        let mut lines: Vec<i64> = Vec::new();
        group.numbers("line", Kind::Int64, 0, &mut lines)?;
        let (names, texts) = (group.texts("name")?, group.texts("json")?);
        for ((line, of), json) in lines.into_iter().zip(names).zip(texts) {
            let (Some(of), Some(json)) = (of, json) else { continue };
            if of.as_utf8()? == &**name {
                let line = u64::try_from(line).unwrap_or_default();
                all.push(OtherEvent { name: Arc::clone(name), line, json: json.as_utf8()?.into() });
            }
        }
    }
    Ok(all)
}

/// A column by its place: the fixed ones, then the metrics.
fn decode_column(groups: &[Group<'_>], at: usize, strings: &Strings) -> ParquetResult<Column> {
    let mut numbers = Column::default();
    match (TASK_KINDS.get(at), COLUMN_NAMES.get(at), metric::NAMES.get(at.wrapping_sub(COLUMN_NAMES.len()))) {
        (Some((column, Kind::Text, _)), Some(name), _) => {
            // An error's code is one higher, and 0 where there is none.
            let shift = i64::from(*column == TaskColumn::Error);
            let mut codes = Codes { column: &mut numbers, shift };
            groups.iter().try_for_each(|group| group.codes(name, strings, &mut codes))?;
        }
        (Some((_, kind, null)), Some(name), _) => {
            let null = null.unwrap_or_default();
            groups.iter().try_for_each(|group| group.numbers(name, *kind, null, &mut numbers))?;
        }
        (_, _, Some(name)) => {
            groups.iter().try_for_each(|group| group.numbers(name, Kind::Int64, 0, &mut numbers))?;
        }
        _ => {}
    }
    numbers.shrink();
    Ok(numbers)
}

/// A column of codes of texts.
struct Codes<'a> {
    column: &'a mut Column,
    /// What is added to each code.
    shift: i64,
}

impl Extend<Option<u32>> for Codes<'_> {
    fn extend<I: IntoIterator<Item = Option<u32>>>(&mut self, codes: I) {
        let shift = self.shift;
        self.column.extend(codes.into_iter().map(|code| code.map_or(0, |code| i64::from(code) + shift)));
    }
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
