//! Bodies that are watched: one that comes, and one that goes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::connections::UnderWay;

/// A request's body. It fails when nothing of it comes for too long while somebody waits for it.
pub(super) struct Timed {
    body: Incoming,
    stall: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
}

/// Why a body ended before its end.
#[derive(Debug)]
pub(super) enum Broken {
    Connection(hyper::Error),
    Stalled(Duration),
}

impl Timed {
    /// Without `stall`, the body may be silent for as long as its connection lives.
    pub(super) fn new(body: Incoming, stall: Option<Duration>) -> Self {
        Self { body, stall, waiting: None }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Broken::Connection)));
        }
        let Some(stall) = this.stall else { return Poll::Pending };
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + stall)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Broken::Stalled(stall)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(_) => f.write_str("the connection broke"),
            Self::Stalled(stall) => write!(f, "the client sent nothing for {stall:?}"),
        }
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connection(error) => Some(error),
            Self::Stalled(_) => None,
        }
    }
}

/// An answer's body. Its request is under way until the last byte has gone.
pub(super) struct Counted {
    body: Body,
    _under_way: UnderWay,
}

impl Counted {
    pub(super) fn new(body: Body, under_way: UnderWay) -> Self {
        Self { body, _under_way: under_way }
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
