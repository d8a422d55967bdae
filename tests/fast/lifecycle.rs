//! The binary as an operator meets it: how it starts, says where it is, refuses, and stops.

use std::time::Duration;

use super::support::hearth::{FREE_PORTS, Hearth, ROLES};
use super::support::process::{guarded, run};

async fn status(url: &str) -> u16 {
    reqwest::get(url).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn all_three_start_on_a_folder_that_is_not_there_yet_and_stop_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("file:{}", folder.path().join("new/store").display());
    let arguments: Vec<&str> = ["serve", "--store", &store].into_iter().chain(FREE_PORTS).collect();
    let hearth = Hearth::start(&arguments, &[], &ROLES).await;

    let admin = hearth.address("admin");
    assert_eq!(status(&format!("{admin}/livez")).await, 200);
    super::support::wait::eventually("readiness", Duration::from_secs(20), async || {
        (status(&format!("{admin}/readyz")).await == 200).then_some(())
    })
    .await;
    let metrics = reqwest::get(format!("{admin}/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("# TYPE hearth_history_scans_total counter"), "{metrics}");
    let history = hearth.address("history server");
    assert_eq!(reqwest::get(format!("{history}/api/v1/applications")).await.unwrap().text().await.unwrap(), "[ ]");
    assert_eq!(status(&format!("{history}/")).await, 200);
    let staging = hearth.address("staging server");
    assert_eq!(status(&format!("{staging}/webhdfs/v1/staging?op=LISTSTATUS")).await, 200);

    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "a quiet run should say nothing alarming:\n{log}");
}

#[tokio::test]
async fn the_sample_can_be_opened_at_once_and_its_logs_be_printed() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("file:{}", folder.path().display());
    let arguments: Vec<&str> = ["--store", &store, "--sample"].into_iter().chain(FREE_PORTS).collect();
    let hearth = Hearth::start(&arguments, &[], &ROLES).await;
    let history = hearth.address("history server");
    let list = super::support::wait::eventually("the sample in the list", Duration::from_secs(20), async || {
        let list: serde_json::Value =
            reqwest::get(format!("{history}/api/v1/applications")).await.ok()?.json().await.ok()?;
        (list.as_array()?.len() == 6).then_some(list)
    })
    .await;
    the_fleet_is_whole(&history, &list).await;
    let app = id_of(&list, "the whole way");
    let executors = reqwest::get(format!("{history}/history/{app}/executors/")).await.unwrap();
    assert_eq!(executors.status(), 200);
    let page = executors.text().await.unwrap();
    assert!(page.contains("stderr") && page.contains("stdout"), "{page}");

    let mut logs = guarded(env!("CARGO_BIN_EXE_hearth"));
    logs.args(["logs", "--store", &store]);
    let listed = run(&mut logs, Duration::from_secs(20)).await.succeeded().stdout;
    assert!(listed.lines().any(|line| line == app), "{listed}");
    let mut logs = guarded(env!("CARGO_BIN_EXE_hearth"));
    logs.args(["logs", "--store", &store, app, "999"]);
    let refused = run(&mut logs, Duration::from_secs(20)).await;
    assert!(refused.stderr.contains("it has those of: driver, 1"), "{}", refused.stderr);
    let mut logs = guarded(env!("CARGO_BIN_EXE_hearth"));
    logs.args(["logs", "--store", &store, app, "1", "--stdout", "--tail", "2"]);
    let printed = run(&mut logs, Duration::from_secs(20)).await.succeeded().stdout;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    assert!(lines[1].starts_with("executor 1 stdout line 3000"), "{printed}");

    printed_parts_are_what_is_asked_for(&store, app).await;

    let mut logs = guarded(env!("CARGO_BIN_EXE_hearth"));
    logs.args(["logs", "--store", &store, "no-such-application"]);
    let refused = run(&mut logs, Duration::from_secs(20)).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains("holds no logs of no-such-application"), "{}", refused.stderr);
}

#[tokio::test]
async fn every_mistake_is_told_at_once_and_the_exit_status_is_64() {
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    command.args(["serve", "--history-listen", "nowhere", "--scan-interval", "often"]).env("HEARTH_STORE", "ftp://x/y");
    let refused = run(&mut command, Duration::from_secs(20)).await;
    assert_eq!(refused.status.code(), Some(64));
    for part in ["HEARTH_STORE \"ftp://x/y\"", "--history-listen \"nowhere\"", "--scan-interval \"often\""] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }

    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    command.args(["history-server", "--pod-logs", "/"]);
    assert_eq!(run(&mut command, Duration::from_secs(20)).await.status.code(), Some(64));
}

#[tokio::test]
async fn a_port_that_is_taken_ends_the_start_with_a_word_on_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    command.args(["history-server", "--store", "memory:", "--admin-listen", "off", "--listen", &address]);
    let ended = run(&mut command, Duration::from_secs(20)).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains(&format!("the history server cannot listen on {address}")), "{}", ended.stderr);
}

/// The id of the application with that name, in whatever letters.
fn id_of<'a>(list: &'a serde_json::Value, name: &str) -> &'a str {
    let found = list.as_array().unwrap().iter().find(|one| one["name"].as_str().unwrap().eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("no {name} in {list}"))["id"].as_str().unwrap()
}

/// Each of the fleet is what it is there for.
async fn the_fleet_is_whole(history: &str, list: &serde_json::Value) {
    let page = async |app: &str, page: &str| {
        let answer = reqwest::get(format!("{history}/history/{}/{page}", id_of(list, app))).await.unwrap();
        assert_eq!(answer.status(), 200, "{app} {page}");
        answer.text().await.unwrap()
    };
    let sales = page("Nightly sales report", "SQL/").await;
    assert!(sales.contains("Revenue by country and month") && !sales.contains("id=\"failed\""), "{sales}");
    assert!(page("Click sessions", "overview/").await.contains("Sessions of each customer"));
    let killed = page("Subscription calendar", "overview/").await;
    assert!(killed.contains("137") && killed.contains("at that moment</a>"), "{killed}");
    let streams = page("Clicks per minute", "StreamingQuery/").await;
    assert!(streams.contains("clicks by page") && streams.contains("clicks by customer"), "{streams}");
    let incomplete = reqwest::get(format!("{history}/?showIncomplete=true")).await.unwrap().text().await.unwrap();
    assert!(incomplete.contains("Backfill of 2025") && incomplete.contains("in progress"), "{incomplete}");
    for app in ["Nightly sales report", "Subscription calendar", "Backfill of 2025"] {
        let log = page(app, "executors/all/logs/").await;
        assert!(log.contains("driver stderr") && log.contains("0 stderr"), "{app}: {log}");
    }
}

/// What `hearth logs` prints of the sample, told in many ways which part is wanted.
async fn printed_parts_are_what_is_asked_for(store: &str, app: &str) {
    let print = async |arguments: &[&str]| {
        let mut logs = guarded(env!("CARGO_BIN_EXE_hearth"));
        logs.args(["logs", "--store", store, app]).args(arguments);
        run(&mut logs, Duration::from_secs(20)).await.succeeded()
    };
    let whole = print(&["1", "--stdout"]).await.stdout;
    let lines: Vec<&str> = whole.lines().collect();
    assert!(lines.len() > 3000);
    let some = print(&["1", "--stdout", "--lines", "11-12"]).await.stdout;
    assert_eq!(some.lines().collect::<Vec<_>>(), lines[10..12]);
    assert_eq!(print(&["1", "--stdout", "--bytes", "5-14"]).await.stdout, whole[5..15]);
    let matching = print(&["1", "--stdout", "--grep", "line 2999$", "-C", "1"]).await.stdout;
    assert_eq!(matching.lines().count(), 3, "{matching}");
    let painted = print(&["1", "--stdout", "--grep", "line 2999$", "--color", "always"]).await.stdout;
    assert!(painted.contains("\u{1b}[1;31mline 2999\u{1b}[0m"), "{painted}");
    assert_eq!(print(&["1", "--stdout", "--until", "2001-01-01T00:00:00Z"]).await.stdout, "");
    // Each stream's lines in their order, all of them, behind the stream's name.
    let stderr = print(&["1", "--stderr"]).await.stdout;
    let merged = print(&["1", "--merge"]).await.stdout;
    for (name, expected) in [("1 stdout | ", &whole), ("1 stderr | ", &stderr)] {
        let of_stream: Vec<&str> = merged.lines().filter_map(|line| line.strip_prefix(name)).collect();
        assert_eq!(of_stream, expected.lines().collect::<Vec<_>>(), "{name}");
    }
    assert!(print(&["--first-error"]).await.stderr.contains("no line tells of an error"));
    let mut wrong = guarded(env!("CARGO_BIN_EXE_hearth"));
    wrong.args(["logs", "--store", store, app, "--lines", "9-3", "--follow", "--until", "never"]);
    let refused = run(&mut wrong, Duration::from_secs(20)).await;
    assert_eq!(refused.status.code(), Some(64), "{}", refused.stderr);
}
