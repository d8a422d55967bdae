//! How every cloud is spoken to.

use std::time::Duration;

use object_store::{ClientOptions, RetryConfig};

/// A request that is silent for so long has failed. Not a limit on the whole of it: a download lasts as long as its
/// reader takes.
const SILENCE: Duration = Duration::from_secs(120);

pub(crate) fn options() -> ClientOptions {
    ClientOptions::new().with_timeout_disabled().with_read_timeout(SILENCE)
}

/// What fails in passing is tried again, but not for longer than a caller of ours waits for an answer.
pub(crate) fn retry() -> RetryConfig {
    RetryConfig { max_retries: 6, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() }
}
