use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use storage::ByteStream;

use super::{ContainerLog, Logs};
use crate::{Error, Result, Stream};

/// What is left of a stream, then what comes; where it goes on from.
struct Following {
    logs: Logs,
    log: ContainerLog,
    stream: Stream,
    at: u64,
    now: Option<ByteStream>,
}

impl Logs {
    /// A stream from `start` on: what is there, then what is added, until the container has finished. Ends early when the
    /// logs are removed.
    #[must_use]
    pub fn follow(&self, log: &ContainerLog, stream: Stream, start: u64) -> BoxStream<'static, Result<Bytes>> {
        let now = Some(log.whole(stream, start));
        let following = Following { logs: self.clone(), log: log.clone(), stream, at: start, now };
        stream::try_unfold(following, Following::next).boxed()
    }
}

impl Following {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        loop {
            if let Some(now) = &mut self.now {
                if let Some(bytes) = now.try_next().await? {
                    self.at += bytes.len() as u64;
                    return Ok(Some((bytes, self)));
                }
                self.now = None;
            }
            if self.log.finished {
                return Ok(None);
            }
            tokio::time::sleep(self.logs.poll).await;
            let Some(log) = self.logs.refresh(&self.log).await? else { return Ok(None) };
            self.now = Some(log.whole(self.stream, self.at));
            self.log = log;
        }
    }
}
