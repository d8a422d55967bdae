//! Paths as clients write them, and as they stand in the store.

use std::fmt;

use storage::ObjectPath;

use crate::{Error, Result};

/// A path as clients write it, from `/` on, decoded.
///
/// Some of what HDFS can look for can be nobody's name: `..`, say, or an empty part. Such a path is read, so that one can be
/// told that nothing is there; [`FilePath::check_name`] refuses to make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePath {
    /// Its parts as the store has them: see [`escape`].
    path: ObjectPath,
    /// Why nothing can be made there.
    flaw: Option<&'static str>,
}

impl FilePath {
    /// Reads a decoded path.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text.contains('\0') {
            return Err(Error::Invalid("Invalid path name: it has a NUL in it".to_owned()));
        }
        let is_doubled = text.trim_end_matches('/').contains("//");
        let mut flaw = is_doubled.then_some("it has an empty part");
        let mut parts = Vec::new();
        for part in text.split('/').filter(|part| !part.is_empty()) {
            flaw = flaw.or(match part {
                "." | ".." => Some("'.' and '..' are not allowed"),
                _ if part.contains(':') => Some("Hadoop allows no ':' in a name"),
                _ => None,
            });
            parts.push(escape(part));
        }
        match ObjectPath::parse(&parts.join("/")) {
            Ok(path) => Ok(Self { path, flaw }),
            Err(storage::Error::InvalidPath { reason, .. }) => {
                let shown: String = text.chars().take(200).collect();
                Err(Error::Invalid(format!("Invalid path name {shown:?}: {reason}")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The path `inside` the tree `tree`, of which `inside` is the path.
    pub(crate) fn of(tree: &str, inside: &ObjectPath) -> Self {
        let path = ObjectPath::parse(tree).and_then(|tree| tree.join(inside.as_str()));
        Self { path: path.unwrap_or_else(|_| ObjectPath::root()), flaw: None }
    }

    /// Whether something may be made there.
    pub(crate) fn check_name(&self) -> Result<()> {
        self.flaw.map_or(Ok(()), |reason| Err(Error::InvalidPath { path: self.to_string(), reason }))
    }

    /// The first part, and what follows it, as the store has it.
    pub(crate) fn split(&self) -> (&str, ObjectPath) {
        let (tree, inside) = self.path.as_str().split_once('/').unwrap_or((self.path.as_str(), ""));
        // A part of a good path is one.
        (tree, ObjectPath::parse(inside).unwrap_or_else(|_| ObjectPath::root()))
    }

    pub(crate) fn is_root(&self) -> bool {
        self.path.is_root()
    }

    pub(crate) fn name(&self) -> String {
        unescape(self.path.name())
    }

    pub(crate) fn join(&self, name: &str) -> Result<Self> {
        Ok(Self { path: self.path.join(&escape(name))?, flaw: self.flaw })
    }

    pub(crate) fn parent(&self) -> Option<Self> {
        self.path.parent().map(|path| Self { path, flaw: self.flaw })
    }

    pub(crate) fn is_below(&self, folder: &Self) -> bool {
        self.path.strip_prefix(&folder.path).is_some_and(|rest| !rest.is_root())
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", unescape(self.path.as_str()))
    }
}

/// What stores do not take in a name, but HDFS does: control characters, as `%` and two digits for each byte. So that every
/// name reads back, `%` itself is `%25` where it would be read as such an escape; and `.` and `..`, which nobody can make,
/// get names that nobody has.
pub(crate) fn escape(name: &str) -> String {
    match name {
        "." => return "%2E".to_owned(),
        ".." => return "%2E%2E".to_owned(),
        _ => {}
    }
    let mut escaped = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        match c {
            '%' if reads_as_escape(&name[at..]) => escaped.push_str("%25"),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|byte| escaped.push_str(&format!("%{byte:02X}")));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// The inverse of [`escape`], of a name or a path; what is no escape stays.
pub(crate) fn unescape(escaped: &str) -> String {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find('%') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        match escaped_byte(rest) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.push(b'%');
                rest = &rest[1..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    // Somebody else's name, then.
    String::from_utf8(bytes).unwrap_or_else(|_| escaped.to_owned())
}

fn reads_as_escape(text: &str) -> bool {
    escaped_byte(text).is_some()
}

fn escaped_byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix('%')?.get(..2)?;
    let is_ours = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit));
    let byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_ours)?;
    matches!(byte, 0x01..=0x1f | b'%' | b'.' | 0x7f | 0x80..=0x9f | 0xc2).then_some(byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_name_is_read_back(name in "[a%25E7F\u{1}\u{a}\u{7f}\u{85}. :C]{1,12}") {
            let escaped = escape(&name);
            prop_assert!(!escaped.chars().any(char::is_control) && escaped != "." && escaped != "..");
            prop_assert_eq!(unescape(&escaped), name);
        }

        #[test]
        fn two_names_are_never_one(one in "[%25E\u{1}0.]{1,6}", other in "[%25E\u{1}0.]{1,6}") {
            prop_assert_eq!(one == other, escape(&one) == escape(&other));
        }

        #[test]
        fn no_text_leads_out_of_the_tree(text in "[./%2eEfF\\\\a]{0,24}") {
            let path = FilePath::parse(&text).unwrap();
            prop_assert!(!path.path.parts().any(|part| part == ".." || part == "."));
            prop_assert!(path.check_name().is_err() || !path.to_string().split('/').any(|part| part == ".."));
        }
    }

    #[test]
    fn names_as_people_make_them_stay() {
        for name in ["app-1.zstd.inprogress", "100%", "a%20b", "c#", "\u{e4}-\u{65e5}", "..."] {
            assert_eq!(escape(name), name);
        }
    }
}
