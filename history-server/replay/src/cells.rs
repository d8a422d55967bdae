//! Values by place in a stage: few where few were put in, however absurd their places are.

use foldhash::HashMap;

/// So many places have room for each value that was put in; what is further off is kept by itself.
const VALUES_EACH: usize = 4;
/// The first of them cost next to nothing.
const FREE: usize = 64;

/// A value for each of so many places, 0 until it is set; four bytes each unless one needs more.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    count: usize,
    dense: Dense,
    outliers: HashMap<usize, i64>,
    set: usize,
}

#[derive(Clone, Debug)]
enum Dense {
    Narrow(Vec<i32>),
    Wide(Vec<i64>),
}

impl Dense {
    fn len(&self) -> usize {
        match self {
            Self::Narrow(cells) => cells.len(),
            Self::Wide(cells) => cells.len(),
        }
    }

    fn resize(&mut self, len: usize) {
        match self {
            Self::Narrow(cells) => cells.resize(len, 0),
            Self::Wide(cells) => cells.resize(len, 0),
        }
    }

    fn set(&mut self, at: usize, value: i64) {
        match self {
            Self::Narrow(cells) => match i32::try_from(value) {
                Ok(value) => cells[at] = value,
                Err(_) => {
                    let mut wide: Vec<_> = cells.iter().copied().map(i64::from).collect();
                    wide[at] = value;
                    *self = Self::Wide(wide);
                }
            },
            Self::Wide(cells) => cells[at] = value,
        }
    }
}

impl Cells {
    pub(crate) fn new(count: usize) -> Self {
        Self { count, dense: Dense::Narrow(Vec::new()), outliers: HashMap::default(), set: 0 }
    }

    /// Sets the value of a place that there is.
    pub(crate) fn set(&mut self, at: usize, value: i64) {
        self.set += 1;
        let room = (FREE + VALUES_EACH * self.set).min(self.count);
        if at >= self.dense.len() && at < room {
            self.grow((at + 1).max(self.dense.len() * 2).min(room));
        }
        if at < self.dense.len() {
            self.dense.set(at, value);
        } else {
            self.outliers.insert(at, value);
        }
    }

    fn grow(&mut self, len: usize) {
        self.dense.resize(len);
        let dense = &mut self.dense;
        self.outliers.retain(|at, value| {
            let inside = *at < len;
            if inside {
                dense.set(*at, *value);
            }
            !inside
        });
    }

    /// Adds all values that are held to others; how many more there are, which are 0.
    pub(crate) fn extend_into(&self, all: &mut Vec<i64>) -> usize {
        match &self.dense {
            Dense::Narrow(cells) => all.extend(cells.iter().copied().map(i64::from)),
            Dense::Wide(cells) => all.extend(cells),
        }
        all.extend(self.outliers.values());
        self.count - self.dense.len() - self.outliers.len()
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        let dense = match &self.dense {
            Dense::Narrow(cells) => cells.capacity() * 4,
            Dense::Wide(cells) => cells.capacity() * 8,
        };
        dense + self.outliers.capacity() * 24
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Cells;

    proptest! {
        #[test]
        fn cells_hold_what_was_set_last(
            count in 1..10_000_000usize,
            values in prop::collection::vec((any::<prop::sample::Index>(), any::<i64>()), 0..300),
        ) {
            let (mut cells, mut all) = (Cells::new(count), BTreeMap::new());
            for (at, value) in values {
                let at = at.index(count);
                cells.set(at, value);
                all.insert(at, value);
            }
            let mut held = Vec::new();
            let zeros = cells.extend_into(&mut held);
            prop_assert_eq!(held.len() + zeros, count);
            let sorted = |mut values: Vec<i64>| {
                values.retain(|value| *value != 0);
                values.sort_unstable();
                values
            };
            prop_assert_eq!(sorted(held), sorted(all.into_values().collect()));
            prop_assert!(cells.size_bytes() < 64 * 1024);
        }
    }

    #[test]
    fn a_cell_takes_four_bytes() {
        let mut cells = Cells::new(1_000_000);
        (0..1_000_000).for_each(|n| cells.set(n, 7));
        assert!(cells.size_bytes() <= 8_000_000, "{}", cells.size_bytes());
    }
}
