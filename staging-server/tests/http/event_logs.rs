use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::json;
use staging_server::Config;
use storage::{ObjectPath, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Server, eventually};

/// Flushes early, so that tests need not wait.
fn quick() -> Config {
    Config { event_log_flush_interval: Duration::from_millis(20), event_log_flush_bytes: 1000, ..Config::default() }
}

async fn object(store: &Store, path: &str) -> Bytes {
    store.get(&ObjectPath::parse(path).unwrap(), 1 << 20).await.unwrap()
}

#[tokio::test]
async fn spark_writes_a_rolling_log() {
    let server = Server::with(quick());
    let folder = "/event-logs/eventlog_v2_spark-1";
    server.put(folder, "MKDIRS&permission=770").await;
    assert_eq!(server.status(folder).await["type"], "DIRECTORY");
    server.create(&format!("{folder}/appstatus_spark-1.inprogress"), "").await;
    server.create(&format!("{folder}/events_1_spark-1.zstd"), "events").await;
    assert_eq!(server.names(folder).await, ["appstatus_spark-1.inprogress", "events_1_spark-1.zstd"]);
    assert_eq!(server.names("/event-logs").await, ["eventlog_v2_spark-1/"]);
    let renamed = format!("{folder}/appstatus_spark-1");
    server.put(&format!("{renamed}.inprogress"), &format!("RENAME&destination={renamed}")).await;
    assert_eq!(server.put(&renamed, "SETTIMES&modificationtime=1&accesstime=-1").await.status, StatusCode::OK);
    assert_eq!(server.names(folder).await, ["appstatus_spark-1", "events_1_spark-1.zstd"]);
    assert_eq!(server.status(&renamed).await["length"], 0);
    // As Spark lays them out, for its own history server on the same store.
    assert_eq!(object(&server.store, "event-logs/eventlog_v2_spark-1/events_1_spark-1.zstd").await, "events");
}

#[tokio::test]
async fn a_log_is_read_while_it_is_written() {
    let server = Server::with(quick());
    let replica = Server::over(server.store.clone(), quick());
    let (sender, parts) = futures::channel::mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    let path = "/event-logs/app-1.inprogress";
    let writing = server.create(path, Body::from_stream(parts));
    let seen = async {
        eventually("the empty file", async || replica.exists(path).await.then_some(())).await;
        assert_eq!(replica.put(path, "SETPERMISSION&permission=660").await.status, StatusCode::OK);
        let mut expected = String::new();
        for i in 0..40 {
            let line = format!("{{\"Event\":\"{i}\"}}{}\n", " ".repeat(i * 7));
            expected += &line;
            sender.unbounded_send(Ok(line.into())).unwrap();
            let length = json!(expected.len());
            eventually("what has arrived", async || (replica.status(path).await["length"] == length).then_some(()))
                .await;
            assert_eq!(replica.read(path).await, expected);
        }
        assert_eq!(replica.get(path, "OPEN&offset=5&length=9").await.body, expected[5..14]);
        assert_eq!(replica.names("/event-logs").await, ["app-1.inprogress"]);
        drop(sender);
        expected
    };
    let (created, expected) = tokio::join!(writing, seen);
    assert_eq!(created.status, StatusCode::CREATED);
    // By the other replica, while this one may still be putting it together.
    replica.put(path, "RENAME&destination=/event-logs/app-1").await;
    assert_eq!(replica.names("/event-logs").await, ["app-1"]);
    assert_eq!(object(&server.store, "event-logs/app-1").await, expected);
}

/// What a server does on a socket; the tests above need none.
async fn listen(server: &Server) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = server.staging.router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_what_arrived() {
    let server = Server::with(quick());
    let mut socket = TcpStream::connect(listen(&server).await).await.unwrap();
    let head = "PUT /webhdfs/v1/event-logs/app-1.inprogress?op=CREATE&data=true HTTP/1.1\r\nHost: h\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    socket.write_all(format!("{head}6\r\nline 1\r\n").as_bytes()).await.unwrap();
    let path = "/event-logs/app-1.inprogress";
    eventually("what has arrived", async || {
        (server.exists(path).await && server.status(path).await["length"] == 6).then_some(())
    })
    .await;
    drop(socket);
    server.staging.drain().await;
    assert_eq!(server.read(path).await, "line 1");
    assert_eq!(object(&server.store, "event-logs/app-1.inprogress").await, "line 1");
}

#[tokio::test]
async fn what_a_killed_server_left_is_read_renamed_and_removed() {
    let server = Server::with(quick());
    for name in ["read", "moved", "removed", "anew", "longer"] {
        let path = ObjectPath::parse(&format!("event-logs/{name}")).unwrap();
        storage::growing::append(&server.store, &path, 0, "line 1\n").await.unwrap();
        storage::growing::append(&server.store, &path, 7, "line 2\n").await.unwrap();
    }
    assert_eq!(server.read("/event-logs/read").await, "line 1\nline 2\n");
    server.put("/event-logs/moved", "RENAME&destination=/event-logs/there").await;
    server.delete("/event-logs/removed", "DELETE").await;
    server.create("/event-logs/anew", "new").await;
    server.write("POST", "/event-logs/longer", "APPEND", "line 3\n").await;
    assert_eq!(server.names("/event-logs").await, ["anew", "longer", "read", "there"]);
    assert_eq!(object(&server.store, "event-logs/there").await, "line 1\nline 2\n");
    assert_eq!(object(&server.store, "event-logs/longer").await, "line 1\nline 2\nline 3\n");
    assert_eq!(server.read("/event-logs/anew").await, "new");
}

#[tokio::test]
async fn a_log_has_one_writer_at_a_time() {
    let server = Server::with(quick());
    let (sender, parts) = futures::channel::mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    let path = "/event-logs/app-1";
    let writing = server.create(path, Body::from_stream(parts));
    let others = async {
        eventually("the file", async || server.exists(path).await.then_some(())).await;
        let busy = "403 AlreadyBeingCreatedException";
        assert_eq!(server.create(path, "mine").await.exception().0, busy);
        assert_eq!(server.delete(path, "DELETE").await.exception().0, busy);
        assert_eq!(server.put(path, "RENAME&destination=/event-logs/x").await.exception().0, busy);
        sender.unbounded_send(Ok("theirs".into())).unwrap();
        drop(sender);
    };
    let (created, ()) = tokio::join!(writing, others);
    assert_eq!((created.status, server.read(path).await.as_ref()), (StatusCode::CREATED, b"theirs".as_ref()));
    assert_eq!(server.delete(path, "DELETE").await.json(), json!({"boolean": true}));
}

#[tokio::test]
async fn an_upload_goes_on_while_its_server_shuts_down() {
    let server = Server::with(quick());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = server.staging.router();
    let serving = tokio::spawn(async move {
        axum::serve(listener, router).with_graceful_shutdown(async { stopped.await.unwrap() }).await.unwrap();
    });
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = "PUT /webhdfs/v1/event-logs/app-1?op=CREATE&data=true HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write_all(format!("{head}4\r\none \r\n").as_bytes()).await.unwrap();
    eventually("the file", async || server.exists("/event-logs/app-1").await.then_some(())).await;
    stop.send(()).unwrap();
    eventually("a closed door", async || TcpStream::connect(address).await.is_err().then_some(())).await;
    socket.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    serving.await.unwrap();
    server.staging.drain().await;
    assert_eq!(server.read("/event-logs/app-1").await, "one two");
}

#[tokio::test]
async fn a_permission_may_be_set_before_its_file_has_arrived() {
    let server = Server::with(quick());
    let file = "/event-logs/app-1.inprogress";
    // Polled first, so that the server has it before the file.
    let (set, ()) = tokio::join!(biased; server.put(file, "SETPERMISSION&permission=660"), async {
        server.create(file, "").await;
    });
    assert_eq!(set.status, StatusCode::OK);
}
