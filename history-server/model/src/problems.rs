//! What of an event log could not be read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many names of unknown events are kept.
const MAX_NAMES: usize = 100;

/// Counts of what could not be read. The rest of the log was read all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problems {
    /// Lines that are no events.
    pub bad_lines: u64,
    /// Where the first bad line stands, from 1.
    pub first_bad_line: Option<u64>,
    /// Lines that were longer than allowed and were left out.
    pub long_lines: u64,
    /// Whether the log ends within a line.
    pub truncated: bool,
    /// At how many lines this program failed. They are among the bad ones.
    pub faults: u64,
    /// Why the log was not read to its end.
    pub stopped: Option<Stopped>,
    /// Events that this server does not know, by name; at most a hundred names.
    pub unknown_events: BTreeMap<String, u64>,
    /// How many of these are too long, or too many, to be kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub other_events_left_out: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Where reading a log was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Behind about this line, from 1.
    pub line: u64,
    /// Why.
    pub reason: StopReason,
}

/// Why reading a log was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// This program failed at what came next.
    Fault,
    /// What was read takes all the memory that a replay may take.
    Memory,
}

impl Problems {
    /// Whether there is anything that a reader of the pages should be told.
    pub fn any(&self) -> bool {
        self.bad_lines > 0 || self.long_lines > 0 || self.truncated || self.stopped.is_some()
    }

    /// How often this program failed.
    pub fn fault_count(&self) -> u64 {
        let stopped = self.stopped.is_some_and(|stopped| stopped.reason == StopReason::Fault);
        self.faults + u64::from(stopped)
    }

    /// Notes that reading was given up behind a line.
    pub fn stop(&mut self, line: u64, reason: StopReason) {
        self.stopped.get_or_insert(Stopped { line, reason });
    }

    /// Counts a line that is no event.
    pub fn bad_line(&mut self, number: u64) {
        self.bad_lines += 1;
        self.first_bad_line.get_or_insert(number);
    }

    /// Counts an event that this server does not know, by name: a bounded number of names.
    pub fn unknown_event(&mut self, name: &str) {
        if let Some(count) = self.unknown_events.get_mut(name) {
            *count += 1;
        } else if self.unknown_events.len() < MAX_NAMES {
            let name = name.chars().take(200).collect();
            *self.unknown_events.entry(name).or_default() += 1;
        }
    }
}
