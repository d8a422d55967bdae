//! The resource staging protocol of Spark 2.2's Kubernetes fork, as its clients speak it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use chrono::{TimeDelta, Utc};
use serde_json::Value;
use staging_server::{Clock, Config};

use crate::client::{Answer, Server};

const BOUNDARY: &str = "1d8a1a36-2f6c-4a5c-8c3a-1f0b1a2c3d4e";
const OWNER: &str = r#"{"ownerNamespace":"ns1","ownerLabels":{"spark-app-selector":"spark-x","spark-role":"driver"},"ownerType":"Pod"}"#;
const JSON: &str = "Content-Type: application/json; charset=utf-8";

/// A part as okhttp writes it: its headers, and its body.
fn part(name: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut text = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n").into_bytes();
    for line in headers {
        text.extend(format!("{line}\r\n").bytes());
    }
    text.extend(b"\r\n");
    text.extend(body);
    text.extend(b"\r\n");
    text
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut all = parts.concat();
    all.extend(format!("--{BOUNDARY}--\r\n").bytes());
    all
}

/// What the submission client sends.
fn upload_of(content: &[u8], owner: &str) -> Vec<u8> {
    let length = |body: &[u8]| format!("Content-Length: {}", body.len());
    let binary = "Content-Transfer-Encoding: binary";
    form(&[
        part("resources", &[binary, "Content-Type: multipart/form-data", &length(content)], content),
        part("resourcesOwner", &[binary, JSON, &length(owner.as_bytes())], owner.as_bytes()),
    ])
}

async fn post(server: &Server, body: Vec<u8>) -> Answer {
    let kind = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
    let agent = "User-Agent: okhttp/3.6.0";
    server.ask("POST", "/api/v0/resources/", &[&kind, "Accept-Encoding: gzip", agent], Body::from(body)).await
}

/// Id and secret.
fn granted(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    let Value::Object(members) = answer.json() else { panic!("{:?}", answer.body) };
    // One member more, and the old client fails.
    assert_eq!(members.keys().collect::<Vec<_>>(), ["resourceId", "resourceSecret"]);
    let text = |name: &str| members[name].as_str().unwrap().to_owned();
    (text("resourceId"), text("resourceSecret"))
}

async fn get(server: &Server, id: &str, secret: &str) -> Answer {
    let secret = format!("Authorization: {secret}");
    server.ask("GET", &format!("/api/v0/resources/{id}"), &[&secret], Body::empty()).await
}

#[tokio::test]
async fn a_bundle_comes_back_for_its_secret() {
    let server = Server::new();
    let content = b"\x1f\x8b\x00\xff\r\n--not the boundary\r\n\x00";
    let (id, secret) = granted(&post(&server, upload_of(content, OWNER)).await);
    assert!(secret.bytes().all(|byte| byte.is_ascii_graphic()), "{secret}");
    let again = granted(&post(&server, upload_of(content, OWNER)).await);
    assert!(again.0 != id && again.1 != secret);
    for (id, secret) in [(&id, &secret), (&again.0, &again.1)] {
        let answer = get(&server, id, secret).await;
        assert_eq!((answer.status, answer.body.as_ref()), (StatusCode::OK, content.as_slice()));
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/octet-stream");
        assert_eq!(answer.header(header::CONTENT_LENGTH), content.len().to_string());
        assert!(!answer.headers.contains_key(header::CONTENT_ENCODING));
    }
    // Any other secret, another bundle's too, is none.
    let url = format!("/api/v0/resources/{id}");
    for wrong in
        [&format!("Authorization: {}", again.1), &format!("Authorization: Bearer {secret}"), "Authorization: ", "X: y"]
    {
        let answer = server.ask("GET", &url, &[wrong], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    // Blanks around it, slashes behind the id, a range and HEAD are all one.
    let padded = format!("Authorization:  {secret} ");
    for (method, url) in [("GET", url.clone()), ("HEAD", url.clone()), ("GET", format!("{url}/"))] {
        let answer = server.ask(method, &url, &[padded.trim_end(), "Range: bytes=0-1"], Body::empty()).await;
        assert_eq!(
            (answer.status, answer.header(header::CONTENT_LENGTH)),
            (StatusCode::OK, content.len().to_string().as_str()),
            "{method} {url}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_whatever_the_secret() {
    let server = Server::new();
    let (id, secret) = granted(&post(&server, upload_of(b"x", OWNER)).await);
    let unknown = "00000000-0000-4000-8000-000000000000";
    for id in [unknown, "x", &id.to_uppercase(), &format!("{id}%2Fx"), &id.replace('-', ""), "%2e%2e"] {
        assert_eq!(get(&server, id, &secret).await.status, StatusCode::NOT_FOUND, "{id}");
    }
    let ping = server.ask("GET", "/api/v0/ping", &[], Body::empty()).await;
    assert_eq!((ping.status, ping.body.as_ref()), (StatusCode::OK, b"pong".as_slice()));
    assert_eq!(
        server.ask("GET", "/api/v0/ping/", &["Content-Type: application/json"], Body::empty()).await.body,
        "pong"
    );
    for (method, path, allowed) in
        [("GET", "/api/v0/resources/", "POST"), ("DELETE", &format!("/api/v0/resources/{id}"), "GET,HEAD")]
    {
        let answer = server.ask(method, path, &[], Body::empty()).await;
        assert_eq!((answer.status, answer.header(header::ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, allowed), "{path}");
    }
    let secret = format!("Authorization: {secret}");
    let url = format!("/api/v0/resources/{id}");
    let answer = server.ask("GET", &url, &[&secret, "Content-Type: text/plain"], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(
        server.ask("GET", &url, &[&secret, "Accept: text/html"], Body::empty()).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
    let accepting = ["Accept: text/html, application/*;q=0.5", "Accept: */*", "Content-Type: application/json"];
    for header in accepting {
        assert_eq!(server.ask("GET", &url, &[&secret, header], Body::empty()).await.status, StatusCode::OK, "{header}");
    }
}

#[tokio::test]
async fn forms_are_read_as_leniently_as_jersey_read_them() {
    let server = Server::new();
    let content = part("resources", &[], b"hello");
    let owner = part("resourcesOwner", &[JSON], OWNER.as_bytes());
    let owner_as = |kind: &str| part("resourcesOwner", &[&format!("Content-Type: {kind}")], OWNER.as_bytes());
    let named = |text: &str| {
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {text}\r\n\r\nhello\r\n");
        part.into_bytes()
    };
    let forms: Vec<(&str, Vec<Vec<u8>>, &str)> = vec![
        ("the owner first", vec![owner.clone(), content.clone()], "hello"),
        (
            "parts that nobody knows",
            vec![part("x", &[], b"y"), content.clone(), part("z", &[], b""), owner.clone()],
            "hello",
        ),
        ("the first of two counts", vec![content.clone(), part("resources", &[], b"second"), owner.clone()], "hello"),
        (
            "base64",
            vec![part("resources", &["Content-Transfer-Encoding: base64"], b"aGVs\r\nbG8="), owner.clone()],
            "hello",
        ),
        ("a wrong length", vec![part("resources", &["Content-Length: 2"], b"hello"), owner.clone()], "hello"),
        ("a file name", vec![named("name=\"resources\"; filename=\"x.tgz\""), owner.clone()], "hello"),
        ("no quotes", vec![named("name=resources"), owner.clone()], "hello"),
        ("nothing in it", vec![part("resources", &[], b""), owner.clone()], ""),
        ("an owner without charset", vec![content.clone(), owner_as("application/json")], "hello"),
        ("an owner as text/json", vec![content.clone(), owner_as("text/json")], "hello"),
        ("an owner as +json", vec![content.clone(), owner_as("application/vnd.x+json")], "hello"),
    ];
    for (what, parts, expected) in forms {
        let (id, secret) = granted(&post(&server, form(&parts)).await);
        assert_eq!(get(&server, &id, &secret).await.body, expected, "{what}");
    }
    let kind = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
    let no_slash = server.ask("POST", "/api/v0/resources", &[&kind], Body::from(upload_of(b"x", OWNER))).await;
    granted(&no_slash);
}

#[tokio::test]
async fn what_cannot_be_taken_leaves_nothing() {
    let server = Server::with(Config { max_upload_bytes: 100, ..Config::default() });
    let content = part("resources", &[], b"hello");
    let owned = |owner: &str| upload_of(b"hello", owner);
    let wrong: Vec<(&str, Vec<u8>, StatusCode)> = vec![
        ("no owner", form(std::slice::from_ref(&content)), StatusCode::BAD_REQUEST),
        ("no content", form(&[part("resourcesOwner", &[JSON], OWNER.as_bytes())]), StatusCode::BAD_REQUEST),
        ("nothing", Vec::new(), StatusCode::BAD_REQUEST),
        ("cut off", content.clone(), StatusCode::BAD_REQUEST),
        (
            "an owner as text",
            form(&[content, part("resourcesOwner", &["Content-Type: text/plain"], OWNER.as_bytes())]),
            StatusCode::BAD_REQUEST,
        ),
        ("no namespace", owned(r#"{"ownerLabels":{},"ownerType":"Pod"}"#), StatusCode::BAD_REQUEST),
        ("a path as namespace", owned(r#"{"ownerNamespace":"../../x","ownerType":"Pod"}"#), StatusCode::BAD_REQUEST),
        ("another type", owned(r#"{"ownerNamespace":"n","ownerType":"Job"}"#), StatusCode::BAD_REQUEST),
        ("a member more", owned(r#"{"ownerNamespace":"n","x":1}"#), StatusCode::BAD_REQUEST),
        ("too large", upload_of(&[b'x'; 101], OWNER), StatusCode::PAYLOAD_TOO_LARGE),
    ];
    for (what, body, status) in wrong {
        let answer = post(&server, body).await;
        assert_eq!(answer.status, status, "{what}: {:?}", answer.body);
        assert!(answer.body.len() > 20, "{what}");
    }
    for (kind, status) in [
        ("multipart/form-data", 400),
        ("text/plain", 415),
        ("application/octet-stream", 415),
        ("multipart/mixed; boundary=x", 415),
        ("application/json", 415),
    ] {
        let answer = server.ask("POST", "/api/v0/resources/", &[&format!("Content-Type: {kind}")], "x").await;
        assert_eq!(answer.status.as_u16(), status, "{kind}");
    }
    let kind = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
    let answer = server
        .ask("POST", "/api/v0/resources/", &[&kind, "Accept: text/html"], Body::from(upload_of(b"x", OWNER)))
        .await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(server.names("/staging").await, [""; 0]);
}

/// A bundle has no path: whoever does not have its secret does not come by it through another door.
#[tokio::test]
async fn no_other_door_leads_to_a_bundle() {
    let server = Server::new();
    let (id, _) = granted(&post(&server, upload_of(b"secret", OWNER)).await);
    assert_eq!(server.names("/staging").await, [""; 0]);
    for folder in [".hearth-bundles", "ns/.hearth-bundles"] {
        let path = format!("/staging/{folder}/{id}");
        assert_eq!(server.get(&path, "OPEN").await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(server.get(&path, "GETFILESTATUS").await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(server.ask("GET", &path, &[], Body::empty()).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_ne!(server.create(&format!("/staging/.hearth-bundles/{id}"), "x").await.status, StatusCode::CREATED);
    assert_ne!(
        server.put("/staging/.hearth-bundles", "RENAME&destination=/staging/ns/x").await.json(),
        serde_json::json!({"boolean": true})
    );
    server.delete("/staging/.hearth-bundles", "DELETE&recursive=true").await;
    let dump = server
        .store
        .get(&storage::ObjectPath::parse(&format!("staging/resources/.hearth-bundles/{id}")).unwrap(), 9999)
        .await
        .unwrap();
    let dump = String::from_utf8_lossy(&dump).into_owned();
    let (_, secret) = granted(&post(&server, upload_of(b"secret", OWNER)).await);
    assert!(dump.contains("ns1") && !dump.contains(&secret[37..]), "{dump}");
}

#[tokio::test]
async fn a_bundle_lives_as_its_namespace_says_and_content_is_kept_once() {
    let ahead = Arc::new(AtomicI64::new(0));
    let now = Arc::clone(&ahead);
    let clock = Clock::new(move || Utc::now() + TimeDelta::minutes(now.load(Ordering::SeqCst)));
    let mut config = Config { clock, ..Config::default() };
    config.sweeps.notice = Duration::ZERO;
    let half_an_hour = Some(Duration::from_secs(1800));
    config.lifetimes.first_use =
        config.lifetimes.first_use.with(storage::ObjectPath::parse("ns1").unwrap(), half_an_hour);
    let server = Server::with(config);
    let sweeper = server.staging.sweeper();
    let unread = granted(&post(&server, upload_of(b"same", OWNER)).await);
    let read = granted(&post(&server, upload_of(b"same", OWNER)).await);
    assert_eq!(get(&server, &read.0, &read.1).await.body, "same");
    ahead.store(29, Ordering::SeqCst);
    assert_eq!(sweeper.sweep().await.unwrap().uploads, 0);
    ahead.store(31, Ordering::SeqCst);
    assert_eq!(sweeper.sweep().await.unwrap().uploads, 1);
    assert_eq!(get(&server, &unread.0, &unread.1).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&server, &read.0, &read.1).await.body, "same");
    // Any replica, and one that starts later, has it too.
    let other = Server::over(server.store.clone(), Config::default());
    assert_eq!(get(&other, &read.0, &read.1).await.body, "same");
    ahead.store(60 * 24 * 40, Ordering::SeqCst);
    let swept = sweeper.sweep().await.unwrap();
    assert_eq!((swept.uploads, swept.blobs, swept.bytes), (1, 1, 4));
}
