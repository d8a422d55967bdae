use crate::layout::Owner;

/// Whose a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Spark's.
    Spark(Owner),
    /// None of Spark's: the API has shown a pod that is not.
    Stranger,
    /// Nobody has said so far.
    Unknown,
}
