use std::time::Duration;

use super::unpack;

/// How hard to try, and what is too much.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many artifacts are under way at once.
    pub parallel: usize,
    /// When everything has to be there.
    pub deadline: Duration,
    /// How often in a row an artifact may fail without one more byte of it.
    pub retries: u32,
    /// The pause before the first retry; it doubles up to 30 times of itself.
    pub pause: Duration,
    /// A connection that brings nothing for so long has failed.
    pub silence: Duration,
    /// The largest artifact, in bytes.
    pub max_bytes: u64,
    /// What an archive may become.
    pub unpack: unpack::Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            parallel: 8,
            deadline: Duration::from_secs(600),
            retries: 8,
            pause: Duration::from_millis(500),
            silence: Duration::from_secs(60),
            max_bytes: 100 << 30,
            unpack: unpack::Limits::default(),
        }
    }
}
