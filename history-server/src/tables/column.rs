//! Columns of tables: what is in each of their rows, and how that is written as Parquet.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::{SerializedColumnWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

/// So many rows are held at once while they are written.
const BATCH_ROWS: usize = 8 * 1024;

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

type One<'a> = Box<dyn Fn(usize) -> Cell<'a> + 'a>;
/// Adds what is in a row to the cells that are there.
type Many<'a> = Box<dyn Fn(usize, &mut Vec<Cell<'a>>) + 'a>;

enum Content<'a> {
    Required(One<'a>),
    Optional(One<'a>),
    List(Many<'a>),
    /// Text to values: names and values take turns.
    Map(Many<'a>),
}

/// A column: its name, and what is in each row.
pub(super) struct Column<'a> {
    name: &'a str,
    kind: Kind,
    content: Content<'a>,
}

impl<'a> Column<'a> {
    /// A column that has a value in every row.
    pub(super) fn new(name: &'a str, kind: Kind, cell: impl Fn(usize) -> Cell<'a> + 'a) -> Self {
        Self { name, kind, content: Content::Required(Box::new(cell)) }
    }

    /// A column in which some rows are null.
    pub(super) fn optional(name: &'a str, kind: Kind, cell: impl Fn(usize) -> Cell<'a> + 'a) -> Self {
        Self { name, kind, content: Content::Optional(Box::new(cell)) }
    }

    /// A column with any number of values in a row, none of them null.
    pub(super) fn list(name: &'a str, kind: Kind, cells: impl Fn(usize, &mut Vec<Cell<'a>>) + 'a) -> Self {
        Self { name, kind, content: Content::List(Box::new(cells)) }
    }

    /// A column with any number of named values in a row, none of them null: a name, its value, the next name and so on.
    pub(super) fn map(name: &'a str, kind: Kind, cells: impl Fn(usize, &mut Vec<Cell<'a>>) + 'a) -> Self {
        Self { name, kind, content: Content::Map(Box::new(cells)) }
    }

    pub(super) fn schema(&self) -> Result<Arc<Type>> {
        let text = |name| primitive(name, Kind::Text, Repetition::REQUIRED);
        match &self.content {
            Content::Required(_) => primitive(self.name, self.kind, Repetition::REQUIRED),
            Content::Optional(_) => primitive(self.name, self.kind, Repetition::OPTIONAL),
            Content::List(_) => {
                let items = group("list", vec![primitive("element", self.kind, Repetition::REQUIRED)?])?;
                annotated(self.name, LogicalType::List, ConvertedType::LIST, items)
            }
            Content::Map(_) => {
                let fields = vec![text("key")?, primitive("value", self.kind, Repetition::REQUIRED)?];
                annotated(self.name, LogicalType::Map, ConvertedType::MAP, group("key_value", fields)?)
            }
        }
    }

    /// Writes some rows as the next columns of a group.
    pub(super) fn write<W: Write + Send>(
        &self,
        rows: Range<usize>,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        match &self.content {
            Content::Required(cell) => leaf(self.kind, rows, group, |row, leaf| leaf.cells.push(cell(row))),
            Content::Optional(cell) => leaf(self.kind, rows, group, |row, leaf| {
                let cell = cell(row);
                leaf.definitions.push(i16::from(cell != Cell::Null));
                if cell != Cell::Null {
                    leaf.cells.push(cell);
                }
            }),
            Content::List(cells) => leaf(self.kind, rows, group, |row, leaf| leaf.add(0, 1, |all| cells(row, all))),
            Content::Map(cells) => {
                leaf(Kind::Text, rows.clone(), group, |row, leaf| leaf.add(0, 2, |all| cells(row, all)))?;
                leaf(self.kind, rows, group, |row, leaf| leaf.add(1, 2, |all| cells(row, all)))
            }
        }
    }
}

fn primitive(name: &str, kind: Kind, repetition: Repetition) -> Result<Arc<Type>> {
    let (physical, logical) = match kind {
        Kind::Int32 => (Physical::INT32, None),
        Kind::Int64 => (Physical::INT64, None),
        Kind::Double => (Physical::DOUBLE, None),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Bool => (Physical::BOOLEAN, None),
    };
    let builder = Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_converted_type(ConvertedType::NONE)
        .with_logical_type(logical);
    builder.build().map(Arc::new)
}

fn group(name: &str, fields: Vec<Arc<Type>>) -> Result<Arc<Type>> {
    let builder = Type::group_type_builder(name).with_repetition(Repetition::REPEATED).with_fields(fields);
    builder.build().map(Arc::new)
}

fn annotated(name: &str, logical: LogicalType, converted: ConvertedType, items: Arc<Type>) -> Result<Arc<Type>> {
    let builder = Type::group_type_builder(name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(logical))
        .with_converted_type(converted)
        .with_fields(vec![items]);
    builder.build().map(Arc::new)
}

/// What is written of some rows of a column that holds nothing but values.
#[derive(Default)]
struct Leaf<'a> {
    cells: Vec<Cell<'a>>,
    /// For each value or its lack, whether it is there; empty where all are.
    definitions: Vec<i16>,
    /// For each value of a list, whether it is of the same row as the one before; empty where a row has no more than one.
    repetitions: Vec<i16>,
    row: Vec<Cell<'a>>,
}

impl<'a> Leaf<'a> {
    /// Adds a row's values: every `step`th of those that `of_row` gives, from `first` on.
    fn add(&mut self, first: usize, step: usize, of_row: impl Fn(&mut Vec<Cell<'a>>)) {
        self.row.clear();
        of_row(&mut self.row);
        let before = self.cells.len();
        self.cells.extend(self.row.iter().skip(first).step_by(step));
        let count = self.cells.len() - before;
        self.definitions.extend(std::iter::repeat_n(i16::from(count > 0), count.max(1)));
        self.repetitions.push(0);
        self.repetitions.extend(std::iter::repeat_n(1, count.saturating_sub(1)));
    }
}

/// Writes the next column that holds nothing but values.
fn leaf<'a, W: Write + Send>(
    kind: Kind,
    mut rows: Range<usize>,
    group: &mut SerializedRowGroupWriter<'_, W>,
    add: impl Fn(usize, &mut Leaf<'a>),
) -> Result<()> {
    let missing = || ParquetError::General("fewer columns than the schema says".to_owned());
    let mut writer = group.next_column()?.ok_or_else(missing)?;
    let mut leaf = Leaf::default();
    while !rows.is_empty() {
        let batch = rows.start..rows.end.min(rows.start + BATCH_ROWS);
        rows.start = batch.end;
        batch.for_each(|row| add(row, &mut leaf));
        leaf.write(kind, &mut writer)?;
        [&mut leaf.definitions, &mut leaf.repetitions].into_iter().for_each(Vec::clear);
        leaf.cells.clear();
    }
    writer.close()
}

impl<'a> Leaf<'a> {
    fn write(&self, kind: Kind, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let int = |cell: &Cell<'_>| if let Cell::Int(value) = cell { Some(*value) } else { None };
        let double = |cell: &Cell<'_>| if let Cell::Double(value) = cell { Some(*value) } else { None };
        let bool = |cell: &Cell<'_>| if let Cell::Bool(value) = cell { Some(*value) } else { None };
        let cells = self.cells.iter();
        match kind {
            // Spark's own numbers of this kind are 32 bits wide.
            Kind::Int32 => self.put::<Int32Type>(writer, cells.filter_map(int).map(|value| value as i32)),
            Kind::Int64 | Kind::Time => self.put::<Int64Type>(writer, cells.filter_map(int)),
            Kind::Double => self.put::<DoubleType>(writer, cells.filter_map(double)),
            Kind::Bool => self.put::<BoolType>(writer, cells.filter_map(bool)),
            Kind::Text => {
                let mut last: Option<(&'a str, ByteArray)> = None;
                let shared = |cell: &Cell<'a>| {
                    let Cell::Text(text) = *cell else { return None };
                    Some(match &last {
                        Some((same, bytes)) if std::ptr::eq(*same, text) => bytes.clone(),
                        _ => last.insert((text, ByteArray::from(text))).1.clone(),
                    })
                };
                self.put::<ByteArrayType>(writer, cells.filter_map(shared))
            }
        }
    }

    fn put<T: DataType>(
        &self,
        writer: &mut SerializedColumnWriter<'_>,
        values: impl Iterator<Item = T::T>,
    ) -> Result<()> {
        let values: Vec<_> = values.collect();
        let [definitions, repetitions] =
            [&self.definitions, &self.repetitions].map(|levels| Some(levels.as_slice()).filter(|all| !all.is_empty()));
        writer.typed::<T>().write_batch(&values, definitions, repetitions).map(drop)
    }
}
