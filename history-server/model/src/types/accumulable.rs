//! Named accumulators.

use serde::{Deserialize, Serialize};

/// An accumulator's value, as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccumulableInfo {
    /// The accumulator's id.
    pub id: i64,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the task added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<String>,
    /// Its value after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
