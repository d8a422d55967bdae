//! How long uploads are kept, and how what is over goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use staging_server::{ByPath, Clock, Config, Lifetimes, Swept};
use storage::{Failure, Faults, Key, ObjectPath, Sha256Digest, Store};

use crate::client::{Server, eventually};

/// Hours that the clock of the servers is ahead.
#[derive(Clone, Default)]
struct Hours(Arc<AtomicI64>);

impl Hours {
    fn set(&self, hours: i64) {
        self.0.store(hours, Ordering::SeqCst);
    }

    fn config(&self) -> Config {
        let ahead = Arc::clone(&self.0);
        let clock = Clock::new(move || Utc::now() + TimeDelta::hours(ahead.load(Ordering::SeqCst)));
        let mut config = Config { clock, ..Config::default() };
        config.sweeps.notice = Duration::ZERO;
        config.sweeps.patience = Duration::from_millis(200);
        config.lifetimes = Lifetimes { first_use: hours(24), since_use: hours(240) };
        config
    }
}

fn hours(hours: u64) -> ByPath {
    ByPath::of_all(Some(Duration::from_secs(hours * 3600)))
}

async fn objects(store: &Store, folder: &str) -> Vec<String> {
    let found = store.list(&ObjectPath::parse(folder).unwrap());
    let mut found: Vec<String> = found.map_ok(|meta| meta.path.to_string()).try_collect().await.unwrap();
    found.sort();
    found
}

fn blob(content: &str) -> ObjectPath {
    Key::Blob(Sha256Digest::of(content.as_bytes())).path()
}

#[tokio::test]
async fn an_upload_lives_until_it_is_read_and_then_for_as_long_as_it_is() {
    let hours = Hours::default();
    let server = Server::with(hours.config());
    let sweeper = server.staging.sweeper();
    server.create("/staging/ns/d/unread", "unread").await;
    server.create("/staging/ns/d/read", "read").await;
    server
        .ask("PUT", "/webhdfs/v1/staging/ns/d/unread?op=SETTIMES&modificationtime=9999999999999", &[], Body::empty())
        .await;
    hours.set(23);
    assert_eq!(sweeper.sweep().await.unwrap(), Swept::default());
    assert_eq!(server.ask("GET", "/staging/ns/d/read", &[], Body::empty()).await.body, "read");
    hours.set(25);
    let said = sweeper.preview().await.unwrap();
    assert!(said.len() == 1 && said[0].starts_with("/staging/ns/d/unread: nobody has read it"), "{said:?}");
    assert_eq!(sweeper.sweep().await.unwrap().uploads, 1);
    assert_eq!(server.names("/staging/ns/d").await, ["read"]);
    // Reading it puts its end off.
    hours.set(200);
    assert_eq!(server.read("/staging/ns/d/read").await, "read");
    hours.set(400);
    assert_eq!(sweeper.sweep().await.unwrap().uploads, 0);
    assert!(server.exists("/staging/ns/d/read").await);
    hours.set(441);
    assert_eq!(sweeper.sweep().await.unwrap().uploads, 1);
    // The freed name first, then the folder that it was in.
    assert_eq!(sweeper.sweep().await.unwrap(), Swept::default());
    assert_eq!(sweeper.sweep().await.unwrap().folders, 1);
    assert_eq!(objects(&server.store, "staging").await, ["staging/condemned"]);
    assert!(!server.exists("/staging/ns/d").await);
    let totals = sweeper.totals();
    assert_eq!((totals.sweeps, totals.failures, totals.removed.uploads, totals.removed.blobs), (6, 0, 2, 2));
    assert_eq!(totals.removed.bytes, 10);
}

#[tokio::test]
async fn a_path_has_a_time_of_its_own() {
    let hours = Hours::default();
    let mut config = hours.config();
    let path = |text: &str| ObjectPath::parse(text).unwrap();
    config.lifetimes.first_use =
        config.lifetimes.first_use.with(path("keep"), None).with(path("keep/not"), Some(Duration::from_secs(60)));
    let server = Server::with(config);
    for name in ["other/f", "keep/f", "keep/not/f"] {
        server.create(&format!("/staging/{name}"), name).await;
    }
    hours.set(1);
    assert_eq!(server.staging.sweeper().sweep().await.unwrap().uploads, 1);
    hours.set(10_000);
    assert_eq!(server.staging.sweeper().sweep().await.unwrap().uploads, 1);
    assert_eq!(server.read("/staging/keep/f").await, "keep/f");
}

#[tokio::test]
async fn content_goes_with_the_last_name_and_not_before_its_time() {
    let hours = Hours::default();
    let server = Server::with(hours.config());
    let sweeper = server.staging.sweeper();
    server.create("/staging/a/f", "same").await;
    server.create("/staging/b/f", "same").await;
    server.delete("/staging/a/f", "DELETE").await;
    hours.set(23);
    server.delete("/staging/b/f", "DELETE").await;
    server.create("/staging/c/f", "same").await;
    server.ask("GET", "/staging/c/f", &[], Body::empty()).await;
    hours.set(48);
    assert_eq!(sweeper.sweep().await.unwrap().blobs, 0);
    assert_eq!(server.read("/staging/c/f").await, "same");
    server.delete("/staging/c/f", "DELETE").await;
    // Younger than a day by the store's clock.
    hours.set(0);
    assert_eq!(sweeper.sweep().await.unwrap().blobs, 0);
    hours.set(48);
    assert_eq!(sweeper.sweep().await.unwrap().blobs, 1);
    assert!(server.store.head(&blob("same")).await.is_err());
}

/// What has been announced is taken back by whoever needs it.
#[tokio::test]
async fn an_upload_of_what_is_about_to_go_keeps_it() {
    let mut config = Hours::default().config();
    config.sweeps.patience = Duration::from_secs(20);
    let server = Server::with(config);
    server.create("/staging/ns/old", "needed").await;
    server.delete("/staging/ns/old", "DELETE").await;
    let list = |phase: &str| {
        let digest = Sha256Digest::of(b"needed").to_string();
        let list = json!({"format": 1, "sweep": "00000000-0000-0000-0000-000000000001", "phase": phase,
            "blobs": [digest], "names": ["ns/new"]});
        serde_json::to_vec(&list).unwrap()
    };
    server.store.put(&Key::Condemned.path(), list("announced")).await.unwrap();
    assert_eq!(server.create("/staging/ns/new", "needed").await.status, StatusCode::CREATED);
    let left: Value = serde_json::from_slice(&server.store.get(&Key::Condemned.path(), 9999).await.unwrap()).unwrap();
    assert_eq!((&left["blobs"], &left["names"]), (&json!([]), &json!([])));
    // While it is being removed, an upload waits; a sweep ends what another began.
    server.store.put(&Key::Condemned.path(), list("removing")).await.unwrap();
    let document = Key::Resource(ObjectPath::parse("ns/new").unwrap()).path();
    let before = server.store.get(&document, 9999).await.unwrap();
    let sweeping = async {
        eventually("the upload", async || (server.store.get(&document, 9999).await.unwrap() != before).then_some(()))
            .await;
        server.staging.sweeper().sweep().await.unwrap();
    };
    let (created, ()) = tokio::join!(server.create("/staging/ns/new", "needed"), sweeping);
    assert_eq!(created.exception().0, "503 RetriableException");
    assert!(!server.exists("/staging/ns/new").await);
    assert_eq!(server.create("/staging/ns/new", "needed").await.status, StatusCode::CREATED);
    assert_eq!(server.read("/staging/ns/new").await, "needed");
}

/// A store with one of each thing that may go, and one file that may not.
async fn full_store(hours: &Hours) -> Store {
    hours.set(0);
    let server = Server::over(Store::in_memory(), hours.config());
    for (name, content) in [("keep", "kept"), ("over", "over"), ("gone", "gone")] {
        server.create(&format!("/staging/ns/d/{name}"), content).await;
    }
    server.delete("/staging/ns/d/gone", "DELETE").await;
    server.put("/staging/ns/empty/folder", "MKDIRS").await;
    for name in
        ["staging/uploads/00000000-0000-0000-0000-000000000001", "staging/moved/00000000-0000-0000-0000-000000000002"]
    {
        server.store.put(&ObjectPath::parse(name).unwrap(), "ns/left").await.unwrap();
    }
    let ghost = r#"{"format":1,"permission":"644","owner":"a","group":"g","modified":"2026-01-01T00:00:00Z","accessed":null,
        "state":"uploading","upload":"00000000-0000-0000-0000-000000000001"}"#;
    server.store.put(&ObjectPath::parse("staging/resources/ns/d/ghost").unwrap(), ghost).await.unwrap();
    hours.set(23);
    server.ask("GET", "/staging/ns/d/keep", &[], Body::empty()).await;
    hours.set(48);
    server.store
}

/// One request after the other fails, or is done without an answer: what is needed stays, and the next sweeps take the rest.
#[tokio::test]
async fn every_request_of_a_sweep_may_fail() {
    for how in [Failure::Refused, Failure::AnswerLost] {
        let mut failed = 0;
        for number in 0.. {
            let (hours, faults) = (Hours::default(), Arc::new(Faults::default()));
            let store = full_store(&hours).await;
            let (server, healthy) =
                (Server::over(store.with_faults(&faults), hours.config()), Server::over(store.clone(), hours.config()));
            faults.fail_after(number, how);
            failed += u32::from(server.staging.sweeper().sweep().await.is_err());
            assert_eq!(healthy.read("/staging/ns/d/keep").await, "kept", "{how:?} {number}");
            // Content and names of all kinds can be taken anew, whatever was left.
            for (name, content) in [("over", "over"), ("gone", "gone"), ("ghost", "over")] {
                let path = format!("/staging/ns/d/{name}");
                let created = healthy.create(&path, content).await;
                if created.status != StatusCode::CREATED {
                    assert_eq!(created.exception().0, "503 RetriableException", "{how:?} {number}");
                    healthy.staging.sweeper().sweep().await.unwrap();
                    assert_eq!(healthy.create(&path, content).await.status, StatusCode::CREATED);
                }
                assert_eq!(healthy.read(&path).await, content, "{how:?} {number}");
                healthy.delete(&path, "DELETE").await;
            }
            for _ in 0..2 {
                healthy.staging.sweeper().sweep().await.unwrap();
            }
            assert_eq!(healthy.read("/staging/ns/d/keep").await, "kept", "{how:?} {number}");
            let left = objects(&store, "staging").await;
            let kept = blob("kept").to_string();
            assert_eq!(
                left,
                [
                    kept.as_str(),
                    "staging/condemned",
                    "staging/resources/ns/d/.directory",
                    "staging/resources/ns/d/keep"
                ],
                "{how:?} {number}"
            );
            if faults.requests() <= number {
                break;
            }
        }
        assert!(failed > 10, "{how:?}: {failed}");
    }
}

/// Uploads, renames and deletions of the same few contents, while everything that nobody needs is removed at once: what was
/// answered is there, whole.
#[tokio::test]
async fn sweeps_without_pause_take_nothing_that_was_acknowledged() {
    let hours = Hours::default();
    let store = Store::in_memory();
    // So far ahead that all is old; and nothing is over by its age.
    hours.set(1_000_000);
    let mut config = hours.config();
    config.lifetimes = Lifetimes { first_use: ByPath::of_all(None), since_use: ByPath::of_all(None) };
    let sweeper = Server::over(store.clone(), config.clone()).staging.sweeper();
    let sweeping = async {
        loop {
            sweeper.sweep().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let clients = (0..4_u64).map(|client| {
        let server = Server::over(store.clone(), config.clone());
        async move {
            let (mut chance, mut refused) = (client + 1, 0);
            for turn in 0..150 {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let content = ["one", "two", "three"][(chance >> 33) as usize % 3];
                let (first, second) = (format!("/staging/ns/{client}-a"), format!("/staging/ns/{client}-b"));
                if server.create(&first, content).await.status != StatusCode::CREATED {
                    refused += 1;
                    continue;
                }
                assert_eq!(server.read(&first).await, content, "{client} {turn}");
                let renamed = server.put(&first, &format!("RENAME&destination={second}")).await;
                let there = if renamed.status == StatusCode::OK { &second } else { &first };
                assert_eq!(server.read(there).await, content, "{client} {turn}");
                server.delete(&first, "DELETE").await;
                server.delete(&second, "DELETE").await;
            }
            refused
        }
    });
    let refused = tokio::select! {
        refused = futures::future::join_all(clients) => refused,
        () = sweeping => unreachable!("it ends with the clients"),
    };
    assert!(refused.iter().all(|refused| *refused < 100), "{refused:?}");
    assert!(sweeper.totals().removed.blobs > 3, "{:?}", sweeper.totals());
}

#[tokio::test]
async fn a_document_that_cannot_be_read_keeps_everything() {
    let hours = Hours::default();
    let store = full_store(&hours).await;
    let newer = r#"{"format":99}"#;
    store.put(&ObjectPath::parse("staging/resources/ns/newer").unwrap(), newer).await.unwrap();
    let before = objects(&store, "staging").await;
    let sweeper = Server::over(store.clone(), hours.config()).staging.sweeper();
    assert!(sweeper.sweep().await.is_err());
    assert_eq!(objects(&store, "staging").await, before);
    assert_eq!((sweeper.totals().sweeps, sweeper.totals().removed), (0, Swept::default()));
}
