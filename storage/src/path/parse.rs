use crate::{Error, ObjectPath, Result};

const MAX_PATH_BYTES: usize = 900;

impl ObjectPath {
    /// Reads a path; one leading or trailing `/` is not part of it. The empty text is the store's root.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] when it is too long, or a part is empty, `.`, `..`, or has a control character.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |reason| Err(Error::InvalidPath { text: text.chars().take(200).collect(), reason });
        let trimmed = text.strip_prefix('/').unwrap_or(text);
        let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
        if trimmed.len() > MAX_PATH_BYTES {
            return invalid("longer than 900 bytes");
        }
        if trimmed.is_empty() {
            return Ok(Self::root());
        }
        for part in trimmed.split('/') {
            match part {
                "" => return invalid("it has an empty part"),
                "." | ".." => return invalid("'.' and '..' are not allowed"),
                _ if part.chars().any(char::is_control) => return invalid("it has a control character"),
                _ => {}
            }
        }
        Ok(Self::from_trusted(trimmed.to_owned()))
    }

    /// This path with `below` (one part or several) under it.
    ///
    /// # Errors
    /// As [`ObjectPath::parse`].
    pub fn join(&self, below: &str) -> Result<Self> {
        if self.is_root() { Self::parse(below) } else { Self::parse(&format!("{}/{below}", self.as_str())) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_a_path_that_leaves_the_store(text in "[./a\u{0}%]{0,12}") {
            if let Ok(path) = ObjectPath::parse(&text) {
                prop_assert!(path.parts().all(|part| part != ".." && part != "." && !part.is_empty()));
            }
        }
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        let path = ObjectPath::parse("logs/app-10/x").unwrap();
        assert_eq!(path.strip_prefix(&ObjectPath::parse("logs/app-1").unwrap()), None);
        assert_eq!(path.strip_prefix(&ObjectPath::parse("logs/app-10").unwrap()).unwrap().as_str(), "x");
    }
}
