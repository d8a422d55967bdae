//! Why a task ended, in Spark's words.

use serde::Deserialize;

use super::core::Int;
use super::scan::{Malformed, Result, Scan};

/// Why a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Success,
    /// Its output was lost with its executor after it had succeeded.
    Resubmitted,
    /// It was killed, for this reason.
    Killed(String),
    /// It was denied to commit its output: this is shown.
    CommitDenied(String),
    /// It failed: this is shown.
    Failed(String),
}

const RESUBMITTED: &str = "Resubmitted (resubmitted due to lost executor)";

impl Reason {
    pub(crate) fn read(scan: &mut Scan<'_>) -> Result<Self> {
        if scan.eat(b"{\"Reason\":\"Success\"}") {
            return Ok(Self::Success);
        }
        let raw = String::from_utf8_lossy(scan.raw_value()?);
        let reason: RawReason = serde_json::from_str(&raw).map_err(|_| Malformed)?;
        Ok(reason.into())
    }

    /// The message shown with the task.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Success => None,
            Self::Resubmitted => Some(RESUBMITTED),
            Self::Killed(text) | Self::CommitDenied(text) | Self::Failed(text) => Some(text),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawReason {
    #[serde(rename = "Reason")]
    reason: String,
    #[serde(rename = "Block Manager Address")]
    block_manager: Option<BlockManager>,
    #[serde(rename = "Shuffle ID")]
    shuffle_id: Int,
    #[serde(rename = "Map ID")]
    map_id: Int,
    #[serde(rename = "Map Index")]
    map_index: Option<Int>,
    #[serde(rename = "Reduce ID")]
    reduce_id: Int,
    #[serde(rename = "Message")]
    message: Option<String>,
    #[serde(rename = "Class Name")]
    class_name: Option<String>,
    #[serde(rename = "Description")]
    description: Option<String>,
    #[serde(rename = "Stack Trace")]
    stack_trace: Option<Vec<Frame>>,
    #[serde(rename = "Full Stack Trace")]
    full_stack_trace: Option<String>,
    #[serde(rename = "Kill Reason")]
    kill_reason: Option<String>,
    #[serde(rename = "Job ID")]
    job_id: Option<Int>,
    #[serde(rename = "Partition ID")]
    partition_id: Option<Int>,
    #[serde(rename = "Attempt Number")]
    attempt_number: Option<Int>,
    #[serde(rename = "Exit Caused By App")]
    exit_caused_by_app: Option<bool>,
    #[serde(rename = "Executor ID")]
    executor_id: Option<String>,
    #[serde(rename = "Loss Reason")]
    loss_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BlockManager {
    #[serde(rename = "Executor ID")]
    executor_id: String,
    #[serde(rename = "Host")]
    host: String,
    #[serde(rename = "Port")]
    port: Int,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Frame {
    #[serde(rename = "Declaring Class")]
    class: String,
    #[serde(rename = "Method Name")]
    method: String,
    #[serde(rename = "File Name")]
    file: Option<String>,
    #[serde(rename = "Line Number")]
    line: Int,
}

impl From<RawReason> for Reason {
    fn from(raw: RawReason) -> Self {
        match raw.reason.as_str() {
            "Success" => Self::Success,
            "Resubmitted" => Self::Resubmitted,
            "TaskKilled" => Self::Killed(raw.kill_reason.unwrap_or_else(|| "unknown reason".to_owned())),
            "TaskCommitDenied" => Self::CommitDenied(format!(
                "TaskCommitDenied (Driver denied task commit) for job: {}, partition: {}, attemptNumber: {}",
                raw.job_id.map_or(-1, Int::as_i32),
                raw.partition_id.map_or(-1, Int::as_i32),
                raw.attempt_number.map_or(-1, Int::as_i32)
            )),
            "FetchFailed" => Self::Failed(fetch_failed(&raw)),
            "ExceptionFailure" => Self::Failed(exception(raw)),
            "TaskResultLost" => Self::Failed("TaskResultLost (result lost from block manager)".to_owned()),
            "ExecutorLostFailure" => Self::Failed(executor_lost(&raw)),
            "ExecutorShutdownFailure" => Self::Failed(format!(
                "ExecutorShutdownFailure (executor {} was shutting down)",
                raw.executor_id.as_deref().unwrap_or("null")
            )),
            "UnknownReason" => Self::Failed("UnknownReason".to_owned()),
            // A kind of failure that Spark does not have (yet): its name says more than nothing.
            other => Self::Failed(other.to_owned()),
        }
    }
}

fn fetch_failed(raw: &RawReason) -> String {
    let address = raw.block_manager.as_ref().map_or("null".to_owned(), |manager| {
        format!("BlockManagerId({}, {}, {}, None)", manager.executor_id, manager.host, manager.port.0)
    });
    let map_index = raw.map_index.map_or("Unknown".to_owned(), |index| index.0.to_string());
    format!(
        "FetchFailed({address}, shuffleId={}, mapIndex={map_index}, mapId={}, reduceId={}, message=\n{}\n)",
        raw.shuffle_id.0,
        raw.map_id.0,
        raw.reduce_id.0,
        raw.message.as_deref().unwrap_or("Unknown reason")
    )
}

fn exception(raw: RawReason) -> String {
    if let Some(trace) = raw.full_stack_trace {
        return trace;
    }
    let frames: Vec<_> =
        raw.stack_trace.unwrap_or_default().iter().map(|frame| format!("        {}", line(frame))).collect();
    format!(
        "{}: {}\n{}",
        raw.class_name.as_deref().unwrap_or("null"),
        raw.description.unwrap_or_default(),
        frames.join("\n")
    )
}

/// A frame as Java prints it.
fn line(frame: &Frame) -> String {
    let place = match (&frame.file, frame.line.0) {
        (_, -2) => "Native Method".to_owned(),
        (Some(file), number) if number >= 0 => format!("{file}:{number}"),
        (Some(file), _) => file.clone(),
        (None, _) => "Unknown Source".to_owned(),
    };
    format!("{}.{}({place})", frame.class, frame.method)
}

fn executor_lost(raw: &RawReason) -> String {
    let exit = if raw.exit_caused_by_app.unwrap_or(true) {
        "caused by one of the running tasks"
    } else {
        "unrelated to the running tasks"
    };
    let reason = raw.loss_reason.as_ref().map(|reason| format!(" Reason: {reason}")).unwrap_or_default();
    format!("ExecutorLostFailure (executor {} exited {exit}){reason}", raw.executor_id.as_deref().unwrap_or("Unknown"))
}
