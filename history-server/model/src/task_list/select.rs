//! The rows of some places in an order, without sorting all the others.

use super::keys::Keys;
use super::query::{RowQuery, TaskQuery, TellWanted};
use crate::stage_tasks::{CHUNK, Tasks};
use crate::tasks::{TaskColumn, TaskTable};

/// Up to so many rows are found by holding the best ones so far. This and the next two are small in tests, so that small tables do.
const FEW: usize = if cfg!(test) { 16 } else { 16 * 1024 };
/// So many rows are sorted rather than narrowed down further.
const SORTED: usize = if cfg!(test) { 16 } else { 64 * 1024 };
/// Places are counted in so many classes, as a power of two.
const CLASS_BITS: u32 = if cfg!(test) { 3 } else { 16 };

/// A row and its place: by key, then by id, both turned around where the order is.
type Placed = (i64, i64, u32);

/// The rows of a stage attempt in the order of a query.
struct Ordered<'a> {
    table: &'a TaskTable,
    keys: Keys<'a>,
    /// All ones where the order is descending: turns numbers around.
    mask: i64,
    wanted: Wanted<'a>,
}

/// Which rows are asked for.
enum Wanted<'a> {
    All,
    /// Those of statuses with these codes.
    Statuses(Vec<i64>),
    Told(TellWanted<'a>),
}

impl Tasks<'_> {
    /// The rows that a query asks for, in its order.
    pub(super) fn rows(self, query: &TaskQuery<'_>) -> Vec<u32> {
        let codes = || query.statuses.iter().filter_map(|status| self.strings.code(status)).map(i64::from).collect();
        let wanted = if query.statuses.is_empty() { Wanted::All } else { Wanted::Statuses(codes()) };
        let mask = if query.ascending { 0 } else { -1 };
        Ordered { table: self.table, keys: Keys::new(self, query.sort), mask, wanted }.part(query.offset, query.length)
    }
}

impl TaskTable {
    /// The numbers of the rows that a query asks for, in its order; ties by the ids of their tasks. Nothing as long as the table is
    /// held for that.
    pub fn rows_in_order(&self, query: &RowQuery<'_>) -> Vec<u32> {
        let wanted = query.wanted.map_or(Wanted::All, Wanted::Told);
        let mask = if query.ascending { 0 } else { -1 };
        Ordered { table: self, keys: Keys::Told(query.keys), mask, wanted }.part(query.offset, query.length)
    }
}

impl Ordered<'_> {
    /// The rows from one place on, in order.
    fn part(&self, offset: usize, length: usize) -> Vec<u32> {
        let len = self.table.len();
        let end = offset.saturating_add(length).min(len);
        if end <= offset {
            return Vec::new();
        }
        let (skipped, mut chosen) = if end <= FEW.min(len / 2) {
            (0, self.lowest(end))
        } else if end - offset < len / 4 {
            self.between(offset, end)
        } else {
            (0, self.within(ALL, ALL))
        };
        chosen.sort_unstable();
        chosen.into_iter().skip(offset - skipped).take(end - offset).map(|(_, _, row)| row).collect()
    }

    /// Tells `visit` of the rows of a chunk: their numbers and keys.
    fn chunk(&self, chunk: usize, mut visit: impl FnMut(usize, i64)) {
        let start = chunk * CHUNK;
        let mut keys = [0; CHUNK];
        let keys = &mut keys[..CHUNK.min(self.table.len() - start)];
        self.keys.read(start, keys);
        let rows = (start..).zip(&*keys);
        match &self.wanted {
            Wanted::All => rows.for_each(|(row, key)| visit(row, key ^ self.mask)),
            Wanted::Statuses(codes) => {
                let mut status = [0; CHUNK];
                let status = &mut status[..keys.len()];
                self.table.column(TaskColumn::Status).read(start, status);
                let wanted = rows.zip(&*status).filter(|(_, status)| codes.contains(status));
                wanted.for_each(|((row, key), _)| visit(row, key ^ self.mask));
            }
            Wanted::Told(tell) => {
                let mut wanted = [true; CHUNK];
                let wanted = &mut wanted[..keys.len()];
                tell(start, wanted);
                let wanted = rows.zip(&*wanted).filter(|(_, wanted)| **wanted);
                wanted.for_each(|((row, key), _)| visit(row, key ^ self.mask));
            }
        }
    }

    fn chunks(&self) -> usize {
        self.table.len().div_ceil(CHUNK)
    }

    fn id(&self, row: usize) -> i64 {
        self.table.get(TaskColumn::TaskId, row) ^ self.mask
    }

    /// The first rows of the order, this many or fewer, in no order.
    fn lowest(&self, count: usize) -> Vec<Placed> {
        let limit_len = (2 * count).max(if cfg!(test) { 8 } else { 4096 });
        let mut found: Vec<Placed> = Vec::with_capacity(limit_len);
        let mut limit = (i64::MAX, i64::MAX);
        for chunk in scattered(self.chunks()) {
            self.chunk(chunk, |row, key| {
                if key > limit.0 {
                    return;
                }
                let place = (key, self.id(row));
                if place > limit {
                    return;
                }
                found.push((place.0, place.1, row as u32));
                if found.len() == limit_len {
                    let (_, last, _) = found.select_nth_unstable(count - 1);
                    limit = (last.0, last.1);
                    found.truncate(count);
                }
            });
        }
        found
    }

    /// The keys of all rows, or the ids of those that have a key.
    fn each(&self, level: Level, mut visit: impl FnMut(i64)) {
        for chunk in 0..self.chunks() {
            match level {
                Level::Key => self.chunk(chunk, |_, key| visit(key)),
                Level::Id { of_key } => self.chunk(chunk, |row, key| {
                    if key == of_key {
                        visit(self.id(row));
                    }
                }),
            }
        }
    }

    /// The rows whose keys and ids are in these ranges, in no order.
    fn within(&self, keys: Range, ids: Range) -> Vec<Placed> {
        let mut found = Vec::new();
        for chunk in 0..self.chunks() {
            self.chunk(chunk, |row, key| {
                if (keys.0..=keys.1).contains(&key) {
                    let id = self.id(row);
                    if (ids.0..=ids.1).contains(&id) {
                        found.push((key, id, row as u32));
                    }
                }
            });
        }
        found
    }

    /// Rows among which are the ones from `offset` up to `end` in the order, and how many rows come before them.
    fn between(&self, offset: usize, end: usize) -> (usize, Vec<Placed>) {
        // Of the statuses asked for there may be fewer rows.
        let Some(keys) = self.narrow(Level::Key, offset, end) else { return (offset, Vec::new()) };
        if keys.low < keys.high || keys.held <= SORTED {
            return (keys.skipped, self.within((keys.low, keys.high), ALL));
        }
        let (offset, end) = (offset - keys.skipped, end - keys.skipped);
        let Some(ids) = self.narrow(Level::Id { of_key: keys.low }, offset, end) else {
            return (keys.skipped + offset, Vec::new());
        };
        (keys.skipped + ids.skipped, self.within((keys.low, keys.high), (ids.low, ids.high)))
    }

    /// The numbers that the rows from `offset` up to `end` have; `None` where there are not so many.
    fn narrow(&self, level: Level, offset: usize, end: usize) -> Option<Part> {
        let mut part = Part { low: i64::MIN, high: i64::MAX, skipped: 0, held: usize::MAX };
        while part.held > SORTED + 2 * (end - offset) && part.low < part.high {
            let classes = self.count(level, part.low, part.high)?;
            let (first, passed) = classes.of(offset - part.skipped)?;
            let (last, _) = classes.of(end - part.skipped - 1).unwrap_or((classes.counts.len() - 1, 0));
            part = Part {
                low: classes.low_of(first),
                high: classes.end_of(last),
                skipped: part.skipped + passed,
                held: classes.counts[first..=last].iter().map(|count| *count as usize).sum(),
            };
            // The wanted rows lie on both sides of a gap that takes up all the classes between.
            if (part.low, part.high) == (classes.low, classes.high) {
                break;
            }
        }
        Some(part)
    }

    /// How many numbers there are in each class from `low` to `high`; `None` where there are none.
    fn count(&self, level: Level, low: i64, high: i64) -> Option<Classes> {
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        self.each(level, |number| {
            if number >= low && number <= high {
                first = first.min(number);
                last = last.max(number);
            }
        });
        if first > last {
            return None;
        }
        let span = last.wrapping_sub(first) as u64;
        let shift = (u64::BITS - span.leading_zeros()).saturating_sub(CLASS_BITS);
        let mut counts = vec![0u32; 1 << CLASS_BITS];
        self.each(level, |number| {
            if number >= first && number <= last {
                counts[((number.wrapping_sub(first) as u64) >> shift) as usize] += 1;
            }
        });
        Some(Classes { low: first, high: last, shift, counts })
    }
}

/// What is narrowed down: first the keys; then, among the rows of one key, the ids.
#[derive(Clone, Copy)]
enum Level {
    Key,
    Id { of_key: i64 },
}

/// Two numbers and all between them.
type Range = (i64, i64);

const ALL: Range = (i64::MIN, i64::MAX);

/// A part of an order: which numbers it has, how many rows come before it, and how many are in it.
struct Part {
    low: i64,
    high: i64,
    skipped: usize,
    held: usize,
}

/// Numbers in classes of `1 << shift` each, and how many there are in each class.
struct Classes {
    low: i64,
    high: i64,
    shift: u32,
    counts: Vec<u32>,
}

impl Classes {
    /// The class of the row of this rank, if there are so many rows, and how many come before that class.
    fn of(&self, rank: usize) -> Option<(usize, usize)> {
        let mut before = 0;
        for (class, count) in self.counts.iter().enumerate() {
            let through = before + *count as usize;
            if through > rank {
                return Some((class, before));
            }
            before = through;
        }
        None
    }

    /// The lowest number of a class.
    fn low_of(&self, class: usize) -> i64 {
        self.low.wrapping_add(((class as u64) << self.shift) as i64)
    }

    /// The highest number of a class.
    fn end_of(&self, class: usize) -> i64 {
        // Behind the last class there may be no number.
        let next = i128::from(self.low) + ((class as i128 + 1) << self.shift);
        i64::try_from(next - 1).map_or(self.high, |end| end.min(self.high))
    }
}

/// All numbers below `count`, far from one to the next: where rows come in rising order, the best ones are not all met last.
fn scattered(count: usize) -> impl Iterator<Item = usize> {
    let mut step = (count as f64 * 0.618) as usize | 1;
    while gcd(step, count) > 1 {
        step += 2;
    }
    (0..count).map(move |n| n.wrapping_mul(step) % count)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
