//! Bad input: each is answered in the form that Hadoop's client shows to people, and says what would be right.

use axum::body::Body;
use axum::http::StatusCode;
use staging_server::Config;
use storage::{ObjectPath, Store, StoreUrl};

use crate::client::Server;

async fn refused(server: &Server, method: &str, uri: &str, expected: &str, says: &str) {
    let (code, message) = server.ask(method, uri, &[], Body::empty()).await.exception();
    assert_eq!(code, expected, "{method} {uri}: {message}");
    assert!(message.contains(says), "{method} {uri}: {message}");
}

#[tokio::test]
async fn what_is_no_operation() {
    let server = Server::new();
    let bad = "400 IllegalArgumentException";
    refused(&server, "GET", "/webhdfs/v1/staging", "400 UnsupportedOperationException", "op").await;
    refused(&server, "GET", "/webhdfs/v1/staging?op=DANCE", bad, "\"DANCE\"").await;
    refused(&server, "GET", "/webhdfs/v1/staging?op=CREATE", bad, "PUT").await;
    refused(&server, "POST", "/webhdfs/v1/staging?op=OPEN", bad, "GET").await;
    refused(&server, "PATCH", "/webhdfs/v1/staging?op=OPEN", bad, "GET").await;
    refused(&server, "PUT", "/webhdfs/v1/staging?op=SETQUOTA", "400 UnsupportedOperationException", "SETQUOTA").await;
    assert_eq!(server.get("/staging", "getfilestatus").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_path_or_outside_the_trees() {
    let server = Server::new();
    let (bad, denied) = ("400 IllegalArgumentException", "403 AccessControlException");
    let nobodys = "400 InvalidPathException";
    for path in
        ["/staging/ns/../x", "/staging/ns/%2e%2e/x", "/staging/ns//x", "/staging/ns/a%2F..%2Fb", "/staging/ns/a:b"]
    {
        refused(&server, "GET", &format!("/webhdfs/v1{path}?op=OPEN"), nobodys, "Invalid path name").await;
        refused(&server, "PUT", &format!("/webhdfs/v1{path}?op=CREATE"), nobodys, "Invalid path name").await;
        refused(&server, "PUT", &format!("/webhdfs/v1{path}?op=MKDIRS"), nobodys, "Invalid path name").await;
    }
    for path in ["/staging/ns/%00", "/staging/ns/%zz", "/staging/ns/a%"] {
        refused(&server, "PUT", &format!("/webhdfs/v1{path}?op=CREATE"), bad, "Invalid path name").await;
    }
    let long = format!("/webhdfs/v1/staging/ns/{}?op=CREATE", "x".repeat(1000));
    refused(&server, "PUT", &long, bad, "longer than").await;
    refused(&server, "GET", "/webhdfs/v1/tmp/x?op=OPEN", "404 FileNotFoundException", "/tmp/x").await;
    refused(&server, "PUT", "/webhdfs/v1/tmp/x?op=CREATE", denied, "/staging/<namespace>").await;
    refused(&server, "PUT", "/webhdfs/v1/tmp/x?op=MKDIRS", denied, "/staging/<namespace>").await;
    refused(&server, "PUT", "/webhdfs/v1/staging/x.jar?op=CREATE", bad, "/staging/<namespace>").await;
    refused(&server, "PUT", "/webhdfs/v1/staging/No_Namespace/x?op=CREATE", bad, "namespace").await;
    refused(&server, "PUT", "/webhdfs/v1/staging/ns/.directory?op=CREATE", bad, "keeps for itself").await;
    refused(&server, "PUT", "/webhdfs/v1/event-logs/.growing/x?op=CREATE", bad, "keeps for itself").await;
    refused(&server, "DELETE", "/webhdfs/v1/?op=DELETE&recursive=true", denied, "stays").await;
    refused(&server, "DELETE", "/webhdfs/v1/event-logs?op=DELETE&recursive=true", denied, "stays").await;
}

#[tokio::test]
async fn what_the_folder_and_file_there_do_not_allow() {
    let server = Server::new();
    server.create("/staging/ns/file", "x").await;
    server.put("/staging/ns/folder", "MKDIRS").await;
    let exists = "403 FileAlreadyExistsException";
    refused(&server, "PUT", "/webhdfs/v1/staging/ns/file?op=CREATE", exists, "overwrite").await;
    let (code, message) = server.write("PUT", "/staging/ns/folder", "CREATE&overwrite=true", "x").await.exception();
    assert!(code == exists && message.contains("directory"), "{code}: {message}");
    refused(&server, "PUT", "/webhdfs/v1/staging/ns/file?op=MKDIRS", exists, "file").await;
    let not_a_folder = "403 ParentNotDirectoryException";
    let (code, message) = server.write("PUT", "/staging/ns/file/x", "CREATE", "x").await.exception();
    assert!(code == not_a_folder && message.contains("/staging/ns/file is"), "{code}: {message}");
    refused(&server, "PUT", "/webhdfs/v1/staging/ns/file/x/y?op=MKDIRS", not_a_folder, "/staging/ns/file is").await;
    refused(&server, "GET", "/webhdfs/v1/staging/ns/folder?op=OPEN", "404 FileNotFoundException", "directory").await;
}

#[tokio::test]
async fn parameters_that_say_nothing() {
    let server = Server::new();
    server.create("/staging/ns/f", "x").await;
    let bad = "400 IllegalArgumentException";
    for (method, op) in [
        ("GET", "OPEN&offset=-1"),
        ("GET", "OPEN&length=many"),
        ("PUT", "CREATE&overwrite=perhaps"),
        ("PUT", "SETPERMISSION&permission=rwx"),
        ("PUT", "SETTIMES&modificationtime=99999999999999999"),
        ("DELETE", "DELETE&recursive=1"),
    ] {
        refused(&server, method, &format!("/webhdfs/v1/staging/ns/f?op={op}"), bad, "Invalid value").await;
    }
    refused(&server, "PUT", "/webhdfs/v1/staging/ns/f?op=RENAME", bad, "destination").await;
}

#[tokio::test]
async fn what_is_too_large_is_read_to_its_end_and_refused() {
    let server = Server::with(Config { max_upload_bytes: 1000, ..Config::default() });
    assert_eq!(server.create("/staging/ns/fits", vec![0; 1000]).await.status, StatusCode::CREATED);
    // Java looks at the answer only when it has sent all.
    let chunks = futures::stream::iter((0..1000).map(|_| Ok::<_, std::io::Error>(vec![0; 1000])));
    let (code, message) = server.create("/staging/ns/large", Body::from_stream(chunks)).await.exception();
    assert_eq!(code, "413 IOException");
    assert!(message.contains("1000 bytes") && message.contains("/staging/ns/large"), "{message}");
    let (code, _) = server.write("POST", "/staging/ns/fits", "APPEND", "x").await.exception();
    assert_eq!(code, "413 IOException");
    assert_eq!(server.names("/staging/ns").await, ["fits"]);
    assert_eq!(server.read("/staging/ns/fits").await.len(), 1000);
}

#[tokio::test]
async fn a_failing_store_is_not_described_to_clients() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreUrl::folder(folder.path())).unwrap();
    let server = Server::over(store, Config::default());
    server.create("/staging/ns/f", "x").await;
    let resource = ObjectPath::parse("staging/resources/ns/f").unwrap();
    server.store.put(&resource, "{\"format\": 1, \"secret\": ").await.unwrap();
    let (code, message) = server.get("/staging/ns/f", "OPEN").await.exception();
    assert_eq!(code, "500 IOException");
    assert_eq!(message, "Hearth failed at this request: its own log says why; tell its operator");

    // A store that is gone: its folder has become a file.
    let place = folder.path().join("staging/resources");
    std::fs::remove_dir_all(&place).unwrap();
    std::fs::write(&place, "").unwrap();
    let answer = server.create("/staging/ns/g", "x").await;
    assert!(!String::from_utf8_lossy(&answer.body).contains(folder.path().to_str().unwrap()));
    assert_ne!(answer.status, StatusCode::CREATED);
}
