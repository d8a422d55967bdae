//! Things that clients of a server open and close: sessions, and what is done in them.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};

/// Things with ids, in order of their starts. Where a limit is set, those that were closed go as Spark lets them go: when one is closed
/// and there are more, a tenth of the limit at least, those first that finished first; one that never finished stays.
#[derive(Clone, Debug)]
pub(crate) struct Entries<T> {
    /// `None` where it was dropped.
    all: Vec<Option<Entry<T>>>,
    by_id: HashMap<String, usize>,
    limit: Option<usize>,
    /// Whether those that are open count against the limit too.
    open_count: bool,
    /// How many are there that count.
    count: usize,
    /// Those of them that may go: when each finished, and its place.
    finished: BTreeSet<(i64, usize)>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    value: T,
    is_open: bool,
}

impl<T> Entries<T> {
    pub(crate) fn new(limit: Option<usize>, open_count: bool) -> Self {
        Self { all: Vec::new(), by_id: HashMap::new(), limit, open_count, count: 0, finished: BTreeSet::new() }
    }

    fn entry(&mut self, id: &str) -> Option<&mut Entry<T>> {
        self.all[*self.by_id.get(id)?].as_mut()
    }

    /// The thing of this id, closed or not.
    pub(crate) fn any(&mut self, id: &str) -> Option<&mut T> {
        self.entry(id).map(|entry| &mut entry.value)
    }

    /// The thing of this id, unless it was closed.
    pub(crate) fn open(&mut self, id: &str) -> Option<&mut T> {
        self.entry(id).filter(|entry| entry.is_open).map(|entry| &mut entry.value)
    }

    /// The open thing of this id, or a new one, in place of a closed one of the same id.
    pub(crate) fn start(&mut self, id: &str, new: impl FnOnce() -> T) -> &mut T {
        let place = match self.by_id.get(id) {
            Some(place) => *place,
            None => {
                self.by_id.insert(id.to_owned(), self.all.len());
                self.all.push(None);
                self.all.len() - 1
            }
        };
        if self.all[place].as_ref().is_some_and(|entry| !entry.is_open) {
            self.all[place] = None;
            self.count -= 1;
            self.finished.retain(|(_, closed)| *closed != place);
        }
        if self.all[place].is_none() && self.open_count {
            self.count += 1;
        }
        &mut self.all[place].get_or_insert_with(|| Entry { value: new(), is_open: true }).value
    }

    /// Closes an open thing; `finished` is when it finished, if it did.
    pub(crate) fn close(&mut self, id: &str, finished: Option<i64>) {
        let Some(place) = self.by_id.get(id).copied() else { return };
        if let Some(entry) = self.all[place].as_mut().filter(|entry| entry.is_open) {
            entry.is_open = false;
            self.count += usize::from(!self.open_count);
            self.finished.extend(finished.map(|time| (time, place)));
            self.drop_too_many();
        }
    }

    fn drop_too_many(&mut self) {
        let Some(limit) = self.limit.filter(|limit| self.count > *limit) else { return };
        for _ in 0..(limit / 10).max(self.count - limit) {
            let Some((_, place)) = self.finished.pop_first() else { return };
            self.all[place] = None;
            self.count -= 1;
        }
    }

    /// All that are left.
    pub(crate) fn finish(self) -> Vec<T> {
        self.all.into_iter().flatten().map(|entry| entry.value).collect()
    }
}

/// Adds a number, if it is not there yet.
pub(crate) fn add<T: PartialEq>(numbers: &mut Vec<T>, number: T) {
    if !numbers.contains(&number) {
        numbers.push(number);
    }
}
