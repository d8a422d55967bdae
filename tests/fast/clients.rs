//! Clients that are slow, silent or too many, and how the servers end in spite of them.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::support::hearth::{FREE_PORTS, Hearth, ROLES};
use super::support::process::signal;
use super::support::wait::eventually;

/// Longer than any test: what waits for it fails.
const FOR_EVER: &str = "1h";
const LIMIT: Duration = Duration::from_secs(60);

async fn start(settings: &[&str]) -> Hearth {
    let arguments: Vec<&str> =
        ["serve", "--store", "memory:"].iter().chain(&FREE_PORTS).chain(settings).copied().collect();
    Hearth::start(&arguments, &[], &ROLES).await
}

async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).await.unwrap()
}

async fn status(url: &str) -> u16 {
    tokio::time::timeout(LIMIT, reqwest::get(url)).await.expect("an answer in time").unwrap().status().as_u16()
}

/// Waits until the server closes, and returns what it said before.
async fn closed(mut connection: TcpStream) -> String {
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = tokio::time::timeout(LIMIT, connection.read_to_end(&mut said)).await.expect("the connection is closed");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_header_is_sent_away_on_every_port() {
    let hearth = start(&["--header-timeout", "300ms", "--idle-timeout", "300ms"]).await;
    for role in ROLES {
        let address = hearth.address(role);
        let silent = connect(&address).await;
        let mut half = connect(&address).await;
        half.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        let mut idle = connect(&address).await;
        idle.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert_eq!(closed(silent).await, "", "{role}");
        assert_eq!(closed(half).await, "", "{role}");
        assert!(closed(idle).await.starts_with("HTTP/1.1 "), "{role}");
    }
}

#[tokio::test]
async fn an_upload_that_stands_still_ends_and_one_that_moves_or_writes_an_event_log_does_not() {
    let hearth = start(&["--stall-timeout", "500ms"]).await;
    let staging = hearth.address("staging server");
    let upload = async |path: &str| {
        let mut connection = connect(&staging).await;
        let head = format!(
            "PUT /webhdfs/v1/{path}?op=CREATE&data=true HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Length: 20\r\n\r\n0123456789"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection
    };
    let (stalled, mut log) = (upload("staging/etl/stalled").await, upload("event-logs/app-1").await);
    let mut moving = upload("staging/etl/moving").await;
    let moved = tokio::spawn(async move {
        // Ten bytes, slower altogether than the limit allows for one of them.
        for byte in b"abcdefghij" {
            tokio::time::sleep(Duration::from_millis(100)).await;
            moving.write_all(&[*byte]).await.unwrap();
        }
        closed(moving).await
    });
    let refused = closed(stalled).await;
    assert!(!refused.starts_with("HTTP/1.1 201"), "{refused}");
    assert!(moved.await.unwrap().starts_with("HTTP/1.1 201"));
    assert_eq!(status(&format!("{staging}/webhdfs/v1/staging/etl/moving?op=OPEN")).await, 200);
    assert_ne!(status(&format!("{staging}/webhdfs/v1/staging/etl/stalled?op=OPEN")).await, 200);
    log.write_all(b"abcdefghij").await.unwrap();
    let said = closed(log).await;
    assert!(said.starts_with("HTTP/1.1 201"), "{said}");
}

#[tokio::test]
async fn more_half_open_connections_than_files_keep_nobody_out_and_do_not_hold_up_the_end() {
    let all: Vec<&str> = ["serve", "--store", "memory:"].iter().chain(&FREE_PORTS).copied().collect();
    let patient = ["--header-timeout", FOR_EVER, "--idle-timeout", FOR_EVER, "--drain-timeout", FOR_EVER];
    let arguments: Vec<&str> = all.into_iter().chain(patient).collect();
    let hearth = Hearth::start_with_files(256, &arguments, &ROLES).await;
    let mut held = Vec::new();
    for at in 0..480 {
        let address = hearth.address(ROLES[at % 3]);
        let mut connection = connect(&address).await;
        // The server may have sent this one away already.
        let _ = connection.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await;
        held.push(connection);
    }
    let [staging, history, admin] = ROLES.map(|role| hearth.address(role));
    assert_eq!(status(&format!("{admin}/livez")).await, 200);
    assert_eq!(status(&format!("{history}/api/v1/applications")).await, 200);
    assert_eq!(status(&format!("{staging}/webhdfs/v1/?op=LISTSTATUS")).await, 200);
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");
    drop(held);
}

#[tokio::test]
async fn a_server_that_was_told_to_stop_is_unready_and_serves_for_a_while() {
    let hearth = start(&["--shutdown-delay", FOR_EVER]).await;
    let [staging, history, admin] = ROLES.map(|role| hearth.address(role));
    let ready = format!("{admin}/readyz");
    eventually("readiness", LIMIT, async || (status(&ready).await == 200).then_some(())).await;
    signal(&hearth.child, "TERM").await;
    eventually("unreadiness", LIMIT, async || (status(&ready).await == 503).then_some(())).await;
    assert_eq!(status(&format!("{admin}/livez")).await, 200);
    assert_eq!(status(&format!("{history}/api/v1/applications")).await, 200);
    let client = reqwest::Client::new();
    let upload = format!("{staging}/webhdfs/v1/staging/etl/late?op=CREATE&data=true");
    assert_eq!(client.put(upload).body("late").send().await.unwrap().status(), 201);
    // A second signal does not wait for the rest of the hour.
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("a second signal"), "{log}");
}

#[tokio::test]
async fn the_first_interrupt_says_what_it_waits_for_and_the_second_does_not_wait() {
    let hearth = start(&["--drain-timeout", FOR_EVER, "--stall-timeout", FOR_EVER]).await;
    let mut upload = connect(&hearth.address("staging server")).await;
    let head = b"PUT /webhdfs/v1/staging/etl/a?op=CREATE&data=true HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    upload.write_all(head).await.unwrap();
    let metrics = format!("{}/metrics", hearth.address("admin"));
    eventually("the upload", LIMIT, async || {
        let text = reqwest::get(&metrics).await.ok()?.text().await.ok()?;
        text.contains("hearth_http_requests_under_way 1\n").then_some(())
    })
    .await;
    signal(&hearth.child, "INT").await;
    eventually("a word on what is waited for", LIMIT, async || {
        hearth.log().contains("stopping: 1 requests under way").then_some(())
    })
    .await;
    signal(&hearth.child, "INT").await;
    let (code, log) = hearth.ended().await;
    assert_eq!(code, Some(1), "{log}");
}

#[tokio::test]
async fn what_is_under_way_ends_and_the_admin_port_answers_until_then() {
    let hearth = start(&["--drain-timeout", FOR_EVER, "--shutdown-delay", "0s"]).await;
    let [staging, _, admin] = ROLES.map(|role| hearth.address(role));
    let mut log = connect(&staging).await;
    let head =
        b"PUT /webhdfs/v1/event-logs/app-1?op=CREATE&data=true HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab";
    log.write_all(head).await.unwrap();
    let metrics = format!("{admin}/metrics");
    eventually("the event log", LIMIT, async || {
        let text = reqwest::get(&metrics).await.ok()?.text().await.ok()?;
        text.contains("hearth_http_event_log_streams 1\n").then_some(())
    })
    .await;
    signal(&hearth.child, "HUP").await;
    eventually("the end of the listener", LIMIT, async || {
        TcpStream::connect(staging.trim_start_matches("http://")).await.is_err().then_some(())
    })
    .await;
    assert_eq!(status(&format!("{admin}/readyz")).await, 503);
    assert_eq!(status(&format!("{admin}/livez")).await, 200);
    log.write_all(b"cd").await.unwrap();
    assert!(closed(log).await.starts_with("HTTP/1.1 201"));
    let (code, said) = hearth.ended().await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_ends_nothing() {
    let mut hearth = start(&["--log-filter", "debug"]).await;
    let history = hearth.address("history server");
    hearth.close_output().await;
    for _ in 0..3 {
        assert_eq!(status(&format!("{history}/api/v1/applications")).await, 200);
    }
    let (code, _) = hearth.stop().await;
    assert_eq!(code, Some(0));
}
