//! Logs that the Kubernetes API gives, of pods whose files nobody can read.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use log_collector::{Config, Logs, PodIdentity, Stream};
use serde_json::{Value, json};
use storage::Store;

use crate::api::Api;
use crate::support::{Running, content, eventually, finished};

const POD: &str = "pi-exec-1";

fn start(store: &Store, api: &Api, folder: &Path) -> Running {
    let kubeconfig = folder.join("kubeconfig");
    api.write_kubeconfig(&kubeconfig);
    let pods = folder.join("unused");
    std::fs::create_dir_all(&pods).unwrap();
    Running::start_with(store, &pods, |config: &mut Config| {
        config.pod_logs = None;
        config.pod_identity = PodIdentity::Kubernetes { kubeconfig: Some(kubeconfig), node: None };
        config.api_logs = Some(folder.join("work"));
    })
}

fn labels() -> Value {
    json!({ "spark-app-selector": "spark-1", "spark-role": "executor", "spark-exec-id": "1" })
}

fn is(api: &Api, state: &Value) {
    let status = json!([{
        "name": "main", "restartCount": 0, "ready": false, "image": "", "imageID": "", "state": state,
    }]);
    api.apply(POD, labels(), status);
}

/// Writes a log, three lines a second.
struct Writer<'a> {
    api: &'a Api,
    time: DateTime<Utc>,
    written: Vec<u8>,
}

impl Writer<'_> {
    fn write(&mut self, lines: u64) {
        for _ in 0..lines {
            // Not all of them in order of time, and some with the time of the one before; some are the same.
            let number = self.written.len();
            self.time += TimeDelta::milliseconds(if number.is_multiple_of(7) { 0 } else { 333 });
            let time = if number.is_multiple_of(5) { self.time - TimeDelta::milliseconds(200) } else { self.time };
            let line = if number.is_multiple_of(3) {
                "again and again".to_owned()
            } else {
                format!("line behind byte {number}")
            };
            self.api.log(POD, time, &line);
            self.written.extend_from_slice(format!("{line}\n").as_bytes());
        }
    }
}

async fn has_all(store: &Store, expected: &[u8]) {
    eventually("all lines", async || {
        let log = Logs::new(store.clone()).of_executor("spark-1", "1").await.ok()?.pop()?;
        (log.size_bytes(Stream::Stdout) == expected.len() as u64).then_some(())
    })
    .await;
    let log = Logs::new(store.clone()).of_executor("spark-1", "1").await.unwrap().pop().unwrap();
    assert_eq!(String::from_utf8_lossy(&content(&log).await[0]), String::from_utf8_lossy(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_the_api_is_shipped_once_however_often_its_answers_break_off() {
    let (folder, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    let time = DateTime::from_timestamp(1_767_323_045, 123_456_789).unwrap();
    let mut writer = Writer { api: &api, time, written: Vec::new() };
    let mut collector = start(&store, &api, folder.path());
    is(&api, &json!({ "waiting": {} }));
    is(&api, &json!({ "running": {} }));
    for round in 0..4 {
        writer.write(25);
        has_all(&store, &writer.written).await;
        // What is written while nobody listens comes with the next answer.
        match round % 2 {
            0 => api.cut(),
            _ => {
                collector.kill().await;
                api.cut();
                writer.write(5);
                collector = start(&store, &api, folder.path());
            }
        }
        writer.write(5);
    }
    is(&api, &json!({ "terminated": { "exitCode": 0, "reason": "Completed" } }));
    api.cut();
    let log = finished(&store, 1).await;
    assert_eq!(String::from_utf8_lossy(&content(&log).await[0]), String::from_utf8_lossy(&writer.written));
    assert_eq!(log.gaps, []);
    // Nothing of it is left, and it is not begun again, neither by this collector nor by one that knows nothing.
    let work = folder.path().join("work");
    let is_empty = |name: &str| std::fs::read_dir(work.join(name)).unwrap().count() == 0;
    eventually("no file left", async || (is_empty("pods") && is_empty("pins")).then_some(())).await;
    collector.stop().await;
    std::fs::remove_dir_all(&work).unwrap();
    let collector = start(&store, &api, folder.path());
    eventually("a look at the store", async || work.join("pods").is_dir().then_some(())).await;
    collector.stop().await;
    has_all(&store, &writer.written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_has_rotated_away_meanwhile_is_told() {
    let (folder, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    let time = DateTime::from_timestamp(1_767_323_045, 0).unwrap();
    let mut writer = Writer { api: &api, time, written: Vec::new() };
    let collector = start(&store, &api, folder.path());
    is(&api, &json!({ "running": {} }));
    writer.write(20);
    has_all(&store, &writer.written).await;
    collector.kill().await;
    api.cut();
    writer.write(20);
    api.drop_lines(POD, 30);
    let collector = start(&store, &api, folder.path());
    let log = eventually("the last line", async || {
        let log = Logs::new(store.clone()).of_executor("spark-1", "1").await.ok()?.pop()?;
        (log.lines(Stream::Stdout) == 31).then_some(log)
    })
    .await;
    let shipped = String::from_utf8(content(&log).await[0].clone()).unwrap();
    let lines: Vec<&str> = shipped.lines().collect();
    let written = String::from_utf8(writer.written.clone()).unwrap();
    let written: Vec<&str> = written.lines().collect();
    assert_eq!((&lines[..20], &lines[21..]), (&written[..20], &written[30..]));
    assert!(lines[20].contains("lines may be missing here"));
    assert_eq!(collector.metrics.snapshot().gaps, 1);
    collector.stop().await;
}
