//! The events of Spark Connect: `org.apache.spark.sql.connect.service.SparkListenerConnect…`, from Spark 3.5 on.

use serde::Deserialize;

use super::core::Int;
use super::json::{boxed, read};
use super::lenient::nullable;
use super::scan::Result;

/// What a Connect server told.
#[derive(Clone, Debug)]
pub(crate) enum ConnectEvent {
    ServiceStarted(Service),
    ServiceEnded(Service),
    SessionStarted(Session),
    SessionClosed(Session),
    Operation(OperationEvent, Box<Operation>),
}

/// What happened to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperationEvent {
    Started,
    Analyzed,
    Ready,
    Canceled,
    Failed,
    Finished,
    Closed,
}

impl ConnectEvent {
    /// Reads the event of this name, of which the package and `SparkListenerConnect` were taken off; nothing for one that is not
    /// known.
    pub(super) fn read(name: &str, line: &[u8]) -> Result<Option<Self>> {
        let event = match name {
            "ServiceStarted" => Self::ServiceStarted(read(line)?),
            "ServiceEnd" => Self::ServiceEnded(read(line)?),
            "SessionStarted" => Self::SessionStarted(read(line)?),
            "SessionClosed" => Self::SessionClosed(read(line)?),
            other => match OperationEvent::of(other) {
                Some(kind) => Self::Operation(kind, boxed(line)?),
                None => return Ok(None),
            },
        };
        Ok(Some(event))
    }
}

impl OperationEvent {
    fn of(name: &str) -> Option<Self> {
        Some(match name.strip_prefix("Operation")? {
            "Started" => Self::Started,
            "Analyzed" => Self::Analyzed,
            "ReadyForExecution" => Self::Ready,
            "Canceled" => Self::Canceled,
            "Failed" => Self::Failed,
            "Finished" => Self::Finished,
            "Closed" => Self::Closed,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Service {
    #[serde(deserialize_with = "nullable")]
    pub(crate) host_address: String,
    #[serde(deserialize_with = "nullable")]
    pub(crate) binding_port: Int,
    #[serde(deserialize_with = "nullable")]
    pub(crate) event_time: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub(crate) session_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) user_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) event_time: Int,
}

/// An event of an operation; what one lacks is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    pub(crate) job_tag: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) operation_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) event_time: Int,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) session_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) user_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) user_name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) statement_text: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) spark_session_tags: Vec<String>,
    #[serde(default)]
    pub(crate) error_message: Option<String>,
    #[serde(default)]
    pub(crate) produced_row_count: Option<Int>,
}
