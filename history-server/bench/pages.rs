//! The pages: what each takes on the server, how large it is, and when a browser paints something of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::server::{Server, get_page};

/// How often each page is asked for; the median counts.
const TIMES: usize = 7;

/// Those of an application of SQL queries, by their path within it.
const PAGES: [&str; 12] = [
    "overview/",
    "jobs/",
    "jobs/job/?id=0",
    "stages/",
    "stages/stage/?id=0",
    "stages/stage/?id=1&task.sort=Duration&task.desc=true",
    "storage/",
    "environment/",
    "executors/",
    "SQL/",
    "SQL/execution/?id=0",
    "stages/stage/?id=0&task.search=nothing",
];

/// Prints a table of all pages of an application that is open.
pub(crate) fn print(server: &Server, application: &str) -> anyhow::Result<()> {
    let mut browser = Browser::start()?;
    println!("| page | first | median of {TIMES} | kB | first contentful paint |\n|---|---:|---:|---:|---:|");
    let pages = PAGES.map(|page| format!("/history/{application}/{page}"));
    for path in ["/".to_owned()].iter().chain(&pages) {
        let mut all = Vec::new();
        let mut bytes = 0;
        for _ in 0..TIMES {
            let answer = get_page(server.address, path)?;
            ensure!(answer.status == 200, "{path}: {}", answer.status);
            bytes = answer.body.len();
            all.push(answer.took);
        }
        let first = all[0];
        all.sort_unstable();
        let painted = browser.first_paint(&format!("http://{}{path}", server.address))?;
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "| {path} | {:.1} ms | {:.1} ms | {:.1} | {painted:.0} ms |",
            millis(first),
            millis(all[TIMES / 2]),
            bytes as f64 / 1e3
        );
    }
    Ok(())
}

/// An event log of one query with so many operators: joins of joins, as wide as they are deep.
pub(crate) fn write_plan(path: &Path, operators: usize) -> anyhow::Result<()> {
    let mut left = operators;
    let plan = operator(&mut left, 0);
    let event = |name: &str, fields: &str| format!("{{\"Event\":\"{name}\",{fields}}}\n");
    let sql = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecution";
    let id = path.file_name().and_then(|name| name.to_str()).context("a log has a name")?;
    let started = format!(
        r#""executionId":0,"description":"many joins","details":"","physicalPlanDescription":"== Physical Plan ==","sparkPlanInfo":{plan},"time":1700000000100"#
    );
    let log = [
        event("SparkListenerLogStart", r#""Spark Version":"4.3.0""#),
        event(
            "SparkListenerApplicationStart",
            &format!(r#""App Name":"a wide plan","App ID":"{id}","Timestamp":1700000000000,"User":"bench""#),
        ),
        event(&format!("{sql}Start"), &started),
        event(&format!("{sql}End"), r#""executionId":0,"time":1700000000900"#),
        event("SparkListenerApplicationEnd", r#""Timestamp":1700000001000"#),
    ];
    Ok(std::fs::write(path, log.concat())?)
}

fn operator(left: &mut usize, depth: usize) -> String {
    *left = left.saturating_sub(1);
    let id = *left;
    // Two below each, until there are enough; where one side is deep, the other is narrow.
    let mut children = Vec::new();
    while *left > 0 && children.len() < 2 && depth < 60 {
        children.push(operator(left, depth + 1 + children.len() * 20));
    }
    let name = if children.is_empty() { "Scan parquet" } else { "SortMergeJoin" };
    format!(
        r#"{{"nodeName":"{name}","simpleString":"{name} [key#{id}]","metadata":{{}},"metrics":[{{"name":"number of output rows","accumulatorId":{id},"metricType":"sum"}}],"children":[{}]}}"#,
        children.join(",")
    )
}

/// A headless Chromium; killed when dropped.
struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    fn start() -> anyhow::Result<Self> {
        let driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = driver.context("chromedriver is missing: run `tests/setup programs`")?;
        let mut lines = BufReader::new(driver.stdout.take().context("its output")?).lines();
        let port = loop {
            let line = lines.next().context("chromedriver says no port")??;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').parse()?;
            }
        };
        let profile = tempfile::tempdir()?;
        let user_data = format!("--user-data-dir={}", profile.path().display());
        let arguments = json!(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900", user_data]);
        let mut browser = Self {
            driver,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            session: String::new(),
            _profile: profile,
        };
        let asked = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let started = browser.post("/session", &asked)?;
        let session = started["sessionId"].as_str().context("chromedriver starts no browser")?;
        browser.session = format!("/session/{session}");
        Ok(browser)
    }

    /// Milliseconds until something of a page is seen.
    fn first_paint(&mut self, url: &str) -> anyhow::Result<f64> {
        let script = "const paint = () => performance.getEntriesByName('first-contentful-paint')[0]; \
                      const done = arguments[0]; const look = () => paint() ? done(paint().startTime) : setTimeout(look, 20); look()";
        let mut all = Vec::new();
        for _ in 0..TIMES {
            self.post(&format!("{}/url", self.session), &json!({"url": url}))?;
            let asked = json!({"script": script, "args": []});
            let painted = self.post(&format!("{}/execute/async", self.session), &asked)?;
            all.push(painted.as_f64().with_context(|| format!("{url} is not painted: {painted}"))?);
        }
        all.sort_by(f64::total_cmp);
        Ok(all[TIMES / 2])
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask("POST", path, &body.to_string())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Value> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        // The driver keeps the connection open, whatever it is told: its answer is as long as it says.
        let (mut reader, mut length) = (BufReader::new(stream), 0);
        let mut line = String::new();
        while reader.read_line(&mut line)? > 0 && !line.trim().is_empty() {
            if let Some((_, value)) =
                line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            {
                length = value.trim().parse().context("chromedriver does not speak HTTP")?;
            }
            line.clear();
        }
        let mut answer = String::new();
        reader.take(length).read_to_string(&mut answer)?;
        let mut answer: Value = serde_json::from_str(&answer).with_context(|| format!("{path}: {answer}"))?;
        ensure!(answer["value"]["error"].is_null(), "{path}: {answer}");
        Ok(answer["value"].take())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser, which the driver alone knows.
        let _ = self.ask("DELETE", &self.session, "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
