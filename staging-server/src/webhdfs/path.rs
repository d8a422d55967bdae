use percent_encoding::percent_decode_str;

use crate::path::FilePath;
use crate::{Error, Result};

/// What every path of this protocol begins with.
pub(super) const PREFIX: &str = "/webhdfs/v1";

/// The path that a request's path names.
pub(super) fn parse(request_path: &str) -> Result<FilePath> {
    let encoded = request_path.strip_prefix(PREFIX).unwrap_or(request_path);
    decode(encoded)
}

/// Reads a percent-encoded path: decoded once, and then read, as HDFS does.
pub(crate) fn decode(encoded: &str) -> Result<FilePath> {
    let invalid = |reason: &str| Err(Error::Invalid(format!("Invalid path name {encoded:?}: {reason}")));
    let mut escapes = encoded.match_indices('%').map(|(at, _)| encoded.get(at + 1..at + 3).unwrap_or_default());
    if !escapes.all(|digits| digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
        return invalid("a '%' in it is not followed by two hexadecimal digits");
    }
    let Ok(decoded) = percent_decode_str(encoded).decode_utf8() else { return invalid("it is not UTF-8") };
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
            prop_assume!(parts.iter().all(|part| !part.trim_matches('.').is_empty()));
            let encoded: String =
                parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, NON_ALPHANUMERIC))).collect();
            prop_assert_eq!(decode(&encoded).unwrap().to_string(), format!("/{}", parts.join("/")));
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
