use std::fmt;

/// A place in a text, from 1 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// What the template says takes effect otherwise than a reader may think.
    Note,
    /// What the template says has no effect, or one that is seldom meant.
    Warning,
    /// Kubernetes or Spark refuse it, or drop it.
    Error,
}

impl Severity {
    /// As it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something to know about a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands.
    pub place: Place,
    /// As `spec.containers[0].image`.
    pub field: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is to be known.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, field, severity, message } = self;
        write!(f, "{place}: {}: {field}{}{message}", severity.name(), if field.is_empty() { "" } else { ": " })
    }
}
