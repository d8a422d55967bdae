//! Processes that never outlive the test: neither its end, nor a panic, nor the death of the whole test process.

use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// Becomes the program, in a session of its own. A watcher beside it reads the pipe that the test holds open, and when
/// that ends kills all of the session: the program and what it started.
const GUARD: &str = r#"exec 3<&0 </dev/null
( cat <&3 >/dev/null; pkill -KILL -s $$ || kill -KILL -- -$$ ) >/dev/null 2>&1 &
exec 3<&- "$@""#;

/// A command for `program` that ends, with all that it starts, when its standard input is dropped.
pub(crate) fn guarded(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setsid");
    command.args(["bash", "-c", GUARD, "guard"]).arg(program).stdin(Stdio::piped());
    command
}

/// What a program that ended left.
#[derive(Debug)]
pub(crate) struct Output {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// All of its standard output.
    pub(crate) stdout: String,
    /// All of its standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Itself, when the program ended well; fails the test with all that it said otherwise.
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self
    }
}

/// Runs a [`guarded`] command to its end; fails the test, with what the program said, when that is not within `limit`.
pub(crate) async fn run(command: &mut Command, limit: Duration) -> Output {
    let name = format!("{:?}", command.as_std());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("setsid and bash run");
    let lifeline = child.stdin.take();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (from_stdout, from_stderr) = (child.stdout.take(), child.stderr.take());
    let ended = {
        let all =
            async { tokio::join!(child.wait(), read(from_stdout, &mut stdout), read(from_stderr, &mut stderr)).0 };
        tokio::time::timeout(limit, all).await
    };
    drop(lifeline);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (text(stdout), text(stderr));
    match ended {
        Ok(status) => Output { status: status.unwrap(), stdout, stderr },
        Err(_) => panic!("not done within {limit:?}: {name}\n{stdout}\n{stderr}"),
    }
}

/// Sends a process that has not ended a signal, such as `TERM`.
pub(crate) async fn signal(child: &Child, name: &str) {
    if let Some(id) = child.id() {
        let status = Command::new("kill").args([format!("-{name}"), id.to_string()]).status().await.unwrap();
        assert!(status.success(), "kill -{name} {id}: {status}");
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(mut from) = from {
        from.read_to_end(into).await.unwrap();
    }
}
