//! What is left of the event log of a driver that was killed, in Spark's own history server: the log collector has shipped
//! it out of a folder that went with the driver's pod.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use storage::{Store, StoreUrl};

use super::servers::reference;
use crate::collector::{MINUTES, TURN, collector, grew, local_files};
use crate::support::cache;
use crate::support::process::guarded;
use crate::support::wait::eventually;

async fn is_shown_though_its_driver_was_killed(kind: &str) {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let (logs, shipped) = (folder.path().join("logs"), folder.path().join("store/event-logs"));
    std::fs::create_dir(&logs).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/collector/grow.py");
    let mut command = guarded(cache::python("4.3"));
    command.arg(script).arg(folder.path()).arg(kind).stdout(Stdio::null()).stderr(Stdio::null());
    let mut driver = command.kill_on_drop(true).spawn().unwrap();
    let store = Store::open(&StoreUrl::folder(folder.path().join("store"))).unwrap();
    let hearth = collector(folder.path()).await;
    let mut arrived = 0;
    for _ in 0..5 {
        eventually("more of a log", MINUTES, async || grew(&store, &logs, &mut arrived).await).await;
    }
    // Its guard kills the driver when this end of its input is closed.
    drop(driver.stdin.take());
    driver.wait().await.unwrap();
    for entry in std::fs::read_dir(&logs).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
    }
    let is_left = || {
        let names: Vec<String> = local_files(&shipped).into_keys().collect();
        let is_whole = names.iter().any(|name| !name.starts_with(".growing/") && !name.contains("appstatus"));
        let is_cut = names.iter().any(|name| name.ends_with("/cut"));
        (is_whole && is_cut).then_some(())
    };
    eventually("a log that is marked as cut", MINUTES, async || is_left()).await;
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");

    let theirs = reference(&shipped).await;
    let id = eventually("the application in the list", Duration::from_secs(180), async || {
        let list = theirs.client.json("/applications").await;
        let attempt = list.get(0)?.get("attempts")?.get(0)?.clone();
        assert_eq!(attempt["completed"], Value::Bool(false), "{list}");
        Some(list[0]["id"].as_str()?.to_owned())
    })
    .await;
    let jobs = theirs.client.json(&format!("/applications/{id}/jobs")).await;
    let done: u64 = jobs.as_array().unwrap().iter().filter_map(|job| job["numCompletedTasks"].as_u64()).sum();
    assert!(done > 0, "{jobs}");
    let page = theirs.client.page(&format!("/history/{id}/jobs/")).await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn a_single_log_is_shown_though_its_driver_was_killed() {
    is_shown_though_its_driver_was_killed("single").await;
}

#[tokio::test]
async fn a_rolling_log_is_shown_though_its_driver_was_killed() {
    is_shown_though_its_driver_was_killed("rolling").await;
}
