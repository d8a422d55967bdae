//! The two history servers as processes, and what the kernel says of them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Which program.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// Spark's own, with its defaults: what it has read is gone when it ends.
    Spark { home: PathBuf },
    /// The same with a folder to keep it in, `spark.history.store.path`; Spark's default for that is `RocksDB`.
    SparkWithStore { home: PathBuf },
    /// Ours with its defaults: it replays what has just ended before anyone asks.
    Hearth { binary: PathBuf },
    /// The same with `--replay-ahead off`: what an application costs that nobody has opened before, and that is no news.
    HearthWhenAsked { binary: PathBuf },
}

impl Program {
    /// The column of the table.
    pub(crate) fn name(&self) -> &'static str {
        if self.is_spark() { "Spark" } else { "Hearth" }
    }

    pub(crate) fn is_spark(&self) -> bool {
        matches!(self, Self::Spark { .. } | Self::SparkWithStore { .. })
    }

    /// Starts the server on a folder of event logs. `state` is where it may keep what it likes to find again after a
    /// restart.
    pub(crate) fn start(&self, logs: &Path, state: &Path) -> io::Result<Server> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = std::fs::File::create(state.join(format!("{}.log", self.name())))?;
        let mut command = match self {
            Self::Spark { home } => spark(home, logs, address, None)?,
            Self::SparkWithStore { home } => spark(home, logs, address, Some(&state.join("spark-store")))?,
            Self::Hearth { binary } => hearth(binary, logs, address, state),
            Self::HearthWhenAsked { binary } => {
                let mut command = hearth(binary, logs, address, state);
                command.args(["--replay-ahead", "off"]);
                command
            }
        };
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Server { child, address, started: Instant::now() })
    }
}

fn spark(home: &Path, logs: &Path, address: SocketAddr, store: Option<&Path>) -> io::Result<Command> {
    let mut options =
        format!("-Dspark.history.fs.logDirectory=file:{} -Dspark.history.ui.port={}", logs.display(), address.port());
    if let Some(store) = store {
        std::fs::create_dir_all(store)?;
        options += &format!(" -Dspark.history.store.path={}", store.display());
    }
    let mut command = Command::new(home.join("bin/spark-class"));
    command.arg("org.apache.spark.deploy.history.HistoryServer").env("SPARK_HISTORY_OPTS", options);
    command.env("SPARK_HOME", home).env("SPARK_LOCAL_IP", "127.0.0.1");
    Ok(command)
}

fn hearth(binary: &Path, logs: &Path, address: SocketAddr, state: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("history-server").arg("--store").arg(format!("file:{}", state.join("store").display()));
    command.arg("--event-logs").arg(format!("file:{}", logs.display()));
    command.arg("--listen").arg(address.to_string()).args(["--admin-listen", "off"]);
    command
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) started: Instant,
}

/// What answering took.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

/// Asks for `/api/v1` + `path`.
pub(crate) fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    get_page(address, &format!("/api/v1{path}"))
}

/// Asks for `path`.
pub(crate) fn get_page(address: SocketAddr, path: &str) -> io::Result<Answer> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(3600)))?;
    // HTTP/1.0: neither chunks nor a connection to keep.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let body = answer.split_off(head + 4);
    let head = String::from_utf8(answer).map_err(io::Error::other)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { status, head, body, took: began.elapsed() })
}

impl Server {
    pub(crate) fn get(&self, path: &str) -> io::Result<Answer> {
        get(self.address, path)
    }

    /// Waits until the server lists at least `count` applications, and says how long after its start that was.
    pub(crate) fn wait_for_applications(&mut self, count: usize) -> io::Result<Duration> {
        self.wait_for(count, "/applications", |answer| {
            memchr::memmem::find_iter(&answer.body, b"\"appSparkVersion\"").count()
        })
    }

    /// The same without asking for all of them, which of very many takes longer than what is measured. Only for Hearth.
    pub(crate) fn wait_for_total(&mut self, count: usize) -> io::Result<Duration> {
        self.wait_for(count, "/applications?limit=1", |answer| {
            let total = answer.head.lines().find_map(|line| line.strip_prefix("x-total-count: "));
            total.and_then(|total| total.trim().parse().ok()).unwrap_or(0)
        })
    }

    fn wait_for(&mut self, count: usize, path: &str, listed: impl Fn(&Answer) -> usize) -> io::Result<Duration> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("the server ended: {status}")));
            }
            if self.get(path).is_ok_and(|answer| listed(&answer) >= count) {
                return Ok(self.started.elapsed());
            }
            if self.started.elapsed() > Duration::from_secs(1800) {
                return Err(io::Error::other(format!("it did not list {count} applications within half an hour")));
            }
            // Asking must not take what is measured.
            let pause = if count > 10_000 { 100 } else { 5 };
            std::thread::sleep(Duration::from_millis(pause));
        }
    }

    /// Peak resident memory, in bytes.
    pub(crate) fn peak_memory_bytes(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes = field(&status, "VmHWM:");
        Ok(kilobytes * 1024)
    }

    /// Bytes read from files and sockets so far.
    pub(crate) fn read_bytes(&self) -> io::Result<u64> {
        let counters = std::fs::read_to_string(format!("/proc/{}/io", self.child.id()))?;
        Ok(field(&counters, "rchar:"))
    }

    /// Processor time so far, in all threads.
    pub(crate) fn processor_time(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        // User and system time, in hundredths of a second on every Linux.
        Ok(Duration::from_millis(10 * (ticks(11) + ticks(12))))
    }
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended already is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
