//! Tables as columns that say what is in each of their rows, written as Parquet.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

/// Rows are written in groups of this many: what is held at once, and the least that a reader fetches.
pub(super) const GROUP_ROWS: usize = 128 * 1024;

/// What is in a row of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Double(f64),
    Bool(bool),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Cell::Text)
    }

    pub(super) fn int(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Cell::Int)
    }

    pub(super) fn double(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Cell::Double)
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int32,
    Int64,
    Double,
    /// Milliseconds since the epoch, as a UTC timestamp.
    Time,
    Text,
    Bool,
}

/// A column: its name, and what is in each row.
pub(super) struct Column<'a> {
    name: &'a str,
    kind: Kind,
    optional: bool,
    cell: Box<dyn Fn(usize) -> Cell<'a> + 'a>,
}

impl<'a> Column<'a> {
    /// A column that has a value in every row.
    pub(super) fn new(name: &'a str, kind: Kind, cell: impl Fn(usize) -> Cell<'a> + 'a) -> Self {
        Self { name, kind, optional: false, cell: Box::new(cell) }
    }

    /// A column in which some rows are null.
    pub(super) fn optional(name: &'a str, kind: Kind, cell: impl Fn(usize) -> Cell<'a> + 'a) -> Self {
        Self { optional: true, ..Self::new(name, kind, cell) }
    }

    fn schema(&self) -> Result<Arc<Type>> {
        let (physical, logical) = match self.kind {
            Kind::Int32 => (Physical::INT32, None),
            Kind::Int64 => (Physical::INT64, None),
            Kind::Double => (Physical::DOUBLE, None),
            Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Bool => (Physical::BOOLEAN, None),
        };
        let repetition = if self.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let builder = Type::primitive_type_builder(self.name, physical)
            .with_repetition(repetition)
            .with_converted_type(ConvertedType::NONE)
            .with_logical_type(logical);
        builder.build().map(Arc::new)
    }

    fn write(&self, rows: std::ops::Range<usize>, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let mut levels = Vec::with_capacity(if self.optional { rows.len() } else { 0 });
        let mut cells = rows.map(|row| (self.cell)(row)).inspect(|cell| {
            if self.optional {
                levels.push(i16::from(*cell != Cell::Null));
            }
        });
        let int = |cell| if let Cell::Int(value) = cell { Some(value) } else { None };
        macro_rules! put {
            ($type:ty, $values:expr) => {{
                let values: Vec<_> = $values.collect();
                let levels = self.optional.then_some(levels.as_slice());
                writer.typed::<$type>().write_batch(&values, levels, None).map(drop)
            }};
        }
        match self.kind {
            // Spark's own numbers of this kind are 32 bits wide.
            Kind::Int32 => put!(Int32Type, cells.by_ref().filter_map(int).map(|value| value as i32)),
            Kind::Int64 | Kind::Time => put!(Int64Type, cells.by_ref().filter_map(int)),
            Kind::Double => put!(
                DoubleType,
                cells.by_ref().filter_map(|cell| if let Cell::Double(value) = cell { Some(value) } else { None })
            ),
            Kind::Bool => put!(
                BoolType,
                cells.by_ref().filter_map(|cell| if let Cell::Bool(value) = cell { Some(value) } else { None })
            ),
            Kind::Text => {
                let mut last: Option<(&str, ByteArray)> = None;
                let shared = |text: &'a str| match &last {
                    Some((same, bytes)) if std::ptr::eq(*same, text) => bytes.clone(),
                    _ => last.insert((text, ByteArray::from(text))).1.clone(),
                };
                let texts =
                    cells.by_ref().filter_map(|cell| if let Cell::Text(text) = cell { Some(text) } else { None });
                put!(ByteArrayType, texts.map(shared))
            }
        }
    }
}

/// Writes a table of so many rows; its footer says `identity`.
pub(super) fn write(
    columns: &[Column<'_>],
    rows: usize,
    identity: Vec<KeyValue>,
    sink: impl Write + Send,
) -> Result<()> {
    let fields = columns.iter().map(Column::schema).collect::<Result<Vec<_>>>()?;
    let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_key_value_metadata(Some(identity))
        .build();
    let mut file = SerializedFileWriter::new(sink, schema, Arc::new(properties))?;
    for start in (0..rows).step_by(GROUP_ROWS) {
        let mut group = file.next_row_group()?;
        for column in columns {
            let missing = || ParquetError::General("fewer columns than the schema says".to_owned());
            let mut writer = group.next_column()?.ok_or_else(missing)?;
            column.write(start..rows.min(start + GROUP_ROWS), &mut writer)?;
            writer.close()?;
        }
        group.close()?;
    }
    file.close().map(drop)
}
