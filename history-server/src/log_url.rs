//! Links to executors' logs elsewhere, by Spark's pattern rules (`ExecutorLogUrlHandler.scala`).
//!
//! A pattern has placeholders `{{NAME}}`, filled from the attributes that an executor's log entry carries. With
//! `{{FILE_NAME}}` the attribute `LOG_FILES` (a comma list) is needed too and there is a link for each file; without it
//! there is one, called `log`. Where an attribute is missing, the links of the log stay as they are.
//!
//! Beyond Spark: for applications that ran on Kubernetes, `POD_NAME`, `NAMESPACE`, `APP_ID` and `EXECUTOR_ID` are known
//! without any attribute.

use std::collections::{BTreeMap, BTreeSet};

const FILE_NAME: &str = "FILE_NAME";
const LOG_FILES: &str = "LOG_FILES";

/// Links by name, by executor.
pub(crate) type Links = BTreeMap<String, BTreeMap<String, String>>;

/// A pattern for links.
#[derive(Clone, Debug)]
pub(crate) struct LogUrlPattern<'a> {
    pattern: &'a str,
    names: BTreeSet<&'a str>,
}

impl<'a> LogUrlPattern<'a> {
    pub(crate) fn new(pattern: &'a str) -> Self {
        let name = |part: &'a str| part.split_once("}}").map(|(name, _)| name).filter(|name| is_name(name));
        Self { pattern, names: pattern.split("{{").skip(1).filter_map(name).collect() }
    }

    /// The links by name; `None` where attributes are missing.
    pub(crate) fn links(&self, attributes: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
        let mut url = self.pattern.to_owned();
        for name in self.names.iter().filter(|name| **name != FILE_NAME) {
            // The list of files is for the other placeholder alone.
            let value = attributes.get(*name).filter(|_| *name != LOG_FILES)?;
            url = url.replace(&format!("{{{{{name}}}}}"), value);
        }
        if !self.names.contains(FILE_NAME) {
            return Some(BTreeMap::from([("log".to_owned(), url)]));
        }
        let link = |file: &str| (file.to_owned(), url.replace("{{FILE_NAME}}", file));
        Some(attributes.get(LOG_FILES)?.split(',').map(link).collect())
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn links(pattern: &str, attributes: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
        LogUrlPattern::new(pattern).links(&map(attributes))
    }

    #[test]
    fn a_link_for_each_file() {
        let found =
            links("http://h/{{USER}}/{{FILE_NAME}}?u={{USER}}", &[("USER", "eve"), ("LOG_FILES", "stdout,stderr")]);
        let expected = map(&[("stdout", "http://h/eve/stdout?u=eve"), ("stderr", "http://h/eve/stderr?u=eve")]);
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn one_link_without_files() {
        assert_eq!(links("http://h/{{A-b_1}}", &[("A-b_1", "x")]), Some(map(&[("log", "http://h/x")])));
        assert_eq!(links("http://h/", &[]), Some(map(&[("log", "http://h/")])));
        // Not a placeholder by Spark's expression.
        assert_eq!(links("http://h/{{A B}}", &[]), Some(map(&[("log", "http://h/{{A B}}")])));
    }

    #[test]
    fn nothing_where_an_attribute_is_missing() {
        assert_eq!(links("http://h/{{USER}}/{{MORE}}", &[("USER", "eve")]), None);
        assert_eq!(links("http://h/{{FILE_NAME}}", &[("USER", "eve")]), None);
        assert_eq!(links("http://h/{{LOG_FILES}}", &[("LOG_FILES", "a,b")]), None);
    }
}
