//! The native protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use staging_server::{Clock, Config};
use storage::{Failure, Faults, ObjectPath, Sha256Digest, Store};

use crate::client::{Answer, Server};

const TYPE: &str = "Content-Type: application/offset+octet-stream";

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", Sha256Digest::of(content))
}

fn blob(content: &[u8]) -> String {
    format!("/v1/namespaces/ns/blobs/{}", digest(content))
}

async fn send(server: &Server, content: &'static [u8]) -> Answer {
    server.ask("PUT", &blob(content), &[], Body::from(content)).await
}

fn number(answer: &Answer, name: &'static str) -> u64 {
    answer.header(HeaderName::from_static(name)).parse().unwrap()
}

/// The status and the problem that is told.
fn problem(answer: &Answer) -> (u16, String) {
    let problem = answer.json();
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json");
    assert_eq!(problem["status"], answer.status.as_u16());
    (answer.status.as_u16(), problem["detail"].as_str().unwrap().to_owned())
}

async fn objects(store: &Store, folder: &str) -> Vec<String> {
    let found = store.list(&ObjectPath::parse(folder).unwrap());
    let mut found: Vec<String> = found.map_ok(|meta| meta.path.to_string()).try_collect().await.unwrap();
    found.sort();
    found
}

#[tokio::test]
async fn content_is_kept_under_its_digest_once() {
    let server = Server::new();
    let path = blob(b"content");
    assert_eq!(server.ask("HEAD", &path, &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
    let sent = send(&server, b"content").await;
    assert_eq!(sent.status, StatusCode::CREATED);
    assert_eq!(sent.json(), json!({"digest": digest(b"content"), "size_bytes": 7}));
    assert_eq!(send(&server, b"content").await.status, StatusCode::OK);
    // Another namespace has to send it, too, so that nobody gets what they do not have.
    let other = path.replace("/ns/", "/other/");
    assert_eq!(server.ask("GET", &other, &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.ask("PUT", &other, &[], "content").await.status, StatusCode::CREATED);
    server.create("/staging/ns/f", "content").await;
    assert_eq!(objects(&server.store, "staging/blobs").await.len(), 1);
    let read = server.ask("GET", &path, &[], Body::empty()).await;
    assert_eq!((read.status, read.body.as_ref()), (StatusCode::OK, b"content".as_ref()));
    let repr = read.header(HeaderName::from_static("repr-digest")).to_owned();
    assert_eq!(repr, format!("sha-256=:{}:", STANDARD.encode(Sha256Digest::of(b"content").to_bytes())));
    assert_eq!(server.ask("DELETE", &path, &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.ask("DELETE", &path, &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.ask("GET", &other, &[], Body::empty()).await.body, "content");
    assert_eq!(server.names("/staging").await, ["ns/"]);
    assert_eq!(server.read("/staging/ns/f").await, "content");
}

#[tokio::test]
async fn what_is_not_what_it_is_said_to_be_is_not_kept() {
    let server = Server::new();
    let large = Body::from(vec![7; 20 << 20]);
    for (path, body, status) in [
        (blob(b"this"), Body::from("that"), 409),
        (blob(b"this"), large, 409),
        ("/v1/namespaces/ns/blobs/sha256:12".to_owned(), Body::from("x"), 400),
        (blob(b"this").replace("/ns/", "/N_s/"), Body::from("this"), 400),
        (blob(b"this").replace("/ns/", "/a%2Fb/"), Body::from("this"), 400),
    ] {
        let answer = server.ask("PUT", &path, &[], body).await;
        assert_eq!(problem(&answer).0, status, "{path}");
    }
    assert_eq!(objects(&server.store, "staging").await, [""; 0]);
    // Also where it is there already, and is only compared.
    send(&server, b"this").await;
    assert_eq!(problem(&server.ask("PUT", &blob(b"this"), &[], "that").await).0, 409);
    assert_eq!(server.ask("GET", &blob(b"this"), &[], Body::empty()).await.body, "this");
    let wrong = server.ask("POST", &blob(b"this"), &[], Body::empty()).await;
    assert_eq!((problem(&wrong).0, wrong.header(header::ALLOW)), (405, "GET,HEAD,PUT,DELETE"));
}

#[tokio::test]
async fn ranges_and_conditions_are_as_http_has_them() {
    let server = Server::new();
    let path = blob(b"0123456789");
    let tag = send(&server, b"0123456789").await.header(header::ETAG).to_owned();
    let modified = server.ask("HEAD", &path, &[], Body::empty()).await.header(header::LAST_MODIFIED).to_owned();
    let (same, other) = (format!("If-None-Match: {tag}"), "If-None-Match: \"other\"".to_owned());
    let cases = [
        (vec!["Range: bytes=2-4".to_owned()], 206, "234"),
        (vec!["Range: bytes=20-".to_owned()], 416, ""),
        (vec!["Range: bytes=2-4".to_owned(), format!("If-Range: {tag}")], 206, "234"),
        (vec!["Range: bytes=2-4".to_owned(), "If-Range: \"other\"".to_owned()], 200, "0123456789"),
        (vec![same.clone()], 304, ""),
        (vec![other.clone(), "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT".to_owned()], 200, "0123456789"),
        (vec![format!("If-Modified-Since: {modified}")], 304, ""),
        (vec!["If-Modified-Since: Thu, 01 Jan 2004 00:00:00 GMT".to_owned()], 200, "0123456789"),
        (vec![format!("If-Unmodified-Since: {modified}")], 200, "0123456789"),
        (vec![format!("If-Match: {tag}")], 200, "0123456789"),
    ];
    for (headers, status, body) in cases {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = server.ask("GET", &path, &headers, Body::empty()).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (status, body.as_bytes()), "{headers:?}");
        let head = server.ask("HEAD", &path, &headers, Body::empty()).await;
        assert_eq!((head.status, head.body.len()), (answer.status, 0), "{headers:?}");
        assert_eq!(head.headers, answer.headers, "{headers:?}");
    }
    for failing in ["If-Match: \"other\"", "If-Unmodified-Since: Thu, 01 Jan 2004 00:00:00 GMT"] {
        assert_eq!(problem(&server.ask("GET", &path, &[failing], Body::empty()).await).0, 412);
    }
    assert_eq!(problem(&server.ask("PUT", &path, &["If-None-Match: *"], "0123456789").await).0, 412);
    assert_eq!(server.ask("PUT", &blob(b"new"), &["If-None-Match: *"], "new").await.status, StatusCode::CREATED);
}

/// Starts an upload, and returns where it is.
async fn start(server: &Server, length: usize, headers: &[&str]) -> String {
    let length = format!("Upload-Length: {length}");
    let headers: Vec<&str> = [&["Tus-Resumable: 1.0.0", length.as_str()], headers].concat();
    let started = server.ask("POST", "/v1/namespaces/ns/uploads", &headers, Body::empty()).await;
    assert_eq!(started.status, StatusCode::CREATED, "{:?}", started.body);
    started.header(header::LOCATION).to_owned()
}

async fn piece(server: &Server, place: &str, offset: u64, body: impl Into<Body>) -> Answer {
    let offset = format!("Upload-Offset: {offset}");
    server.ask("PATCH", place, &["Tus-Resumable: 1.0.0", &offset, TYPE], body).await
}

#[tokio::test]
async fn an_upload_goes_on_after_either_side_died() {
    let mut content = vec![0; 11 << 20];
    content.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at % 251) as u8);
    for declared in [false, true] {
        let server = Server::new();
        let sha256 = format!("Upload-Metadata: filename eA==,sha256 {}", STANDARD.encode(&digest(&content)[7..]));
        let headers = if declared { vec![sha256.as_str()] } else { vec![] };
        let place = start(&server, content.len(), &headers).await;
        // The client dies in the middle: what has come stays.
        let (first, rest) = (Bytes::copy_from_slice(&content[..5_000_001]), std::io::Error::other("gone"));
        let cut = Body::from_stream(futures::stream::iter([Ok(first), Err(rest)]));
        assert_eq!(problem(&piece(&server, &place, 0, cut).await).0, 400);
        // And so does the server.
        let server = Server::over(server.store, Config::default());
        let look = server.ask("HEAD", &place, &["Tus-Resumable: 1.0.0"], Body::empty()).await;
        assert_eq!((look.status, number(&look, "upload-offset")), (StatusCode::OK, 5_000_001));
        assert_eq!((number(&look, "upload-length"), look.header(header::CACHE_CONTROL)), (11 << 20, "no-store"));
        let said = headers.first().and_then(|header| header.strip_prefix("Upload-Metadata: "));
        assert_eq!(look.header(HeaderName::from_static("upload-metadata")), said.unwrap_or_default());
        assert_eq!(problem(&piece(&server, &place, 0, "again").await).0, 409);
        let some = piece(&server, &place, 5_000_001, Bytes::copy_from_slice(&content[5_000_001..9_000_000])).await;
        assert_eq!((some.status, number(&some, "upload-offset")), (StatusCode::NO_CONTENT, 9_000_000));
        let last = piece(&server, &place, 9_000_000, Bytes::copy_from_slice(&content[9_000_000..])).await;
        assert_eq!((last.status, number(&last, "upload-offset")), (StatusCode::NO_CONTENT, 11 << 20));
        assert_eq!(last.header(header::CONTENT_LOCATION), blob(&content));
        let read = server.ask("GET", &blob(&content), &[], Body::empty()).await;
        assert!(read.body == content);
        // A client that did not get the answer still learns what has become of it.
        let look = server.ask("HEAD", &place, &[], Body::empty()).await;
        assert_eq!(
            (number(&look, "upload-offset"), look.header(header::CONTENT_LOCATION)),
            (11 << 20, blob(&content).as_str())
        );
        let left = objects(&server.store, "staging/uploads").await;
        assert!(left.len() == 1 && left[0].ends_with("/upload"), "{left:?}");
    }
}

#[tokio::test]
async fn what_an_upload_may_not_be_is_told() {
    let server = Server::new();
    let uploads = "/v1/namespaces/ns/uploads";
    let long = format!("Upload-Metadata: name {}", "x".repeat(4096));
    for (headers, status) in [
        (vec![], 400),
        (vec!["Upload-Length: -1"], 400),
        (vec!["Upload-Length: +1"], 400),
        (vec!["Upload-Length: 99999999999999"], 400),
        (vec!["Upload-Length: 1", "Tus-Resumable: 0.2"], 412),
        (vec!["Upload-Length: 1", "Upload-Metadata: sha256 eA=="], 400),
        (vec!["Upload-Length: 1", long.as_str()], 400),
    ] {
        let answer = server.ask("POST", uploads, &headers, Body::empty()).await;
        assert_eq!(problem(&answer).0, status, "{headers:?}");
    }
    let place = start(&server, 4, &[]).await;
    let typed = server.ask("PATCH", &place, &["Upload-Offset: 0", "Content-Type: text/plain"], "four").await;
    assert_eq!(problem(&typed).0, 415);
    assert_eq!(problem(&piece(&server, &place, 0, "fifth").await).0, 409);
    assert_eq!(problem(&piece(&server, &place.replace("/ns/", "/other/"), 0, "four").await).0, 404);
    assert_eq!(piece(&server, &place, 0, "four").await.status, StatusCode::NO_CONTENT);
    // What is something else than was said is over.
    let said = format!("Upload-Metadata: sha256 {}", STANDARD.encode(digest(b"this")));
    let place = start(&server, 4, &[&said]).await;
    assert_eq!(problem(&piece(&server, &place, 0, "that").await).0, 409);
    assert_eq!(server.ask("HEAD", &place, &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
    // Nothing is all of nothing.
    let place = start(&server, 0, &[]).await;
    assert_eq!(server.ask("GET", &blob(b""), &[], Body::empty()).await.status, StatusCode::OK);
    assert_eq!(server.ask("DELETE", &place, &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.ask("DELETE", &place, &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
    let can = server.ask("OPTIONS", uploads, &[], Body::empty()).await;
    assert_eq!(can.header(HeaderName::from_static("tus-extension")), "creation,expiration,termination");
}

/// One request after the other fails, or is done without an answer: the client asks how far it is, and goes on.
#[tokio::test]
async fn every_request_of_an_upload_in_pieces_may_fail() {
    for how in [Failure::Refused, Failure::AnswerLost] {
        let mut failed = 0;
        for at in 0.. {
            let (store, faults) = (Store::in_memory(), Arc::new(Faults::default()));
            let healthy = Server::over(store.clone(), Config::default());
            let place = start(&healthy, 10, &[]).await;
            let server = Server::over(store.with_faults(&faults), Config::default());
            faults.fail_after(at, how);
            for body in ["01234", "56789"] {
                let offset = number(&healthy.ask("HEAD", &place, &[], Body::empty()).await, "upload-offset");
                let sent = piece(&server, &place, offset, body).await;
                failed += u32::from(sent.status != StatusCode::NO_CONTENT);
                let arrived = number(&healthy.ask("HEAD", &place, &[], Body::empty()).await, "upload-offset");
                assert!(
                    sent.status != StatusCode::NO_CONTENT || arrived == number(&sent, "upload-offset"),
                    "{how:?} {at}"
                );
            }
            let mut arrived = number(&healthy.ask("HEAD", &place, &[], Body::empty()).await, "upload-offset");
            while arrived < 10 {
                // Bytes that were sent twice are where they belong, so the second five may be the first.
                let rest = &"0123456789"[arrived as usize..];
                arrived = number(&piece(&healthy, &place, arrived, rest).await, "upload-offset");
            }
            let done =
                healthy.ask("HEAD", &place, &[], Body::empty()).await.header(header::CONTENT_LOCATION).to_owned();
            let read = healthy.ask("GET", &done, &[], Body::empty()).await;
            assert_eq!((read.status, read.body.len()), (StatusCode::OK, 10), "{how:?} {at}");
            if faults.requests() <= at {
                break;
            }
        }
        assert!(failed > 5, "{how:?}: {failed}");
    }
}

fn naming(artifacts: &[(&str, &[u8])]) -> String {
    let artifacts: Vec<Value> =
        artifacts.iter().map(|(name, content)| json!({"name": name, "digest": digest(content)})).collect();
    json!({"artifacts": artifacts}).to_string()
}

async fn put_manifest(server: &Server, path: &str, headers: &[&str], artifacts: &[(&str, &[u8])]) -> Answer {
    let headers = [&["Content-Type: application/json"], headers].concat();
    server.ask("PUT", path, &headers, naming(artifacts)).await
}

#[tokio::test]
async fn a_manifest_names_what_belongs_together() {
    let server = Server::new();
    let path = "/v1/namespaces/ns/manifests/spark-upload-00000000-0000-0000-0000-000000000001";
    let missing = put_manifest(&server, path, &[], &[("a.jar", b"a")]).await;
    assert!(problem(&missing).1.contains("send it first"), "{:?}", missing.body);
    send(&server, b"a").await;
    send(&server, b"b").await;
    let wanted: [(&str, &[u8]); 2] = [("a.jar", b"a"), ("conf/x y.properties", b"b")];
    let put = put_manifest(&server, path, &["If-None-Match: *"], &wanted).await;
    assert_eq!(put.status, StatusCode::CREATED);
    assert_eq!(problem(&put_manifest(&server, path, &["If-None-Match: *"], &wanted).await).0, 412);
    let read = server.ask("GET", path, &[], Body::empty()).await;
    assert_eq!((&read.body, read.header(header::ETAG)), (&put.body, put.header(header::ETAG)));
    let same = format!("If-None-Match: {}", put.header(header::ETAG));
    assert_eq!(server.ask("GET", path, &[&same], Body::empty()).await.status, StatusCode::NOT_MODIFIED);
    // Every artifact has a plain URL.
    for (artifact, content) in read.json()["artifacts"].as_array().unwrap().iter().zip(["a", "b"]) {
        let place = artifact["path"].as_str().unwrap();
        assert_eq!(server.ask("GET", place, &[], Body::empty()).await.body, content, "{place}");
        assert_eq!(
            server.ask("GET", place, &["Range: bytes=0-0"], Body::empty()).await.status,
            StatusCode::PARTIAL_CONTENT
        );
    }
    assert_eq!(
        server.ask("GET", &format!("{path}/artifacts/conf%2Fx%20y.properties"), &[], Body::empty()).await.body,
        "b"
    );
    assert_eq!(problem(&server.ask("GET", &format!("{path}/artifacts/other"), &[], Body::empty()).await).0, 404);
    // It keeps what it names.
    server.ask("DELETE", &blob(b"a"), &[], Body::empty()).await;
    assert_eq!(server.ask("GET", &format!("{path}/artifacts/a.jar"), &[], Body::empty()).await.body, "a");
    // It changes at once, and only from what was seen.
    let seen = format!("If-Match: {}", put.header(header::ETAG));
    assert_eq!(put_manifest(&server, path, &[&seen], &[("b", b"b")]).await.status, StatusCode::OK);
    assert_eq!(problem(&put_manifest(&server, path, &[&seen], &wanted).await).0, 412);
    assert_eq!(problem(&server.ask("DELETE", path, &[&seen], Body::empty()).await).0, 412);
    assert_eq!(server.ask("DELETE", path, &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(problem(&server.ask("GET", path, &[], Body::empty()).await).0, 404);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_one_is_refused() {
    let server = Server::new();
    send(&server, b"a").await;
    let path = "/v1/namespaces/ns/manifests/job-1";
    for name in ["", "/a", "a/", "a//b", "../a", "a/./b", "a:b", "a\nb", &"x".repeat(256)] {
        assert_eq!(problem(&put_manifest(&server, path, &[], &[(name, b"a")]).await).0, 400, "{name:?}");
    }
    assert_eq!(problem(&put_manifest(&server, path, &[], &[("a", b"a"), ("a", b"a")]).await).0, 409);
    let many: Vec<(String, &[u8])> = (0..1001).map(|n| (format!("f{n}"), b"a".as_slice())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    assert_eq!(problem(&put_manifest(&server, path, &[], &many).await).0, 400);
    assert_eq!(put_manifest(&server, path, &[], &many[..1000]).await.status, StatusCode::CREATED);
    for name in ["-a", "a%20b", "a%2Fb", &"x".repeat(129)] {
        let path = format!("/v1/namespaces/ns/manifests/{name}");
        assert_eq!(problem(&put_manifest(&server, &path, &[], &[("a", b"a")]).await).0, 400, "{name}");
    }
    for body in [
        "",
        "[]",
        "{}",
        r#"{"artifacts":[]}"#,
        r#"{"artifacts":[{"name":"a","digest":"x"}]}"#,
        r#"{"artifacts":[],"more":1}"#,
    ] {
        assert_eq!(problem(&server.ask("PUT", path, &["Content-Type: application/json"], body).await).0, 400, "{body}");
    }
    assert_eq!(problem(&server.ask("PUT", path, &[], naming(&[("a", b"a")])).await).0, 415);
}

#[tokio::test]
async fn what_nobody_reads_goes_and_a_manifest_keeps_what_it_names() {
    let ahead = Arc::new(AtomicI64::new(0));
    let hours = Arc::clone(&ahead);
    let clock = Clock::new(move || Utc::now() + TimeDelta::hours(hours.load(Ordering::SeqCst)));
    let mut config = Config { clock, ..Config::default() };
    config.sweeps.notice = Duration::ZERO;
    let server = Server::with(config);
    let sweeper = server.staging.sweeper();
    send(&server, b"named").await;
    send(&server, b"unnamed").await;
    let manifest = "/v1/namespaces/ns/manifests/job-1";
    put_manifest(&server, manifest, &[], &[("f", b"named")]).await;
    start(&server, 5, &[]).await;
    let artifact = format!("{manifest}/artifacts/f");
    ahead.store(6 * 24, Ordering::SeqCst);
    assert_eq!(server.ask("GET", &artifact, &[], Body::empty()).await.body, "named");
    ahead.store(8 * 24, Ordering::SeqCst);
    let said = sweeper.preview().await.unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|line| line.starts_with("/v1/namespaces/ns/blobs/sha256:")), "{said:?}");
    let swept = sweeper.sweep().await.unwrap();
    assert_eq!((swept.uploads, swept.blobs, swept.leftovers), (2, 1, 1));
    assert_eq!(server.ask("HEAD", &blob(b"named"), &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.ask("GET", &artifact, &[], Body::empty()).await.body, "named");
    ahead.store(60 * 24, Ordering::SeqCst);
    let swept = sweeper.sweep().await.unwrap();
    assert_eq!((swept.uploads, swept.blobs), (1, 1));
    assert_eq!(server.ask("GET", &artifact, &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_namespace_has_no_more_here_than_at_the_other_doors() {
    let mut config = Config { max_upload_bytes: 100, ..Config::default() };
    config.limits.namespace_bytes = Some(50);
    let server = Server::with(config);
    assert_eq!(send(&server, &[1; 30]).await.status, StatusCode::CREATED);
    assert_eq!(problem(&send(&server, &[2; 30]).await).0, 413);
    let headers = ["Upload-Length: 30"];
    assert_eq!(problem(&server.ask("POST", "/v1/namespaces/ns/uploads", &headers, Body::empty()).await).0, 413);
    assert_eq!(
        server.write("PUT", "/staging/ns/f", "CREATE", vec![3; 30]).await.exception().0,
        "403 DSQuotaExceededException"
    );
    assert_eq!(problem(&server.ask("PUT", &blob(&[4; 101]), &[], vec![4; 101]).await).0, 413);
}

#[tokio::test]
async fn the_contract_is_that_of_this_server() {
    let server = Server::with(Config { max_upload_bytes: 1234, ..Config::default() });
    let contract = server.ask("GET", "/v1/openapi.json", &[], Body::empty()).await.json();
    assert_eq!(contract["openapi"], "3.1.0");
    assert_eq!(contract["components"]["parameters"]["UploadLength"]["schema"]["maximum"], 1234);
}
