//! The real `hearth` binary as a process.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::process::{guarded, signal};
use super::wait::eventually;

/// What `hearth serve` prints addresses of.
pub(crate) const ROLES: [&str; 3] = ["staging server", "history server", "admin"];

/// Lets `hearth serve` listen on this machine, wherever there is room.
pub(crate) const FREE_PORTS: [&str; 6] =
    ["--staging-listen", "127.0.0.1:0", "--history-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// A running `hearth`; ends when dropped.
pub(crate) struct Hearth {
    pub(crate) child: Child,
    said: Arc<Mutex<Said>>,
    listeners: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Said {
    addresses: BTreeMap<String, String>,
    all: String,
}

impl Hearth {
    /// Starts `hearth` with these arguments and environment, and returns when it has printed a line for each of `roles`,
    /// as in `staging server  http://127.0.0.1:10000`.
    pub(crate) async fn start<A: AsRef<OsStr>>(arguments: &[A], environment: &[(&str, &str)], roles: &[&str]) -> Self {
        let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
        command.args(arguments).envs(environment.iter().copied());
        Self::run(command, roles).await
    }

    /// As [`Hearth::start`], with a limit on open files that it cannot raise.
    pub(crate) async fn start_with_files(files: u64, arguments: &[&str], roles: &[&str]) -> Self {
        let mut command = guarded("bash");
        let limited = format!("ulimit -n {files}; exec \"$@\"");
        command.args(["-c", &limited, "limited", env!("CARGO_BIN_EXE_hearth")]).args(arguments);
        Self::run(command, roles).await
    }

    async fn run(mut command: Command, roles: &[&str]) -> Self {
        // Most tests are not about what happens between the word and the end.
        command.env("HEARTH_SHUTDOWN_DELAY", "0s").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(Said::default()));
        let listeners = vec![
            tokio::spawn(listen(child.stdout.take().unwrap(), Arc::clone(&said))),
            tokio::spawn(listen(child.stderr.take().unwrap(), Arc::clone(&said))),
        ];
        let mut hearth = Self { child, said, listeners };
        let began = Instant::now();
        eventually("hearth's lines", Duration::from_secs(90), async || {
            assert!(hearth.child.try_wait().unwrap().is_none(), "hearth ended:\n{}", hearth.log());
            assert!(began.elapsed() < Duration::from_secs(60), "hearth said nothing of {roles:?}:\n{}", hearth.log());
            let said = hearth.said.lock().unwrap();
            roles.iter().all(|role| said.addresses.contains_key(*role)).then_some(())
        })
        .await;
        hearth
    }

    /// The URL that `hearth` printed for a role (of the log collector: its folders), without a slash at its end.
    pub(crate) fn address(&self, role: &str) -> String {
        self.said.lock().unwrap().addresses[role].trim_end_matches('/').to_owned()
    }

    /// All that it has said so far, both streams.
    pub(crate) fn log(&self) -> String {
        self.said.lock().unwrap().all.clone()
    }

    /// How much memory it has, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Kills it, without a chance to do anything more, and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Tells it to stop, waits until it has, and returns its exit code and all that it said.
    pub(crate) async fn stop(self) -> (Option<i32>, String) {
        signal(&self.child, "TERM").await;
        self.ended().await
    }

    /// Closes both ends that it writes to.
    pub(crate) async fn close_output(&mut self) {
        for listener in self.listeners.drain(..) {
            listener.abort();
            // It ends as it was told to.
            let _ = listener.await;
        }
    }

    /// Waits until it has ended, and returns its exit code and all that it said.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
        // Waiting closes standard input first, which the guard takes for the end of the test.
        let lifeline = self.child.stdin.take();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        drop(lifeline);
        let status = ended.unwrap_or_else(|_| panic!("hearth did not stop:\n{}", self.log())).unwrap();
        // Its last lines may still lie in the pipes.
        for listener in self.listeners.drain(..) {
            listener.await.unwrap();
        }
        (status.code(), self.log())
    }
}

async fn listen(from: impl AsyncRead + Unpin, said: Arc<Mutex<Said>>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut said = said.lock().unwrap();
        if let Some((role, rest)) = line.split_once("  ") {
            let address = rest.split_whitespace().find(|word| word.starts_with("http")).unwrap_or(rest.trim());
            said.addresses.entry(role.to_owned()).or_insert_with(|| address.to_owned());
        }
        said.all += &line;
        said.all += "\n";
    }
}
