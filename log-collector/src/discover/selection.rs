use std::collections::BTreeMap;

use kube::core::{Expression, Selector, SelectorExt as _};

/// Which pods are shipped besides those that Spark's labels tell of, and which containers of a pod.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Pods with such labels are shipped too.
    pub selector: Option<LabelSelector>,
    /// The label whose value is the id of the application that they belong to; without it, or where a pod has none, their
    /// logs are found by the pods' names alone.
    pub application_label: Option<String>,
    /// Ship only the container that Spark runs in, or the first one of a pod: no init containers, and none beside it.
    pub main_only: bool,
}

/// What labels a pod must have, in Kubernetes' words: `KEY`, `!KEY`, `KEY=VALUE` and `KEY!=VALUE`, with commas between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSelector(Selector);

impl std::str::FromStr for LabelSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(expression)
            .collect::<Option<Vec<_>>>()
            .map(|all| Self(all.into_iter().collect()))
            .ok_or_else(|| {
                format!("{text:?} selects nothing: write KEY, !KEY, KEY=VALUE or KEY!=VALUE, with commas between")
            })
    }
}

fn expression(text: &str) -> Option<Expression> {
    let text = text.trim();
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Expression::NotEqual(word(key)?, word(value)?));
    }
    if let Some((key, value)) = text.split_once('=') {
        return Some(Expression::Equal(word(key)?, word(value.strip_prefix('=').unwrap_or(value))?));
    }
    match text.strip_prefix('!') {
        Some(key) => Some(Expression::DoesNotExist(word(key)?)),
        None => Some(Expression::Exists(word(text)?)),
    }
}

/// What may stand in a label.
fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!text.is_empty() && text.chars().all(is_plain)).then(|| text.to_owned())
}

impl LabelSelector {
    pub(super) fn matches(&self, labels: Option<&BTreeMap<String, String>>) -> bool {
        labels.map_or_else(|| self.0.matches(&BTreeMap::new()), |labels| self.0.matches(labels))
    }
}

impl std::fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_as_kubectl_reads_them() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let selector: LabelSelector = "app.kubernetes.io/name=livy, !test,tier!=dev,team".parse().unwrap();
        let matching = [("app.kubernetes.io/name", "livy"), ("team", "data")];
        assert!(selector.matches(Some(&labels(&matching))));
        assert!(!selector.matches(Some(&labels(&[&matching[..], &[("test", "x")]].concat()))));
        assert!(!selector.matches(Some(&labels(&[&matching[..], &[("tier", "dev")]].concat()))));
        assert!(!selector.matches(Some(&labels(&matching[..1]))) && !selector.matches(None));
        assert_eq!(selector.to_string(), "app.kubernetes.io/name=livy,!test,tier!=dev,team");
        for wrong in ["", "a=", "=b", "a in (b,c)", "a,,b", "a==b=c"] {
            assert!(wrong.parse::<LabelSelector>().is_err(), "{wrong:?}");
        }
    }
}
