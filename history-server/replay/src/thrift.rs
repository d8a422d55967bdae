//! The Thrift server, in the way of Spark's `HiveThriftServer2Listener`, but for one thing: a job that comes after its statement was
//! closed makes that one forget what it knew; here the job is added.

use foldhash::{HashMap, HashMapExt};

use crate::entries::{Entries, add};
use crate::event::core::{JobStart, property};
use crate::event::sql::ExecutionStart;
use crate::event::thrift::{Session, Statement, StatementEvent, ThriftEvent};

use crate::settings::Settings;
use history_model::operation::OperationState;
use history_model::thrift::{ThriftServer, ThriftSession, ThriftStatement};

/// What a Thrift server did.
#[derive(Clone, Debug)]
pub(crate) struct Statements {
    sessions: Entries<ThriftSession>,
    statements: Entries<ThriftStatement>,
    /// The ids of statements, by the group of their jobs.
    groups: HashMap<String, Vec<String>>,
}

impl Statements {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            sessions: Entries::new(settings.retained_thrift_sessions, false),
            statements: Entries::new(settings.retained_thrift_statements, false),
            groups: HashMap::new(),
        }
    }

    pub(crate) fn apply(&mut self, event: ThriftEvent) {
        match event {
            ThriftEvent::SessionCreated(event) => self.session_created(event),
            ThriftEvent::SessionClosed(event) => {
                let time = event.finish_time.0;
                if let Some(session) = self.sessions.open(&event.session_id) {
                    session.finish_time = Some(time);
                    self.sessions.close(&event.session_id, Some(time));
                }
            }
            ThriftEvent::Statement(StatementEvent::Started, event) => self.started(*event),
            ThriftEvent::Statement(kind, event) => self.changed(kind, *event),
        }
    }

    fn session_created(&mut self, event: Session) {
        let Session { session_id, ip, user_name, start_time, .. } = event;
        self.sessions.start(&session_id, || ThriftSession {
            id: session_id.clone(),
            user_name,
            ip,
            start_time: start_time.0,
            ..ThriftSession::default()
        });
    }

    fn started(&mut self, event: Statement) {
        if let Some(session) = self.sessions.open(&event.session_id) {
            session.total_execution += 1;
        }
        let Statement { id, session_id, statement: text, group_id, user_name, start_time, .. } = event;
        add(self.groups.entry(group_id.clone()).or_default(), id.clone());
        let statement = self.statements.start(&id, || ThriftStatement {
            id: id.clone(),
            session_id,
            user_name,
            statement: text,
            start_time: start_time.0,
            ..ThriftStatement::default()
        });
        statement.group_id = group_id;
        statement.state = OperationState::Started;
    }

    fn changed(&mut self, kind: StatementEvent, event: Statement) {
        let Some(statement) = self.statements.open(&event.id) else { return };
        let outcome = match kind {
            StatementEvent::Started => return,
            StatementEvent::Parsed => {
                statement.plan = event.execution_plan;
                statement.state = OperationState::Compiled;
                return;
            }
            StatementEvent::Closed => {
                statement.close_time = Some(event.close_time.0);
                statement.state = OperationState::Closed;
                let finished = statement.finish_time;
                return self.statements.close(&event.id, finished);
            }
            StatementEvent::Canceled => OperationState::Canceled,
            StatementEvent::TimedOut => OperationState::TimedOut,
            StatementEvent::Failed => {
                statement.detail = event.error_msg;
                OperationState::Failed
            }
            StatementEvent::Finished => OperationState::Finished,
        };
        statement.finish_time = Some(event.finish_time.0);
        statement.state = outcome;
        statement.outcome = Some(outcome);
    }

    pub(crate) fn job_start(&mut self, event: &JobStart) {
        let properties = event.properties.as_ref();
        let Some(group) = property(properties, "spark.jobGroup.id") else { return };
        let execution: Option<i64> = property(properties, "spark.sql.execution.id").and_then(|id| id.parse().ok());
        let job = event.id.as_i32();
        self.of_group(group, |statement| {
            add(&mut statement.job_ids, job);
            if let Some(execution) = execution {
                add(&mut statement.sql_execution_ids, execution);
            }
        });
    }

    pub(crate) fn sql_start(&mut self, event: &ExecutionStart) {
        if let Some(group) = &event.job_group {
            self.of_group(group, |statement| add(&mut statement.sql_execution_ids, event.id));
        }
    }

    /// The open statements of a group; where none is open, all of them.
    fn of_group(&mut self, group: &str, mut change: impl FnMut(&mut ThriftStatement)) {
        let Some(ids) = self.groups.get_mut(group) else { return };
        let statements = &mut self.statements;
        ids.retain(|id| statements.any(id).is_some_and(|statement| statement.group_id == group));
        let is_open = |statements: &mut Entries<ThriftStatement>, id: &str| statements.open(id).is_some();
        let some_open = ids.iter().any(|id| is_open(statements, id));
        for id in ids {
            let statement = if some_open { statements.open(id) } else { statements.any(id) };
            statement.into_iter().for_each(&mut change);
        }
    }

    pub(crate) fn finish(self) -> ThriftServer {
        ThriftServer { sessions: self.sessions.finish(), statements: self.statements.finish() }
    }
}
