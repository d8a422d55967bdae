//! The query of a URL: read, and written again with something changed, so that a link keeps what else is set.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use crate::links;

/// The parameters of a request, in their order. Of one that is given twice, the last counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

/// A bound on what a link of ours repeats of the URL that was asked.
const MAX_PARAMS: usize = 100;

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter's value, trimmed; `None` when it is missing or empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A link to the same page with these parameters set, or with `None` removed.
    pub(crate) fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let kept = (self.0.iter())
            .filter(|(key, _)| !changes.iter().any(|(name, _)| name == key))
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let set = changes.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let query = links::query(kept.chain(set));
        if query.is_empty() { "?".to_owned() } else { query }
    }

    /// What a form has to carry on beside its own fields.
    pub(crate) fn except(&self, names: &[&str]) -> Vec<(String, String)> {
        self.0.iter().filter(|(key, _)| !names.contains(&key.as_str())).cloned().collect()
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let Ok(Query(mut pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
            return Ok(Self::default());
        };
        pairs.truncate(MAX_PARAMS);
        Ok(Self(pairs))
    }
}
