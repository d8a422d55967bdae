//! The history server on an S3 that checks signatures: event logs in a bucket, growing ones among them, and what is kept of
//! them beside.
//!
//! The logs are those of `history-server/tests/data`, which real Spark wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use serde_json::Value;
use storage::{Key, ObjectPath, Store, StoreUrl, growing};

use super::s3_server::{self, S3Server};
use super::support::hearth::Hearth;
use super::support::wait::eventually;

const PREFIX: &str = "team a";
/// The tables that every application has, with or without rows.
const TABLES: [&str; 8] =
    ["applications", "environment", "executors", "jobs", "sql_executions", "sql_metrics", "stages", "tasks"];
const PATIENCE: Duration = Duration::from_secs(30);

/// The lines of a recorded log, under another application id.
fn recorded(name: &str, id: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("history-server/tests/data/{name}.zstd"));
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap()).unwrap();
    let (_, after) = text.split_once("\"App ID\":\"").unwrap();
    let recorded_id = after.split('"').next().unwrap();
    text.replace(recorded_id, id).lines().map(|line| line.to_owned() + "\n").collect()
}

fn in_zstd(lines: &[String]) -> Vec<u8> {
    // One frame a flush, as Spark does.
    lines.chunks(50).flat_map(|flush| zstd::encode_all(flush.concat().as_bytes(), 1).unwrap()).collect()
}

fn event_log(name: &str) -> ObjectPath {
    Key::EventLog(ObjectPath::parse(name).unwrap()).path()
}

fn store_in(s3: &S3Server) -> Store {
    let credentials = Credentials::new(s3_server::KEY, s3_server::SECRET, None, None, "test");
    Store::open_with(&StoreUrl::parse(&s3.url(PREFIX)).unwrap(), credentials).unwrap()
}

async fn hearth_on(s3: &S3Server) -> Hearth {
    hearth_with(s3, &["--scan-interval", "200ms", "--admin-listen", "off"], &["history server"]).await
}

async fn hearth_with(s3: &S3Server, arguments: &[&str], roles: &[&str]) -> Hearth {
    let url = s3.url(PREFIX);
    let arguments = [&["history-server", "--store", &url, "--listen", "127.0.0.1:0"], arguments].concat();
    let environment = [("AWS_ACCESS_KEY_ID", s3_server::KEY), ("AWS_SECRET_ACCESS_KEY", s3_server::SECRET)];
    Hearth::start(&arguments, &environment, roles).await
}

async fn json(hearth: &Hearth, path: &str) -> Option<Value> {
    let url = format!("{}/api/v1/applications{path}", hearth.address("history server"));
    let answer = reqwest::get(url).await.unwrap();
    if answer.status() == 200 { Some(answer.json().await.unwrap()) } else { None }
}

/// Waits until these applications are in the list, and those of them that it says have ended.
async fn listed(hearth: &Hearth, applications: &[(&str, bool)]) {
    eventually("all applications in the list", PATIENCE, async || {
        let list = json(hearth, "").await?;
        let found: BTreeMap<_, _> = list.as_array()?.iter().map(|app| (app["id"].as_str().unwrap(), app)).collect();
        let all = applications.iter().all(|(id, has_ended)| {
            found.get(id).is_some_and(|app| app["attempts"][0]["completed"].as_bool() == Some(*has_ended))
        });
        all.then_some(())
    })
    .await;
}

async fn answers(hearth: &Hearth, applications: &[(&str, bool)]) -> Vec<Value> {
    let mut answers = Vec::new();
    for (id, _) in applications {
        for path in ["jobs", "stages", "allexecutors", "sql?length=100", "stages/0/0/taskList?length=1000"] {
            answers.push(json(hearth, &format!("/{id}/{path}")).await.unwrap());
        }
    }
    answers
}

/// Waits until everything that is kept of an application is in the store, and looks whether the tables are Parquet.
async fn kept(store: &Store, id: &str) {
    let folder = Key::History(ObjectPath::parse(&format!("{id}/default")).unwrap()).path();
    eventually("the stored form", PATIENCE, async || {
        store.head(&folder.join("model.zst").unwrap()).await.ok().map(drop)
    })
    .await;
    for table in TABLES {
        let bytes = store.get(&folder.join(&format!("{table}.parquet")).unwrap(), 10 << 20).await.unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{id} {table}: {} bytes", bytes.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_in_a_bucket_are_replayed_once_and_a_restart_reads_none_of_them() {
    let s3 = S3Server::start().await;
    let store = store_in(&s3);
    let (jobs, sql) = (recorded("jobs", "app-single"), recorded("sql", "app-rolling"));
    store.put(&event_log("app-single.zstd"), in_zstd(&jobs)).await.unwrap();
    let (first, second) = sql.split_at(sql.len() / 2);
    let rolling = |name: &str| event_log(&format!("eventlog_v2_app-rolling/{name}"));
    store.put(&rolling("appstatus_app-rolling"), "").await.unwrap();
    store.put(&rolling("events_1_app-rolling.zstd"), in_zstd(first)).await.unwrap();
    store.put(&rolling("events_2_app-rolling.zstd"), in_zstd(second)).await.unwrap();
    let arriving = recorded("jobs", "app-arriving");
    let (first, second) = arriving.split_at(arriving.len() / 2);
    let (first, second) = (first.concat(), second.concat());
    growing::append(&store, &event_log("app-arriving"), 0, first.clone()).await.unwrap();

    let hearth = hearth_on(&s3).await;
    listed(&hearth, &[("app-single", true), ("app-rolling", true), ("app-arriving", false)]).await;
    let all = [("app-single", true), ("app-rolling", true), ("app-arriving", true)];
    let whole = json(&hearth, "/app-single/jobs").await;
    assert!(json(&hearth, "/app-arriving/jobs").await != whole, "half a log says less");
    growing::append(&store, &event_log("app-arriving"), first.len() as u64, second).await.unwrap();
    eventually("the rest of a log that grows", PATIENCE, async || {
        (json(&hearth, "/app-arriving/jobs").await == whole).then_some(())
    })
    .await;
    growing::finish(&store, &event_log("app-arriving")).await.unwrap();
    listed(&hearth, &all).await;
    let replayed = answers(&hearth, &all).await;
    assert_eq!(replayed[..5], replayed[10..15], "a log that grew says what the same log says that was there at once");
    for (id, _) in &all {
        kept(&store, id).await;
    }
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");

    let asked_before = s3.asked().len();
    let hearth = hearth_on(&s3).await;
    listed(&hearth, &all).await;
    assert_eq!(answers(&hearth, &all).await, replayed);
    let read: Vec<_> = s3.asked().split_off(asked_before).into_iter().filter(|asked| is_read_of_a_log(asked)).collect();
    assert!(read.is_empty(), "event logs were read again: {read:?}");

    // Another log under the same name is another application as far as its answers go.
    store.put(&event_log("app-single.zstd"), in_zstd(&recorded("sql", "app-single"))).await.unwrap();
    eventually("the answers of the new log", PATIENCE, async || {
        (json(&hearth, "/app-single/jobs").await? == json(&hearth, "/app-rolling/jobs").await?).then_some(())
    })
    .await;
    assert!(s3.asked().iter().skip(asked_before).any(|asked| is_read_of_a_log(asked)), "reads are told from listings");
}

/// An application of so many stages of twenty tasks each: the first line of each kind of a recorded one, numbered anew.
fn of_stages(id: &str, stages: u64) -> Vec<String> {
    let recorded = recorded("jobs", id);
    let first =
        |event: &str| recorded.iter().find(|line| line.contains(&format!(":\"SparkListener{event}\""))).unwrap();
    let numbered = |event: &str, stage: u64, task: u64| {
        let stage = first(event).replace("\"Stage ID\":0,", &format!("\"Stage ID\":{stage},"));
        let at = stage.find("\"Task ID\":").unwrap_or(stage.len());
        let (before, after) = stage.split_at(at);
        let Some((_, after)) = after.split_once(',') else { return stage };
        format!("{before}\"Task ID\":{task},{after}")
    };
    let head = ["LogStart", "BlockManagerAdded", "ApplicationStart"].map(|event| first(event).clone());
    let stage = |stage: u64| {
        let tasks = (20 * stage..20 * (stage + 1))
            .flat_map(move |task| ["TaskStart", "TaskEnd"].map(|event| numbered(event, stage, task)));
        let begins = numbered("StageSubmitted", stage, 0);
        std::iter::once(begins).chain(tasks).chain([numbered("StageCompleted", stage, 0)]).collect::<Vec<_>>()
    };
    head.into_iter().chain((0..stages).flat_map(stage)).chain([first("ApplicationEnd").clone()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_and_a_scan_ask_little_of_a_bucket_however_much_there_is() {
    let s3 = S3Server::start().await;
    let store = store_in(&s3);
    let applications = [("app-small", 30, true), ("app-large", 600, true)];
    for (id, stages, _) in applications {
        store.put(&event_log(&format!("{id}.zstd")), in_zstd(&of_stages(id, stages))).await.unwrap();
    }
    let all = applications.map(|(id, _, ended)| (id, ended));
    let hearth = hearth_on(&s3).await;
    listed(&hearth, &all).await;
    answers(&hearth, &all).await;
    for (id, _) in &all {
        kept(&store, id).await;
    }
    hearth.stop().await;

    let hearth =
        hearth_with(&s3, &["--scan-interval", "200ms", "--admin-listen", "127.0.0.1:0"], &["history server", "admin"])
            .await;
    listed(&hearth, &all).await;
    for (id, stages, _) in applications {
        let list = json(&hearth, &format!("/{id}/stages")).await.unwrap();
        assert_eq!(list.as_array().unwrap().len(), stages as usize);
        let before = s3.answered().len();
        let tasks = json(&hearth, &format!("/{id}/stages/{}/0/taskList?length=100", stages / 2)).await.unwrap();
        assert_eq!(tasks.as_array().unwrap().len(), 20);
        let asked = s3.answered().split_off(before).into_iter().filter(|(line, _)| line.contains(&format!("/{id}/")));
        let asked: Vec<_> = asked.collect();
        let sent: u64 = asked.iter().map(|(_, bytes)| bytes).sum();
        assert!(asked.len() <= 3 && sent <= 1_000_000, "{id}: {sent} bytes for {asked:#?}");
    }

    let scans = async || {
        let text = reqwest::get(format!("{}/metrics", hearth.address("admin"))).await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with("hearth_history_scans_total ")).unwrap();
        line.rsplit_once(' ').unwrap().1.parse::<usize>().unwrap()
    };
    let (before, asked) = (scans().await, s3.asked().len());
    let after = eventually("ten scans", PATIENCE, async || Some(scans().await).filter(|now| *now >= before + 10)).await;
    let asked = s3.asked().split_off(asked);
    // Two listings: of the logs, and of those that are being shipped. One page of a listing has a thousand names.
    assert!(asked.iter().all(|line| line.contains("list-type=2")), "{asked:#?}");
    assert!(asked.len() <= 2 * (after - before + 1), "{} scans: {asked:#?}", after - before);
    hearth.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_spark_s_own_server_lead_to_the_logs_in_its_bucket() {
    let s3 = S3Server::start().await;
    let store = store_in(&s3);
    store.put(&event_log("app-of-spark.zstd"), in_zstd(&recorded("jobs", "app-of-spark"))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let properties = format!(
        "spark.history.fs.logDirectory s3a://{bucket}/{PREFIX}/event-logs\n\
         spark.hadoop.fs.s3a.access.key = {key}\nspark.hadoop.fs.s3a.secret.key = {secret}\n\
         spark.hadoop.fs.s3a.path.style.access true\nspark.hadoop.fs.s3a.bucket.{bucket}.endpoint {endpoint}\n\
         spark.history.ui.port 1\nspark.history.ui.title Nightly\nspark.history.kerberos.enabled false\n\
         spark.history.store.hybridStore.serializer x\n",
        bucket = s3_server::BUCKET,
        key = s3_server::KEY,
        secret = s3_server::SECRET,
        endpoint = s3.endpoint,
    );
    std::fs::write(folder.path().join("spark-defaults.conf"), properties).unwrap();
    let environment = [
        ("SPARK_CONF_DIR", folder.path().to_str().unwrap()),
        ("SPARK_LOCAL_IP", "127.0.0.1"),
        ("SPARK_DAEMON_JAVA_OPTS", "-XX:+UseG1GC -Dspark.history.ui.port=2"),
        ("SPARK_HISTORY_OPTS", "-Dspark.history.ui.port=0 -Dspark.history.fs.update.interval=1"),
        ("AWS_ACCESS_KEY_ID", "of somebody else"),
        ("AWS_SECRET_ACCESS_KEY", "of somebody else"),
    ];
    let hearth = Hearth::start(&["spark-history-server"], &environment, &["history server"]).await;
    listed(&hearth, &[("app-of-spark", true)]).await;
    let home = hearth.address("history server");
    let page = reqwest::get(&home).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Nightly"));
    assert!(json(&hearth, "/app-of-spark/jobs").await.unwrap().as_array().is_some_and(|jobs| !jobs.is_empty()));
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains(&format!("Bound HistoryServerUI to 127.0.0.1, and started at {home}")), "{log}");
    assert!(log.contains("hybridStore.serializer") && log.contains("is not known"), "{log}");
    assert!(log.contains("-XX") && !log.contains(s3_server::SECRET), "{log}");
    // Nothing was said of a folder of its own, so nothing is kept: not beside the logs either.
    assert!(!s3.asked().iter().any(|asked| asked.starts_with("PUT") && asked.contains("/history/")));
}

fn is_read_of_a_log(asked: &str) -> bool {
    asked.starts_with(&format!("GET /{}/team%20a/event-logs/", s3_server::BUCKET))
}
