//! Pod templates for Spark: looked through before Spark does it, given the fetcher's init container, and kept in the
//! store.
//!
//! [`check`] says what Kubernetes does not know in a template and what Spark makes of the rest; [`render()`] adds what
//! brings artifacts before Spark starts; [`Shelf`] keeps templates where the staging server serves them.

mod document;
mod finding;
mod render;
mod shelf;
mod spark;
mod strict;

pub use finding::{Finding, Place, Severity};
pub use render::{Fetch, render};
pub use shelf::{LIMIT_BYTES, Shelf, ShelfError};
pub use spark::{Role, Use, Version};

use document::Node;

/// Looks through a template: every field that a Pod does not have or that has a value of another kind, and every one that
/// Spark replaces, adds to, or does not expect. In the order in which they stand.
#[must_use]
pub fn check(text: &str, purpose: &Use) -> Vec<Finding> {
    let node = match Node::parse(text) {
        Ok(node) => node,
        Err(finding) => return vec![finding],
    };
    let mut findings = strict::check(&node);
    findings.extend(spark::check(&node, purpose));
    findings.sort_by(|a, b| (a.place, &a.field).cmp(&(b.place, &b.field)));
    findings
}

#[cfg(test)]
mod tests;
