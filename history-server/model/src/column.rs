//! Whole numbers in columns that take as few bytes as their values need.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A column of whole numbers. Equal values cost nothing; others are kept as differences from the first one, in 1, 2, 4 or 8 bytes each,
/// whichever the widest of them needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    len: usize,
    base: i64,
    offsets: Offsets,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Offsets {
    /// All values equal the base.
    #[default]
    None,
    One(Vec<i8>),
    Two(Vec<i16>),
    Four(Vec<i32>),
    Eight(Vec<i64>),
}

impl Column {
    /// The number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The one value that all rows have, if so.
    pub fn constant(&self) -> Option<i64> {
        matches!(self.offsets, Offsets::None).then_some(self.base)
    }

    /// Adds a value at the end.
    pub fn push(&mut self, value: i64) {
        if self.len == 0 {
            self.base = value;
        }
        let offset = value.wrapping_sub(self.base);
        let fits = match &mut self.offsets {
            Offsets::None => offset == 0,
            Offsets::One(all) => i8::try_from(offset).map(|offset| all.push(offset)).is_ok(),
            Offsets::Two(all) => i16::try_from(offset).map(|offset| all.push(offset)).is_ok(),
            Offsets::Four(all) => i32::try_from(offset).map(|offset| all.push(offset)).is_ok(),
            Offsets::Eight(all) => {
                all.push(offset);
                true
            }
        };
        if !fits {
            self.widen(offset);
        }
        self.len += 1;
    }

    #[inline(never)]
    fn widen(&mut self, offset: i64) {
        let mut all = Vec::with_capacity(self.len + 1);
        all.extend(self.iter().map(|value| value.wrapping_sub(self.base)));
        all.push(offset);
        let wide = offset.unsigned_abs();
        self.offsets = if wide < 1 << 7 {
            Offsets::One(all.into_iter().map(|offset| offset as i8).collect())
        } else if wide < 1 << 15 {
            Offsets::Two(all.into_iter().map(|offset| offset as i16).collect())
        } else if wide < 1 << 31 {
            Offsets::Four(all.into_iter().map(|offset| offset as i32).collect())
        } else {
            Offsets::Eight(all)
        };
    }

    /// The value in a row.
    ///
    /// # Panics
    ///
    /// Where there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> i64 {
        assert!(row < self.len, "row {row} of {}", self.len);
        let offset = match &self.offsets {
            Offsets::None => 0,
            Offsets::One(all) => i64::from(all[row]),
            Offsets::Two(all) => i64::from(all[row]),
            Offsets::Four(all) => i64::from(all[row]),
            Offsets::Eight(all) => all[row],
        };
        self.base.wrapping_add(offset)
    }

    /// Copies out as many values as `out` takes, from row `start` on: faster by far than one at a time.
    ///
    /// # Panics
    ///
    /// Where there are not so many rows.
    pub fn read(&self, start: usize, out: &mut [i64]) {
        let rows = start..start + out.len();
        assert!(rows.end <= self.len, "rows {rows:?} of {}", self.len);
        match &self.offsets {
            Offsets::None => out.fill(self.base),
            Offsets::One(all) => widen(&all[rows], self.base, out),
            Offsets::Two(all) => widen(&all[rows], self.base, out),
            Offsets::Four(all) => widen(&all[rows], self.base, out),
            Offsets::Eight(all) => widen(&all[rows], self.base, out),
        }
    }

    /// Tells of the values in some rows, one after the other: what [`Column::read`] copies out, without the copy.
    ///
    /// # Panics
    ///
    /// Where there are no such rows.
    #[inline]
    pub(crate) fn visit(&self, rows: Range<usize>, mut visit: impl FnMut(i64)) {
        assert!(rows.end <= self.len, "rows {rows:?} of {}", self.len);
        let base = self.base;
        match &self.offsets {
            Offsets::None => rows.for_each(|_| visit(base)),
            Offsets::One(all) => all[rows].iter().for_each(|offset| visit(base.wrapping_add((*offset).into()))),
            Offsets::Two(all) => all[rows].iter().for_each(|offset| visit(base.wrapping_add((*offset).into()))),
            Offsets::Four(all) => all[rows].iter().for_each(|offset| visit(base.wrapping_add((*offset).into()))),
            Offsets::Eight(all) => all[rows].iter().for_each(|offset| visit(base.wrapping_add(*offset))),
        }
    }

    /// Between which values all lie, where that follows from their width and they are not many.
    pub(crate) fn narrow_bounds(&self) -> Option<(i64, i64)> {
        let (low, high) = match &self.offsets {
            Offsets::None => (0, 0),
            Offsets::One(_) => (i8::MIN.into(), i8::MAX.into()),
            Offsets::Two(_) => (i16::MIN.into(), i16::MAX.into()),
            Offsets::Four(_) | Offsets::Eight(_) => return None,
        };
        Some((self.base.checked_add(low)?, self.base.checked_add(high)?))
    }

    /// All values, in order.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.len).map(|row| self.get(row))
    }

    /// Bytes of memory that the values take.
    pub fn size_bytes(&self) -> usize {
        match &self.offsets {
            Offsets::None => 0,
            Offsets::One(all) => all.capacity(),
            Offsets::Two(all) => all.capacity() * 2,
            Offsets::Four(all) => all.capacity() * 4,
            Offsets::Eight(all) => all.capacity() * 8,
        }
    }

    /// Gives back memory that was set aside for growth.
    pub fn shrink(&mut self) {
        match &mut self.offsets {
            Offsets::None => {}
            Offsets::One(all) => all.shrink_to_fit(),
            Offsets::Two(all) => all.shrink_to_fit(),
            Offsets::Four(all) => all.shrink_to_fit(),
            Offsets::Eight(all) => all.shrink_to_fit(),
        }
    }
}

fn widen<T: Copy + Into<i64>>(offsets: &[T], base: i64, out: &mut [i64]) {
    for (value, offset) in out.iter_mut().zip(offsets) {
        *value = base.wrapping_add((*offset).into());
    }
}

impl FromIterator<i64> for Column {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        let mut column = Self::default();
        column.extend(values);
        column
    }
}

impl Extend<i64> for Column {
    fn extend<I: IntoIterator<Item = i64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}
