//! One run of one container, and what is known of it besides its lines.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How many streams a container has.
pub const STREAMS: usize = 2;

/// Which of a container's two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both.
    pub const ALL: [Self; STREAMS] = [Self::Stdout, Self::Stderr];

    /// The name that Kubernetes and Spark's pages have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// The stream of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }

    /// Its number in the store.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Stdout => 0,
            Self::Stderr => 1,
        }
    }
}

/// One run of one container of a pod: what the path of its log file says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The pod's UID; for a static pod, the hash of its configuration.
    pub pod_uid: String,
    /// The container's name in the pod.
    pub name: String,
    /// How often the kubelet had restarted it before.
    pub restart: u32,
}

impl Container {
    /// The folder of its log files below `pods`, as the kubelet names it.
    pub(crate) fn folder_below(&self, pods: &Path) -> PathBuf {
        let Self { namespace, pod, pod_uid, name, .. } = self;
        pods.join(format!("{namespace}_{pod}_{pod_uid}")).join(name)
    }
}

impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}, container {}", self.namespace, self.pod, self.name)?;
        if self.restart > 0 { write!(f, ", restart {}", self.restart) } else { Ok(()) }
    }
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// Its exit code, if Kubernetes told one: of a pod that was evicted there may be none.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// Kubernetes' word for why. The pod's where it has one (`Evicted`, `DeadlineExceeded`, `NodeShutdown`, …), for then the
    /// container's says no more than that it was killed; otherwise the container's (`Completed`, `Error`, `OOMKilled`, …).
    #[serde(default)]
    pub reason: Option<String>,
    /// Kubernetes' sentence about it, cut at 500 characters.
    #[serde(default)]
    pub message: Option<String>,
    /// When it had started.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default)]
    pub finished_at: Option<DateTime<Utc>>,
}

impl End {
    /// Whether it ended as it should.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.exit_code == Some(0)
    }
}

impl std::fmt::Display for End {
    /// As in `exit code 137, OOMKilled`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.exit_code, &self.reason) {
            (Some(code), Some(reason)) => write!(f, "exit code {code}, {reason}"),
            (Some(code), None) => write!(f, "exit code {code}"),
            (None, Some(reason)) => f.write_str(reason),
            (None, None) => f.write_str("failed"),
        }
    }
}

/// The lines of a log that tell of an error: those with `ERROR`, `FATAL`, `Exception` or `Traceback` as a word of their first 160
/// bytes (of `…Exception`, the end of one).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorLines {
    /// How many there are.
    pub lines: u64,
    /// Where in its stream the first of them starts.
    pub first_bytes: u64,
    /// When that was written, milliseconds since 1970.
    pub first_ms: i64,
}

/// Lines that existed and could not be collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// For each stream, at which byte of what was shipped they are missing.
    pub at_bytes: Vec<u64>,
    /// How large the files were that they lay in, where that is known: lines of both streams, with what the container
    /// runtime writes before each.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// What happened.
    pub reason: String,
}
