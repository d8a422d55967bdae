//! The events of the Thrift server: `org.apache.spark.sql.hive.thriftserver.ui.SparkListenerThriftServer…`, from Spark 3.0 on.

use serde::Deserialize;

use super::core::Int;
use super::json::{boxed, read};
use super::lenient::nullable;
use super::scan::Result;

/// What a Thrift server told.
#[derive(Clone, Debug)]
pub(crate) enum ThriftEvent {
    SessionCreated(Session),
    SessionClosed(Session),
    Statement(StatementEvent, Box<Statement>),
}

/// What happened to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatementEvent {
    Started,
    Parsed,
    Canceled,
    TimedOut,
    Failed,
    Finished,
    Closed,
}

impl ThriftEvent {
    /// Reads the event of this name, of which the package and `SparkListenerThriftServer` were taken off; nothing for one that is
    /// not known.
    pub(super) fn read(name: &str, line: &[u8]) -> Result<Option<Self>> {
        let event = match name {
            "SessionCreated" => Self::SessionCreated(read(line)?),
            "SessionClosed" => Self::SessionClosed(read(line)?),
            other => match StatementEvent::of(other) {
                Some(kind) => Self::Statement(kind, boxed(line)?),
                None => return Ok(None),
            },
        };
        Ok(Some(event))
    }
}

impl StatementEvent {
    fn of(name: &str) -> Option<Self> {
        Some(match name.strip_prefix("Operation")? {
            "Start" => Self::Started,
            "Parsed" => Self::Parsed,
            "Canceled" => Self::Canceled,
            "Timeout" => Self::TimedOut,
            "Error" => Self::Failed,
            "Finish" => Self::Finished,
            "Closed" => Self::Closed,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub(crate) session_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) ip: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) user_name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) start_time: Int,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) finish_time: Int,
}

/// An event of a statement; what one lacks is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statement {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) session_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) statement: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) group_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) user_name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) execution_plan: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) error_msg: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) start_time: Int,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) finish_time: Int,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) close_time: Int,
}
