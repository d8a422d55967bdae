//! Spark Connect, in the way of Spark's `SparkConnectServerListener`, but for two things. In Spark's history server that one writes
//! down of what is still open how it began, and seldom what came of it; here it is kept as it stands. And a job that comes after its
//! operation was closed makes it forget what it knew; here the job is added.

use crate::entries::{Entries, add};
use crate::event::connect::{ConnectEvent, Operation, OperationEvent, Service, Session};
use crate::event::core::{JobStart, property};
use crate::event::sql::ExecutionStart;

use crate::settings::Settings;
use history_model::connect::{ConnectOperation, ConnectServer, ConnectService, ConnectSession};
use history_model::operation::OperationState;
use history_model::order::java_cmp;

/// What a Connect server did.
#[derive(Clone, Debug)]
pub(crate) struct Operations {
    services: Vec<ConnectService>,
    /// By user and id, as the server knows them.
    sessions: Entries<ConnectSession>,
    /// By the tags of their jobs.
    operations: Entries<ConnectOperation>,
}

fn session_key(user_id: &str, session_id: &str) -> String {
    format!("{user_id}\0{session_id}")
}

impl Operations {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            services: Vec::new(),
            sessions: Entries::new(settings.retained_connect_sessions, true),
            operations: Entries::new(settings.retained_connect_statements, true),
        }
    }

    pub(crate) fn apply(&mut self, event: ConnectEvent) {
        match event {
            ConnectEvent::ServiceStarted(event) => self.services.push(ConnectService {
                host: event.host_address,
                port: event.binding_port.as_i32(),
                start_time: event.event_time.0,
                end_time: None,
            }),
            ConnectEvent::ServiceEnded(event) => self.service_ended(&event),
            ConnectEvent::SessionStarted(event) => self.session_started(event),
            ConnectEvent::SessionClosed(event) => {
                let (key, time) = (session_key(&event.user_id, &event.session_id), event.event_time.0);
                if let Some(session) = self.sessions.open(&key) {
                    session.finish_time = Some(time);
                    self.sessions.close(&key, Some(time));
                }
            }
            ConnectEvent::Operation(OperationEvent::Started, event) => self.started(*event),
            ConnectEvent::Operation(kind, event) => self.changed(kind, *event),
        }
    }

    fn service_ended(&mut self, event: &Service) {
        let same = |service: &&mut ConnectService| {
            service.end_time.is_none()
                && service.port == event.binding_port.as_i32()
                && service.host == event.host_address
        };
        if let Some(service) = self.services.iter_mut().rev().find(same) {
            service.end_time = Some(event.event_time.0);
        }
    }

    fn session_started(&mut self, event: Session) {
        let Session { session_id, user_id, event_time } = event;
        self.sessions.start(&session_key(&user_id, &session_id), || ConnectSession {
            id: session_id,
            user_id,
            start_time: event_time.0,
            ..ConnectSession::default()
        });
    }

    fn started(&mut self, event: Operation) {
        if let Some(session) = self.sessions.open(&session_key(&event.user_id, &event.session_id)) {
            session.total_execution += 1;
        }
        let mut session_tags = event.spark_session_tags;
        session_tags.sort_by(|left, right| java_cmp(left, right));
        let tag = event.job_tag.clone();
        let operation = self.operations.start(&tag, || ConnectOperation {
            job_tag: event.job_tag,
            operation_id: event.operation_id,
            session_id: event.session_id,
            user_id: event.user_id,
            user_name: event.user_name,
            statement: event.statement_text,
            session_tags,
            start_time: event.event_time.0,
            ..ConnectOperation::default()
        });
        operation.state = OperationState::Started;
    }

    fn changed(&mut self, kind: OperationEvent, event: Operation) {
        let Some(operation) = self.operations.open(&event.job_tag) else { return };
        let time = event.event_time.0;
        let outcome = match kind {
            OperationEvent::Started => return,
            OperationEvent::Analyzed => {
                operation.analyzed_time = Some(time);
                operation.state = OperationState::Compiled;
                return;
            }
            OperationEvent::Ready => {
                operation.ready_time = Some(time);
                operation.state = OperationState::Ready;
                return;
            }
            OperationEvent::Closed => {
                operation.close_time = Some(time);
                operation.state = OperationState::Closed;
                let finished = operation.finish_time;
                return self.operations.close(&event.job_tag, finished);
            }
            OperationEvent::Canceled => OperationState::Canceled,
            OperationEvent::Failed => {
                operation.detail = event.error_message;
                OperationState::Failed
            }
            OperationEvent::Finished => {
                operation.produced_rows = event.produced_row_count.map(|rows| rows.0);
                OperationState::Finished
            }
        };
        operation.finish_time = Some(time);
        operation.state = outcome;
        operation.outcome = Some(outcome);
    }

    pub(crate) fn job_start(&mut self, event: &JobStart) {
        let Some(tags) = property(event.properties.as_ref(), "spark.job.tags") else { return };
        let mut tags: Vec<_> = tags.split(',').collect();
        tags.sort_by(|left, right| java_cmp(left, right));
        if let Some(operation) = self.tagged(tags.into_iter()) {
            add(&mut operation.job_ids, event.id.as_i32());
        }
    }

    pub(crate) fn sql_start(&mut self, event: &ExecutionStart) {
        if let Some(operation) = self.tagged(event.job_tags.iter().map(String::as_str)) {
            add(&mut operation.sql_execution_ids, event.id);
        }
    }

    /// The operation that the first of these tags is of that is an operation's at all.
    fn tagged<'a>(&mut self, mut tags: impl Iterator<Item = &'a str>) -> Option<&mut ConnectOperation> {
        let tag = tags.find(|tag| self.operations.any(tag).is_some())?;
        self.operations.any(tag)
    }

    pub(crate) fn finish(self) -> ConnectServer {
        ConnectServer {
            services: self.services,
            sessions: self.sessions.finish(),
            operations: self.operations.finish(),
        }
    }
}
