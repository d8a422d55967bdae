//! Answers: printed while they are sent, so that one of any length takes little memory.

use std::cell::RefCell;
use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::error::Refusal;
use crate::api::json;

/// An answer of up to this many bytes is sent whole, a longer one in pieces of about this many.
const PIECE_BYTES: usize = 256 * 1024;
/// How many pieces may wait for the client.
const AHEAD: usize = 2;
/// How long a piece may wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a request is answered with.
pub(super) enum Answer {
    /// JSON.
    Json { headers: HeaderMap, body: Body },
    /// A file to be kept.
    File { name: String, body: Body },
}

/// A value as JSON: only for short ones.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Answer, Refusal> {
    match json::to_vec(value) {
        Ok(bytes) => Ok(Answer::Json { headers: HeaderMap::new(), body: bytes.into() }),
        Err(error) => Err(unprintable(&error)),
    }
}

fn unprintable(error: &serde_json::Error) -> Refusal {
    if error.is_io() {
        return Refusal::Gone;
    }
    tracing::error!(error = error as &dyn std::error::Error, "cannot print an answer");
    Refusal::Page(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Has `work` answer on a thread that may block. Returns once it is known how: the rest is sent as it is worked out, and not worked out
/// when nobody takes it.
pub(super) async fn printed(
    work: impl FnOnce(&mut Out) -> Result<(), Refusal> + Send + 'static,
) -> Result<Answer, Refusal> {
    let (head, answered) = oneshot::channel();
    let runtime = Handle::current();
    let worker = tokio::task::spawn_blocking(move || {
        let mut out = Out { headers: HeaderMap::new(), buffer: Vec::new(), head: Some(head), sent: None, runtime };
        let done = work(&mut out);
        out.finish(done)
    });
    // What is being sent is owned by the body from here on.
    if let Ok((headers, pieces)) = answered.await {
        return Ok(Answer::Json { headers, body: body(pieces, worker) });
    }
    let failed = |error: tokio::task::JoinError| {
        tracing::error!(error = &error as &dyn std::error::Error, "an answer broke off");
        Err(Refusal::Page(StatusCode::INTERNAL_SERVER_ERROR))
    };
    let whole = worker.await.unwrap_or_else(failed)?;
    Ok(Answer::Json { headers: whole.0, body: whole.1.into() })
}

type Pieces = mpsc::Receiver<io::Result<Bytes>>;
type Whole = Result<(HeaderMap, Vec<u8>), Refusal>;

/// What compresses a body asks once more after its end: the stream has to bear that.
fn body(mut pieces: Pieces, worker: JoinHandle<Whole>) -> Body {
    Body::from_stream(stream::poll_fn(move |context| {
        let _owned = &worker;
        pieces.poll_recv(context)
    }))
}

/// Where an answer is printed to.
pub(super) struct Out {
    /// Headers besides the usual ones; to be set before anything is printed.
    pub(super) headers: HeaderMap,
    buffer: Vec<u8>,
    /// Whom to tell that the answer has begun, and is a long one.
    head: Option<oneshot::Sender<(HeaderMap, Pieces)>>,
    sent: Option<mpsc::Sender<io::Result<Bytes>>>,
    /// To wait with for what has to be read.
    pub(super) runtime: Handle,
}

/// An array whose items are made when they are printed.
struct Made<I, F> {
    items: RefCell<I>,
    make: F,
    refused: RefCell<Option<Refusal>>,
}

impl<I: Iterator, T: Serialize, F: Fn(I::Item) -> Result<T, Refusal>> Serialize for Made<I, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(None)?;
        for item in &mut *self.items.borrow_mut() {
            let made = (self.make)(item).map_err(|refusal| {
                *self.refused.borrow_mut() = Some(refusal);
                S::Error::custom("an item is refused")
            })?;
            array.serialize_element(&made)?;
        }
        array.end()
    }
}

impl Out {
    /// Prints a value.
    pub(super) fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        json::to_writer(&mut *self, value).map_err(|error| unprintable(&error))
    }

    /// Prints an array of what `make` makes of each item, one at a time.
    pub(super) fn each<I: Iterator, T: Serialize>(
        &mut self,
        items: I,
        make: impl Fn(I::Item, &Handle) -> Result<T, Refusal>,
    ) -> Result<(), Refusal> {
        let runtime = self.runtime.clone();
        let made = Made { items: RefCell::new(items), make: |item| make(item, &runtime), refused: RefCell::default() };
        let printed = json::to_writer(&mut *self, &made);
        match made.refused.into_inner() {
            Some(refusal) => Err(refusal),
            None => printed.map_err(|error| unprintable(&error)),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        if let Some(head) = self.head.take() {
            let (sender, receiver) = mpsc::channel(AHEAD);
            self.sent = Some(sender);
            head.send((std::mem::take(&mut self.headers), receiver)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        let Some(sent) = &self.sent else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let taken = self.runtime.block_on(tokio::time::timeout(PATIENCE, sent.send(Ok(piece))));
        taken.map_err(|_| io::ErrorKind::TimedOut)?.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn finish(mut self, done: Result<(), Refusal>) -> Whole {
        if self.head.is_some() {
            return done.map(|()| (self.headers, self.buffer));
        }
        if let (Err(_), Some(sent)) = (&done, &self.sent) {
            // What was sent cannot be taken back: the connection breaks off.
            let broken = Err(io::Error::other("the answer cannot be completed"));
            let _ = self.runtime.block_on(tokio::time::timeout(PATIENCE, sent.send(broken)));
        } else if !self.buffer.is_empty() {
            // An error tells that the client has gone.
            let _ = self.send();
        }
        Ok(Default::default())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
