use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::{AsyncBufRead, AsyncBufReadExt as _};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::LogParams;
use kube::{Api, Client};

use super::overlap::{Beginning, Overlap, Written};
use super::spool::Spool;
use crate::ship::Context;
use crate::{Container, Logs, Metrics};

/// What a line has behind so many bytes is left out.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// Some servers stop answering without ending the answer.
const LONGEST_ANSWER: Duration = Duration::from_hours(1);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Follows one container's log into a file; `true` when it has ended and all of its log has been taken over.
pub(super) async fn run(context: Arc<Context>, client: Client, container: Container, pods: PathBuf) -> bool {
    if is_complete(&context, &container).await {
        return true;
    }
    let Some((spool, written)) = open(&context, &pods, &container).await else { return false };
    let api = Api::namespaced(client, &container.namespace);
    let mut following = Following { context, api, container, spool, written };
    let mut pause = FIRST_PAUSE;
    while !following.context.stop.is_cancelled() {
        // Asked before the log: what was written before the end is in the answer that follows.
        let state = following.state().await;
        if let State::Gone = state {
            following.spool.leave(&following.context).await;
            return true;
        }
        let answer = following.take_answer(state == State::Running).await;
        match (answer, state) {
            (Ok(_), State::Ended) => {
                following.spool.leave(&following.context).await;
                return true;
            }
            (Ok(lines), _) if lines > 0 => pause = FIRST_PAUSE,
            (Ok(_), _) => {}
            (Err(error), _) => {
                Metrics::add(&following.context.metrics.read_errors, 1);
                tracing::warn!(error, container = %following.container, "the API does not give a log; trying again");
                // What counts is what has come into the file.
                let opened = open(&following.context, &pods, &following.container).await;
                let Some(opened) = opened else { return false };
                (following.spool, following.written) = opened;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = following.context.stop.cancelled() => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    false
}

/// Opens the file, as often as it takes; `None` when told to stop.
async fn open(context: &Context, pods: &Path, container: &Container) -> Option<(Spool, Written)> {
    while !context.stop.is_cancelled() {
        match Spool::open(pods, container).await {
            Ok(opened) => return Some(opened),
            Err(error) => {
                Metrics::add(&context.metrics.read_errors, 1);
                tracing::warn!(%error, %container, "a log of the API cannot be written to its file; trying again");
            }
        }
        tokio::time::sleep(FIRST_PAUSE).await;
    }
    None
}

/// Whether the store has all of it already.
async fn is_complete(context: &Context, container: &Container) -> bool {
    let logs = Logs::new(context.store.clone()).of_pod(&container.namespace, &container.pod).await;
    logs.is_ok_and(|logs| logs.iter().any(|log| log.container == *container && log.finished))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// Nothing will be written any more.
    Ended,
    /// There is no such container any more.
    Gone,
    Unknown,
}

struct Following {
    context: Arc<Context>,
    api: Api<Pod>,
    container: Container,
    spool: Spool,
    written: Written,
}

impl Following {
    async fn state(&self) -> State {
        let pod = match self.api.get_opt(&self.container.pod).await {
            Ok(Some(pod)) if pod.metadata.uid.as_ref() == Some(&self.container.pod_uid) => pod,
            Ok(_) => return State::Gone,
            Err(_) => return State::Unknown,
        };
        let status = pod.status.unwrap_or_default();
        let lists = [status.init_container_statuses, status.container_statuses, status.ephemeral_container_statuses];
        let mut all = lists.into_iter().flatten().flatten();
        let Some(status) = all.find(|status| status.name == self.container.name) else { return State::Unknown };
        let restart = u32::try_from(status.restart_count).unwrap_or_default();
        match status.state {
            // The one before can be had, as long as it is the one before.
            _ if restart == self.container.restart + 1 => State::Ended,
            _ if restart > self.container.restart => State::Gone,
            Some(state) if state.terminated.is_some() => State::Ended,
            _ => State::Running,
        }
    }

    /// Takes one answer over, to its end; gives how many new lines it had.
    async fn take_answer(&mut self, follow: bool) -> Result<u64, String> {
        let since = self.written.since();
        let restarted = !follow && self.is_previous().await;
        let parameters = LogParams {
            container: Some(self.container.name.clone()),
            follow,
            previous: restarted,
            since_time: since.and_then(|since| Timestamp::from_second(since.timestamp()).ok()),
            timestamps: true,
            ..LogParams::default()
        };
        let asked = self.api.log_stream(&self.container.pod, &parameters).await;
        let stream = asked.map_err(|error| error.to_string())?;
        let overlap = self.written.overlap();
        let stop = self.context.stop.clone();
        let taking = self.take_lines(stream, overlap, !follow);
        tokio::select! {
            taken = taking => taken,
            () = tokio::time::sleep(LONGEST_ANSWER) => Ok(1),
            () = stop.cancelled() => Ok(0),
        }
    }

    /// Whether there has been a restart since.
    async fn is_previous(&self) -> bool {
        let pod = self.api.get_opt(&self.container.pod).await.ok().flatten();
        let statuses = pod.and_then(|pod| pod.status).and_then(|status| status.container_statuses).unwrap_or_default();
        let of_container = statuses.into_iter().find(|status| status.name == self.container.name);
        of_container
            .is_some_and(|status| u32::try_from(status.restart_count).is_ok_and(|now| now > self.container.restart))
    }

    /// `is_whole`: the answer ends where the log does, and not where somebody cut it.
    async fn take_lines(&mut self, stream: impl AsyncBufRead, overlap: Overlap, is_whole: bool) -> Result<u64, String> {
        let mut stream = pin!(stream);
        let (mut overlap, mut carry, mut batch, mut new) = (Some(overlap), Vec::new(), Vec::new(), 0);
        let mut skips = false;
        loop {
            let chunk = stream.fill_buf().await.map_err(|error| error.to_string())?;
            let (len, at_end) = (chunk.len(), chunk.is_empty());
            carry.extend_from_slice(chunk);
            stream.as_mut().consume(len);
            let mut from = 0;
            while let Some(end) = memchr::memchr(b'\n', carry.get(from..).unwrap_or_default()) {
                if !std::mem::take(&mut skips) {
                    new += self.take_line(carry.get(from..from + end).unwrap_or_default(), &mut overlap, &mut batch);
                }
                from += end + 1;
            }
            carry.drain(..from);
            let is_long = carry.len() >= MAX_LINE_BYTES;
            if is_long || (at_end && is_whole && !carry.is_empty()) {
                let line = carry.get(..MAX_LINE_BYTES).unwrap_or(&carry);
                if !skips {
                    new += self.take_line(line, &mut overlap, &mut batch);
                }
                skips = is_long;
                carry.clear();
            }
            if !batch.is_empty() {
                self.spool.write(std::mem::take(&mut batch)).await.map_err(|error| error.to_string())?;
            }
            if at_end {
                return Ok(new);
            }
        }
    }

    /// Adds a line to what is to be written, unless it was had before; gives how many were added.
    fn take_line(&mut self, line: &[u8], overlap: &mut Option<Overlap>, batch: &mut Vec<u8>) -> u64 {
        if overlap.as_ref().is_some_and(Overlap::is_over) {
            *overlap = None;
        }
        let Some(beginning) = overlap else {
            self.put(line, batch);
            return 1;
        };
        match beginning.take(line) {
            Beginning::Old => 0,
            Beginning::Missing(missing) => {
                *overlap = None;
                Metrics::add(&self.context.metrics.gaps, 1);
                let now = Utc::now().to_rfc3339_opts(SecondsFormat::Nanos, true);
                self.put(
                    format!("{now} [hearth: lines may be missing here: the API had them no more]").as_bytes(),
                    batch,
                );
                missing.iter().for_each(|line| self.put(line, batch));
                missing.len() as u64
            }
        }
    }

    /// A line of the API, `<time> <content>`, as the runtime writes it, `<time> stdout F <content>`.
    fn put(&mut self, line: &[u8], batch: &mut Vec<u8>) {
        let space = memchr::memchr(b' ', line).unwrap_or(line.len());
        let (time, content) = line.split_at(space);
        let parsed = std::str::from_utf8(time).ok().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        match parsed {
            Some(parsed) => {
                self.written.push(parsed.to_utc(), line);
                batch.extend_from_slice(time);
                batch.extend_from_slice(b" stdout F");
                batch.extend_from_slice(if content.is_empty() { b" " } else { content });
            }
            // What is no log line may be a word of the API itself.
            None => {
                let time = self.written.newest().to_rfc3339_opts(SecondsFormat::Nanos, true);
                self.written.push(self.written.newest(), line);
                batch.extend_from_slice(time.as_bytes());
                batch.extend_from_slice(b" stdout F ");
                batch.extend_from_slice(line);
            }
        }
        batch.push(b'\n');
    }
}
