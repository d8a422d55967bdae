//! The whole way of one application: a stock spark-submit in cluster mode uploads what it has, driver and executors run
//! with it, their logs and the event log are collected, and a browser finds a line of an executor whose pod is gone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::job;
use crate::support::browser::{Browser, Scheme};
use crate::support::cluster::Namespace;
use crate::support::hearth::Hearth;
use crate::support::output_folder;
use crate::support::process::{guarded, run};
use crate::support::wait::eventually;

/// How many numbered lines the driver and every executor write to each of their streams.
const LINES: usize = 3000;

#[tokio::test]
async fn an_application_goes_the_whole_way() {
    let namespace = Namespace::new("whole-way").await;
    let folder = tempfile::tempdir().unwrap();
    let mut servers = Servers::start(&namespace, folder.path()).await;
    let output = output_folder("whole-way");

    let submission = Submission::new(folder.path()).await;
    let webhdfs = servers.webhdfs.clone();
    let turn = job::turn().await;
    let submitted = submit(&namespace, &webhdfs, &submission, &output);
    tokio::join!(submitted, servers.kill_collector_while_executors_write(&namespace));
    drop(turn);
    executors_are_gone(&namespace).await;
    let app = application(&servers.pages).await;
    assert_eq!(executors(&servers.pages, &app).await, ["1", "2", "driver"]);

    for who in ["driver", "1", "2"] {
        every_line_is_there_once(&servers.pages, &app, who).await;
    }
    let driver = text(&log(&servers.pages, &app, "driver", "stdout")).await.unwrap();
    for executor in ["1", "2"] {
        assert_eq!(
            driver.lines().filter(|line| *line == format!("the driver heard of executor {executor}")).count(),
            1
        );
    }
    // The driver's pod is still there, and its files.
    let files = container_logs(&namespace.node.pod_logs(), "spark-kubernetes-driver");
    let rotated = files.iter().any(|file| file.to_str().unwrap().contains("/0.log."));
    assert!(rotated, "the node was to rotate the driver's log, so that following it is proved too: {files:?}");
    a_browser_finds_a_line(&servers.pages, &app, &output).await;
    servers.stop().await;
    keep_sample(&folder.path().join("store"), &output).await;
}

/// Leaves what the application left in the store as an archive: it is what `hearth --sample` shows, when it is put in the
/// place of `src/sample.tar.gz`.
async fn keep_sample(store: &Path, output: &Path) {
    let mut tar = guarded("tar");
    tar.args(["--owner=0", "--group=0", "--numeric-owner", "--sort=name", "-czf"]);
    tar.arg(output.join("sample.tar.gz")).arg("-C").arg(store).args(["event-logs", "logs"]);
    run(&mut tar, Duration::from_secs(60)).await.succeeded();
}

/// The three servers, each its own process, over one store, as on a cluster.
struct Servers {
    staging: Hearth,
    collector: Option<Hearth>,
    history: Hearth,
    store: String,
    /// Where WebHDFS is for pods and for spark-submit: `HOST:PORT`.
    webhdfs: String,
    /// Where the pages are.
    pages: String,
}

impl Servers {
    async fn start(namespace: &Namespace, folder: &Path) -> Self {
        let store = format!("file:{}", folder.join("store").display());
        let listen = format!("{}:0", namespace.node.host());
        let staging = Self::role("staging-server", &["--listen", &listen, "--access", "open"], &[], &store).await;
        let collector = Some(Self::collector(namespace, &store).await);
        let showing = ["--listen", "127.0.0.1:0", "--scan-interval", "1s"];
        let history = Self::role("history-server", &showing, &[], &store).await;
        let webhdfs = staging.address("staging server").trim_start_matches("http://").to_owned();
        let pages = history.address("history server");
        Self { staging, collector, history, store, webhdfs, pages }
    }

    async fn collector(namespace: &Namespace, store: &str) -> Hearth {
        let (pods, kubeconfig) = (namespace.node.pod_logs(), namespace.node.kubeconfig());
        let reading = ["--pod-identity", "kubernetes", "--pod-logs", pods.to_str().unwrap()];
        Self::role("log-collector", &reading, &[("KUBECONFIG", kubeconfig.to_str().unwrap())], store).await
    }

    async fn role(name: &str, arguments: &[&str], environment: &[(&str, &str)], store: &str) -> Hearth {
        let all = [&[name, "--store", store, "--admin-listen", "off"], arguments].concat();
        Hearth::start(&all, environment, &[&name.replace('-', " ")]).await
    }

    /// Lets the collector's node agent die once, at a moment when there is something to lose and to double.
    async fn kill_collector_while_executors_write(&mut self, namespace: &Namespace) {
        eventually("an executor that writes", Duration::from_secs(500), async || {
            let written = container_logs(&namespace.node.pod_logs(), "spark-kubernetes-executor");
            let sizes = written.iter().filter_map(|file| file.metadata().ok()).map(|file| file.len());
            (sizes.sum::<u64>() > 60_000).then_some(())
        })
        .await;
        self.collector.take().unwrap().kill().await;
        self.collector = Some(Self::collector(namespace, &self.store).await);
    }

    async fn stop(self) {
        for server in [self.history, self.collector.unwrap(), self.staging] {
            let (code, log) = server.stop().await;
            assert_eq!(code, Some(0), "{log}");
        }
    }
}

/// What the submitting side has, and nobody else.
struct Submission {
    jar: PathBuf,
    file: PathBuf,
    archive: PathBuf,
    sum_of_file: String,
    sum_of_archived: String,
}

impl Submission {
    async fn new(folder: &Path) -> Self {
        let inner = folder.join("inner");
        std::fs::create_dir_all(&inner).unwrap();
        let jar = job::jar("whole-way/WholeWay.java", folder).await;
        let (file, archive) = (folder.join("table.csv"), folder.join("bundle.zip"));
        let table = (0..50_000_u64).fold(String::new(), |mut table, row| {
            writeln!(table, "{row},{}", row * row).unwrap();
            table
        });
        let archived: Vec<u8> = (0..300_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        std::fs::write(&file, &table).unwrap();
        std::fs::write(inner.join("model.bin"), &archived).unwrap();
        let mut pack = guarded("jar");
        pack.arg("cMf").args([&archive, Path::new("-C"), folder, Path::new("inner")]);
        run(&mut pack, Duration::from_secs(120)).await.succeeded();
        Self { jar, file, archive, sum_of_file: sum(table.as_bytes()), sum_of_archived: sum(&archived) }
    }
}

/// Submits with nothing but what Spark has, and waits until the application is done.
async fn submit(namespace: &Namespace, webhdfs: &str, submission: &Submission, output: &Path) {
    let name = &namespace.name;
    let mut command = job::spark_submit(namespace);
    command.args(["--name", "The whole way", "--class", "WholeWay"]);
    for setting in [
        format!("spark.kubernetes.file.upload.path=webhdfs://{webhdfs}/staging/{name}"),
        "spark.executor.instances=2".to_owned(),
        "spark.scheduler.minRegisteredResourcesRatio=1.0".to_owned(),
        "spark.scheduler.maxRegisteredResourcesWaitingTime=180s".to_owned(),
        "spark.eventLog.enabled=true".to_owned(),
        format!("spark.eventLog.dir=webhdfs://{webhdfs}/event-logs"),
    ] {
        command.arg("--conf").arg(setting);
    }
    command.arg("--files").arg(&submission.file);
    command.arg("--archives").arg(format!("{}#bundle", submission.archive.display())).arg(&submission.jar);
    command.args(["2", &LINES.to_string(), &submission.sum_of_file, &submission.sum_of_archived]);

    let submitted = run(&mut command, Duration::from_secs(600)).await;
    std::fs::write(output.join("spark-submit.log"), format!("{}{}", submitted.stdout, submitted.stderr)).unwrap();
    let (driver, phase) = job::driver(namespace).await;
    std::fs::write(output.join("driver.log"), &driver).unwrap();
    let ended_well = submitted.status.success() && phase == "Succeeded";
    assert!(ended_well, "{}\n{}\n{}", submitted.stderr, namespace.describe().await, end_of(&driver));
}

/// The id of the only application that is listed, once it is there and has ended.
async fn application(pages: &str) -> String {
    eventually("the application in the list", Duration::from_secs(120), async || {
        let listed = text(&format!("{pages}/api/v1/applications?status=completed")).await?;
        let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).ok()?;
        assert!(listed.len() <= 1, "{listed:?}");
        Some(listed.first()?["id"].as_str()?.to_owned())
    })
    .await
}

/// Waits until Spark has deleted its executors.
async fn executors_are_gone(namespace: &Namespace) {
    eventually("the end of all executor pods", Duration::from_secs(120), async || {
        let pods = namespace.kubectl(&["get", "pods", "-l", "spark-role=executor", "-o", "name"]).await.succeeded();
        pods.stdout.trim().is_empty().then_some(())
    })
    .await;
}

/// The ids of all executors that the REST API knows, the driver's among them.
async fn executors(pages: &str, app: &str) -> Vec<String> {
    let all = text(&format!("{pages}/api/v1/applications/{app}/allexecutors")).await.unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(&all).unwrap();
    let mut ids: Vec<_> = all.iter().map(|executor| executor["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// The log files on the node of all containers of this name.
fn container_logs(pod_logs: &Path, container: &str) -> Vec<PathBuf> {
    let list = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    list(pod_logs.to_owned()).flat_map(|pod| list(pod.join(container))).collect()
}

/// Where the pages give all of a stream.
fn log(pages: &str, app: &str, who: &str, stream: &str) -> String {
    format!("{pages}/history/{app}/executors/{who}/logs/download?stream={stream}")
}

async fn text(url: &str) -> Option<String> {
    reqwest::get(url).await.ok()?.error_for_status().ok()?.text().await.ok()
}

/// Reads both streams of one container back through the pages, and compares with what it is known to have written.
async fn every_line_is_there_once(pages: &str, app: &str, who: &str) {
    let name = if who == "driver" { who.to_owned() } else { format!("executor {who}") };
    for stream in ["stdout", "stderr"] {
        let url = log(pages, app, who, stream);
        let line = |number: usize| {
            let more = if number % 1000 == 500 { format!(" {}", "long–".repeat(9000)) } else { String::new() };
            format!("{name} {stream} line {number}{more}")
        };
        let expected: Vec<_> = (1..=LINES).map(line).collect();
        let numbered = format!("{name} {stream} line ");
        eventually(&format!("all lines of {name}'s {stream}"), Duration::from_secs(60), async || {
            let text = text(&url).await?;
            let found: Vec<_> = text.lines().filter(|line| line.starts_with(&numbered)).collect();
            // Fewer are on their way; more, or others, will never become right.
            let right = found.iter().zip(&expected).all(|(found, expected)| found == expected) && found.len() <= LINES;
            assert!(right, "{url} differs from what was written");
            (found.len() == LINES).then_some(())
        })
        .await;
    }
}

/// Goes as a person would: the list, the application, its executors, stderr of one; and keeps a picture of each page.
async fn a_browser_finds_a_line(pages: &str, app: &str, output: &Path) {
    let browser = Browser::start(1280, 900).await;
    let picture = async |name: &str| browser.screenshot(&output.join(name)).await;
    browser.open(&format!("{pages}/")).await;
    assert!(browser.text("body").await.contains("The whole way"));
    picture("1-list.png").await;
    browser.click_link(app).await;
    assert!(browser.url().await.contains(app));
    picture("2-application.png").await;
    browser.click_link("Executors").await;
    picture("3-executors.png").await;
    browser.prefer(Scheme::Dark).await;
    picture("3-executors-dark.png").await;
    browser.prefer(Scheme::Light).await;
    browser.click("a[href*='/executors/1/logs/'][href*='stderr']").await;
    let log = browser.text("body").await;
    picture("4-stderr.png").await;
    assert!(log.contains(&format!("executor 1 stderr line {}", LINES - 1)), "{log}");
}

fn sum(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn end_of(text: &str) -> &str {
    let from = text.len().saturating_sub(4000);
    &text[text.char_indices().map(|(at, _)| at).find(|at| *at >= from).unwrap_or(0)..]
}
