use bytes::Bytes;
use futures::stream::BoxStream;

use crate::Failure;

/// Where a transfer is taken up again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resume {
    pub(crate) offset: u64,
    pub(crate) total: Option<u64>,
    /// What was the same as long as the content was.
    pub(crate) validator: Option<String>,
}

/// A transfer that has begun.
pub(crate) struct Opened {
    /// Where the body starts: at [`Resume::offset`], or at 0 when the content is another or the server cannot resume.
    pub(crate) start: u64,
    /// The whole length.
    pub(crate) total: Option<u64>,
    pub(crate) validator: Option<String>,
    pub(crate) body: BoxStream<'static, Result<Bytes, Failure>>,
}
