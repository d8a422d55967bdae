use std::sync::Arc;
use std::time::Duration;

use storage::Store;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::shipper::Shipper;
use super::{Budget, Retry, Stopped};
use crate::Container;
use crate::Health;
use crate::discover::{self, Found, Identities, Identity};
use crate::layout::Owner;
use crate::metrics::{Metrics, Share};
use crate::tail::{Filled, Generation};

/// How long after a container has ended its last lines may still be on their way into its file.
const LAST_LINES: Duration = Duration::from_secs(2);
/// How long the reason why a container ended is waited for when its file is gone.
const LAST_WORD: Duration = Duration::from_secs(3);

/// A Kubernetes API that does not answer is not asked more often than this for one pod.
const LEAST_PAUSE: Duration = Duration::from_millis(500);

/// What all containers' tasks share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) identities: Identities,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    pub(crate) budget: Budget,
    /// How many writes may be under way at a time.
    pub(crate) uploads: Semaphore,
    pub(crate) retry: Retry,
    /// Cancelled when everything that is there is to be shipped, and no more.
    pub(crate) stop: CancellationToken,
    pub(crate) settings: Settings,
}

/// What the tasks go by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) flush_interval: Duration,
    pub(crate) poll_interval: Duration,
    /// How long a pod waits for its labels before it is asked for by itself.
    pub(crate) identity_timeout: Duration,
    /// How long a file that was rotated away or deleted must have been quiet before it is taken as complete.
    pub(crate) rotation_grace: Duration,
    /// A segment of this size is written, however new it is.
    pub(crate) segment_bytes: usize,
    /// A segment of this size is not written again.
    pub(crate) sealed_bytes: usize,
}

/// Why a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The container is gone, and all of its log is in the store.
    Finished,
    /// The container is none of Spark's.
    Stranger,
    /// There was no more time.
    Stopped,
}

/// Ships one container's log until the container is gone or the collector stops.
pub(crate) async fn run(context: Arc<Context>, found: Found, mut inbox: UnboundedReceiver<Vec<Generation>>) -> Outcome {
    match identify(&context, &found.container).await {
        Some(owner) => match Shipper::recover(&context, found, owner).await {
            Ok(shipper) => follow(&context, shipper, &mut inbox).await.unwrap_or(Outcome::Stopped),
            Err(Stopped) => Outcome::Stopped,
        },
        None => Outcome::Stranger,
    }
}

/// Whose container it is: `None` when it is none of Spark's, `Some(None)` when it is one whose labels are not known.
///
/// As long as nobody says whose it is, it is held, its files open; only what Spark's own names say is shipped by them.
async fn identify(context: &Context, container: &Container) -> Option<Option<Owner>> {
    let looks_like_spark = discover::executor_by_name(container).is_some();
    if !context.identities.learns() {
        return looks_like_spark.then_some(None);
    }
    let mut undecided = Share::of(&context.metrics.undecided);
    undecided.set(1);
    let mut deadline = Instant::now() + context.settings.identity_timeout;
    loop {
        match context.identities.of(container) {
            Identity::Spark(owner) => return Some(Some(owner)),
            Identity::Stranger => return None,
            Identity::Unknown => {}
        }
        if context.stop.is_cancelled() {
            return looks_like_spark.then_some(None);
        }
        let now = Instant::now();
        if now >= deadline {
            match context.identities.ask(container).await {
                // What was learned by it is taken up above.
                Some(true) => {}
                Some(false) => return looks_like_spark.then_some(None),
                None if looks_like_spark => return Some(None),
                None => {}
            }
            deadline = now + context.settings.identity_timeout.max(LEAST_PAUSE);
        }
        tokio::select! {
            () = context.identities.changed() => {}
            () = tokio::time::sleep_until(deadline.min(now + context.settings.poll_interval)) => {}
            () = context.stop.cancelled() => {}
        }
    }
}

async fn follow(
    context: &Context,
    mut shipper: Shipper<'_>,
    inbox: &mut UnboundedReceiver<Vec<Generation>>,
) -> Result<Outcome, Stopped> {
    let mut ended_at = None;
    loop {
        while let Ok(generations) = inbox.try_recv() {
            shipper.add(generations).await;
        }
        let filled = shipper.read_on().await;
        if context.retry.give_up.is_cancelled() {
            return Err(Stopped);
        }
        if shipper.is_full() || shipper.due().is_some_and(|due| due <= Instant::now()) {
            shipper.ship(false, None).await?;
        }
        match filled {
            Filled::More => continue,
            Filled::End if shipper.advance() => continue,
            Filled::End => return finish(context, shipper).await,
            // Its last lines are nowhere but in a file without a name.
            Filled::Ending => shipper.ship(false, None).await?,
            Filled::Idle => {}
        }
        if context.stop.is_cancelled() {
            shipper.ship(false, None).await?;
            return Ok(Outcome::Stopped);
        }
        if !shipper.has_owner() && context.identities.owner(shipper.container()).is_some() {
            shipper.learn(context.identities.owner(shipper.container()));
            shipper.ship(false, None).await?;
        }
        // A pod that completes keeps its file, perhaps for days.
        if let Some(end) = context.identities.end(shipper.container())
            && ended_at.get_or_insert_with(Instant::now).elapsed() > LAST_LINES
        {
            shipper.parse(true);
            shipper.ship(true, Some(end)).await?;
        }
        pause(context, &shipper, inbox).await;
    }
}

/// Waits until there may be something to do.
async fn pause(context: &Context, shipper: &Shipper<'_>, inbox: &UnboundedReceiver<Vec<Generation>>) {
    if !inbox.is_empty() {
        return;
    }
    let poll = Instant::now() + context.settings.poll_interval;
    let until = shipper.due().map_or(poll, |due| due.min(poll));
    tokio::select! {
        () = tokio::time::sleep_until(until) => {}
        () = context.stop.cancelled() => {}
    }
}

/// Ships what is left of a container whose file is gone, then, when it comes in time, why it ended.
async fn finish(context: &Context, mut shipper: Shipper<'_>) -> Result<Outcome, Stopped> {
    shipper.ship(true, context.identities.end(shipper.container())).await?;
    let deadline = Instant::now() + LAST_WORD;
    while context.identities.learns() && Instant::now() < deadline && !context.stop.is_cancelled() {
        let end = context.identities.end(shipper.container());
        let owner = context.identities.owner(shipper.container());
        if end.is_some() && owner.is_some() {
            shipper.learn(owner);
            shipper.ship(true, end).await?;
            break;
        }
        tokio::time::sleep(context.settings.poll_interval.min(LAST_WORD)).await;
    }
    Ok(Outcome::Finished)
}
