//! Version 1 of Spark's REST API, as Spark 4.3 answers it.

mod answer;
mod applications;
mod dates;
mod environment;
mod error;
mod executors;
mod other_events;
mod params;
mod request;
mod routes;
mod sql;
mod sql_table;
mod stage_steps;
mod stages;
mod task_rows;
mod task_table;

pub use environment::environment;
pub use executors::executors;
pub use routes::SPARK_VERSION;
pub use sql::{duration as sql_duration, execution_data, modified_configs};
pub use task_table::sort_of_title;

pub use history_model::{TaskList, TaskQuery, TaskSort, executor_summary, task_summary, types};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

use crate::access::Viewer;
use crate::history::History;
use error::Refusal;
use params::Params;
use request::Request;

/// Answers one request; `path` is what stands behind `/api/v1`.
pub(super) async fn serve(history: History, viewer: Viewer, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method == Method::OPTIONS {
        return (StatusCode::OK, [(header::ALLOW, "GET, HEAD, OPTIONS")]).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let refusal = Refusal::Page(StatusCode::METHOD_NOT_ALLOWED).into_response();
        return ([(header::ALLOW, "GET, HEAD, OPTIONS")], refusal).into_response();
    }
    let request = Request {
        history,
        viewer,
        params: Params::of(uri.query()),
        uri: uri.path().to_owned(),
        path: parts(uri.path()),
    };
    if !accepts_ours(&headers, &request) {
        return Refusal::Page(StatusCode::NOT_ACCEPTABLE).into_response();
    }
    request.answer().await.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

/// The parts of a path behind `/api/v1/`, decoded; a slash at the end says nothing.
fn parts(path: &str) -> Vec<String> {
    let rest = path.strip_prefix("/api/v1").unwrap_or(path).trim_start_matches('/');
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    rest.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

/// Whether the client takes what the address answers with.
fn accepts_ours(headers: &HeaderMap, request: &Request) -> bool {
    let ours = match request.path.last().map(String::as_str) {
        Some("logs") if request.path.len() > 2 => ("application", "octet-stream"),
        _ => ("application", "json"),
    };
    let mut given = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if given.peek().is_none() {
        return true;
    }
    given.flat_map(|value| value.split(',')).any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        let refused = range.split(';').skip(1).any(|param| matches!(param.trim(), "q=0" | "q=0.0" | "q=0.00"));
        let (main, sub) = kind.split_once('/').unwrap_or((kind, "*"));
        !refused
            && (main == "*" || main.eq_ignore_ascii_case(ours.0))
            && (sub == "*" || sub.eq_ignore_ascii_case(ours.1))
    })
}
