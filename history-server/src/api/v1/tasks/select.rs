//! The rows of some places in an order, without sorting all the others.

use super::keys::{CHUNK, Keys};
use super::{TaskQuery, TaskSort, Tasks};
use crate::model::tasks::TaskColumn;

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
    tasks: Tasks<'a>,
    keys: Keys<'a>,
    /// All ones where the order is descending: turns numbers around.
    mask: i64,
    /// Codes of the statuses asked for; `None` for any.
    statuses: Option<Vec<i64>>,
}

impl Tasks<'_> {
    /// The rows that a query asks for, in its order.
    pub(super) fn rows(self, query: &TaskQuery<'_>) -> Vec<u32> {
        let by_id = query.sort == TaskSort::Id;
        let keys =
            if by_id { Keys::Column(self.table.column(TaskColumn::TaskId)) } else { Keys::new(self, query.sort) };
        let codes = || query.statuses.iter().filter_map(|status| self.strings.code(status)).map(i64::from).collect();
        let statuses = (!query.statuses.is_empty()).then(codes);
        let ordered = Ordered { tasks: self, keys, mask: if query.ascending { 0 } else { -1 }, statuses };
        let end = query.offset.saturating_add(query.length).min(self.table.len());
        if end <= query.offset {
            return Vec::new();
        }
        let (skipped, mut chosen) = if end <= FEW.min(self.table.len() / 2) {
            (0, ordered.lowest(end))
        } else if end - query.offset < self.table.len() / 4 {
            ordered.between(query.offset, end)
        } else {
            (0, ordered.within(0..=u128::MAX))
        };
        chosen.sort_unstable();
        chosen.into_iter().skip(query.offset - skipped).take(end - query.offset).map(|(_, _, row)| row).collect()
    }
}

impl Ordered<'_> {
    /// Tells `visit` of the rows of a chunk: their numbers and keys.
    fn chunk(&self, chunk: usize, mut visit: impl FnMut(usize, i64)) {
        let start = chunk * CHUNK;
        let (mut keys, mut status) = ([0; CHUNK], [0; CHUNK]);
        let keys = &mut keys[..CHUNK.min(self.tasks.table.len() - start)];
        self.keys.read(start, keys);
        let Some(wanted) = &self.statuses else {
            return (start..).zip(&*keys).for_each(|(row, key)| visit(row, key ^ self.mask));
        };
        let status = &mut status[..keys.len()];
        self.tasks.table.column(TaskColumn::Status).read(start, status);
        for ((row, key), status) in (start..).zip(&*keys).zip(&*status) {
            if wanted.contains(status) {
                visit(row, key ^ self.mask);
            }
        }
    }

    fn chunks(&self) -> usize {
        self.tasks.table.len().div_ceil(CHUNK)
    }

    fn id(&self, row: usize) -> i64 {
        self.tasks.table.get(TaskColumn::TaskId, row) ^ self.mask
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

    /// A row's place as one number.
    fn place(&self, row: usize, key: i64) -> u128 {
        u128::from(unsigned(key)) << 64 | u128::from(unsigned(self.id(row)))
    }

    /// The rows with places in a range, in no order.
    fn within(&self, range: std::ops::RangeInclusive<u128>) -> Vec<Placed> {
        let mut found = Vec::new();
        for chunk in 0..self.chunks() {
            self.chunk(chunk, |row, key| {
                if range.contains(&self.place(row, key)) {
                    found.push((key, self.id(row), row as u32));
                }
            });
        }
        found
    }

    /// Rows among which are the ones from `offset` up to `end` in the order, and how many rows come before them.
    fn between(&self, offset: usize, end: usize) -> (usize, Vec<Placed>) {
        let (mut low, mut high) = (0, u128::MAX);
        let (mut skipped, mut held) = (0, usize::MAX);
        while held > SORTED + 2 * (end - offset) {
            let Some(classes) = self.count(low, high) else { break };
            let before = held;
            // Of the statuses asked for there may be fewer.
            let Some((first, passed)) = classes.of(offset - skipped) else { return (offset, Vec::new()) };
            let (last, _) = classes.of(end - skipped - 1).unwrap_or((classes.counts.len() - 1, 0));
            held = classes.counts[first..=last].iter().map(|count| *count as usize).sum();
            (low, high) = (classes.low_of(first), classes.low_of(last + 1).saturating_sub(1).min(classes.high));
            skipped += passed;
            if classes.shift == 0 || held >= before {
                break;
            }
        }
        (skipped, self.within(low..=high))
    }

    /// How many rows there are in each class of places from `low` to `high`; `None` where there are none.
    fn count(&self, low: u128, high: u128) -> Option<Classes> {
        let (mut first, mut last) = (u128::MAX, 0);
        for chunk in 0..self.chunks() {
            self.chunk(chunk, |row, key| {
                let place = self.place(row, key);
                if (low..=high).contains(&place) {
                    first = first.min(place);
                    last = last.max(place);
                }
            });
        }
        let span = last.checked_sub(first)?;
        let shift = (u128::BITS - span.leading_zeros()).saturating_sub(CLASS_BITS);
        let mut counts = vec![0u32; 1 << CLASS_BITS];
        for chunk in 0..self.chunks() {
            self.chunk(chunk, |row, key| {
                let place = self.place(row, key);
                if (first..=last).contains(&place) {
                    counts[((place - first) >> shift) as usize] += 1;
                }
            });
        }
        Some(Classes { low: first, high: last, shift, counts })
    }
}

/// Places in classes of `1 << shift` each, and the number of rows in each class.
struct Classes {
    low: u128,
    high: u128,
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

    fn low_of(&self, class: usize) -> u128 {
        self.low.saturating_add((class as u128) << self.shift)
    }
}

/// In the order of the signed numbers.
fn unsigned(number: i64) -> u64 {
    (number as u64) ^ (1 << 63)
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
