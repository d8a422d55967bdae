use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Failure;

/// What happens to an artifact, by its place in the list that the fetcher was given.
#[derive(Clone, Debug)]
pub enum Event {
    /// Its transfer has begun; the size is known where the other side says it.
    Began {
        /// Which.
        index: usize,
        /// Its length.
        total_bytes: Option<u64>,
    },
    /// So many bytes of it have arrived by now.
    Arrived {
        /// Which.
        index: usize,
        /// Since the beginning of the artifact.
        bytes: u64,
    },
    /// Something went wrong that may pass.
    Retrying {
        /// Which.
        index: usize,
        /// What went wrong.
        reason: String,
        /// When it is tried again.
        pause: Duration,
    },
    /// It is there, or is not going to be.
    Ended {
        /// Which.
        index: usize,
        /// How.
        outcome: Outcome,
    },
}

/// What became of an artifact.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Where it was to come from, without anything secret.
    pub source: String,
    /// Where it is: a file, or the folder that an archive became.
    pub path: PathBuf,
    /// The bytes that it has, as it was sent.
    pub size_bytes: u64,
    /// How many entries an archive had.
    pub entries: Option<u64>,
    /// How often a transfer broke off and was taken up again.
    pub retries: u32,
    /// From its first request to its place.
    pub elapsed: Duration,
    /// A word on what was done otherwise than asked.
    pub note: Option<String>,
    /// Why it is not there.
    pub failure: Option<Failure>,
}

/// Is told of every [`Event`], from several threads.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;
