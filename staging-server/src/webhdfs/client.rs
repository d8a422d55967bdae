use axum::http::{HeaderMap, header};

/// What kind of client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// Java's own HTTP client, and so Hadoop. That of Hadoop 3.5 lacks the class that reads media types: any
    /// `Content-Type` on JSON ends in "Response decoding failure". Without one, all versions are content.
    Java,
    Other,
}

impl Client {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Java/")) {
            true => Self::Java,
            false => Self::Other,
        }
    }
}
