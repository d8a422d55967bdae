//! Spark Connect: sessions of clients, and what they asked for.

use serde::{Deserialize, Serialize};

use crate::operation::OperationState;

/// What an application did as a Spark Connect server. Times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectServer {
    /// Where it listened, each time that it was started; from Spark 4.0 on.
    pub services: Vec<ConnectService>,
    /// The sessions, in order of their first events.
    pub sessions: Vec<ConnectSession>,
    /// The operations, in order of their first events.
    pub operations: Vec<ConnectOperation>,
}

/// A server that listened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectService {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: i32,
    /// When it was started.
    pub start_time: i64,
    /// When it ended.
    pub end_time: Option<i64>,
}

/// A session of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectSession {
    /// The session's id.
    pub id: String,
    /// The user's id.
    pub user_id: String,
    /// When it was opened.
    pub start_time: i64,
    /// When it was closed.
    pub finish_time: Option<i64>,
    /// How many operations were started in it.
    pub total_execution: i64,
}

/// Something that a client asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectOperation {
    /// The tag of its jobs, which is its key.
    pub job_tag: String,
    /// Its id within the session.
    pub operation_id: String,
    /// The session's id.
    pub session_id: String,
    /// The user's id.
    pub user_id: String,
    /// The user's name.
    pub user_name: String,
    /// The plan that was asked for, as text.
    pub statement: String,
    /// Tags that the client set.
    pub session_tags: Vec<String>,
    /// How it stands.
    pub state: OperationState,
    /// Whether it finished, failed or was cancelled, which its state does not tell once it is closed.
    pub outcome: Option<OperationState>,
    /// When it was started.
    pub start_time: i64,
    /// When its plan was analyzed.
    pub analyzed_time: Option<i64>,
    /// When its plan could be run.
    pub ready_time: Option<i64>,
    /// When it finished, failed or was cancelled.
    pub finish_time: Option<i64>,
    /// When its result had been taken.
    pub close_time: Option<i64>,
    /// Why it failed.
    pub detail: Option<String>,
    /// Rows that it gave, where it gave any.
    pub produced_rows: Option<i64>,
    /// Its jobs, in order of their starts.
    pub job_ids: Vec<i32>,
    /// Its SQL executions, in order of their starts.
    pub sql_execution_ids: Vec<i64>,
}

impl ConnectOperation {
    /// Whether it neither ended nor was closed; Spark's pages call it `RUNNING` then.
    pub fn is_active(&self) -> bool {
        matches!(self.state, OperationState::Started | OperationState::Compiled | OperationState::Ready)
    }

    /// What Spark's pages call its state.
    pub fn status(&self) -> &'static str {
        if self.is_active() { "RUNNING" } else { self.state.name() }
    }

    /// Milliseconds until its result was there; until `now` before that.
    pub fn execution_time(&self, now: i64) -> i64 {
        self.finish_time.unwrap_or(now).wrapping_sub(self.start_time)
    }

    /// Milliseconds until it was closed; until `now` before that.
    pub fn duration(&self, now: i64) -> i64 {
        self.close_time.unwrap_or(now).wrapping_sub(self.start_time)
    }
}

impl ConnectSession {
    /// Milliseconds until it was closed; until `now` before that.
    pub fn duration(&self, now: i64) -> i64 {
        self.finish_time.unwrap_or(now).wrapping_sub(self.start_time)
    }
}

impl ConnectServer {
    /// Bytes of memory that this takes, about.
    pub fn size_bytes(&self) -> usize {
        let texts =
            |operation: &ConnectOperation| operation.statement.len() + operation.detail.as_ref().map_or(0, String::len);
        self.sessions.len() * 256 + self.operations.iter().map(|operation| 768 + texts(operation)).sum::<usize>()
    }
}
