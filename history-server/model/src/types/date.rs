//! Dates as the REST API writes them.

use std::fmt;

use chrono::{DateTime, NaiveDateTime};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A moment, in milliseconds since the epoch; in JSON `2026-11-20T02:46:23.097GMT`, always GMT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i64);

const PATTERN: &str = "%Y-%m-%dT%H:%M:%S%.3fGMT";

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_millis(self.0) {
            Some(moment) => write!(f, "{}", moment.format(PATTERN)),
            // Further away than the calendar goes, as only a damaged log says.
            None => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Date;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date such as 2026-11-20T02:46:23.097GMT")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Date, E> {
                if let Ok(millis) = text.parse() {
                    return Ok(Date(millis));
                }
                NaiveDateTime::parse_from_str(text, PATTERN)
                    .map(|moment| Date(moment.and_utc().timestamp_millis()))
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Text)
        } else {
            i64::deserialize(deserializer).map(Date)
        }
    }
}
