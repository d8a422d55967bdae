//! What an application runs beside jobs of its own: streaming queries, a Connect server, a Thrift server.

use crate::event::core::JobStart;
use crate::event::sql::ExecutionStart;
use crate::settings::Settings;
use crate::{connect, streaming, thrift};
use history_model::StreamingQuery;
use history_model::connect::ConnectServer;
use history_model::thrift::ThriftServer;

#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) streaming: streaming::Queries,
    pub(crate) connect: connect::Operations,
    pub(crate) thrift: thrift::Statements,
}

impl Services {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            streaming: streaming::Queries::new(settings),
            connect: connect::Operations::new(settings),
            thrift: thrift::Statements::new(settings),
        }
    }

    pub(crate) fn job_start(&mut self, event: &JobStart) {
        self.connect.job_start(event);
        self.thrift.job_start(event);
    }

    pub(crate) fn sql_start(&mut self, event: &ExecutionStart) {
        self.connect.sql_start(event);
        self.thrift.sql_start(event);
    }

    pub(crate) fn finish(self) -> (Vec<StreamingQuery>, ConnectServer, ThriftServer) {
        (self.streaming.finish(), self.connect.finish(), self.thrift.finish())
    }
}
