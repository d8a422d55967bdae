use axum::body::Body;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::json;
use staging_server::Config;
use storage::{Store, StoreUrl};

use crate::client::{Server, eventually};

const JAVA: &str = "User-Agent: Java/17.0.15";

#[tokio::test]
async fn what_is_uploaded_is_read_back() {
    let server = Server::new();
    let created = server.create("/staging/team-a/spark-upload-1/app.jar", "some bytes").await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(server.read("/staging/team-a/spark-upload-1/app.jar").await, "some bytes");

    let status = server.status("/staging/team-a/spark-upload-1/app.jar").await;
    assert_eq!(
        (&status["length"], &status["type"], &status["permission"], &status["owner"], &status["pathSuffix"]),
        (&json!(10), &json!("FILE"), &json!("640"), &json!("alice"), &json!(""))
    );
    assert!(status["blockSize"].as_u64().unwrap() > 0 && status["modificationTime"].as_i64().unwrap() > 0, "{status}");
    for field in ["accessTime", "group", "replication", "childrenNum", "fileId", "storagePolicy"] {
        assert!(!status[field].is_null(), "{field}");
    }
}

#[tokio::test]
async fn the_first_request_of_an_upload_is_sent_on() {
    let server = Server::new();
    let uri = "/webhdfs/v1/staging/ns/a%20b?op=CREATE&user.name=x&overwrite=true";
    let answer = server.ask("PUT", uri, &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    let there = "http://hearth:10000/webhdfs/v1/staging/ns/a%20b?data=true&op=CREATE&user.name=x&overwrite=true";
    assert_eq!(answer.header(header::LOCATION), there);
    assert!(!server.exists("/staging/ns/a%20b").await);

    let answer = server.ask("PUT", &format!("{uri}&noredirect=true"), &[], Body::empty()).await;
    assert_eq!((answer.status, answer.json()["Location"].as_str()), (StatusCode::OK, Some(there)));

    let public_url = Some(url::Url::parse("https://hearth.example.org").unwrap());
    let server = Server::with(Config { public_url, ..Config::default() });
    let answer = server.ask("PUT", uri, &[], Body::empty()).await;
    assert!(answer.header(header::LOCATION).starts_with("https://hearth.example.org/webhdfs/v1/staging/ns/a%20b?"));
}

#[tokio::test]
async fn json_has_no_media_type_for_java_alone() {
    let server = Server::new();
    for (uri, status) in [("/webhdfs/v1/?op=LISTSTATUS", 200), ("/webhdfs/v1/staging/ns/x?op=OPEN", 404)] {
        let java = server.ask("GET", uri, &[JAVA], Body::empty()).await;
        assert_eq!((java.status.as_u16(), java.headers.get(header::CONTENT_TYPE)), (status, None), "{uri}");
        assert!(java.json().is_object());
        let curl = server.ask("GET", uri, &["User-Agent: curl/8.5.0"], Body::empty()).await;
        assert_eq!((curl.status.as_u16(), curl.header(header::CONTENT_TYPE)), (status, "application/json"), "{uri}");
    }
}

#[tokio::test]
async fn open_answers_any_part() {
    let server = Server::new();
    server.create("/staging/ns/ten", "0123456789").await;
    for (query, expected) in [
        ("", "0123456789"),
        ("&offset=3", "3456789"),
        ("&offset=3&length=2", "34"),
        ("&length=4", "0123"),
        ("&offset=8&length=99", "89"),
        ("&offset=10", ""),
        ("&offset=2&length=9223372036854775807", "23456789"),
    ] {
        let answer = server.get("/staging/ns/ten", &format!("OPEN{query}")).await;
        assert_eq!((answer.status, answer.body.as_ref()), (StatusCode::OK, expected.as_bytes()), "{query}");
        assert_eq!(answer.header(header::CONTENT_LENGTH), expected.len().to_string(), "{query}");
    }
    let behind = server.get("/staging/ns/ten", "OPEN&offset=11").await;
    assert_eq!(behind.exception().0, "403 IOException");
}

#[tokio::test]
async fn javas_first_open_is_told_where_to_read() {
    let server = Server::new();
    server.create("/staging/ns/ten", "0123456789").await;
    let first = server.ask("GET", "/webhdfs/v1/staging/ns/ten?op=OPEN&buffersize=4096", &[JAVA], Body::empty()).await;
    assert_eq!(first.status, StatusCode::TEMPORARY_REDIRECT);
    let there = format!("{}&offset=4", first.header(header::LOCATION));
    let there = there.strip_prefix("http://hearth:10000").unwrap();
    assert_eq!(server.ask("GET", there, &[JAVA], Body::empty()).await.body, "456789");
}

#[tokio::test]
async fn a_folder_is_there_when_something_is_in_it_or_it_was_made() {
    let server = Server::new();
    let made = server.put("/staging/ns/empty/deep", "MKDIRS&permission=700&user.name=bob").await;
    assert_eq!((made.status, made.json()), (StatusCode::OK, json!({"boolean": true})));
    server.create("/staging/ns/full/file", "x").await;
    assert_eq!(server.names("/staging/ns").await, ["empty/", "full/"]);
    assert_eq!(server.names("/staging/ns/empty").await, ["deep/"]);
    assert_eq!(server.names("/staging/ns/empty/deep").await, [""; 0]);
    assert_eq!(server.names("/staging/ns/full/file").await, [""]);
    assert_eq!(server.names("/staging").await, ["ns/"]);
    assert_eq!(server.names("/").await, ["event-logs/", "pod-templates/", "staging/"]);
    assert_eq!(server.names("/staging/nobody-was-here").await, [""; 0]);
    let status = server.status("/staging/ns/empty/deep").await;
    assert_eq!((&status["permission"], &status["owner"]), (&json!("700"), &json!("bob")));
    assert_eq!(server.status("/staging/ns/full").await["type"], "DIRECTORY");
    assert_eq!(server.get("/staging/ns/none", "GETFILESTATUS").await.exception().0, "404 FileNotFoundException");

    // A folder outlives the last file in it.
    server.delete("/staging/ns/full/file", "DELETE").await;
    assert_eq!(server.names("/staging/ns").await, ["empty/", "full/"]);
}

#[tokio::test]
async fn deleting_says_whether_something_was_there() {
    let server = Server::new();
    server.create("/staging/ns/d/one", "1").await;
    server.create("/staging/ns/d/two", "2").await;
    assert_eq!(server.delete("/staging/ns/none", "DELETE").await.json(), json!({"boolean": false}));
    let refused = server.delete("/staging/ns/d", "DELETE&recursive=false").await;
    assert_eq!(refused.exception().0, "403 PathIsNotEmptyDirectoryException");
    assert_eq!(server.delete("/staging/ns/d/one", "DELETE").await.json(), json!({"boolean": true}));
    assert_eq!(server.names("/staging/ns/d").await, ["two"]);
    assert_eq!(server.delete("/staging/ns/d", "DELETE&recursive=true").await.json(), json!({"boolean": true}));
    assert!(!server.exists("/staging/ns/d").await);
    assert_eq!(server.create("/staging/ns/d", "now a file").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn renaming_moves_files_and_folders() {
    let server = Server::new();
    server.create("/staging/ns/d/x._COPYING_", "x").await;
    server.put("/staging/ns/d/sub", "MKDIRS").await;
    let answer = server.put("/staging/ns/d/x._COPYING_", "RENAME&destination=/staging/ns/d/x%20y").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"boolean": true})));
    assert_eq!(server.names("/staging/ns/d").await, ["sub/", "x y"]);

    server.put("/staging/ns/d/x%20y", "RENAME&destination=/staging/ns/d/sub").await;
    assert_eq!(server.read("/staging/ns/d/sub/x%20y").await, "x");
    server.put("/staging/ns/d", "RENAME&destination=/staging/ns/e").await;
    assert_eq!(server.names("/staging/ns").await, ["e/"]);
    assert_eq!(server.read("/staging/ns/e/sub/x%20y").await, "x");

    server.create("/staging/ns/other", "o").await;
    for (from, to, expected) in [
        ("/staging/ns/other", "/event-logs/other", "403 AccessControlException"),
        ("/staging/ns/other", "/tmp/other", "403 AccessControlException"),
    ] {
        let refused = server.put(from, &format!("RENAME&destination={to}")).await;
        assert_eq!(refused.exception().0, expected, "{from} to {to}");
    }
    let overwriting = "RENAME&renameoptions=OVERWRITE&destination=/staging/ns/e/sub/x%20y";
    let answer = server.put("/staging/ns/other", overwriting).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(server.read("/staging/ns/e/sub/x%20y").await, "o");
}

#[tokio::test]
async fn appending_adds_at_the_end() {
    let server = Server::new();
    server.create("/staging/ns/f", "one").await;
    assert_eq!(server.write("POST", "/staging/ns/f", "APPEND", " two").await.status, StatusCode::OK);
    assert_eq!(server.read("/staging/ns/f").await, "one two");
    let none = server.write("POST", "/staging/ns/none", "APPEND", "x").await;
    assert_eq!(none.exception().0, "404 FileNotFoundException");
}

#[tokio::test]
async fn attributes_that_callers_set_are_kept() {
    let server = Server::new();
    server.create("/staging/ns/f", "x").await;
    for op in [
        "SETPERMISSION&permission=600",
        "SETOWNER&owner=carol&group=users",
        "SETTIMES&modificationtime=1600000000000&accesstime=-1",
    ] {
        let answer = server.put("/staging/ns/f", op).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0), "{op}");
    }
    assert_eq!(server.put("/staging/ns/f", "SETREPLICATION&replication=3").await.json(), json!({"boolean": true}));
    let status = server.status("/staging/ns/f").await;
    assert_eq!(
        (&status["permission"], &status["owner"], &status["group"], &status["modificationTime"]),
        (&json!("600"), &json!("carol"), &json!("users"), &json!(1_600_000_000_000_u64))
    );
    assert_eq!(server.read("/staging/ns/f").await, "x");
    assert_eq!(
        server.put("/staging/ns/n", "SETPERMISSION&permission=600").await.exception().0,
        "404 FileNotFoundException"
    );
}

#[tokio::test]
async fn sums_and_batches_are_told() {
    let server = Server::new();
    for name in ["a", "b", "c/d"] {
        server.create(&format!("/staging/ns/sum/{name}"), "12345").await;
    }
    let summary = server.get("/staging/ns/sum", "GETCONTENTSUMMARY").await.json()["ContentSummary"].clone();
    assert_eq!(
        (&summary["length"], &summary["fileCount"], &summary["directoryCount"]),
        (&json!(15), &json!(3), &json!(2))
    );
    let batch = server.get("/staging/ns/sum", "LISTSTATUS_BATCH&startAfter=a").await.json();
    let listing = &batch["DirectoryListing"];
    let names: Vec<_> = listing["partialListing"]["FileStatuses"]["FileStatus"].as_array().unwrap().iter().collect();
    assert_eq!((names.len(), &names[0]["pathSuffix"], &listing["remainingEntries"]), (2, &json!("b"), &json!(0)));
    assert_eq!(server.get("/", "GETHOMEDIRECTORY").await.json(), json!({"Path": "/staging/default"}));
    let trash = server.get("/staging/ns/sum", "GETTRASHROOT&user.name=bob").await.json();
    assert_eq!(trash, json!({"Path": "/staging/ns/.Trash/bob"}));
    assert_eq!(server.get("/staging/ns/sum", "CHECKACCESS&fsaction=r--").await.status, StatusCode::OK);
    assert!(server.get("/", "GETSERVERDEFAULTS").await.json()["FsServerDefaults"]["blockSize"].is_u64());
    let blocks = server.get("/staging/ns/sum/a", "GETFILEBLOCKLOCATIONS&offset=0&length=5").await.json();
    assert_eq!(blocks["BlockLocations"]["BlockLocation"][0]["length"], 5);
}

#[tokio::test]
async fn the_same_content_is_kept_once() {
    let server = Server::new();
    for name in ["a.jar", "b.jar", "again/a.jar"] {
        server.create(&format!("/staging/ns/{name}"), "the same").await;
    }
    let blobs = storage::ObjectPath::parse("staging/blobs").unwrap();
    assert_eq!(server.store.list(&blobs).count().await, 1);
    let left = storage::ObjectPath::parse("staging/uploads").unwrap();
    assert_eq!(server.store.list(&left).count().await, 0);
}

#[tokio::test]
async fn odd_names_work_on_a_folder_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(Store::open(&StoreUrl::folder(folder.path())).unwrap(), Config::default());
    for (encoded, name) in [
        ("a%20b", "a b"),
        ("100%25", "100%"),
        ("%2523", "%23"),
        ("a+b", "a+b"),
        ("c%231", "c#1"),
        ("%C3%BCn%C3%AF%E4%BD%A0", "\u{fc}n\u{ef}\u{4f60}"),
        ("x;y=z,w", "x;y=z,w"),
    ] {
        let path = format!("/staging/ns/odd/{encoded}");
        assert_eq!(server.create(&path, name).await.status, StatusCode::CREATED, "{name}");
        assert_eq!(server.read(&path).await, name);
        assert_eq!(server.names("/staging/ns/odd").await, [name]);
        assert_eq!(server.delete(&path, "DELETE").await.json(), json!({"boolean": true}), "{name}");
    }
}

/// The parts of a body, and the end at which they are put in.
fn open_body() -> (futures::channel::mpsc::UnboundedSender<Result<Bytes, std::io::Error>>, Body) {
    let (sender, parts) = futures::channel::mpsc::unbounded();
    (sender, Body::from_stream(parts))
}

#[tokio::test]
async fn an_upload_is_seen_at_once_and_read_when_it_is_complete() {
    let server = Server::new();
    let other = Server::over(server.store.clone(), Config::default());
    let (sender, body) = open_body();
    sender.unbounded_send(Ok("half of ".into())).unwrap();
    let seen = async {
        eventually("the name", async || other.exists("/staging/ns/f").await.then_some(())).await;
        assert_eq!(other.get("/staging/ns/f", "OPEN").await.exception().0, "403 AlreadyBeingCreatedException");
        other.put("/staging/ns/f", "SETPERMISSION&permission=600").await;
        sender.unbounded_send(Ok("a jar".into())).unwrap();
        drop(sender);
    };
    let (created, ()) = tokio::join!(server.create("/staging/ns/f", body), seen);
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(other.read("/staging/ns/f").await, "half of a jar");
    assert_eq!(other.status("/staging/ns/f").await["permission"], "600");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_what_was_there() {
    let server = Server::new();
    server.create("/staging/ns/old", "old").await;
    for path in ["/staging/ns/old", "/staging/ns/new"] {
        let (sender, body) = open_body();
        sender.unbounded_send(Ok("half of".into())).unwrap();
        sender.unbounded_send(Err(std::io::Error::other("gone"))).unwrap();
        let (code, message) = server.create(path, body).await.exception();
        assert_eq!(code, "400 IOException");
        assert!(message.contains("broke off"), "{message}");
    }
    assert_eq!(server.names("/staging/ns").await, ["old"]);
    assert_eq!(server.read("/staging/ns/old").await, "old");
}

#[tokio::test]
async fn draining_waits_for_uploads_whose_client_has_gone() {
    let server = Server::new();
    let (sender, body) = open_body();
    sender.unbounded_send(Ok("bytes".into())).unwrap();
    let upload = server.create("/staging/ns/f", body);
    // The connection goes away in the middle: its future is dropped, the upload goes on to its end.
    tokio::select! {
        answer = upload => panic!("{}", answer.status),
        () = eventually("the name", async || server.exists("/staging/ns/f").await.then_some(())) => {}
    }
    let mut drained = Box::pin(server.staging.drain());
    assert!(futures::poll!(&mut drained).is_pending());
    drop(sender);
    drained.await;
    assert_eq!(server.read("/staging/ns/f").await, "bytes");
}
