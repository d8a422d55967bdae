use std::time::Duration;

/// Why an artifact is not there, and what to do about it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// What went wrong, in words for people.
    pub reason: String,
    /// What would mend it, where that can be known.
    pub advice: Option<String>,
    pub(crate) may_pass: bool,
    pub(crate) pause: Option<Duration>,
}

impl Failure {
    /// Something that trying again does not mend.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), advice: None, may_pass: false, pause: None }
    }

    /// Something that may be better in a moment.
    pub(crate) fn passing(reason: impl Into<String>) -> Self {
        Self { may_pass: true, ..Self::lasting(reason) }
    }

    /// Whether trying again, with nothing changed, cannot mend it.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !self.may_pass
    }

    /// The same, with a word on what to do.
    #[must_use]
    pub(crate) fn advising(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// A file of this machine that cannot be written or read.
    pub(crate) fn of_file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        let failure = Self::lasting(format!("cannot {doing} {}: {error}", path.display()));
        match error.kind() {
            K::StorageFull | K::QuotaExceeded => failure.advising("give the volume more room"),
            K::PermissionDenied => failure.advising(
                "the folder must be writable for the user that this container runs as: see fsGroup or runAsUser of the pod",
            ),
            K::ReadOnlyFilesystem => failure.advising("mount the volume without readOnly"),
            _ => failure,
        }
    }
}
