//! The history server asked by the clients that people have: curl, Python's requests, Go's net/http, Chromium.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::support::browser::Browser;
use super::support::cache;
use super::support::clients::{API, PAGES, site};
use super::support::process::{guarded, run};

const LIMIT: Duration = Duration::from_secs(600);

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/clients").join(name)
}

/// Every address; of the compressed answers the scripts say how long they are when they are read.
fn urls(site: &str) -> Vec<String> {
    API.iter().chain(&PAGES).map(|path| format!("{site}{path}")).collect()
}

#[tokio::test]
async fn curl_python_and_go_read_every_answer_to_its_end() {
    let (hearth, _folder) = site().await;
    let urls = urls(&hearth.address("history server"));
    for url in &urls {
        let mut lengths = Vec::new();
        for compressed in [&["--compressed"][..], &[]] {
            let mut curl = guarded("curl");
            curl.args(["--silent", "--show-error", "--fail", "--max-time", "300"]).args(compressed);
            curl.args(["--output", "/dev/null", "--write-out", "%{http_code}", url]);
            lengths.push(run(&mut curl, LIMIT).await.succeeded().stdout);
        }
        assert_eq!(lengths, ["200", "200"], "{url}");
    }
    let mut python = guarded("python3");
    let said = run(python.arg(script("ask.py")).args(&urls), LIMIT).await.succeeded();
    assert_eq!(said.stdout.lines().count(), urls.len(), "{}{}", said.stdout, said.stderr);
    let mut go = guarded("go");
    go.env("GOCACHE", cache::folder().join("go-cache")).env("GO111MODULE", "off").arg("run").arg(script("ask.go"));
    let said = run(go.args(&urls), LIMIT).await.succeeded();
    assert_eq!(said.stdout.lines().count(), urls.len(), "{}{}", said.stdout, said.stderr);
    let (_, log) = hearth.stop().await;
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_browser_reads_every_answer_to_its_end() {
    let (hearth, _folder) = site().await;
    let address = hearth.address("history server");
    let browser = Browser::start(800, 600).await;
    // From an answer of the API: a script in our own pages may ask for nothing, by their policy.
    browser.open(&format!("{address}/api/v1/version")).await;
    for url in urls(&address) {
        let plain = reqwest::get(&url).await.unwrap().bytes().await.unwrap().len();
        let read = "const asked = new XMLHttpRequest(); asked.open('GET', arguments[0], false); \
                    asked.overrideMimeType('text/plain; charset=x-user-defined'); asked.send(); \
                    return asked.status + ' ' + asked.responseText.length"
            .replace("arguments[0]", &format!("{url:?}"));
        let answer = browser.script(&read).await;
        let (status, length) = answer.as_str().unwrap().split_once(' ').unwrap();
        assert_eq!(status, "200", "{url}");
        if url.contains("/api/") {
            assert_eq!(length, plain.to_string(), "{url}");
        }
    }
}
