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

pub(super) fn state(log: &ContainerLog) -> Badge {
    match &log.end {
        Some(end) if end.is_success() => Badge::new("exited 0", "idle"),
        Some(_) => Badge { hint: "The container ended with an error", ..Badge::new("failed", "bad") },
        None if log.finished => Badge { hint: "Nothing will follow", ..Badge::new("ended", "idle") },
        None => Badge { hint: "More lines may come", ..Badge::new("running", "busy") },
    }
}

pub(super) fn facts(log: &ContainerLog, stream: Stream) -> Vec<Fact> {
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
    let lines = i64::try_from(log.lines(stream)).unwrap_or(i64::MAX);
    facts.push(Fact::text("Lines", format::count(lines)));
    facts.push(Fact::new("Last shipped", Cell::time(Some(Date(log.last_shipped.timestamp_millis())))));
    facts
}

pub(super) fn gaps(log: &ContainerLog, stream: Stream) -> Option<Notice> {
    if log.gaps.is_empty() {
        return None;
    }
    let index = Stream::ALL.iter().position(|one| *one == stream).unwrap_or_default();
    let detail = |gap: &Gap| {
        let at = gap.at_bytes.get(index).copied().unwrap_or_default();
        format!("after byte {at}: {}", gap.reason)
    };
    let places = format::plural(i64::try_from(log.gaps.len()).unwrap_or(i64::MAX), "place");
    let text = format!("Lines are missing in {places}: they were gone before they could be collected.");
    Some(Notice { class: "warn", text, details: log.gaps.iter().take(20).map(detail).collect() })
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
