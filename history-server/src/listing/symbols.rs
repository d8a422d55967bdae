//! Texts that many rows share.

use std::collections::HashMap;
use std::sync::Arc;

/// A text that many rows share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Symbol(u32);

/// Texts, each once.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, u32>,
}

impl Symbols {
    pub(crate) fn get(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol.0 as usize).map_or("", |text| text)
    }

    pub(super) fn intern(&mut self, text: &str) -> Symbol {
        if let Some(id) = self.ids.get(text) {
            return Symbol(*id);
        }
        // Four billion different names do not fit into memory anyway.
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.ids.insert(text, id);
        Symbol(id)
    }

    /// For each text, whether it is one that is looked for.
    pub(crate) fn matching(&self, test: impl Fn(&str) -> bool) -> Vec<bool> {
        self.texts.iter().map(|text| test(text)).collect()
    }
}

impl Symbol {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}
