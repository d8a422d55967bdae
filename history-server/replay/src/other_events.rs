//! Events that nobody here reads: kept as they are, within bounds.

use std::sync::Arc;

use foldhash::HashSet;
use history_model::other_events::OtherEvent;

use crate::event::UnknownEvent;

/// Of all events of a log, so much text is kept.
const MAX_BYTES: usize = 16 << 20;

/// The events so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtherEvents {
    pub(crate) all: Vec<OtherEvent>,
    names: HashSet<Arc<str>>,
    bytes: usize,
}

impl OtherEvents {
    /// Keeps an event, unless it or all of them are too large: whether it did. `line` is its number, from 1.
    pub(crate) fn add(&mut self, event: UnknownEvent, line: u64) -> bool {
        let Some(json) = event.json.filter(|json| json.len() <= MAX_BYTES.saturating_sub(self.bytes)) else {
            return false;
        };
        let name = self.names.get(event.name.as_str()).cloned().unwrap_or_else(|| {
            let name: Arc<str> = event.name.into();
            self.names.insert(Arc::clone(&name));
            name
        });
        let event = OtherEvent { name, line, json: json.into() };
        self.bytes += event.size_bytes();
        self.all.push(event);
        true
    }

    /// Bytes of memory that they take, about.
    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes + self.names.iter().map(|name| name.len() + 32).sum::<usize>()
    }
}
