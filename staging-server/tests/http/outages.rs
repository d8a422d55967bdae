//! A store that fails, servers that die, and two of them on one path.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::json;
use staging_server::Config;
use storage::{Failure, Faults, ObjectPath, Store};

use crate::client::{Server, eventually};

type Sender = futures::channel::mpsc::UnboundedSender<Result<Bytes, std::io::Error>>;

fn quick() -> Config {
    Config { event_log_flush_interval: Duration::from_millis(10), event_log_flush_bytes: 1000, ..Config::default() }
}

fn open_body() -> (Sender, Body) {
    let (sender, parts) = futures::channel::mpsc::unbounded();
    (sender, Body::from_stream(parts))
}

#[tokio::test]
async fn an_event_log_outlives_an_outage() {
    let (store, faults) = (Store::in_memory(), Arc::new(Faults::default()));
    let server = Server::over(store.with_faults(&faults), quick());
    let replica = Server::over(store, quick());
    let (sender, body) = open_body();
    let path = "/event-logs/app-1.inprogress";
    let writing = server.create(path, body);
    let rest = async {
        sender.unbounded_send(Ok("before ".into())).unwrap();
        eventually("what came before", async || {
            (replica.exists(path).await && replica.status(path).await["length"] == 7).then_some(())
        })
        .await;
        faults.set_down(true);
        let asked = faults.requests();
        // More than a part, so that full ones are tried, too.
        sender.unbounded_send(Ok("during ".repeat(300).into())).unwrap();
        eventually("a try that fails", async || (faults.requests() > asked).then_some(())).await;
        assert_eq!(replica.read(path).await, "before ");
        faults.set_down(false);
        let expected = format!("before {}", "during ".repeat(300));
        eventually("what came meanwhile", async || (replica.status(path).await["length"] == 2107).then_some(())).await;
        assert_eq!(replica.read(path).await, expected);
        sender.unbounded_send(Ok("after".into())).unwrap();
        drop(sender);
        expected + "after"
    };
    let (created, expected) = tokio::join!(writing, rest);
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(replica.read(path).await, expected);
}

/// The writer's last part was once written again, empty, when the store came back.
#[tokio::test]
async fn a_log_whose_client_goes_during_an_outage_keeps_what_was_durable() {
    let (store, faults) = (Store::in_memory(), Arc::new(Faults::default()));
    let server = Server::over(store.with_faults(&faults), quick());
    let (sender, body) = open_body();
    let path = "/event-logs/app-1";
    let rest = async {
        sender.unbounded_send(Ok("durable ".into())).unwrap();
        let replica = Server::over(store.clone(), quick());
        eventually("the log", async || {
            (replica.exists(path).await && replica.status(path).await["length"] == 8).then_some(())
        })
        .await;
        faults.set_down(true);
        sender.unbounded_send(Ok("x".repeat(5000).into())).unwrap();
        let asked = faults.requests();
        eventually("a try that fails", async || (faults.requests() > asked).then_some(())).await;
        sender.unbounded_send(Err(std::io::Error::other("gone"))).unwrap();
        faults.set_down(false);
    };
    let (answer, ()) = tokio::join!(server.create(path, body), rest);
    assert_eq!(answer.exception().0, "400 IOException");
    server.staging.drain().await;
    assert_eq!(server.read(path).await, format!("durable {}", "x".repeat(5000)));
}

#[tokio::test]
async fn a_second_replica_does_not_touch_a_log_that_the_first_writes() {
    let server = Server::with(quick());
    let replica = Server::over(server.store.clone(), quick());
    let (sender, body) = open_body();
    let path = "/event-logs/app-1.inprogress";
    let others = async {
        sender.unbounded_send(Ok("theirs".into())).unwrap();
        eventually("the log", async || {
            (replica.exists(path).await && replica.status(path).await["length"] == 6).then_some(())
        })
        .await;
        let busy = "403 AlreadyBeingCreatedException";
        assert_eq!(replica.create(path, "mine").await.exception().0, busy);
        assert_eq!(replica.write("POST", path, "APPEND", "mine").await.exception().0, busy);
        assert_eq!(replica.delete(path, "DELETE").await.exception().0, busy);
        assert_eq!(replica.put(path, "RENAME&destination=/event-logs/x").await.exception().0, busy);
        assert_eq!(replica.delete("/event-logs/app-1.inprogress", "DELETE&recursive=true").await.exception().0, busy);
        drop(sender);
    };
    let (created, ()) = tokio::join!(server.create(path, body), others);
    assert_eq!((created.status, replica.read(path).await.as_ref()), (StatusCode::CREATED, b"theirs".as_ref()));
    assert_eq!(replica.put(path, "RENAME&destination=/event-logs/app-1").await.json(), json!({"boolean": true}));
    assert_eq!(server.read("/event-logs/app-1").await, "theirs");
    assert_eq!(server.names("/event-logs").await, ["app-1"]);
}

#[tokio::test]
async fn parts_of_a_log_that_was_removed_are_not_read_again() {
    let server = Server::with(quick());
    let left = ObjectPath::parse("event-logs/there").unwrap();
    storage::growing::append(&server.store, &left, 0, "an older log, longer than the new one").await.unwrap();
    server.create("/event-logs/log", "new").await;
    server.put("/event-logs/log", "RENAME&renameoptions=OVERWRITE&destination=/event-logs/there").await;
    assert_eq!(server.read("/event-logs/there").await, "new");
    server.delete("/event-logs/there", "DELETE").await;
    assert!(!server.exists("/event-logs/there").await);
}

#[tokio::test]
async fn an_upload_that_is_removed_or_renamed_comes_back_under_no_old_name() {
    let server = Server::new();
    let replica = Server::over(server.store.clone(), Config::default());
    for (op, at) in [("DELETE", None), ("RENAME&destination=/staging/ns/there", Some("/staging/ns/there"))] {
        let (sender, body) = open_body();
        sender.unbounded_send(Ok("half of ".into())).unwrap();
        let others = async {
            eventually("the name", async || replica.exists("/staging/ns/f").await.then_some(())).await;
            match at {
                None => assert_eq!(replica.delete("/staging/ns/f", op).await.json(), json!({"boolean": true})),
                Some(_) => assert_eq!(replica.put("/staging/ns/f", op).await.json(), json!({"boolean": true})),
            }
            sender.unbounded_send(Ok("a jar".into())).unwrap();
            drop(sender);
        };
        let (answer, ()) = tokio::join!(server.write("PUT", "/staging/ns/f", "CREATE", body), others);
        assert!(!replica.exists("/staging/ns/f").await, "{op}");
        match at {
            None => assert_eq!(answer.exception().0, "404 FileNotFoundException"),
            Some(at) => {
                assert_eq!(answer.status, StatusCode::CREATED);
                assert_eq!(replica.read(at).await, "half of a jar");
            }
        }
    }
}

/// The rename of one replica is slow; another takes the old name as soon as that is free.
#[tokio::test]
async fn a_name_that_a_rename_leaves_is_whose_takes_it_first() {
    let (store, faults) = (Store::in_memory(), Arc::new(Faults::default()));
    let slow = Server::over(store.with_faults(&faults), Config::default());
    let quick = Server::over(store, Config::default());
    quick.create("/staging/ns/d/old", "first").await;
    faults.set_slow(Duration::from_millis(100));
    let renamed = slow.put("/staging/ns/d/old", "RENAME&destination=/staging/ns/d/new");
    let taken = eventually("the name", async || {
        let created = quick.write("PUT", "/staging/ns/d/old", "CREATE&overwrite=false", "second").await;
        (created.status == StatusCode::CREATED).then_some(())
    });
    let (renamed, ()) = tokio::join!(renamed, taken);
    assert_eq!(renamed.json(), json!({"boolean": true}));
    assert_eq!(
        (quick.read("/staging/ns/d/new").await, quick.read("/staging/ns/d/old").await),
        ("first".into(), "second".into())
    );
}

/// What a rename leaves of the old name is seen nowhere, and keeps no folder.
#[tokio::test]
async fn a_name_that_was_left_is_not_there() {
    let server = Server::new();
    for file in ["d/a", "d/e/b", "other"] {
        server.create(&format!("/staging/ns/{file}"), file).await;
    }
    server.put("/staging/ns/d", "RENAME&destination=/staging/ns/f").await;
    assert_eq!(server.names("/staging/ns").await, ["f/", "other"]);
    assert_eq!(server.names("/staging/ns/f").await, ["a", "e/"]);
    assert!(!server.exists("/staging/ns/d").await && !server.exists("/staging/ns/d/e").await);
    assert_eq!(server.delete("/staging/ns/d", "DELETE&recursive=true").await.json(), json!({"boolean": false}));
    assert_eq!(
        server.put("/staging/ns/other", "RENAME&destination=/staging/ns/d").await.json(),
        json!({"boolean": true})
    );
    assert_eq!(
        (server.read("/staging/ns/d").await, server.read("/staging/ns/f/e/b").await),
        ("other".into(), "d/e/b".into())
    );
    server.put("/staging/ns/f/a", "RENAME&destination=/staging/ns/a").await;
    server.put("/staging/ns/f/e/b", "RENAME&destination=/staging/ns/b").await;
    assert_eq!(server.names("/staging/ns/f/e").await, [""; 0]);
    assert_eq!(server.delete("/staging/ns/f/e", "DELETE").await.json(), json!({"boolean": true}));
    assert_eq!(server.names("/staging/ns/f").await, [""; 0]);
}

/// What a server leaves that was killed while it took an upload in.
#[tokio::test]
async fn a_name_is_free_when_nobody_writes_it_any_more() {
    let server = Server::new();
    let path = ObjectPath::parse("staging/resources/ns/f").unwrap();
    let ghost = r#"{"format":1,"permission":"644","owner":"a","group":"g","modified":"2026-01-01T00:00:00Z","accessed":null,
        "state":"uploading","upload":"00000000-0000-0000-0000-000000000001"}"#;
    server.store.put(&path, ghost).await.unwrap();
    assert!(!server.exists("/staging/ns/f").await);
    assert_eq!(server.names("/staging/ns").await, [""; 0]);
    assert_eq!(server.write("PUT", "/staging/ns/f", "CREATE", "new").await.status, StatusCode::CREATED);
    assert_eq!(server.read("/staging/ns/f").await, "new");
}

/// One request after the other fails, or is done without an answer: what was answered 201 is there whole, what was not is
/// there whole or not at all, and nothing is stuck.
#[tokio::test]
async fn every_request_of_an_upload_may_fail() {
    for how in [Failure::Refused, Failure::AnswerLost] {
        for overwrite in [false, true] {
            let mut failed = 0;
            for number in 0.. {
                let (store, faults) = (Store::in_memory(), Arc::new(Faults::default()));
                let healthy = Server::over(store.clone(), Config::default());
                if overwrite {
                    healthy.create("/staging/ns/d/f", "old").await;
                }
                let server = Server::over(store.with_faults(&faults), Config::default());
                faults.fail_after(number, how);
                let op = format!("CREATE&overwrite={overwrite}");
                let answer = server.write("PUT", "/staging/ns/d/f", &op, "the whole of it").await;
                let found = healthy.get("/staging/ns/d/f", "OPEN").await;
                match answer.status {
                    StatusCode::CREATED => assert_eq!(found.body, "the whole of it", "{how:?} {number}"),
                    status => {
                        assert!(
                            status.is_server_error() || status == StatusCode::FORBIDDEN,
                            "{how:?} {number}: {status}"
                        );
                        let is_whole =
                            found.status == StatusCode::OK && (found.body == "the whole of it" || found.body == "old");
                        assert!(
                            is_whole || found.status == StatusCode::NOT_FOUND,
                            "{how:?} {number}: {:?}",
                            found.body
                        );
                        failed += 1;
                    }
                }
                let again = healthy.write("PUT", "/staging/ns/d/f", "CREATE&overwrite=true", "again").await;
                assert_eq!(again.status, StatusCode::CREATED, "{how:?} {number}");
                assert_eq!(healthy.read("/staging/ns/d/f").await, "again");
                if faults.requests() <= number {
                    break;
                }
            }
            assert!(failed > 2, "{how:?} {overwrite}: {failed}");
        }
    }
}

#[tokio::test]
async fn a_small_upload_takes_few_requests() {
    let (store, faults) = (Store::in_memory(), Arc::new(Faults::default()));
    let server = Server::over(store.with_faults(&faults), Config::default());
    server.put("/staging/ns/d", "MKDIRS").await;
    // What is about to be removed is looked at now and then, not by every upload.
    server.create("/staging/ns/d/e", "first").await;
    let before = faults.requests();
    assert_eq!(server.create("/staging/ns/d/f", "small").await.status, StatusCode::CREATED);
    let taken = faults.requests() - before;
    assert!(taken <= 5, "{taken} requests to the store");
}
