//! A connection whose client has to keep up.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connections::{Phase, Progress};

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From the connection, or the first byte of a request, to the end of its header.
    pub(crate) header: Duration,
    /// Between two requests of one connection.
    pub(crate) idle: Duration,
    /// In the middle of a body, in either direction, without one byte moving.
    pub(crate) stall: Duration,
}

/// A stream that fails with [`io::ErrorKind::TimedOut`] when its client takes too long: to send a header, to ask again, or
/// to take what was written.
pub(super) struct TimedIo<S> {
    stream: S,
    progress: Arc<Progress>,
    patience: Patience,
    reading: Pin<Box<Sleep>>,
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedIo<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>, patience: Patience) -> Self {
        let reading = Box::pin(sleep_until(Instant::now() + patience.header));
        Self { stream, progress, patience, reading, writing: None }
    }

    /// Until when the client must have sent something.
    fn deadline(&self) -> Option<Instant> {
        match self.progress.phase() {
            Phase::Idle(since) => Some(since + self.patience.idle),
            Phase::Header(since) => Some(since + self.patience.header),
            Phase::Busy { .. } => None,
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(deadline) = self.deadline() else { return Poll::Pending };
        if self.reading.deadline() != deadline {
            self.reading.as_mut().reset(deadline);
        }
        ready!(self.reading.as_mut().poll(cx));
        Poll::Ready(Err(too_slow("the client took too long to send a request")))
    }

    /// What a write came to, with a deadline while it cannot go on.
    fn written<T>(&mut self, done: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            if self.writing.take().is_some() {
                self.progress.set_blocked(false);
            }
            return done;
        }
        self.progress.set_blocked(true);
        let deadline = Instant::now() + self.patience.stall;
        let writing = self.writing.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(writing.as_mut().poll(cx));
        Poll::Ready(Err(too_slow("the client took too long to read an answer")))
    }
}

fn too_slow(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedIo<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => {
                if buffer.filled().len() > before {
                    this.progress.bytes_came();
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_deadline(cx),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedIo<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(done, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write_vectored(cx, bytes);
        this.written(done, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_flush(cx);
        this.written(done, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.written(done, cx)
    }
}
