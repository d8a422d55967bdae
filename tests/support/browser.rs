//! A headless Chromium, driven as its driver speaks: W3C `WebDriver`, plus the driver's way to Chromium's own protocol.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use super::process::guarded;

/// The name under which `WebDriver` answers with a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window; ends, with all of its processes, when dropped.
pub(crate) struct Browser {
    client: Client,
    session: String,
    _driver: Child,
    _profile: TempDir,
}

/// What the system says the reader likes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Browser {
    /// Starts a browser with an empty profile and a window of this size.
    pub(crate) async fn start(width: u32, height: u32) -> Self {
        let mut command = guarded("chromedriver");
        let mut driver = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let port = port(&mut driver).await;
        let profile = tempfile::tempdir().unwrap();
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ]);
        let client = Client::builder().timeout(Duration::from_secs(120)).no_proxy().build().unwrap();
        let asked = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}, "timeouts": {"script": 110_000}}}});
        let sessions = format!("http://127.0.0.1:{port}/session");
        let started = call(&client, Method::POST, &sessions, &asked).await;
        let session = format!("{sessions}/{}", started["sessionId"].as_str().unwrap());
        Self { client, session, _driver: driver, _profile: profile }
    }

    /// Opens a page and waits until it has loaded: itself, and not what is shown while an application is opened.
    pub(crate) async fn open(&self, url: &str) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
        self.post("url", json!({"url": url})).await;
        while self.script("return document.getElementById('loading') !== null").await == json!(true) {
            assert!(tokio::time::Instant::now() < deadline, "{url} is still being loaded");
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.post("url", json!({"url": url})).await;
        }
    }

    /// The address of the page that is open.
    pub(crate) async fn url(&self) -> String {
        self.get("url").await.as_str().unwrap().to_owned()
    }

    /// The text that a reader sees of the first element that the CSS selector finds.
    pub(crate) async fn text(&self, css: &str) -> String {
        let element = self.find("css selector", css).await;
        self.get(&format!("element/{element}/text")).await.as_str().unwrap().to_owned()
    }

    /// Clicks the first link with this text.
    pub(crate) async fn click_link(&self, text: &str) {
        let element = self.find("link text", text).await;
        self.click_element(&element).await;
    }

    /// Clicks the first element that the CSS selector finds.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.find("css selector", css).await;
        self.click_element(&element).await;
    }

    /// Runs the body of a JavaScript function in the page and gives what it returns.
    pub(crate) async fn script(&self, body: &str) -> Value {
        self.post("execute/sync", json!({"script": body, "args": []})).await
    }

    /// Runs a script that answers by the function `done`, and gives what it answered.
    pub(crate) async fn script_that_waits(&self, body: &str) -> Value {
        let script = format!("const done = arguments[0]; {body}");
        self.post("execute/async", json!({"script": script, "args": []})).await
    }

    /// Gives the window another size.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.post("window/rect", json!({"width": width, "height": height})).await;
    }

    /// Shows pages as to a reader who likes this scheme.
    pub(crate) async fn prefer(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        let parameters = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}});
        self.post("goog/cdp/execute", parameters).await;
    }

    /// Gives Chromium a command of its own protocol.
    pub(crate) async fn command(&self, name: &str, parameters: Value) {
        self.post("goog/cdp/execute", json!({"cmd": name, "params": parameters})).await;
    }

    /// Saves what the window shows as a PNG.
    pub(crate) async fn screenshot(&self, file: &Path) {
        let picture = self.get("screenshot").await;
        save(file, picture.as_str().unwrap());
    }

    /// Saves the whole page as a PNG, of one that is very long its beginning.
    pub(crate) async fn screenshot_of_all(&self, file: &Path) {
        const MAX_HEIGHT: u64 = 4000;
        let size = "return [window.innerWidth, document.documentElement.scrollHeight]";
        let size = self.script(size).await;
        let height = size[1].as_u64().unwrap().min(MAX_HEIGHT);
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": height, "scale": 1});
        let parameters = json!({"captureBeyondViewport": true, "clip": clip});
        let command = json!({"cmd": "Page.captureScreenshot", "params": parameters});
        let picture = self.post("goog/cdp/execute", command).await;
        save(file, picture["data"].as_str().unwrap());
    }

    async fn find(&self, strategy: &str, value: &str) -> String {
        let found = self.post("element", json!({"using": strategy, "value": value})).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    async fn click_element(&self, element: &str) {
        self.post(&format!("element/{element}/click"), json!({})).await;
    }

    async fn get(&self, path: &str) -> Value {
        call(&self.client, Method::GET, &format!("{}/{path}", self.session), &Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        call(&self.client, Method::POST, &format!("{}/{path}", self.session), &body).await
    }
}

fn save(file: &Path, png_base64: &str) {
    use base64::Engine;
    let png = base64::engine::general_purpose::STANDARD.decode(png_base64).unwrap();
    std::fs::write(file, png).unwrap();
}

/// The port that the driver says it has taken.
async fn port(driver: &mut Child) -> u16 {
    let mut lines =
        BufReader::new(driver.stdout.as_mut().expect("chromedriver is there: run `tests/setup programs`")).lines();
    let said = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let port = line
                .split_once("started successfully on port ")
                .and_then(|(_, port)| port.trim_end_matches('.').parse().ok());
            if let Some(port) = port {
                return port;
            }
        }
        panic!("chromedriver did not start: run `tests/setup programs`");
    };
    tokio::time::timeout(Duration::from_secs(60), said).await.expect("chromedriver says its port")
}

async fn call(client: &Client, method: Method, url: &str, body: &Value) -> Value {
    let mut request = client.request(method, url);
    if !body.is_null() {
        request = request.json(body);
    }
    let response = request.send().await.unwrap();
    let status = response.status();
    let mut answer: Value = response.json().await.unwrap();
    assert!(status.is_success(), "{url} {body}: {status} {answer}");
    answer["value"].take()
}
