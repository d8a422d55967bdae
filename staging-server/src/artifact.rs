//! What a manifest names.

use serde::{Deserialize, Serialize};
use storage::Sha256Digest;

/// Content under a name, within a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Artifact {
    /// A relative path.
    pub(crate) name: String,
    pub(crate) sha256: Sha256Digest,
    pub(crate) size_bytes: u64,
}
