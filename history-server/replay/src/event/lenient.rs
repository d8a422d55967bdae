//! Values as Jackson reads them, which Spark leaves the events of its SQL modules to.

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::Value;

/// Nothing where the log says `null`.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A number with a fraction, which may be written as `"NaN"`, `"Infinity"` or `null`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Double(pub(crate) f64);

impl Default for Double {
    fn default() -> Self {
        Self(f64::NAN)
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(from)? {
            Value::Number(number) => Self(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self(text.parse().unwrap_or(f64::NAN)),
            _ => Self::default(),
        })
    }
}

/// Text, or any other JSON as text; nothing for `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Json(pub(crate) Option<String>);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(from)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }))
    }
}
