//! Texts that many rows share.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;
use memchr::memmem::Finder;

/// A text that many rows share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Symbol(u32);

/// Texts, each once, one behind the other. Those of logs that are gone stay.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    text: String,
    /// Where in the text each ends.
    ends: Vec<u32>,
    ids: HashTable<u32>,
    hasher: RandomState,
}

/// So many texts are searched at once.
const SEARCHED_AT_ONCE: usize = 4096;

fn range(ends: &[u32], id: usize) -> std::ops::Range<usize> {
    let start = id.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    start as usize..ends.get(id).copied().unwrap_or(start) as usize
}

impl Symbols {
    pub(crate) fn get(&self, symbol: Symbol) -> &str {
        &self.text[range(&self.ends, symbol.index())]
    }

    /// The symbol of a text. Behind four gigabytes of them there is room for none, and all others are one.
    pub(super) fn intern(&mut self, text: &str) -> Symbol {
        let Self { text: all, ends, ids, hasher } = self;
        let hash = hasher.hash_one(text);
        if let Some(id) = ids.find(hash, |id| all[range(ends, *id as usize)] == *text) {
            return Symbol(*id);
        }
        let room = u32::try_from(all.len() + text.len()).ok().zip(u32::try_from(ends.len()).ok());
        let Some((end, id)) = room else { return Symbol(u32::MAX) };
        all.push_str(text);
        ends.push(end);
        ids.insert_unique(hash, id, |id| hasher.hash_one(&all[range(ends, *id as usize)]));
        Symbol(id)
    }

    /// For each text, whether it is one that is looked for.
    pub(crate) fn matching(&self, test: impl Fn(&str) -> bool) -> Vec<bool> {
        (0..self.ends.len()).map(|id| test(&self.text[range(&self.ends, id)])).collect()
    }

    /// For each text, whether `wanted` is in it, in any case.
    pub(super) fn containing(&self, wanted: &Wanted) -> Vec<bool> {
        let mut found = vec![false; self.ends.len()];
        let mut lower = Vec::new();
        for first in (0..found.len()).step_by(SEARCHED_AT_ONCE) {
            let some = first..(first + SEARCHED_AT_ONCE).min(found.len());
            let start = range(&self.ends, first).start;
            let text = &self.text[start..range(&self.ends, some.end - 1).end];
            if wanted.is_empty() || !text.is_ascii() {
                some.for_each(|id| found[id] = wanted.is_in(&self.text[range(&self.ends, id)]));
                continue;
            }
            lower.clear();
            lower.extend_from_slice(text.as_bytes());
            lower.make_ascii_lowercase();
            let mut from = 0;
            while let Some(at) = wanted.finder.find(&lower[from..]).map(|at| start + from + at) {
                let id = first + self.ends[some.clone()].partition_point(|end| *end as usize <= at);
                let end = range(&self.ends, id).end;
                let inside = at + wanted.lower.len() <= end;
                found[id] |= inside;
                // It may lie across two of them.
                from = if inside { end } else { at + 1 } - start;
            }
        }
        found
    }
}

impl Symbol {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A text that is looked for in others, in any case.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    lower: String,
    finder: Finder<'static>,
}

/// Texts up to this length are searched without memory of their own.
const SHORT_BYTES: usize = 128;

impl Wanted {
    pub(super) fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let finder = Finder::new(lower.as_bytes()).into_owned();
        Self { lower, finder }
    }

    fn is_empty(&self) -> bool {
        self.lower.is_empty()
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        let mut short = [0; SHORT_BYTES];
        match short.get_mut(..text.len()) {
            Some(short) if text.is_ascii() => {
                short.copy_from_slice(text.as_bytes());
                short.make_ascii_lowercase();
                self.finder.find(short).is_some()
            }
            _ => self.finder.find(text.to_lowercase().as_bytes()).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Symbols, Wanted};

    proptest! {
        #[test]
        fn what_is_looked_for_is_found_in_any_case(
            texts in prop::collection::vec("[aAbBäÄ]{0,3}", 0..60),
            wanted in "[aAbBäÄ]{0,3}",
        ) {
            let mut symbols = Symbols::default();
            let ids: Vec<_> = texts.iter().map(|text| symbols.intern(text)).collect();
            let searched = Wanted::new(&wanted);
            let found = symbols.containing(&searched);
            for (id, text) in ids.into_iter().zip(&texts) {
                prop_assert_eq!(symbols.get(id), text);
                let expected = text.to_lowercase().contains(&wanted.to_lowercase());
                prop_assert_eq!((found[id.index()], searched.is_in(text)), (expected, expected), "{:?} in {:?}", wanted, text);
            }
        }
    }
}
