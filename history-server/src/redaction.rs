//! Which values are secrets, as `spark.redaction.regex` says.

use regex::Regex;

/// What is shown instead of a secret.
const MASK: &str = "*********(redacted)";

/// Finds secrets among properties: those whose name or value has a part that the pattern matches.
#[derive(Clone, Debug)]
pub struct Redaction(Regex);

impl Redaction {
    /// Spark 4.3's default of `spark.redaction.regex`, and the keys of Azure's storage accounts and of services in general.
    pub const DEFAULT: &'static str = "(?i)secret|password|token|access[.]?key|account[.]?key|api[._-]?key|credential";

    /// Takes a pattern for `spark.redaction.regex`. Of Java's patterns, those that look around or refer back are refused.
    ///
    /// # Errors
    /// What is wrong with the pattern, in words.
    pub fn new(pattern: &str) -> Result<Self, String> {
        Regex::new(pattern).map(Self).map_err(|error| {
            // The last line says what, those before show where.
            let text = error.to_string();
            let what = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("{what}; write a regular expression such as (?i)secret|password")
        })
    }

    /// What it looks for.
    pub(crate) fn pattern(&self) -> &str {
        self.0.as_str()
    }

    /// An entry of a class path as it may be shown. Names of files are no secrets, but an address can carry some: before an `@` or
    /// behind a `?`.
    pub fn shown_location(&self, location: String) -> String {
        let with_user = location
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/').unwrap_or((rest, "")).0.split_once('@'));
        let has_password = with_user.is_some_and(|(user, _)| user.contains(':'));
        let has_secret = location.split_once('?').is_some_and(|(_, query)| self.0.is_match(query));
        if has_password || has_secret { MASK.to_owned() } else { location }
    }

    /// The value as it may be shown under its name.
    pub fn shown(&self, name: &str, value: String) -> String {
        if self.0.is_match(name) || self.0.is_match(&value) { MASK.to_owned() } else { value }
    }
}

impl Default for Redaction {
    fn default() -> Self {
        // The empty pattern matches everything: should the default ever be broken, nothing is shown.
        Self::new(Self::DEFAULT).or_else(|_| Self::new("")).unwrap_or_else(|_| unreachable!("the empty pattern is one"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_looked_through() {
        let shown = |name: &str, value: &str| Redaction::default().shown(name, value.to_owned());
        assert_eq!(Redaction::default().0.as_str(), Redaction::DEFAULT);
        assert_eq!(shown("spark.app.name", "pi"), "pi");
        assert_eq!(shown("spark.hadoop.fs.s3a.access.key", "AK"), MASK);
        assert_eq!(shown("spark.ssl.keyPASSWORD", "x"), MASK);
        assert_eq!(shown("sun.java.command", "submit --conf token=x"), MASK);
        assert_eq!(shown("spark.access..key", "x"), "x");
        for key in ["fs.azure.account.key.acme.dfs.core.windows.net", "MY_APIKEY", "acme.api-key", "spark.acme.api.key"]
        {
            assert_eq!(shown(key, "x"), MASK, "{key}");
        }
    }

    #[test]
    fn secrets_in_addresses_are_masked_and_names_of_files_are_shown() {
        let shown = |location: &str| Redaction::default().shown_location(location.to_owned());
        for plain in [
            "/opt/spark/jars/token-provider.jar",
            "spark://driver:7078/jars/secrets-2.1.jar",
            "s3a://bucket/x@y.jar",
            "https://repo/x.jar?v=2",
        ] {
            assert_eq!(shown(plain), plain);
        }
        for secret in [
            "https://ann:s3cr@repo.acme.org/x.jar",
            "https://repo/x.jar?X-Amz-Security-Token=abc",
            "https://ann:s3cr@repo",
        ] {
            assert_eq!(shown(secret), MASK);
        }
    }

    #[test]
    fn other_patterns_mask_other_things() {
        let redaction = Redaction::new("^spark\\.my").unwrap();
        assert_eq!(redaction.shown("spark.my.id", "7".to_owned()), MASK);
        assert_eq!(redaction.shown("spark.secret", "7".to_owned()), "7");
        assert_eq!(
            Redaction::new("(unclosed").unwrap_err(),
            "unclosed group; write a regular expression such as (?i)secret|password"
        );
    }
}
