//! Numbers that only some rows have.

use serde::{Deserialize, Serialize};

use crate::column::Column;

/// A named number of some rows of a table, in few bytes: whole columns cost what [`Column`] does, and rows without a value nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The rows that have a value; `None` while those are the first ones of the table, without a gap.
    rows: Option<Vec<u32>>,
    values: Column,
}

impl Series {
    /// Gives a row, later than all before, its value.
    pub fn push(&mut self, row: usize, value: i64) {
        if self.rows.is_none() && row != self.values.len() {
            self.rows = Some((0..self.values.len() as u32).collect());
        }
        if let Some(rows) = &mut self.rows {
            rows.push(row as u32);
        }
        self.values.push(value);
    }

    /// The same for a number with a fraction.
    pub fn push_double(&mut self, row: usize, value: f64) {
        self.push(row, value.to_bits() as i64);
    }

    /// The value of a row, if it has one.
    pub fn get(&self, row: usize) -> Option<i64> {
        let at = match &self.rows {
            None => row,
            Some(rows) => rows.binary_search(&u32::try_from(row).ok()?).ok()?,
        };
        (at < self.values.len()).then(|| self.values.get(at))
    }

    /// The value of a row that was given by [`Series::push_double`].
    pub fn get_double(&self, row: usize) -> Option<f64> {
        self.get(row).map(|bits| f64::from_bits(bits as u64))
    }

    /// The rows that have a value, with it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        (0..self.values.len()).map(|at| self.nth(at))
    }

    /// The row and the value of the `at`-th row that has one.
    ///
    /// # Panics
    ///
    /// Where there are not so many.
    pub fn nth(&self, at: usize) -> (usize, i64) {
        (self.rows.as_ref().map_or(at, |rows| rows[at] as usize), self.values.get(at))
    }

    /// How many rows have a value.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no row has one.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Bytes of memory that this takes.
    pub fn size_bytes(&self) -> usize {
        self.values.size_bytes() + self.rows.as_ref().map_or(0, |rows| rows.capacity() * 4)
    }

    /// The series of a table that has these rows of this one, in this order.
    pub fn select(&self, rows: &[u32]) -> Self {
        let mut selected = Self::default();
        for (new, old) in rows.iter().enumerate() {
            if let Some(value) = self.get(*old as usize) {
                selected.push(new, value);
            }
        }
        selected
    }
}
