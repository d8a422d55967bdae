//! The tables of Connect and Thrift servers: what is in which column. [`super`] says it for people.

use super::column::{Cell, Column, Kind};
use super::schema::Owner;
use history_model::connect::ConnectServer;
use history_model::thrift::ThriftServer;

/// Columns that are fields of the rows, or what a function makes of a row's field of that name.
macro_rules! fields {
    ($columns:ident, $rows:ident, $($kind:ident $($name:literal $field:ident)+;)+) => {
        $($($columns.push(fields!(@ $kind $rows $name $field));)+)+
    };
    (@ text $rows:ident $name:literal $field:ident) => {
        Column::new($name, Kind::Text, move |row: usize| Cell::Text($rows[row].$field.as_ref()))
    };
    (@ maybe_text $rows:ident $name:literal $field:ident) => {
        Column::optional($name, Kind::Text, move |row: usize| Cell::text($rows[row].$field.as_deref()))
    };
    // A text that is empty where there is none.
    (@ some_text $rows:ident $name:literal $field:ident) => {
        Column::optional($name, Kind::Text, move |row: usize| {
            Cell::text(Some($rows[row].$field.as_str()).filter(|text| !text.is_empty()))
        })
    };
    (@ time $rows:ident $name:literal $field:ident) => {
        Column::new($name, Kind::Time, move |row: usize| Cell::Int($rows[row].$field))
    };
    (@ maybe_time $rows:ident $name:literal $field:ident) => {
        Column::optional($name, Kind::Time, move |row: usize| Cell::int($rows[row].$field))
    };
    (@ int64 $rows:ident $name:literal $field:ident) => {
        Column::new($name, Kind::Int64, move |row: usize| Cell::Int($rows[row].$field))
    };
    (@ maybe_int64 $rows:ident $name:literal $field:ident) => {
        Column::optional($name, Kind::Int64, move |row: usize| Cell::int($rows[row].$field))
    };
}

/// Lists, each as one text with commas between.
pub(super) struct Lists(Vec<[String; 3]>);

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

impl Lists {
    pub(super) fn of_connect(server: &ConnectServer) -> Self {
        let lists = |one: &history_model::connect::ConnectOperation| {
            [joined(&one.job_ids), joined(&one.sql_execution_ids), joined(&one.session_tags)]
        };
        Self(server.operations.iter().map(lists).collect())
    }

    pub(super) fn of_thrift(server: &ThriftServer) -> Self {
        let lists = |one: &history_model::thrift::ThriftStatement| {
            [joined(&one.job_ids), joined(&one.sql_execution_ids), String::new()]
        };
        Self(server.statements.iter().map(lists).collect())
    }

    fn column<'a>(&'a self, name: &'a str, list: usize) -> Column<'a> {
        Column::optional(name, Kind::Text, move |row| {
            Cell::text(Some(self.0[row][list].as_str()).filter(|list| !list.is_empty()))
        })
    }
}

pub(super) fn connect_sessions<'a>(owner: &Owner<'a>, server: &'a ConnectServer) -> Vec<Column<'a>> {
    let (mut columns, rows) = (owner.columns(), &server.sessions);
    fields! { columns, rows,
        text "session_id" id "user_id" user_id;
        time "start_time" start_time;
        maybe_time "finish_time" finish_time;
        int64 "total_execution" total_execution;
    }
    columns
}

pub(super) fn connect_operations<'a>(
    owner: &Owner<'a>,
    server: &'a ConnectServer,
    lists: &'a Lists,
) -> Vec<Column<'a>> {
    let (mut columns, rows) = (owner.columns(), &server.operations);
    fields! { columns, rows,
        text "operation_id" operation_id "job_tag" job_tag "session_id" session_id "user_id" user_id
            "user_name" user_name "statement" statement;
    }
    columns.push(Column::new("state", Kind::Text, move |row| Cell::Text(rows[row].state.name())));
    columns.push(Column::optional("outcome", Kind::Text, move |row| {
        Cell::text(rows[row].outcome.map(|outcome| outcome.name()))
    }));
    fields! { columns, rows,
        time "start_time" start_time;
        maybe_time "analyzed_time" analyzed_time "ready_time" ready_time "finish_time" finish_time
            "close_time" close_time;
        maybe_text "detail" detail;
        maybe_int64 "produced_rows" produced_rows;
    }
    columns.push(lists.column("job_ids", 0));
    columns.push(lists.column("sql_execution_ids", 1));
    columns.push(lists.column("session_tags", 2));
    columns
}

pub(super) fn thrift_sessions<'a>(owner: &Owner<'a>, server: &'a ThriftServer) -> Vec<Column<'a>> {
    let (mut columns, rows) = (owner.columns(), &server.sessions);
    fields! { columns, rows,
        text "session_id" id "user_name" user_name "ip" ip;
        time "start_time" start_time;
        maybe_time "finish_time" finish_time;
        int64 "total_execution" total_execution;
    }
    columns
}

pub(super) fn thrift_statements<'a>(owner: &Owner<'a>, server: &'a ThriftServer, lists: &'a Lists) -> Vec<Column<'a>> {
    let (mut columns, rows) = (owner.columns(), &server.statements);
    fields! { columns, rows,
        text "statement_id" id "session_id" session_id "group_id" group_id "user_name" user_name "statement" statement;
    }
    columns.push(Column::new("state", Kind::Text, move |row| Cell::Text(rows[row].state.name())));
    columns.push(Column::optional("outcome", Kind::Text, move |row| {
        Cell::text(rows[row].outcome.map(|outcome| outcome.name()))
    }));
    fields! { columns, rows,
        time "start_time" start_time;
        maybe_time "finish_time" finish_time "close_time" close_time;
        some_text "plan" plan "detail" detail;
    }
    columns.push(lists.column("job_ids", 0));
    columns.push(lists.column("sql_execution_ids", 1));
    columns
}
