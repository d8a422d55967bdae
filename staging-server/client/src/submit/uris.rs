//! Lists of URIs, as spark-submit takes them.

use std::path::PathBuf;

/// A file or folder of this machine in a submission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local {
    /// As it is written, without what follows `#`.
    pub text: String,
    /// Where it is; or a pattern of such.
    pub path: PathBuf,
}

/// Words that stand where a file could, but name none.
const NO_FILES: [&str; 4] = ["spark-internal", "spark-shell", "pyspark-shell", "sparkr-shell"];

/// Whether a URI names something of this machine, as spark-submit sees it: no scheme, or `file:`.
#[must_use]
pub fn is_local(uri: &str) -> bool {
    let (uri, _) = split(uri);
    if uri.is_empty() || NO_FILES.contains(&uri) {
        return false;
    }
    match uri.split_once(':') {
        Some((scheme, _))
            if scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) =>
        {
            scheme.eq_ignore_ascii_case("file")
        }
        _ => true,
    }
}

/// A URI and what follows its `#`, with the sign.
pub(super) fn split(uri: &str) -> (&str, &str) {
    uri.split_at(uri.find('#').unwrap_or(uri.len()))
}

/// The members of a list that has commas between them.
pub(super) fn members(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|member| !member.is_empty())
}

/// What of a list is local.
pub(super) fn local(list: &str) -> impl Iterator<Item = Local> {
    members(list).filter_map(local_one)
}

/// Where one URI is, if it is local.
pub(super) fn local_one(uri: &str) -> Option<Local> {
    let (text, _) = split(uri);
    let path = match text.strip_prefix("file:") {
        // Only what is a URI by its scheme is encoded as one.
        Some(path) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
        }
        None => text.to_owned(),
    };
    is_local(uri).then(|| Local { text: text.to_owned(), path: path.into() })
}

/// A list with what is local replaced by where it was uploaded to; one member may become several, where it is a pattern.
pub(super) fn replaced(list: &str, places: &dyn Fn(&str) -> Option<Vec<String>>) -> String {
    members(list).map(|uri| replaced_one(uri, places)).collect::<Vec<_>>().join(",")
}

/// The same for one URI.
pub(super) fn replaced_one(uri: &str, places: &dyn Fn(&str) -> Option<Vec<String>>) -> String {
    let (text, fragment) = split(uri);
    match places(text).filter(|_| is_local(uri)) {
        Some(found) => found.into_iter().map(|place| place + fragment).collect::<Vec<_>>().join(","),
        None => uri.to_owned(),
    }
}
