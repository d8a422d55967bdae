//! Answers: printed piece by piece as they are taken, so that one of any length takes little memory, and one that nobody takes no thread.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::error::Refusal;
use crate::api::json;
use crate::history::Printing;

/// An answer of up to this many bytes is sent whole, with its length.
const WHOLE_BYTES: usize = 256 * 1024;
/// A longer one is sent in pieces of about this many, of which the client's connection holds a few.
const PIECE_BYTES: usize = 32 * 1024;

/// What a request is answered with.
pub(super) enum Answer {
    /// JSON.
    Json { headers: HeaderMap, body: Body },
    /// A file to be kept.
    File { name: String, body: Body },
}

/// What an answer is printed from, a step at a time. It is held for as long as the client takes, so it holds little of its own.
pub(super) trait Steps: Send + 'static {
    /// Whether something has to be got before the next step.
    fn needs(&self) -> bool {
        false
    }

    /// Gets it, from where that has to be waited for.
    fn get(&mut self) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async { Ok(()) })
    }

    /// Prints some thousand bytes more; `false` after the last step. May work for long, but waits for nothing.
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal>;
}

/// One step that prints all.
pub(super) struct Once<F>(Option<F>);

impl<F: FnOnce(&mut Vec<u8>) -> Result<(), Refusal> + Send + 'static> Once<F> {
    pub(super) fn boxed(print: F) -> Box<dyn Steps> {
        Box::new(Self(Some(print)))
    }
}

impl<F: FnOnce(&mut Vec<u8>) -> Result<(), Refusal> + Send + 'static> Steps for Once<F> {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        self.0.take().map_or(Ok(()), |print| print(out))?;
        Ok(false)
    }
}

/// An array of so many items, each printed by its number.
pub(super) struct Each<F> {
    at: usize,
    count: usize,
    print: F,
}

impl<F: FnMut(usize, &mut Vec<u8>) -> Result<(), Refusal> + Send + 'static> Each<F> {
    pub(super) fn boxed(count: usize, print: F) -> Box<dyn Steps> {
        Box::new(Self { at: 0, count, print })
    }
}

impl<F: FnMut(usize, &mut Vec<u8>) -> Result<(), Refusal> + Send + 'static> Steps for Each<F> {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        if self.at < self.count {
            out.extend_from_slice(json::between_items(self.at == 0));
            (self.print)(self.at, out)?;
            self.at += 1;
        }
        let more = self.at < self.count;
        if !more {
            out.extend_from_slice(json::end_of_array(self.count == 0));
        }
        Ok(more)
    }
}

/// A value as JSON: only for short ones.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Answer, Refusal> {
    let mut bytes = Vec::new();
    print(&mut bytes, value)?;
    Ok(Answer::Json { headers: HeaderMap::new(), body: bytes.into() })
}

/// Prints a value.
pub(super) fn print<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Refusal> {
    print_within(out, value, 0)
}

/// Prints a value within so many objects.
pub(super) fn print_within<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T, depth: usize) -> Result<(), Refusal> {
    json::to_writer(out, value, depth).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot print an answer");
        Refusal::Page(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

/// An answer under way.
struct UnderWay {
    steps: Box<dyn Steps>,
    /// How many answers may be worked on at once. One that waits for its client is not among them.
    permits: Arc<Semaphore>,
}

/// Answers with what `steps` print. Returns once it is known how: of a long answer the rest is printed as it is taken.
pub(super) async fn printed(headers: HeaderMap, steps: Box<dyn Steps>, permits: &Printing) -> Result<Answer, Refusal> {
    let begun = UnderWay { steps, permits: Arc::clone(&permits.first) };
    let (first, rest) = begun.piece(WHOLE_BYTES).await?;
    let Some(rest) = rest else { return Ok(Answer::Json { headers, body: first.into() }) };
    let rest = UnderWay { permits: Arc::clone(&permits.rest), ..rest };
    let rest = stream::try_unfold(Some(rest), |rest| async {
        let Some(under_way) = rest else { return Ok(None) };
        let (piece, rest) = under_way.piece(PIECE_BYTES).await?;
        Ok(Some((piece, rest)))
    });
    // What was sent cannot be taken back: at an error, the connection breaks off.
    let rest = rest.map(|piece: Result<Bytes, Refusal>| piece.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe)));
    let body = Body::from_stream(stream::iter([Ok(first)]).chain(rest).fuse());
    Ok(Answer::Json { headers, body })
}

impl UnderWay {
    /// The next piece of about `size` bytes, and what is behind it.
    async fn piece(mut self, size: usize) -> Result<(Bytes, Option<Self>), Refusal> {
        let failed = |reason: &str| {
            tracing::error!(reason, "an answer broke off");
            Refusal::Page(StatusCode::INTERNAL_SERVER_ERROR)
        };
        let mut out = Vec::new();
        loop {
            if self.steps.needs() {
                self.steps.get().await?;
            }
            let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| failed("this server stops"))?;
            let printed = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let mut more = true;
                while more && out.len() < size && !self.steps.needs() {
                    more = self.steps.step(&mut out)?;
                }
                Ok::<_, Refusal>((self, out, more))
            });
            let more;
            (self, out, more) = printed.await.map_err(|panic| failed(&panic.to_string()))??;
            if !more || out.len() >= size {
                return Ok((out.into(), more.then_some(self)));
            }
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Json { headers, body } => {
                let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
                (kind, headers, body).into_response()
            }
            Self::File { name, body } => {
                let disposition = format!("attachment; filename={name}");
                let headers = [
                    (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
                    (header::CONTENT_DISPOSITION, disposition),
                ];
                (headers, body).into_response()
            }
        }
    }
}
