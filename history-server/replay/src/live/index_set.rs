//! Places in a stage.

use std::collections::HashSet;

/// A set of places in a stage: a bit for each, but for absurdly large ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexSet {
    words: Vec<u64>,
    outliers: HashSet<i32>,
    len: usize,
}

/// Places from here on are kept one by one, so that a damaged log cannot make the set huge.
const MAX_BIT: i32 = 1 << 26;

impl IndexSet {
    /// Adds a place, and says whether it is new.
    pub(crate) fn insert(&mut self, index: i32) -> bool {
        let new = if (0..MAX_BIT).contains(&index) {
            let (word, bit) = (index as usize / 64, 1u64 << (index % 64));
            if word >= self.words.len() {
                self.words.resize(word + 1, 0);
            }
            let new = self.words[word] & bit == 0;
            self.words[word] |= bit;
            new
        } else {
            self.outliers.insert(index)
        };
        self.len += usize::from(new);
        new
    }

    pub(crate) fn contains(&self, index: i32) -> bool {
        if (0..MAX_BIT).contains(&index) {
            self.words.get(index as usize / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
        } else {
            self.outliers.contains(&index)
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}
