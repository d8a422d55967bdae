//! A page that is a title, some facts and some tables.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::frame::{Fact, Frame, html};
use crate::table::Table;

#[derive(Template)]
#[template(path = "plain.html")]
pub(crate) struct PlainPage {
    pub(crate) frame: Frame,
    pub(crate) title: String,
    pub(crate) facts: Vec<Fact>,
    pub(crate) tables: Vec<Table>,
}

impl PlainPage {
    pub(crate) fn answer(&self) -> Response {
        html(StatusCode::OK, self)
    }
}
