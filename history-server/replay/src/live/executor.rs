//! Executors while they are there.

use std::collections::BTreeSet;

use history_model::types::{Date, ExecutorMetrics, ExecutorSummary, MemoryMetrics};

/// An executor that is there, or that stages still need to know about.
#[derive(Clone, Debug)]
pub(crate) struct LiveExecutor {
    /// The numbers, as far as they need no working out.
    pub(crate) summary: ExecutorSummary,
    /// Where its block manager listens.
    pub(crate) host_port: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) excluded_in_stages: BTreeSet<i32>,
    /// Storage memory; absent where the log does not tell on-heap and off-heap apart.
    pub(crate) memory: Option<MemoryMetrics>,
    pub(crate) peaks: ExecutorMetrics,
    /// As it was when last a block of a known RDD changed on it: so RDDs show it.
    pub(crate) view: Option<LiveExecutorView>,
    /// Whether it was written down before.
    is_written: bool,
}

impl LiveExecutor {
    pub(crate) fn new(id: &str, time: i64) -> Self {
        let summary =
            ExecutorSummary { id: id.to_owned(), is_active: true, add_time: Date(time), ..ExecutorSummary::default() };
        Self {
            summary,
            host_port: None,
            host: None,
            excluded_in_stages: BTreeSet::new(),
            memory: None,
            peaks: ExecutorMetrics::default(),
            view: None,
            is_written: false,
        }
    }

    /// Notes that it is written down, and says whether for the first time.
    pub(crate) fn first_write(&mut self) -> bool {
        !std::mem::replace(&mut self.is_written, true)
    }

    pub(crate) fn is_driver(&self) -> bool {
        is_driver(&self.summary.id)
    }

    /// The host that it runs on.
    pub(crate) fn hostname(&self) -> Option<&str> {
        let of_port =
            || self.host_port.as_deref().map(|address| address.rsplit_once(':').map_or(address, |(host, _)| host));
        self.host.as_deref().or_else(of_port)
    }

    /// The address that is shown.
    pub(crate) fn address(&self) -> Option<String> {
        self.host_port.clone().or_else(|| self.host.clone())
    }

    pub(crate) fn written(&self) -> ExecutorSummary {
        let mut summary = self.summary.clone();
        summary.host_port = self.address();
        summary.memory_metrics = self.memory.clone();
        summary.peak_memory_metrics = Some(self.peaks).filter(ExecutorMetrics::is_set);
        summary.is_blacklisted = summary.is_excluded;
        summary.excluded_in_stages = self.excluded_in_stages.iter().copied().collect();
        summary.blacklisted_in_stages = summary.excluded_in_stages.clone();
        summary
    }
}

/// What of an executor its RDDs show.
#[derive(Clone, Debug)]
pub(crate) struct LiveExecutorView {
    pub(crate) address: Option<String>,
    pub(crate) memory_remaining: i64,
    pub(crate) memory: Option<MemoryMetrics>,
}

impl LiveExecutorView {
    pub(crate) fn of(executor: &LiveExecutor) -> Self {
        Self {
            address: executor.address(),
            memory_remaining: executor.summary.max_memory - executor.summary.memory_used,
            memory: executor.memory.clone(),
        }
    }
}

/// Whether an executor's id is the driver's. (Its id was another one before Spark 1.4, which Spark has forgotten.)
pub(crate) fn is_driver(id: &str) -> bool {
    id == "driver"
}
