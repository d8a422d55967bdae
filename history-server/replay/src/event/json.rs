//! Whole events as JSON.

use serde::de::DeserializeOwned;

use super::scan::{Malformed, Result};

pub(super) fn read<T: DeserializeOwned>(line: &[u8]) -> Result<T> {
    serde_json::from_slice(line)
        .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(line)))
        .map_err(|_| Malformed)
}

pub(super) fn boxed<T: DeserializeOwned>(line: &[u8]) -> Result<Box<T>> {
    read(line).map(Box::new)
}
