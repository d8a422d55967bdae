use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, SelectAll, StreamExt as _, TryStreamExt as _};
use storage::ByteStream;
use tokio::time::Instant;

use super::{ContainerLog, Logs};
use crate::{Container, Error, Result, Stream};

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

    /// What is added to the logs of an application, or of one of its executors: of `begun` from where each says, and of
    /// containers that are started later (after a restart, or as another executor) all that they write to `streams`. Ends
    /// when all have finished and, for some polls, no other has begun.
    #[must_use]
    pub fn follow_all(
        &self,
        (application, executor): (&str, Option<&str>),
        streams: &[Stream],
        begun: Vec<(ContainerLog, Stream, u64)>,
    ) -> BoxStream<'static, Result<Added>> {
        let mut all = FollowingAll {
            logs: self.clone(),
            application: application.to_owned(),
            executor: executor.map(str::to_owned),
            streams: streams.to_vec(),
            known: begun.iter().map(|(log, ..)| log.container.clone()).collect(),
            running: SelectAll::new(),
            next_look: Instant::now() + self.poll * POLLS_A_LOOK,
            looks_in_vain: 0,
        };
        for (log, stream, start) in begun {
            all.start(log, stream, start);
        }
        stream::try_unfold(all, |mut all| async { Ok(all.next().await?.map(|added| (added, all))) }).boxed()
    }
}

/// How rarely it is looked for new containers.
const POLLS_A_LOOK: u32 = 5;
/// So many looks find nothing new before it is taken as the end.
const LAST_LOOKS: u32 = 3;

/// What one container has added to a stream.
#[derive(Clone, Debug)]
pub struct Added {
    /// The log, as it was when it was found.
    pub log: ContainerLog,
    /// Which stream.
    pub stream: Stream,
    /// What.
    pub bytes: Bytes,
}

struct FollowingAll {
    logs: Logs,
    application: String,
    executor: Option<String>,
    streams: Vec<Stream>,
    known: HashSet<Container>,
    running: SelectAll<BoxStream<'static, Result<Added>>>,
    next_look: Instant,
    looks_in_vain: u32,
}

impl FollowingAll {
    fn start(&mut self, log: ContainerLog, stream: Stream, start: u64) {
        let following = self.logs.follow(&log, stream, start);
        self.running.push(following.map_ok(move |bytes| Added { log: log.clone(), stream, bytes }).boxed());
    }

    async fn next(&mut self) -> Result<Option<Added>> {
        loop {
            if self.running.is_empty() && self.looks_in_vain >= LAST_LOOKS {
                return Ok(None);
            }
            tokio::select! {
                Some(added) = self.running.next() => return added.map(Some),
                () = tokio::time::sleep_until(self.next_look) => self.look().await?,
            }
        }
    }

    async fn look(&mut self) -> Result<()> {
        let found = match &self.executor {
            Some(executor) => self.logs.of_executor(&self.application, executor).await?,
            None => self.logs.of_application(&self.application).await?,
        };
        self.looks_in_vain += 1;
        for log in found {
            if self.known.insert(log.container.clone()) {
                self.looks_in_vain = 0;
                for stream in self.streams.clone() {
                    self.start(log.clone(), stream, 0);
                }
            }
        }
        self.next_look = Instant::now() + (self.logs.poll * POLLS_A_LOOK).max(Duration::from_millis(1));
        Ok(())
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
