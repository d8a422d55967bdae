//! The events of Spark's core that are rare enough to be read by name.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use history_model::types::{ExecutorMetrics, ExecutorResourceRequest, ResourceInformation, TaskResourceRequest};

/// A whole number, however it was written: a fraction is cut off as Spark does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Int(pub(crate) i64);

impl Int {
    /// As Java narrows it.
    pub(crate) fn as_i32(self) -> i32 {
        self.0 as i32
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Int;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Int, E> {
                Ok(Int(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Int, E> {
                Ok(Int(value as i64))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Int, E> {
                Ok(Int(value as i64))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// A whole number, if it is one: whatever else is there is no reason to leave out an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Maybe(pub(crate) Option<i64>);

impl Maybe {
    /// As Java narrows it.
    pub(crate) fn as_i32(self) -> Option<i32> {
        self.0.map(|number| number as i32)
    }
}

impl<'de> Deserialize<'de> for Maybe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))))
    }
}

/// Any scalar, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => String::new(),
            scalar => scalar.to_string(),
        }))
    }
}

/// Properties in the order of the log; a value may be null.
pub(crate) type Properties = BTreeMap<String, Option<String>>;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LogStart {
    #[serde(rename = "Spark Version")]
    pub(crate) spark_version: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ApplicationStart {
    #[serde(rename = "App Name")]
    pub(crate) name: Option<String>,
    #[serde(rename = "App ID")]
    pub(crate) id: Option<Text>,
    #[serde(rename = "Timestamp")]
    pub(crate) time: Int,
    #[serde(rename = "User")]
    pub(crate) user: Option<String>,
    #[serde(rename = "App Attempt ID")]
    pub(crate) attempt_id: Option<Text>,
    #[serde(rename = "Driver Logs")]
    pub(crate) driver_logs: Option<Properties>,
    #[serde(rename = "Driver Attributes")]
    pub(crate) driver_attributes: Option<Properties>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ApplicationEnd {
    #[serde(rename = "Timestamp")]
    pub(crate) time: Int,
    #[serde(rename = "ExitCode", default)]
    pub(crate) exit_code: Maybe,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EnvironmentUpdate {
    #[serde(rename = "JVM Information")]
    pub(crate) jvm: Properties,
    #[serde(rename = "Spark Properties")]
    pub(crate) spark: Properties,
    #[serde(rename = "Hadoop Properties")]
    pub(crate) hadoop: Option<Properties>,
    #[serde(rename = "System Properties")]
    pub(crate) system: Properties,
    #[serde(rename = "Metrics Properties")]
    pub(crate) metrics: Option<Properties>,
    #[serde(rename = "Classpath Entries")]
    pub(crate) classpath: Properties,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ResourceProfileAdded {
    #[serde(rename = "Resource Profile Id")]
    pub(crate) id: Int,
    #[serde(rename = "Executor Resource Requests")]
    pub(crate) executor: BTreeMap<String, ExecutorRequest>,
    #[serde(rename = "Task Resource Requests")]
    pub(crate) task: BTreeMap<String, TaskRequest>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ExecutorRequest {
    #[serde(rename = "Resource Name")]
    name: Option<String>,
    #[serde(rename = "Amount")]
    amount: Int,
    #[serde(rename = "Discovery Script")]
    discovery_script: Option<String>,
    #[serde(rename = "Vendor")]
    vendor: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TaskRequest {
    #[serde(rename = "Resource Name")]
    name: Option<String>,
    #[serde(rename = "Amount")]
    amount: f64,
}

impl From<ExecutorRequest> for ExecutorResourceRequest {
    fn from(raw: ExecutorRequest) -> Self {
        Self {
            resource_name: raw.name.unwrap_or_default(),
            amount: raw.amount.0,
            discovery_script: raw.discovery_script.unwrap_or_default(),
            vendor: raw.vendor.unwrap_or_default(),
        }
    }
}

impl From<TaskRequest> for TaskResourceRequest {
    fn from(raw: TaskRequest) -> Self {
        Self { resource_name: raw.name.unwrap_or_default(), amount: raw.amount }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JobStart {
    #[serde(rename = "Job ID")]
    pub(crate) id: Int,
    #[serde(rename = "Submission Time")]
    pub(crate) time: Option<Int>,
    #[serde(rename = "Stage IDs")]
    pub(crate) stage_ids: Vec<Int>,
    #[serde(rename = "Stage Infos")]
    pub(crate) stages: Option<Vec<StageInfo>>,
    #[serde(rename = "Properties")]
    pub(crate) properties: Option<Properties>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JobEnd {
    #[serde(rename = "Job ID")]
    pub(crate) id: Int,
    #[serde(rename = "Completion Time")]
    pub(crate) time: Option<Int>,
    #[serde(rename = "Job Result")]
    pub(crate) result: JobResult,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JobResult {
    #[serde(rename = "Result")]
    pub(crate) result: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StageSubmitted {
    #[serde(rename = "Stage Info")]
    pub(crate) info: StageInfo,
    #[serde(rename = "Properties")]
    pub(crate) properties: Option<Properties>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StageCompleted {
    #[serde(rename = "Stage Info")]
    pub(crate) info: StageInfo,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct StageInfo {
    #[serde(rename = "Stage ID")]
    pub(crate) id: Int,
    #[serde(rename = "Stage Attempt ID", default)]
    pub(crate) attempt: Option<Int>,
    #[serde(rename = "Stage Name")]
    pub(crate) name: Option<String>,
    #[serde(rename = "Number of Tasks")]
    pub(crate) num_tasks: Int,
    #[serde(rename = "RDD Info")]
    pub(crate) rdds: Vec<RddInfo>,
    #[serde(rename = "Parent IDs")]
    pub(crate) parent_ids: Option<Vec<Int>>,
    #[serde(rename = "Details")]
    pub(crate) details: Option<Text>,
    #[serde(rename = "Submission Time")]
    pub(crate) submission_time: Option<Int>,
    #[serde(rename = "Completion Time")]
    pub(crate) completion_time: Option<Int>,
    #[serde(rename = "Failure Reason")]
    pub(crate) failure_reason: Option<Text>,
    #[serde(rename = "Accumulables")]
    pub(crate) accumulables: Option<Vec<Accumulable>>,
    #[serde(rename = "Resource Profile Id")]
    pub(crate) resource_profile_id: Option<Int>,
    #[serde(rename = "Shuffle Push Enabled")]
    pub(crate) shuffle_push_enabled: Option<bool>,
    #[serde(rename = "Shuffle Push Mergers Count")]
    pub(crate) shuffle_mergers: Option<Int>,
}

impl StageInfo {
    /// The stage's id and attempt.
    pub(crate) fn key(&self) -> (i32, i32) {
        (self.id.as_i32(), self.attempt.map_or(0, Int::as_i32))
    }

    /// Bytes of memory that its texts and lists take, about.
    pub(crate) fn size_bytes(&self) -> usize {
        let of = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.0.len());
        let of_rdd =
            |rdd: &RddInfo| 256 + rdd.name.as_ref().map_or(0, String::len) + of(&rdd.scope) + of(&rdd.callsite);
        let texts = of(&self.details) + of(&self.failure_reason) + self.name.as_ref().map_or(0, String::len);
        let accumulables = self.accumulables.as_ref().map_or(0, Vec::len) * 160;
        texts + accumulables + self.rdds.iter().map(of_rdd).sum::<usize>()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Accumulable {
    #[serde(rename = "ID")]
    pub(crate) id: Int,
    #[serde(rename = "Name")]
    pub(crate) name: Option<Text>,
    #[serde(rename = "Update")]
    pub(crate) update: Option<Text>,
    #[serde(rename = "Value")]
    pub(crate) value: Option<Text>,
    #[serde(rename = "Internal")]
    pub(crate) internal: Option<bool>,
    #[serde(rename = "Metadata")]
    pub(crate) metadata: Option<Text>,
}

impl Accumulable {
    /// Whether it is shown: neither Spark's own nor a SQL metric.
    pub(crate) fn is_shown(&self) -> bool {
        !self.internal.unwrap_or(false) && self.metadata.as_ref().is_none_or(|metadata| metadata.0 != "sql")
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct RddInfo {
    #[serde(rename = "RDD ID")]
    pub(crate) id: Int,
    #[serde(rename = "Name")]
    pub(crate) name: Option<String>,
    #[serde(rename = "Scope")]
    pub(crate) scope: Option<Text>,
    #[serde(rename = "Callsite")]
    pub(crate) callsite: Option<Text>,
    #[serde(rename = "Parent IDs")]
    pub(crate) parent_ids: Option<Vec<Int>>,
    #[serde(rename = "Storage Level")]
    pub(crate) storage_level: StorageLevel,
    #[serde(rename = "Barrier")]
    pub(crate) barrier: Option<bool>,
    #[serde(rename = "DeterministicLevel")]
    pub(crate) deterministic_level: Option<Text>,
    #[serde(rename = "Number of Partitions")]
    pub(crate) num_partitions: Int,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct StorageLevel {
    #[serde(rename = "Use Disk")]
    pub(crate) use_disk: bool,
    #[serde(rename = "Use Memory")]
    pub(crate) use_memory: bool,
    #[serde(rename = "Use Off Heap", default)]
    pub(crate) use_off_heap: Option<bool>,
    #[serde(rename = "Deserialized")]
    pub(crate) deserialized: bool,
    #[serde(rename = "Replication")]
    pub(crate) replication: Int,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ExecutorAdded {
    #[serde(rename = "Timestamp")]
    pub(crate) time: Int,
    #[serde(rename = "Executor ID")]
    pub(crate) executor_id: String,
    #[serde(rename = "Executor Info")]
    pub(crate) info: ExecutorInfo,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ExecutorInfo {
    #[serde(rename = "Host")]
    pub(crate) host: Option<String>,
    #[serde(rename = "Total Cores")]
    pub(crate) total_cores: Int,
    #[serde(rename = "Log Urls")]
    pub(crate) log_urls: Properties,
    #[serde(rename = "Attributes")]
    pub(crate) attributes: Option<Properties>,
    #[serde(rename = "Resources")]
    pub(crate) resources: Option<BTreeMap<String, ResourceInformation>>,
    #[serde(rename = "Resource Profile Id")]
    pub(crate) resource_profile_id: Option<Int>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ExecutorRemoved {
    #[serde(rename = "Timestamp")]
    pub(crate) time: Int,
    #[serde(rename = "Executor ID")]
    pub(crate) executor_id: String,
    #[serde(rename = "Removed Reason")]
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct BlockManagerId {
    #[serde(rename = "Executor ID")]
    pub(crate) executor_id: String,
    #[serde(rename = "Host")]
    pub(crate) host: String,
    #[serde(rename = "Port")]
    pub(crate) port: Int,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BlockManagerAdded {
    #[serde(rename = "Block Manager ID")]
    pub(crate) id: BlockManagerId,
    #[serde(rename = "Maximum Memory")]
    pub(crate) max_memory: Int,
    #[serde(rename = "Timestamp")]
    pub(crate) time: Option<Int>,
    #[serde(rename = "Maximum Onheap Memory")]
    pub(crate) max_on_heap: Option<Int>,
    #[serde(rename = "Maximum Offheap Memory")]
    pub(crate) max_off_heap: Option<Int>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BlockManagerRemoved {
    #[serde(rename = "Block Manager ID")]
    pub(crate) id: BlockManagerId,
    #[serde(rename = "Timestamp", default)]
    pub(crate) time: Maybe,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UnpersistRdd {
    #[serde(rename = "RDD ID")]
    pub(crate) rdd_id: Int,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StageExecutorMetrics {
    #[serde(rename = "Executor ID")]
    pub(crate) executor_id: String,
    #[serde(rename = "Stage ID")]
    pub(crate) stage_id: Int,
    #[serde(rename = "Stage Attempt ID")]
    pub(crate) stage_attempt: Int,
    #[serde(rename = "Executor Metrics", default = "no_metrics")]
    pub(crate) metrics: ExecutorMetrics,
}

fn no_metrics() -> ExecutorMetrics {
    ExecutorMetrics([0; history_model::types::EXECUTOR_METRICS.len()])
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BlockUpdated {
    #[serde(rename = "Block Updated Info")]
    pub(crate) info: BlockUpdatedInfo,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BlockUpdatedInfo {
    #[serde(rename = "Block Manager ID")]
    pub(crate) block_manager: BlockManagerId,
    #[serde(rename = "Block ID")]
    pub(crate) block_id: String,
    #[serde(rename = "Storage Level")]
    pub(crate) storage_level: StorageLevel,
    #[serde(rename = "Memory Size")]
    pub(crate) memory_size: Int,
    #[serde(rename = "Disk Size")]
    pub(crate) disk_size: Int,
}

/// The events of exclusion, under both of their names; what an event lacks is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Exclusion {
    pub(crate) executor_id: Option<String>,
    pub(crate) host_id: Option<String>,
    pub(crate) stage_id: Int,
    pub(crate) stage_attempt_id: Int,
    pub(crate) time: Maybe,
    pub(crate) task_failures: Maybe,
    pub(crate) executor_failures: Maybe,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct MiscellaneousProcessAdded {
    pub(crate) time: Int,
    pub(crate) process_id: Option<String>,
    pub(crate) info: MiscellaneousProcess,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct MiscellaneousProcess {
    pub(crate) host_port: Option<String>,
    pub(crate) cores: Int,
    pub(crate) log_url_info: Properties,
}

/// A property with a value.
pub(crate) fn property<'a>(properties: Option<&'a Properties>, name: &str) -> Option<&'a str> {
    properties?.get(name)?.as_deref()
}

/// Entries with a value.
pub(crate) fn entries(properties: Properties) -> impl Iterator<Item = (String, String)> {
    properties.into_iter().map(|(key, value)| (key, value.unwrap_or_default()))
}
