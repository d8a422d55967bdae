//! The Thrift (JDBC/ODBC) server: sessions of clients, and their statements.

use serde::{Deserialize, Serialize};

use crate::operation::OperationState;

/// What an application did as a Thrift server. Times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThriftServer {
    /// The sessions, in order of their first events.
    pub sessions: Vec<ThriftSession>,
    /// The statements, in order of their first events.
    pub statements: Vec<ThriftStatement>,
}

/// A session of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThriftSession {
    /// The session's id.
    pub id: String,
    /// The user's name.
    pub user_name: String,
    /// Where the client connected from.
    pub ip: String,
    /// When it was opened.
    pub start_time: i64,
    /// When it was closed.
    pub finish_time: Option<i64>,
    /// How many statements were started in it.
    pub total_execution: i64,
}

/// A statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThriftStatement {
    /// Its id.
    pub id: String,
    /// The session's id.
    pub session_id: String,
    /// The group of its jobs.
    pub group_id: String,
    /// The user's name.
    pub user_name: String,
    /// The statement.
    pub statement: String,
    /// How it stands.
    pub state: OperationState,
    /// Whether it finished, failed, timed out or was cancelled, which its state does not tell once it is closed.
    pub outcome: Option<OperationState>,
    /// When it was started.
    pub start_time: i64,
    /// When it finished, failed, timed out or was cancelled.
    pub finish_time: Option<i64>,
    /// When the client had taken its result.
    pub close_time: Option<i64>,
    /// Its plans, as text; empty until it was parsed.
    pub plan: String,
    /// Why it failed; empty where it did not.
    pub detail: String,
    /// Its jobs, in order of their starts.
    pub job_ids: Vec<i32>,
    /// Its SQL executions, in order of their starts, as far as the log links them.
    pub sql_execution_ids: Vec<i64>,
}

impl ThriftStatement {
    /// Whether it has neither failed nor been cancelled or closed.
    pub fn is_active(&self) -> bool {
        use OperationState::{Canceled, Closed, Failed, TimedOut};
        !matches!(self.state, Failed | Canceled | TimedOut | Closed)
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

impl ThriftSession {
    /// Milliseconds until it was closed; until `now` before that.
    pub fn duration(&self, now: i64) -> i64 {
        self.finish_time.unwrap_or(now).wrapping_sub(self.start_time)
    }
}

impl ThriftServer {
    /// Bytes of memory that this takes, about.
    pub fn size_bytes(&self) -> usize {
        let texts = |one: &ThriftStatement| one.statement.len() + one.plan.len() + one.detail.len();
        self.sessions.len() * 256 + self.statements.iter().map(|one| 512 + texts(one)).sum::<usize>()
    }
}
