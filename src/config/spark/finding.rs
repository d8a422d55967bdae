//! What becomes of a setting, and of all of them.

use std::collections::BTreeMap;

use storage::StoreUrl;

/// Values of a setting of Hearth, and words that say where they come from.
pub(in super::super) type Set = (Vec<String>, String);

/// What Spark's settings come to.
#[derive(Default)]
pub(in super::super) struct Spark {
    /// Settings of Hearth, by role and name.
    pub(in super::super) settings: BTreeMap<(Option<&'static str>, &'static str), Set>,
    /// Where event logs are: a name, where one is given, and the place.
    pub(in super::super) event_logs: Vec<(Option<String>, StoreUrl)>,
    /// Whether replayed applications are kept, in the store that is set here or by Hearth's own settings.
    pub(in super::super) keeps: bool,
    /// What became of each setting that was found.
    pub(super) findings: Vec<Finding>,
    /// Why the server cannot be started like this.
    pub(in super::super) mistakes: Vec<String>,
}

/// What became of a setting.
pub(super) struct Finding {
    pub(super) name: String,
    /// As it may be shown.
    pub(super) value: String,
    pub(super) origin: String,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    /// It is followed: by which setting of Hearth, or how.
    Used(String),
    /// It has no meaning here, and why.
    Ignored(String),
    /// Nobody knows it.
    Unknown,
    /// It cannot be followed, and must not be passed over.
    Refused(String),
}

/// A setting as it was found.
#[derive(Clone)]
pub(super) struct Property {
    pub(super) value: String,
    pub(super) origin: String,
}

impl Spark {
    /// What a log should say of them at the start: whatever is not followed, but for what is of no use to anybody.
    pub(in super::super) fn notes(&self) -> Vec<String> {
        let note = |finding: &Finding| match &finding.outcome {
            Outcome::Unknown if finding.name.starts_with("spark.history.") => {
                Some(format!("{} of {} is not known, and ignored", finding.name, finding.origin))
            }
            Outcome::Ignored(why) if finding.name.starts_with("spark.history.") || finding.name.starts_with('-') => {
                Some(format!("{} of {} is ignored: {why}", finding.name, finding.origin))
            }
            _ => None,
        };
        self.findings.iter().filter_map(note).collect()
    }
}
