//! Texts that repeat, each kept once.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

/// Texts, each with a small number in order of appearance.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Box<str>>", into = "Vec<Box<str>>")]
pub struct Strings {
    texts: Vec<Box<str>>,
    /// How long they are, with what a heap adds to each.
    text_bytes: usize,
    /// The codes by hash of their text: open addressing, a power of two long, `EMPTY` where free.
    slots: Vec<u32>,
    hasher: RandomState,
}

const EMPTY: u32 = u32::MAX;

impl Strings {
    /// The code of a text, which is taken in if it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        if (self.texts.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        match self.slot(text) {
            Ok(code) => code,
            Err(free) => {
                let code = self.texts.len() as u32;
                self.texts.push(text.into());
                self.text_bytes += text.len() + 16;
                self.slots[free] = code;
                code
            }
        }
    }

    /// Bytes of memory that the texts take, about.
    pub fn size_bytes(&self) -> usize {
        self.text_bytes + self.texts.capacity() * size_of::<Box<str>>() + self.slots.capacity() * 4
    }

    /// The code of a text, if it was taken in.
    pub fn code(&self, text: &str) -> Option<u32> {
        if self.slots.is_empty() { None } else { self.slot(text).ok() }
    }

    /// The text of a code; empty for one that was never given.
    pub fn get(&self, code: u32) -> &str {
        self.texts.get(code as usize).map_or("", |text| text)
    }

    /// The number of texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    fn slot(&self, text: &str) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut at = self.hash(text) as usize & mask;
        loop {
            match self.slots[at] {
                EMPTY => return Err(at),
                code if &*self.texts[code as usize] == text => return Ok(code),
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn hash(&self, text: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text.as_bytes());
        hasher.finish()
    }

    fn grow(&mut self) {
        self.slots = vec![EMPTY; (self.slots.len() * 2).max(16)];
        let mask = self.slots.len() - 1;
        for code in 0..self.texts.len() {
            let mut at = self.hash(&self.texts[code]) as usize & mask;
            while self.slots[at] != EMPTY {
                at = (at + 1) & mask;
            }
            self.slots[at] = code as u32;
        }
    }
}

impl From<Vec<Box<str>>> for Strings {
    fn from(texts: Vec<Box<str>>) -> Self {
        let mut strings = Self::default();
        for text in texts {
            strings.intern(&text);
        }
        strings
    }
}

impl From<Strings> for Vec<Box<str>> {
    fn from(strings: Strings) -> Self {
        strings.texts
    }
}

impl PartialEq for Strings {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}
