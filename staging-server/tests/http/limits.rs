//! What one namespace may not take from the others.

use axum::body::Body;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use staging_server::{Config, Limits};

use crate::client::{Server, eventually};

fn limited(limits: Limits) -> Server {
    Server::with(Config { limits, ..Config::default() })
}

#[tokio::test]
async fn an_upload_too_many_is_told_to_come_again() {
    for limits in [
        Limits { namespace_uploads: 1, ..Limits::default() },
        Limits { uploads: 2, namespace_uploads: 1, ..Limits::default() },
    ] {
        let server = limited(limits);
        let (sender, parts) = futures::channel::mpsc::unbounded::<Result<Bytes, std::io::Error>>();
        let others = async {
            sender.unbounded_send(Ok("half".into())).unwrap();
            eventually("the upload", async || (server.staging.upload_numbers().0 == 1).then_some(())).await;
            let refused = server.create("/staging/ns/second", "x").await;
            assert_eq!(refused.header(header::RETRY_AFTER), "1");
            let (exception, message) = refused.exception();
            assert_eq!(exception, "429 RetriableException");
            assert!(message.contains("namespace ns") && message.contains("try again"), "{message}");
            assert_eq!(server.create("/staging/other/f", "x").await.status, StatusCode::CREATED);
            // What is read, and what is no upload, is not counted.
            assert_eq!(server.create("/event-logs/app-1", "x").await.status, StatusCode::CREATED);
            drop(sender);
        };
        let (created, ()) = tokio::join!(server.create("/staging/ns/first", Body::from_stream(parts)), others);
        assert_eq!(created.status, StatusCode::CREATED);
        assert_eq!(server.create("/staging/ns/second", "x").await.status, StatusCode::CREATED);
        assert_eq!(server.staging.upload_numbers(), (0, 1));
    }
}

#[tokio::test]
async fn the_process_has_a_limit_of_its_own() {
    let server = limited(Limits { uploads: 1, ..Limits::default() });
    let (sender, parts) = futures::channel::mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    let others = async {
        sender.unbounded_send(Ok("half".into())).unwrap();
        eventually("the upload", async || (server.staging.upload_numbers().0 == 1).then_some(())).await;
        assert_eq!(server.create("/staging/other/f", "x").await.status, StatusCode::TOO_MANY_REQUESTS);
        // One that breaks off makes room, too.
        sender.unbounded_send(Err(std::io::Error::other("gone"))).unwrap();
    };
    let (created, ()) = tokio::join!(server.create("/staging/ns/first", Body::from_stream(parts)), others);
    assert_eq!(created.status, StatusCode::BAD_REQUEST);
    assert_eq!(server.create("/staging/other/f", "x").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_namespace_that_begins_too_many_has_to_slow_down() {
    let server = limited(Limits { namespace_uploads_per_second: 1, ..Limits::default() });
    let mut taken = 0;
    while server.create("/staging/ns/f", "x").await.status == StatusCode::CREATED {
        taken += 1;
        assert!(taken < 1_000);
    }
    assert!(taken >= 10, "{taken}");
    assert_eq!(server.create("/staging/other/f", "x").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_namespace_has_so_many_bytes_and_no_more() {
    let limits = Limits { namespace_bytes: Some(10), ..Limits::default() };
    let server = limited(limits);
    assert_eq!(server.create("/staging/ns/a", "123456").await.status, StatusCode::CREATED);
    let full = "403 DSQuotaExceededException";
    let (exception, message) = server.create("/staging/ns/b", "12345").await.exception();
    assert_eq!(exception, full);
    assert!(message.contains("10 bytes") && message.contains("delete what is not needed"), "{message}");
    assert!(!server.exists("/staging/ns/b").await);
    assert_eq!(server.create("/staging/ns/b", "1234").await.status, StatusCode::CREATED);
    assert_eq!(server.create("/staging/ns/c", "1").await.exception().0, full);
    assert_eq!(server.write("POST", "/staging/ns/b", "APPEND", "1").await.exception().0, full);
    assert_eq!(server.read("/staging/ns/b").await, "1234");
    assert_eq!(server.create("/staging/other/c", "1234567890").await.status, StatusCode::CREATED);
    // A replica counts what is there.
    let replica = Server::over(server.store.clone(), Config { limits, ..Config::default() });
    assert_eq!(replica.create("/staging/ns/c", "1").await.exception().0, full);
    server.delete("/staging/ns/a", "DELETE").await;
    let replica = Server::over(server.store.clone(), Config { limits, ..Config::default() });
    assert_eq!(replica.create("/staging/ns/c", "123456").await.status, StatusCode::CREATED);
    assert_eq!(replica.create("/staging/ns/d", "1").await.exception().0, full);
}
