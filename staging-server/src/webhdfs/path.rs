use percent_encoding::percent_decode_str;

use super::PREFIX;
use crate::tree::FilePath;
use crate::{Error, Result};

/// The path that a request's path names: decoded once, part by part, so that an encoded `/` cannot make two parts of one.
pub(super) fn parse(request_path: &str) -> Result<FilePath> {
    let encoded = request_path.strip_prefix(PREFIX).unwrap_or(request_path);
    decode(encoded)
}

/// Reads a percent-encoded path.
pub(crate) fn decode(encoded: &str) -> Result<FilePath> {
    let mut decoded = String::with_capacity(encoded.len());
    for part in encoded.split('/').skip_while(|part| part.is_empty()) {
        let invalid = |reason: &str| Err(Error::Invalid(format!("Invalid path name {encoded:?}: {reason}")));
        let Ok(part) = percent_decode_str(part).decode_utf8() else { return invalid("it is not UTF-8") };
        if part.contains('/') {
            return invalid("a part of it has a '/' in it");
        }
        decoded.push('/');
        decoded.push_str(&part);
    }
    FilePath::parse(&decoded)
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_good_path_survives_encoding(parts in prop::collection::vec("[^/\u{0}-\u{1f}\u{7f}-\u{9f}]{1,12}", 1..5)) {
            prop_assume!(parts.iter().all(|part| part != "." && part != ".."));
            let encoded: String =
                parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, NON_ALPHANUMERIC))).collect();
            prop_assert_eq!(decode(&encoded).unwrap().to_string(), format!("/{}", parts.join("/")));
        }

        #[test]
        fn no_text_leads_out_of_the_tree(text in "[./%2eEfF\\\\a]{0,24}") {
            if let Ok(path) = decode(&text) {
                prop_assert!(!path.to_string().split('/').any(|part| part == ".." || part == "."));
                prop_assert!(!path.to_string().contains("//"));
            }
        }

        #[test]
        fn no_text_breaks_it(text in "\\PC{0,40}") {
            let _ = decode(&text);
        }
    }

    #[test]
    fn plus_is_a_plus_and_percent_is_decoded_once() {
        assert_eq!(parse("/webhdfs/v1/staging/a/x%20y+z%2525.jar").unwrap().to_string(), "/staging/a/x y+z%25.jar");
        assert_eq!(parse("/webhdfs/v1/").unwrap().to_string(), "/");
        assert_eq!(parse("/webhdfs/v1/staging/a/").unwrap().to_string(), "/staging/a");
    }
}
