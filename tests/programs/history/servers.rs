//! The two servers, and asking them.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::process::Child;

use crate::support::cache;
use crate::support::hearth::Hearth;
use crate::support::process::guarded;
use crate::support::wait::eventually;

/// A request for `/api/v1` + `path`.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

impl Question {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn by(mut self, method: Method) -> Self {
        self.method = method;
        self
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The header's value, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn media_type(&self) -> String {
        self.header("content-type").split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

pub(super) struct Client {
    client: reqwest::Client,
    base: String,
}

impl Client {
    fn new(base: String) -> Self {
        let client = reqwest::Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(120));
        Self { client: client.build().unwrap(), base }
    }

    pub(super) async fn ask(&self, question: &Question) -> Answer {
        // A server may close a connection just when it is used again; the second try has a new one.
        let response = match self.request(question).send().await {
            Ok(response) => response,
            Err(_) => self.request(question).send().await.unwrap_or_else(|error| panic!("{question:?}: {error:?}")),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    fn request(&self, question: &Question) -> RequestBuilder {
        let mut request =
            self.client.request(question.method.clone(), format!("{}/api/v1{}", self.base, question.path));
        for (name, value) in &question.headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        request
    }

    /// What a browser gets at a path that does not begin with `/api/v1`.
    pub(super) async fn page(&self, path: &str) -> Answer {
        let response = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// The JSON of a path, or null where there is none.
    pub(super) async fn json(&self, path: &str) -> Value {
        let answer = self.ask(&Question::get(path)).await;
        if answer.status == 200 { serde_json::from_slice(&answer.body).unwrap_or_default() } else { Value::Null }
    }
}

/// Spark's own history server; ends when dropped.
pub(super) struct Reference {
    _process: Child,
    pub(super) client: Client,
}

/// Starts the history server of the newest Spark on a folder of logs, with its defaults.
pub(super) async fn reference(logs: &Path) -> Reference {
    reference_with(logs, &[]).await
}

/// The same, with properties besides: `name=value`.
pub(super) async fn reference_with(logs: &Path, properties: &[String]) -> Reference {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = cache::spark_home("4.3");
    let mut command = guarded(home.join("bin/spark-class"));
    command.arg("org.apache.spark.deploy.history.HistoryServer").env("SPARK_HOME", home);
    let own =
        [format!("spark.history.fs.logDirectory=file://{}", logs.display()), format!("spark.history.ui.port={port}")];
    let options: Vec<_> = own.iter().chain(properties).map(|property| format!("-D{property}")).collect();
    let options = options.join(" ");
    command.env("SPARK_HISTORY_OPTS", options).env("SPARK_LOCAL_IP", "127.0.0.1").env("TZ", "UTC");
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let client = Client::new(format!("http://127.0.0.1:{port}"));
    eventually("an answer of Spark's history server", Duration::from_secs(180), async || {
        let version = client.client.get(format!("{}/api/v1/version", client.base)).send().await;
        version.is_ok_and(|answer| answer.status().is_success()).then_some(())
    })
    .await;
    Reference { _process: process, client }
}

/// Our own, and the folder of its store.
pub(super) struct Ours {
    process: Hearth,
    store: tempfile::TempDir,
    pub(super) client: Client,
}

impl Ours {
    /// Waits until a scan has ended that left no log unread.
    pub(super) async fn wait_until_all_is_read(&self) {
        let metrics = format!("{}/metrics", self.process.address("admin"));
        eventually("a list with every log in it", Duration::from_secs(120), async || {
            let text = reqwest::get(&metrics).await.ok()?.text().await.ok()?;
            let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
            let (scans, pending) = (value("hearth_history_scans_total "), value("hearth_history_logs_pending "));
            (scans? > 0 && pending? == 0).then_some(())
        })
        .await;
    }

    /// Tells it to stop, waits until it has, and returns its store.
    pub(super) async fn stop(self) -> tempfile::TempDir {
        let (code, log) = self.process.stop().await;
        assert_eq!(code, Some(0), "{log}");
        self.store
    }
}

pub(super) async fn hearth(logs: &Path) -> Ours {
    hearth_with(logs, &[]).await
}

/// The same, with more arguments.
pub(super) async fn hearth_with(logs: &Path, more: &[String]) -> Ours {
    let store = tempfile::tempdir().unwrap();
    let (store_url, logs) = (format!("file:{}", store.path().display()), format!("file:{}", logs.display()));
    let arguments = ["history-server", "--store", &store_url, "--event-logs", &logs, "--listen", "127.0.0.1:0"];
    let arguments = [&arguments[..], &["--admin-listen", "127.0.0.1:0", "--scan-interval", "1s"]].concat();
    let arguments: Vec<_> = arguments.into_iter().chain(more.iter().map(String::as_str)).collect();
    let process = Hearth::start(&arguments, &[], &["history server", "admin"]).await;
    let client = Client::new(process.address("history server"));
    Ours { process, store, client }
}
