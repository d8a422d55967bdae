//! The tables of Connect and Thrift servers: what is in which column.

use super::sheet::{Owner, Sheet};
use history_model::connect::ConnectServer;
use history_model::thrift::ThriftServer;

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn connect_services<'a>(owner: &Owner<'a>, server: &'a ConnectServer) -> Sheet<'a> {
    owner
        .table(&server.services)
        .text("host", |service| &service.host)
        .int32("port", |service| service.port)
        .time("start_time", |service| service.start_time)
        .maybe_time("end_time", |service| service.end_time)
        .named("connect_services")
}

pub(super) fn connect_sessions<'a>(owner: &Owner<'a>, server: &'a ConnectServer) -> Sheet<'a> {
    owner
        .table(&server.sessions)
        .text("session_id", |session| &session.id)
        .text("user_id", |session| &session.user_id)
        .time("start_time", |session| session.start_time)
        .maybe_time("finish_time", |session| session.finish_time)
        .int64("total_execution", |session| session.total_execution)
        .named("connect_sessions")
}

pub(super) fn connect_operations<'a>(owner: &Owner<'a>, server: &'a ConnectServer) -> Sheet<'a> {
    owner
        .table(&server.operations)
        .text("operation_id", |one| &one.operation_id)
        .text("job_tag", |one| &one.job_tag)
        .text("session_id", |one| &one.session_id)
        .text("user_id", |one| &one.user_id)
        .text("user_name", |one| &one.user_name)
        .text("statement", |one| &one.statement)
        .text("state", |one| one.state.name())
        .maybe_text("outcome", |one| one.outcome.map(|outcome| outcome.name()))
        .time("start_time", |one| one.start_time)
        .maybe_time("analyzed_time", |one| one.analyzed_time)
        .maybe_time("ready_time", |one| one.ready_time)
        .maybe_time("finish_time", |one| one.finish_time)
        .maybe_time("close_time", |one| one.close_time)
        .maybe_text("detail", |one| one.detail.as_deref())
        .maybe_int64("produced_rows", |one| one.produced_rows)
        .numbers("job_ids", |one| one.job_ids.iter().copied())
        .large_numbers("sql_execution_ids", |one| one.sql_execution_ids.iter().copied())
        .texts("session_tags", |one| &one.session_tags)
        .named("connect_operations")
}

pub(super) fn thrift_sessions<'a>(owner: &Owner<'a>, server: &'a ThriftServer) -> Sheet<'a> {
    owner
        .table(&server.sessions)
        .text("session_id", |session| &session.id)
        .text("user_name", |session| &session.user_name)
        .text("ip", |session| &session.ip)
        .time("start_time", |session| session.start_time)
        .maybe_time("finish_time", |session| session.finish_time)
        .int64("total_execution", |session| session.total_execution)
        .named("thrift_sessions")
}

pub(super) fn thrift_statements<'a>(owner: &Owner<'a>, server: &'a ThriftServer) -> Sheet<'a> {
    owner
        .table(&server.statements)
        .text("statement_id", |one| &one.id)
        .text("session_id", |one| &one.session_id)
        .text("group_id", |one| &one.group_id)
        .text("user_name", |one| &one.user_name)
        .text("statement", |one| &one.statement)
        .text("state", |one| one.state.name())
        .maybe_text("outcome", |one| one.outcome.map(|outcome| outcome.name()))
        .time("start_time", |one| one.start_time)
        .maybe_time("finish_time", |one| one.finish_time)
        .maybe_time("close_time", |one| one.close_time)
        .maybe_text("plan", |one| some(&one.plan))
        .maybe_text("detail", |one| some(&one.detail))
        .numbers("job_ids", |one| one.job_ids.iter().copied())
        .large_numbers("sql_execution_ids", |one| one.sql_execution_ids.iter().copied())
        .named("thrift_statements")
}
