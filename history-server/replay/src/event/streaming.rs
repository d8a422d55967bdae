//! The events of Structured Streaming: `org.apache.spark.sql.streaming.StreamingQueryListener$…Event`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::core::Int;
use super::json::read;
use super::lenient::{Double, Json, nullable};
use super::scan::Result;

/// What a streaming query told.
#[derive(Clone, Debug)]
pub(crate) enum StreamingEvent {
    Started(Started),
    Progress(Progress),
    Idle(Idle),
    Terminated(Terminated),
}

impl StreamingEvent {
    /// Reads the event of this name, of which the package and `StreamingQueryListener$` were taken off; nothing for one that is not
    /// known.
    pub(super) fn read(name: &str, line: &[u8]) -> Result<Option<Self>> {
        let event = match name {
            "QueryStartedEvent" => Self::Started(read(line)?),
            "QueryProgressEvent" => Self::Progress(read::<Reported>(line)?.progress),
            "QueryIdleEvent" => Self::Idle(read(line)?),
            "QueryTerminatedEvent" => Self::Terminated(read(line)?),
            _ => return Ok(None),
        };
        Ok(Some(event))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) id: String,
    pub(crate) run_id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// From Spark 3.0 on.
    #[serde(default)]
    pub(crate) timestamp: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) job_tags: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Idle {
    pub(crate) run_id: String,
    pub(crate) timestamp: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Terminated {
    pub(crate) run_id: String,
    #[serde(default)]
    pub(crate) exception: Option<String>,
    #[serde(default)]
    pub(crate) error_class_on_exception: Option<String>,
}

#[derive(Deserialize)]
struct Reported {
    progress: Progress,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) id: String,
    pub(crate) run_id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) timestamp: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) batch_id: Int,
    /// From Spark 3.0 on.
    #[serde(default)]
    pub(crate) batch_duration: Option<Int>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) duration_ms: BTreeMap<String, Option<Int>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) event_time: BTreeMap<String, Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) state_operators: Vec<StateOperator>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) sources: Vec<Source>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) sink: Sink,
    #[serde(default)]
    pub(crate) observed_metrics: Json,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StateOperator {
    #[serde(deserialize_with = "nullable")]
    pub(crate) operator_name: String,
    pub(crate) num_rows_total: Option<Int>,
    pub(crate) num_rows_updated: Option<Int>,
    pub(crate) num_rows_removed: Option<Int>,
    /// Spark 3.0 calls it otherwise.
    #[serde(alias = "numLateInputs")]
    pub(crate) num_rows_dropped_by_watermark: Option<Int>,
    pub(crate) memory_used_bytes: Option<Int>,
    pub(crate) all_updates_time_ms: Option<Int>,
    pub(crate) all_removals_time_ms: Option<Int>,
    pub(crate) commit_time_ms: Option<Int>,
    pub(crate) num_shuffle_partitions: Option<Int>,
    pub(crate) num_state_store_instances: Option<Int>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) custom_metrics: BTreeMap<String, Option<Int>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Source {
    #[serde(deserialize_with = "nullable")]
    pub(crate) description: String,
    pub(crate) start_offset: Json,
    pub(crate) end_offset: Json,
    pub(crate) latest_offset: Json,
    #[serde(deserialize_with = "nullable")]
    pub(crate) num_input_rows: Int,
    pub(crate) input_rows_per_second: Double,
    pub(crate) processed_rows_per_second: Double,
    #[serde(deserialize_with = "nullable")]
    pub(crate) metrics: BTreeMap<String, Json>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Sink {
    pub(crate) description: Option<String>,
    pub(crate) num_output_rows: Option<Int>,
}
