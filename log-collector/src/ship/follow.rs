use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::find::find;
use super::shipper::Shipper;
use super::{Context, Stopped};
use crate::Container;
use crate::discover::{self, Found, Identity};
use crate::layout::Owner;
use crate::metrics::Share;
use crate::tail::Filled;

/// How long after a container has ended its last lines may still be on their way into its file.
const LAST_LINES: Duration = Duration::from_secs(2);
/// A container that has written nothing for so long is looked at more rarely, by so much.
const QUIET: Duration = Duration::from_secs(10);
const QUIET_POLLS: u32 = 4;
/// A Kubernetes API that does not answer is not asked more often than this for one pod.
const LEAST_PAUSE: Duration = Duration::from_millis(500);

/// How often it is looked whether the reason for an end came unnoticed.
const MISSED: Duration = Duration::from_secs(1);

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
pub(crate) async fn run(context: Arc<Context>, found: Found, mut inbox: UnboundedReceiver<Found>) -> Outcome {
    match identify(&context, &found.container).await {
        Some(owner) => match Shipper::recover(&context, found, owner).await {
            Ok(shipper) => follow(&context, shipper, &mut inbox).await.unwrap_or(Outcome::Stopped),
            Err(Stopped) => {
                // Its files cannot be read, perhaps: found again, it is tried again.
                tokio::time::sleep(LEAST_PAUSE).await;
                Outcome::Stopped
            }
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
            Identity::Chosen => return Some(None),
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
                // A pod that is gone, and was known to a collector before this one, is known in the store.
                Some(false) if looks_like_spark || is_in_store(context, container).await => return Some(None),
                Some(false) => return None,
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

async fn is_in_store(context: &Context, container: &Container) -> bool {
    find(context, container, None).await.is_ok_and(|stored| stored.run.is_some())
}

async fn follow(
    context: &Context,
    mut shipper: Shipper<'_>,
    inbox: &mut UnboundedReceiver<Found>,
) -> Result<Outcome, Stopped> {
    let mut ended_at = None;
    loop {
        while let Ok(found) = inbox.try_recv() {
            shipper.add(found).await;
        }
        // Asked before reading: what was written before the collector was told to stop is shipped.
        let is_stopping = context.stop.is_cancelled();
        let reads = shipper.may_read() && shipper.is_worth_reading();
        let filled = if reads { shipper.read_on().await } else { Filled::Idle };
        if context.has_given_up() {
            return Err(Stopped);
        }
        shipper.stay_alive();
        if shipper.is_full() || shipper.due().is_some_and(|due| due <= Instant::now()) {
            shipper.ship(false, None).await?;
        }
        match filled {
            Filled::More => continue,
            Filled::End => match shipper.ship(true, context.identities.end(shipper.container())).await? {
                true => return finish(context, shipper).await,
                false => continue,
            },
            // Its last lines are nowhere but in a file without a name.
            Filled::Ending => drop(shipper.ship(false, None).await?),
            Filled::Idle => {}
        }
        if is_stopping && shipper.may_read() {
            match shipper.ship(false, None).await? {
                true => return Ok(Outcome::Stopped),
                false => continue,
            }
        }
        if !shipper.has_owner() && context.identities.owner(shipper.container()).is_some() {
            shipper.learn(context.identities.owner(shipper.container()));
            shipper.ship(false, None).await?;
        }
        // A pod that completes keeps its file, perhaps for days.
        if let Some(end) = context.identities.end(shipper.container())
            && !shipper.is_finished()
            && ended_at.get_or_insert_with(Instant::now).elapsed() > LAST_LINES
        {
            shipper.take_rest().await;
            shipper.ship(true, Some(end)).await?;
        }
        pause(context, &shipper, inbox).await;
    }
}

/// Waits until there may be something to do.
async fn pause(context: &Context, shipper: &Shipper<'_>, inbox: &UnboundedReceiver<Found>) {
    if !inbox.is_empty() {
        return;
    }
    let poll =
        Instant::now() + context.settings.poll_interval * if shipper.quiet_for() >= QUIET { QUIET_POLLS } else { 1 };
    let until = shipper.due().map_or(poll, |due| due.min(poll));
    tokio::select! {
        () = tokio::time::sleep_until(until) => {}
        () = context.stop.cancelled() => {}
    }
}

/// Lets go of a container whose file is gone, and waits, for a while, for why it ended. What is in the store is complete
/// before that: nobody else could complete it.
async fn finish(context: &Context, mut shipper: Shipper<'_>) -> Result<Outcome, Stopped> {
    shipper.close().await;
    let deadline = Instant::now() + context.settings.end_timeout;
    while context.identities.learns() && Instant::now() < deadline && !context.stop.is_cancelled() {
        let end = context.identities.end(shipper.container());
        let owner = context.identities.owner(shipper.container());
        if end.is_some() && owner.is_some() {
            shipper.learn(owner);
            shipper.ship(true, end).await?;
            break;
        }
        // It may wait for long, and holds nothing meanwhile.
        shipper.leave();
        tokio::select! {
            () = context.identities.changed() => {}
            // What is learned between the two looks is seen a moment later.
            () = tokio::time::sleep_until(deadline.min(Instant::now() + MISSED)) => {}
            () = context.stop.cancelled() => {}
        }
    }
    Ok(Outcome::Finished)
}
