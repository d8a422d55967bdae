//! Tables as columns over the things that their rows are of, and how they are written.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::Result;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::column::{Cell, Column, Kind};
use super::place::{GROUP_ROWS, Place};
use history_model::types::{EXECUTOR_METRICS, ExecutorMetrics};

/// Tables with fewer rows are small.
const SMALL_ROWS: usize = 256;

/// The columns with which every table begins.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) app_id: &'a str,
    pub(super) attempt_id: Option<&'a str>,
}

impl<'a> Owner<'a> {
    pub(super) fn columns(&self) -> Vec<Column<'a>> {
        let (app_id, attempt_id) = (self.app_id, self.attempt_id);
        vec![
            Column::new("app_id", Kind::Text, move |_| Cell::Text(app_id)),
            Column::optional("app_attempt_id", Kind::Text, move |_| Cell::text(attempt_id)),
        ]
    }

    /// A table with a row for each of these.
    pub(super) fn table<T>(&self, rows: &'a [T]) -> Columns<'a, T> {
        Columns { rows, columns: self.columns() }
    }
}

/// A table that is to be written.
pub(super) struct Sheet<'a> {
    pub(super) name: &'static str,
    pub(super) rows: usize,
    columns: Vec<Column<'a>>,
    /// Where its row groups end, if it is one of those that are read here, too.
    ends: Option<Vec<usize>>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(name: &'static str, rows: usize, columns: Vec<Column<'a>>) -> Self {
        Self { name, rows, columns, ends: None }
    }

    /// With row groups that end at these rows and can be read one by one.
    pub(super) fn in_places(self, ends: Vec<usize>) -> Self {
        Self { ends: Some(ends), ..self }
    }

    /// Writes it; its footer says `identity`. Where its groups are that can be read one by one.
    pub(super) fn write(&self, identity: Vec<KeyValue>, sink: impl Write + Send) -> Result<Vec<Place>> {
        let fields = self.columns.iter().map(Column::schema).collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
        // In few rows dictionaries and statistics take more room than what they spare.
        let is_small = self.rows < SMALL_ROWS;
        let statistics = if is_small { EnabledStatistics::None } else { EnabledStatistics::Page };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_key_value_metadata(Some(identity.clone()))
            .set_dictionary_enabled(!is_small)
            .set_statistics_enabled(statistics)
            .set_offset_index_disabled(is_small)
            .build();
        let mut file = SerializedFileWriter::new(sink, schema, Arc::new(properties))?;
        let every = || (0..self.rows).step_by(GROUP_ROWS).map(|start| self.rows.min(start + GROUP_ROWS)).collect();
        let (mut start, mut places) = (0, Vec::new());
        for end in self.ends.clone().unwrap_or_else(every) {
            let from = file.bytes_written() as u64;
            let mut group = file.next_row_group()?;
            for column in &self.columns {
                column.write(start..end, &mut group)?;
            }
            let written = group.close()?;
            if self.ends.is_some() {
                let bytes = from..file.bytes_written() as u64;
                let (place, footer) = Place::behind(start..end, bytes, &written, identity.clone())?;
                file.write_all(&footer)?;
                places.push(place);
            }
            start = end;
        }
        file.close()?;
        Ok(places)
    }
}

/// The columns of a table whose rows are things of one kind. One whose name begins with `maybe` is null where there is nothing.
pub(super) struct Columns<'a, T> {
    rows: &'a [T],
    columns: Vec<Column<'a>>,
}

macro_rules! kinds {
    ($($name:ident $kind:ident $type:ty => $cell:expr;)+) => {
        $(pub(super) fn $name(mut self, name: &'static str, of: impl Fn(&'a T) -> $type + 'a) -> Self {
            let rows = self.rows;
            self.columns.push(Column::new(name, Kind::$kind, move |row| $cell(of(&rows[row]))));
            self
        })+
    };
}

macro_rules! optional_kinds {
    ($($name:ident $kind:ident $type:ty => $cell:expr;)+) => {
        $(pub(super) fn $name(mut self, name: &'static str, of: impl Fn(&'a T) -> Option<$type> + 'a) -> Self {
            let rows = self.rows;
            self.columns.push(Column::optional(name, Kind::$kind, move |row| of(&rows[row]).map_or(Cell::Null, $cell)));
            self
        })+
    };
}

fn int<'a>(value: i32) -> Cell<'a> {
    Cell::Int(value.into())
}

impl<'a, T> Columns<'a, T> {
    kinds! {
        int32 Int32 i32 => int;
        int64 Int64 i64 => Cell::Int;
        double Double f64 => Cell::Double;
        time Time i64 => Cell::Int;
        text Text &'a str => Cell::Text;
        flag Bool bool => Cell::Bool;
    }

    optional_kinds! {
        maybe_int32 Int32 i32 => int;
        maybe_int64 Int64 i64 => Cell::Int;
        maybe_time Time i64 => Cell::Int;
        maybe_text Text &'a str => Cell::Text;
    }

    /// Any number of numbers.
    pub(super) fn numbers<I: IntoIterator<Item = i32>>(
        mut self,
        name: &'static str,
        of: impl Fn(&'a T) -> I + 'a,
    ) -> Self {
        let rows = self.rows;
        let cells = move |row: usize, all: &mut Vec<Cell<'a>>| all.extend(of(&rows[row]).into_iter().map(int));
        self.columns.push(Column::list(name, Kind::Int32, cells));
        self
    }

    /// The same of large ones.
    pub(super) fn large_numbers<I: IntoIterator<Item = i64>>(
        mut self,
        name: &'static str,
        of: impl Fn(&'a T) -> I + 'a,
    ) -> Self {
        let rows = self.rows;
        let cells = move |row: usize, all: &mut Vec<Cell<'a>>| all.extend(of(&rows[row]).into_iter().map(Cell::Int));
        self.columns.push(Column::list(name, Kind::Int64, cells));
        self
    }

    /// Any number of texts.
    pub(super) fn texts<S: AsRef<str> + 'a>(mut self, name: &'static str, of: impl Fn(&'a T) -> &'a [S] + 'a) -> Self {
        let rows = self.rows;
        let cells = move |row: usize, all: &mut Vec<Cell<'a>>| {
            all.extend(of(&rows[row]).iter().map(|text| Cell::Text(text.as_ref())));
        };
        self.columns.push(Column::list(name, Kind::Text, cells));
        self
    }

    /// Texts by name.
    pub(super) fn named_texts<I: IntoIterator<Item = (&'a String, &'a String)>>(
        mut self,
        name: &'static str,
        of: impl Fn(&'a T) -> I + 'a,
    ) -> Self {
        let rows = self.rows;
        let cells = move |row: usize, all: &mut Vec<Cell<'a>>| {
            all.extend(of(&rows[row]).into_iter().flat_map(|(name, value)| [Cell::Text(name), Cell::Text(value)]));
        };
        self.columns.push(Column::map(name, Kind::Text, cells));
        self
    }

    /// Counts by name.
    pub(super) fn named_counts<I: IntoIterator<Item = (&'a String, i64)>>(
        mut self,
        name: &'static str,
        of: impl Fn(&'a T) -> I + 'a,
    ) -> Self {
        let rows = self.rows;
        let cells = move |row: usize, all: &mut Vec<Cell<'a>>| {
            all.extend(of(&rows[row]).into_iter().flat_map(|(name, count)| [Cell::Text(name), Cell::Int(count)]));
        };
        self.columns.push(Column::map(name, Kind::Int64, cells));
        self
    }

    /// The highest values of executor metrics, null where nothing was measured.
    pub(super) fn peaks(mut self, of: impl Fn(&'a T) -> Option<&'a ExecutorMetrics> + Copy + 'a) -> Self {
        let rows = self.rows;
        for (at, name) in PEAKS.into_iter().enumerate() {
            let cell = move |row: usize| Cell::int(of(&rows[row]).map(|peaks| peaks.0[at]));
            self.columns.push(Column::optional(name, Kind::Int64, cell));
        }
        self
    }

    /// The table under a name.
    pub(super) fn named(self, name: &'static str) -> Sheet<'a> {
        Sheet::new(name, self.rows.len(), self.columns)
    }
}

/// The columns of [`EXECUTOR_METRICS`].
pub(super) const PEAKS: [&str; EXECUTOR_METRICS.len()] = [
    "peak_jvm_heap_memory",
    "peak_jvm_off_heap_memory",
    "peak_on_heap_execution_memory",
    "peak_off_heap_execution_memory",
    "peak_on_heap_storage_memory",
    "peak_off_heap_storage_memory",
    "peak_on_heap_unified_memory",
    "peak_off_heap_unified_memory",
    "peak_direct_pool_memory",
    "peak_mapped_pool_memory",
    "peak_process_tree_jvm_v_memory",
    "peak_process_tree_jvm_rss_memory",
    "peak_process_tree_python_v_memory",
    "peak_process_tree_python_rss_memory",
    "peak_process_tree_other_v_memory",
    "peak_process_tree_other_rss_memory",
    "peak_minor_gc_count",
    "peak_minor_gc_time",
    "peak_major_gc_count",
    "peak_major_gc_time",
    "peak_total_gc_time",
    "peak_concurrent_gc_count",
    "peak_concurrent_gc_time",
];
