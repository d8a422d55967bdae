//! How what a client of a server asked for stands.

use serde::{Deserialize, Serialize};

/// How an operation, or a statement of the Thrift server, stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OperationState {
    /// It was asked for.
    #[default]
    Started,
    /// Its plan was analyzed.
    Compiled,
    /// Its plan can be run; Spark Connect only.
    Ready,
    /// It was cancelled.
    Canceled,
    /// It took too long; Thrift server only.
    TimedOut,
    /// It failed.
    Failed,
    /// It has succeeded.
    Finished,
    /// Its result was taken, or given up.
    Closed,
}

impl OperationState {
    /// Spark's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Compiled => "COMPILED",
            Self::Ready => "READY",
            Self::Canceled => "CANCELED",
            Self::TimedOut => "TIMEDOUT",
            Self::Failed => "FAILED",
            Self::Finished => "FINISHED",
            Self::Closed => "CLOSED",
        }
    }
}
