use crate::layout::Owner;

/// Whose a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Spark's.
    Spark(Owner),
    /// Chosen by its labels, which say of no application that it belongs to.
    Chosen,
    /// None of these: the API has shown a pod, or a container, that is not to be shipped.
    Stranger,
    /// Nobody has said so far.
    Unknown,
}
