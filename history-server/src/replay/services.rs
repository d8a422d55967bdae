//! What an application runs beside jobs of its own: streaming queries, a Connect server, a Thrift server.

use super::settings::Settings;
use super::{connect, streaming, thrift};
use crate::event::core::JobStart;
use crate::event::sql::ExecutionStart;
use crate::model::StreamingQuery;
use crate::model::connect::ConnectServer;
use crate::model::thrift::ThriftServer;

#[derive(Clone, Debug)]
pub(super) struct Services {
    pub(super) streaming: streaming::Queries,
    pub(super) connect: connect::Operations,
    pub(super) thrift: thrift::Statements,
}

impl Services {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            streaming: streaming::Queries::new(settings),
            connect: connect::Operations::new(settings),
            thrift: thrift::Statements::new(settings),
        }
    }

    pub(super) fn job_start(&mut self, event: &JobStart) {
        self.connect.job_start(event);
        self.thrift.job_start(event);
    }

    pub(super) fn sql_start(&mut self, event: &ExecutionStart) {
        self.connect.sql_start(event);
        self.thrift.sql_start(event);
    }

    pub(super) fn finish(self) -> (Vec<StreamingQuery>, ConnectServer, ThriftServer) {
        (self.streaming.finish(), self.connect.finish(), self.thrift.finish())
    }
}

/// Adds a number, if it is not there yet.
pub(super) fn add<T: PartialEq>(numbers: &mut Vec<T>, number: T) {
    if !numbers.contains(&number) {
        numbers.push(number);
    }
}
