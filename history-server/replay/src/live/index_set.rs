//! A set of places in a stage: small where they follow each other, and never larger than what was put in, however absurd they are.

use foldhash::HashSet;

/// So many bits are there for each place that was put in; what is further off is kept by itself.
const BITS_EACH: usize = 64;
/// The first of them cost next to nothing.
const FREE: usize = 64;

/// A set of places: a bit for each, but for those far off the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexSet {
    words: Vec<u64>,
    outliers: HashSet<i32>,
    len: usize,
}

impl IndexSet {
    /// Adds a place, and says whether it is new.
    pub(crate) fn insert(&mut self, index: i32) -> bool {
        if self.contains(index) {
            return false;
        }
        self.len += 1;
        match usize::try_from(index).ok().filter(|at| *at < FREE + BITS_EACH * self.len) {
            Some(at) => {
                let word = at / 64;
                if word >= self.words.len() {
                    self.words.resize(word + 1, 0);
                }
                self.words[word] |= 1 << (at % 64);
            }
            None => {
                self.outliers.insert(index);
            }
        }
        true
    }

    pub(crate) fn contains(&self, index: i32) -> bool {
        let bit = usize::try_from(index).ok().and_then(|at| Some(*self.words.get(at / 64)? & (1 << (at % 64)) != 0));
        bit == Some(true) || (!self.outliers.is_empty() && self.outliers.contains(&index))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.words.capacity() * 8 + self.outliers.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::IndexSet;

    fn place() -> impl Strategy<Value = i32> {
        prop_oneof![0..300i32, any::<i32>(), Just(i32::MAX), Just(0), (0..1000i32).prop_map(|n| n * 5000)]
    }

    proptest! {
        #[test]
        fn a_set_is_one_whatever_is_put_in(places in prop::collection::vec(place(), 0..400)) {
            let (mut set, mut all) = (IndexSet::default(), BTreeSet::new());
            for at in places {
                prop_assert_eq!(set.insert(at), all.insert(at));
                prop_assert!(set.contains(at));
                prop_assert_eq!((set.contains(at.wrapping_add(1)), set.len()), (all.contains(&at.wrapping_add(1)), all.len()));
            }
        }
    }

    #[test]
    fn what_is_put_in_decides_what_memory_is_taken() {
        let mut sparse = IndexSet::default();
        (0..1000).for_each(|n| assert!(sparse.insert(i32::MAX - n * 1000)));
        assert!(sparse.size_bytes() < 64 * 1024, "{}", sparse.size_bytes());
        let mut dense = IndexSet::default();
        (0..1_000_000).for_each(|n| assert!(dense.insert(n)));
        assert!(dense.size_bytes() < 300_000, "{}", dense.size_bytes());
    }
}
