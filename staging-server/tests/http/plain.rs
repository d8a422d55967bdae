use axum::body::Body;
use axum::http::{StatusCode, header};
use storage::Sha256Digest;

use crate::client::Server;

const URL: &str = "/staging/ns/a%20b/ten";

async fn server() -> Server {
    let server = Server::new();
    server.create(URL, "0123456789").await;
    server.create("/pod-templates/ns/driver.yaml", "kind: Pod\n").await;
    server
}

#[tokio::test]
async fn any_client_gets_a_staged_file() {
    let server = server().await;
    let tag = format!("\"{}\"", Sha256Digest::of(b"0123456789"));
    for method in ["GET", "HEAD"] {
        let answer = server.ask(method, URL, &[], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header(header::CONTENT_LENGTH), "10");
        assert_eq!(answer.header(header::ETAG), tag);
        assert_eq!(answer.header(header::ACCEPT_RANGES), "bytes");
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/octet-stream");
        assert!(answer.header(header::LAST_MODIFIED).ends_with(" GMT"));
        assert_eq!(answer.body, if method == "GET" { "0123456789" } else { "" });
    }
    assert_eq!(server.ask("GET", "/pod-templates/ns/driver.yaml", &[], Body::empty()).await.body, "kind: Pod\n");
}

#[tokio::test]
async fn ranges_and_conditions_are_kept() {
    let server = server().await;
    let tag = Sha256Digest::of(b"0123456789");
    let (same, other) = (format!("If-Range: \"{tag}\""), "If-Range: \"another\"".to_owned());
    for (headers, status, body, range) in [
        (vec!["Range: bytes=2-4"], 206, "234", "bytes 2-4/10"),
        (vec!["Range: bytes=-3"], 206, "789", "bytes 7-9/10"),
        (vec!["Range: bytes=10-"], 416, "", "bytes */10"),
        (vec!["Range: bytes=2-4", &same], 206, "234", "bytes 2-4/10"),
        (vec!["Range: bytes=2-4", &other], 200, "0123456789", ""),
        (vec!["If-None-Match: \"x\""], 200, "0123456789", ""),
        (vec!["If-None-Match: *"], 304, "", ""),
    ] {
        let answer = server.ask("GET", URL, &headers, Body::empty()).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (status, body.as_bytes()), "{headers:?}");
        assert_eq!(answer.header(header::CONTENT_RANGE), range, "{headers:?}");
    }
    let known = format!("If-None-Match: W/\"x\", \"{tag}\"");
    assert_eq!(server.ask("GET", URL, &[&known], Body::empty()).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn what_cannot_be_had_is_said_in_a_sentence() {
    let server = server().await;
    server.create("/event-logs/app", "x").await;
    for (method, uri, status) in [
        ("GET", "/staging/ns/none", 404),
        ("GET", "/staging/ns/a%20b", 404),
        ("GET", "/staging/ns/%2e%2e/x", 404),
        ("GET", "/staging/ns/%ff", 400),
        ("GET", "/event-logs/app", 404),
        ("PUT", URL, 405),
        ("DELETE", URL, 405),
    ] {
        let answer = server.ask(method, uri, &[], Body::empty()).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {uri}");
        assert!(!answer.body.starts_with(b"{"), "{:?}", answer.body);
    }
}
