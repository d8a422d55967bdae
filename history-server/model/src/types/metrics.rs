//! Executor metrics: a fixed list of names, each with a value.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// The names of the executor metrics, in Spark's order.
pub const EXECUTOR_METRICS: [&str; 23] = [
    "JVMHeapMemory",
    "JVMOffHeapMemory",
    "OnHeapExecutionMemory",
    "OffHeapExecutionMemory",
    "OnHeapStorageMemory",
    "OffHeapStorageMemory",
    "OnHeapUnifiedMemory",
    "OffHeapUnifiedMemory",
    "DirectPoolMemory",
    "MappedPoolMemory",
    "ProcessTreeJVMVMemory",
    "ProcessTreeJVMRSSMemory",
    "ProcessTreePythonVMemory",
    "ProcessTreePythonRSSMemory",
    "ProcessTreeOtherVMemory",
    "ProcessTreeOtherRSSMemory",
    "MinorGCCount",
    "MinorGCTime",
    "MajorGCCount",
    "MajorGCTime",
    "TotalGCTime",
    "ConcurrentGCCount",
    "ConcurrentGCTime",
];

/// A value for each of [`EXECUTOR_METRICS`]; memory in bytes, times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutorMetrics(pub [i64; EXECUTOR_METRICS.len()]);

impl Default for ExecutorMetrics {
    /// Nothing measured yet: Spark marks this by -1 in the first place.
    fn default() -> Self {
        let mut values = [0; EXECUTOR_METRICS.len()];
        values[0] = -1;
        Self(values)
    }
}

impl ExecutorMetrics {
    /// Whether anything was measured.
    pub fn is_set(&self) -> bool {
        self.0[0] > -1
    }

    /// Takes over each value of `other` that is higher, and says whether one was.
    pub fn raise_to(&mut self, other: &Self) -> bool {
        let mut raised = false;
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            if theirs > mine {
                *mine = *theirs;
                raised = true;
            }
        }
        raised
    }

    /// The value of one metric; 0 for a name that Spark does not have.
    pub fn get(&self, name: &str) -> i64 {
        EXECUTOR_METRICS.iter().position(|known| *known == name).map_or(0, |i| self.0[i])
    }
}

impl Serialize for ExecutorMetrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(EXECUTOR_METRICS.len()))?;
        for (name, value) in EXECUTOR_METRICS.iter().zip(&self.0) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ExecutorMetrics {
    /// Names that are missing count as 0, unknown ones are left out.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = ExecutorMetrics;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of executor metrics")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ExecutorMetrics, A::Error> {
                let mut values = [0; EXECUTOR_METRICS.len()];
                while let Some((name, value)) = map.next_entry::<std::borrow::Cow<'de, str>, Option<i64>>()? {
                    if let Some(i) = EXECUTOR_METRICS.iter().position(|known| *known == name) {
                        values[i] = value.unwrap_or(0);
                    }
                }
                Ok(ExecutorMetrics(values))
            }
        }
        deserializer.deserialize_map(Values)
    }
}

/// For each of [`EXECUTOR_METRICS`], its quantiles over the executors of a stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeakMetricsDistributions(pub Vec<Vec<f64>>);

impl Serialize for PeakMetricsDistributions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in EXECUTOR_METRICS.iter().zip(&self.0) {
            map.serialize_entry(name, values)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for PeakMetricsDistributions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut by_name = std::collections::BTreeMap::<String, Vec<f64>>::deserialize(deserializer)?;
        Ok(Self(EXECUTOR_METRICS.iter().map(|name| by_name.remove(*name).unwrap_or_default()).collect()))
    }
}
