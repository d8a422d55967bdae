//! What `hearth check-config` prints.

use std::fmt::Write as _;

use super::finding::{Outcome, Spark};

/// A line for each setting that was found: what becomes of it, its name and value, where it stands, and how or why.
pub(in super::super) fn report(spark: &Spark) -> String {
    let mut report = String::new();
    for finding in &spark.findings {
        let (word, why) = match &finding.outcome {
            Outcome::Used(how) => ("used", how.as_str()),
            Outcome::Ignored(why) => ("ignored", why.as_str()),
            Outcome::Unknown => ("unknown", "no history server of Spark up to 4.3 has it"),
            Outcome::Refused(why) => ("refused", why.as_str()),
        };
        let value = if finding.value.is_empty() { String::new() } else { format!("={}", finding.value) };
        // A text cannot fail to be written to.
        let _ = writeln!(report, "{word:<8} {}{value}\n         {why} (from {})", finding.name, finding.origin);
    }
    report
}
