//! What is known of a container besides its lines.

use history_server::api::v1::types::Date;
use log_collector::{ContainerLog, Gap, Stream};

use crate::cell::{Badge, Cell};
use crate::format;
use crate::frame::{Fact, Notice};

/// Names a container in a URL.
pub(super) fn container_id(log: &ContainerLog) -> String {
    let container = &log.container;
    format!("{}.{}.{}", container.pod_uid, container.name, container.restart)
}

pub(super) fn size(bytes: u64) -> String {
    format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX))
}

/// What became of the containers: of several, whatever says more than that they are done.
pub(super) fn state(logs: &[&ContainerLog]) -> Badge {
    let failed = |log: &&&ContainerLog| log.end.as_ref().is_some_and(|end| !end.is_success());
    if logs.iter().any(|log| !log.finished && log.end.is_none()) {
        Badge { hint: "More lines may come", ..Badge::new("running", "busy") }
    } else if logs.iter().any(|log| failed(&log)) {
        Badge { hint: "The container ended with an error", ..Badge::new("failed", "bad") }
    } else if logs.iter().all(|log| log.end.is_some()) {
        Badge::new("exited 0", "idle")
    } else {
        Badge { hint: "Nothing will follow", ..Badge::new("ended", "idle") }
    }
}

pub(super) fn facts(logs: &[&ContainerLog], streams: &[Stream]) -> Vec<Fact> {
    let mut facts = match logs {
        [log] => of_one(log),
        several => vec![Fact::text("Containers", several.len().to_string())],
    };
    let lines: u64 = logs.iter().flat_map(|log| streams.iter().map(|stream| log.lines(*stream))).sum();
    facts.push(Fact::text("Lines", format::count(i64::try_from(lines).unwrap_or(i64::MAX))));
    let last = logs.iter().map(|log| log.last_shipped).max();
    facts.push(Fact::new("Last shipped", Cell::time(last.map(|last| Date(last.timestamp_millis())))));
    facts
}

fn of_one(log: &ContainerLog) -> Vec<Fact> {
    let container = &log.container;
    let mut facts = vec![Fact::text("Pod", container.pod.clone())];
    if !container.namespace.is_empty() {
        facts.push(Fact::text("Namespace", container.namespace.clone()));
    }
    facts.push(Fact::text("Container", container.name.clone()));
    if container.restart > 0 {
        facts.push(Fact::text("Restarts before", container.restart.to_string()));
    }
    if let Some(end) = &log.end {
        facts.push(Fact::text("Ended", end.to_string()));
        if let Some(message) = &end.message {
            facts.push(Fact::text("Kubernetes says", message.clone()));
        }
        let time = |at: Option<chrono::DateTime<chrono::Utc>>| Cell::time(at.map(|at| Date(at.timestamp_millis())));
        facts.push(Fact::new("Started", time(end.started_at)));
        facts.push(Fact::new("Finished", time(end.finished_at)));
    }
    facts
}

/// How many places are told one by one.
const MAX_GAPS: usize = 20;

/// Where lines are missing.
pub(super) fn gaps(logs: &[&ContainerLog], streams: &[Stream]) -> Option<Notice> {
    let all: Vec<(&ContainerLog, &Gap)> =
        logs.iter().flat_map(|log| log.gaps.iter().map(move |gap| (*log, gap))).collect();
    if all.is_empty() {
        return None;
    }
    let detail = |(log, gap): &(&ContainerLog, &Gap)| {
        let whose = if logs.len() > 1 { format!("{}: ", log.container) } else { String::new() };
        let lost = gap.size_bytes.map(|bytes| format!(" (files of {})", size(bytes))).unwrap_or_default();
        let index = Stream::ALL.iter().position(|one| streams == [*one]);
        let at =
            index.and_then(|index| gap.at_bytes.get(index)).map(|at| format!("after byte {at}: ")).unwrap_or_default();
        format!("{whose}{at}{}{lost}", gap.reason)
    };
    let places = format::plural(i64::try_from(all.len()).unwrap_or(i64::MAX), "place");
    let text = format!("Lines are missing in {places}: they were gone before they could be collected.");
    Some(Notice { class: "warn", text, details: all.iter().take(MAX_GAPS).map(detail).collect() })
}

pub(super) fn empty(log: &ContainerLog, stream: Stream) -> String {
    let other = Stream::ALL.into_iter().find(|one| *one != stream && log.size_bytes(*one) > 0);
    let other = other.map(|other| format!(" There is something on {}.", other.name())).unwrap_or_default();
    match (log.size_bytes(stream), log.finished) {
        (1.., _) => "No line here.".to_owned(),
        (0, true) => format!("The container wrote nothing to {}.{other}", stream.name()),
        (0, false) => format!("The container has written nothing to {} so far.{other}", stream.name()),
    }
}
