//! What pages draw, made from the model: which lanes, boxes and arrows there are, and what they say. How it is drawn is
//! `draw`'s business.

pub(crate) mod dag;
pub(crate) mod events;
pub(crate) mod plan;
pub(crate) mod task_times;

use askama::Template;
use askama::filters::HtmlSafe;

use crate::draw::svg::Picture;

/// A picture on a page.
#[derive(Template)]
#[template(path = "drawn.html")]
pub(crate) struct Drawn {
    /// By which the page and its scripts refer to it.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What its colours say: class in the style sheet, and meaning.
    pub(crate) legend: Vec<(&'static str, String)>,
    /// What is not drawn, or how to read it.
    pub(crate) note: String,
    pub(crate) picture: Picture,
    /// Whether it is seen at once, or when it is asked for.
    pub(crate) is_open: bool,
}

impl HtmlSafe for Drawn {}

impl Drawn {
    fn new(id: &'static str, title: &'static str, picture: Picture) -> Self {
        Self { id, title, legend: Vec::new(), note: String::new(), picture, is_open: true }
    }

    fn legend(mut self, entries: &[(&'static str, &str)]) -> Self {
        self.legend = entries.iter().map(|(class, text)| (*class, (*text).to_owned())).collect();
        self
    }
}
