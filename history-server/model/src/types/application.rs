//! Applications, their attempts and environments.

use std::collections::BTreeMap;

use super::Date;
use serde::{Deserialize, Serialize};

/// The version that this server answers as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VersionInfo {
    /// Spark's version, such as `4.3.0`.
    pub spark: String,
}

/// One application with all its attempts, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationInfo {
    /// The application's id.
    pub id: String,
    /// The name that the application gave itself.
    pub name: String,
    /// Never set by a history server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores_granted: Option<i32>,
    /// Never set by a history server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cores: Option<i32>,
    /// Never set by a history server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores_per_executor: Option<i32>,
    /// Never set by a history server.
    #[serde(rename = "memoryPerExecutorMB", skip_serializing_if = "Option::is_none")]
    pub memory_per_executor_mb: Option<i32>,
    /// The attempts, newest first.
    pub attempts: Vec<ApplicationAttemptInfo>,
}

/// One run of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationAttemptInfo {
    /// The attempt's id, where the cluster manager counts attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<String>,
    /// When the application started.
    pub start_time: Date,
    /// When it ended; one millisecond before the epoch while it runs.
    pub end_time: Date,
    /// When its event log last changed.
    pub last_updated: Date,
    /// Milliseconds from start to end, or to the last change of the log.
    pub duration: i64,
    /// The user that it ran as.
    pub spark_user: String,
    /// Whether it has ended.
    pub completed: bool,
    /// The version of Spark that wrote the log.
    pub app_spark_version: String,
    /// What the driver ended with, where its Spark (4.0 or later) says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The display name of the directory that holds the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source_name: Option<String>,
    /// The address of the directory that holds the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source_full_path: Option<String>,
    /// `start_time` in milliseconds since the epoch.
    pub start_time_epoch: i64,
    /// `end_time` in milliseconds since the epoch; -1 while it runs.
    pub end_time_epoch: i64,
    /// `last_updated` in milliseconds since the epoch.
    pub last_updated_epoch: i64,
}

/// The environment of an application; every list is sorted by key, and secrets are masked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationEnvironmentInfo {
    /// The Java and Scala that ran it.
    pub runtime: RuntimeInfo,
    /// Spark's properties.
    pub spark_properties: Vec<(String, String)>,
    /// Hadoop's configuration.
    pub hadoop_properties: Vec<(String, String)>,
    /// The JVM's system properties.
    pub system_properties: Vec<(String, String)>,
    /// The metrics system's properties.
    pub metrics_properties: Vec<(String, String)>,
    /// Entries of the class path and where each came from.
    pub classpath_entries: Vec<(String, String)>,
    /// What executors and tasks asked for.
    pub resource_profiles: Vec<ResourceProfileInfo>,
}

/// The Java and Scala that ran an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuntimeInfo {
    /// Java's version and vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub java_version: Option<String>,
    /// Where Java was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub java_home: Option<String>,
    /// Scala's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scala_version: Option<String>,
}

/// What executors and tasks of one profile asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceProfileInfo {
    /// The profile's id; 0 is the default one.
    pub id: i32,
    /// Requests for an executor, by resource.
    pub executor_resources: BTreeMap<String, ExecutorResourceRequest>,
    /// Requests for a task, by resource.
    pub task_resources: BTreeMap<String, TaskResourceRequest>,
}

/// One resource that an executor asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutorResourceRequest {
    /// The resource, such as `cores` or `memory`.
    pub resource_name: String,
    /// How much; memory in MiB.
    pub amount: i64,
    /// The script that finds the resource's addresses.
    pub discovery_script: String,
    /// The vendor's domain.
    pub vendor: String,
}

/// One resource that a task asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskResourceRequest {
    /// The resource, such as `cpus`.
    pub resource_name: String,
    /// How much; may be a fraction.
    pub amount: f64,
}
