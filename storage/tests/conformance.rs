//! What every store does, on every kind of store: memory, a folder, and a real S3 server that checks signatures.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "conformance/cases.rs"]
mod cases;
#[path = "conformance/s3_server.rs"]
mod s3_server;

use aws_sdk_s3::config::{Credentials, Region};
use storage::{Store, StoreUrl};

use s3_server::S3Server;

/// One test for each case on one kind of store.
macro_rules! cases_on {
    ($module:ident, $store:expr, $($case:ident),* $(,)?) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let (_place, store) = $store.await;
                super::cases::$case(store).await;
            })*
        }
    };
}

macro_rules! on_every_store {
    ($($case:ident),* $(,)?) => {
        cases_on!(memory, super::in_memory(), $($case),*);
        cases_on!(folder, super::in_a_folder(), $($case),*);
        cases_on!(s3, super::in_s3(""), $($case),*);
        cases_on!(below_a_prefix, super::in_s3("team a/hearth"), $($case),*);
    };
}

on_every_store!(
    what_is_put_is_got,
    what_is_not_there_is_not_found,
    ranges_are_cut_at_the_end,
    streams_start_anywhere,
    only_one_of_many_creates_wins,
    only_the_version_that_was_seen_is_replaced,
    no_swap_of_many_writers_is_lost,
    many_are_deleted_at_once,
    listing_starts_behind_a_path,
    a_folder_is_listed_in_pages,
    a_store_that_can_be_used_says_so,
    listing_finds_all_below_and_nothing_beside,
    folders_are_what_has_something_below_it,
    deleting_twice_is_no_error,
    a_copy_is_the_same_bytes,
    odd_names_are_kept,
    a_small_object_is_written_at_once,
    a_large_object_is_written_in_parts,
    an_unfinished_writer_leaves_nothing,
    a_store_below_a_folder_is_that_folder,
    a_growing_file_becomes_one_object,
    a_growing_file_survives_a_crash_while_it_is_finished,
    a_growing_file_with_a_gap_is_read_up_to_it,
    a_growing_file_is_read_while_it_is_finished,
    parts_that_an_interrupted_finish_left_are_no_gap,
);

// The S3 server of these tests keeps its objects in a folder and shows it, where S3 itself knows no folders.
cases_on!(
    memory_and_folders,
    super::in_memory(),
    a_folder_is_no_object,
    a_folder_left_empty_can_become_a_file,
    a_file_is_no_folder
);
cases_on!(
    folder_and_folders,
    super::in_a_folder(),
    a_folder_is_no_object,
    a_folder_left_empty_can_become_a_file,
    a_file_is_no_folder
);

async fn in_memory() -> ((), Store) {
    ((), Store::in_memory())
}

async fn in_a_folder() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    (folder, store)
}

async fn in_s3(prefix: &str) -> (S3Server, Store) {
    let server = S3Server::start().await;
    let store = open(&server, prefix, s3_server::SECRET);
    (server, store)
}

fn in_folder(folder: &std::path::Path) -> Store {
    Store::open(&StoreUrl::folder(folder)).unwrap()
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let server = S3Server::start().await;
    let store = open(&server, "", "not the secret");
    let error = store.put(&cases::path("a"), "a").await.unwrap_err();
    assert!(matches!(error, storage::Error::PermissionDenied { .. }), "{error:?}");
    let error = store.get(&cases::path("a"), 10).await.unwrap_err();
    assert!(matches!(error, storage::Error::PermissionDenied { .. }), "{error:?}");
}

#[tokio::test]
async fn what_no_trying_again_helps_is_told_apart() {
    let server = S3Server::start().await;
    let keys = Credentials::new(s3_server::KEY, s3_server::SECRET, None, None, "test");
    let body = "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>";
    let url = StoreUrl::parse(&format!("s3://bucket?endpoint={}", answering(404, body.to_owned()).await)).unwrap();
    let nowhere = Store::open_with(&url, keys.clone()).unwrap();
    let error = nowhere.put(&cases::path("a"), "a").await.unwrap_err();
    assert!(matches!(error, storage::Error::NoSuchBucket { .. }), "{error:?}");
    let unusable = nowhere.check(true).await.unwrap_err();
    assert!(!unusable.may_pass() && unusable.to_string().contains("no such bucket"), "{unusable}");

    let denied = open(&server, "", "not the secret").check(true).await.unwrap_err();
    assert!(!denied.may_pass() && denied.to_string().contains("refuses access"), "{denied}");

    for (status, code) in [(400, "InvalidArgument"), (400, "XMinioInvalidObjectName"), (507, "XMinioStorageFull")] {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>so it is</Message></Error>");
        let endpoint = answering(status, body).await;
        let url = StoreUrl::parse(&format!("s3://bucket?endpoint={endpoint}")).unwrap();
        let error = Store::open_with(&url, keys.clone()).unwrap().put(&cases::path("a"), "a").await.unwrap_err();
        match status {
            400 => assert!(matches!(error, storage::Error::Refused { .. }), "{error:?}"),
            _ => assert!(matches!(error, storage::Error::Full { .. }), "{error:?}"),
        }
        let words = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        assert!(words.map(ToString::to_string).any(|words| words.contains(code)), "{error:?}");
    }
}

/// A server that says the same to everybody.
async fn answering(status: u16, body: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    let router = axum::Router::new().fallback(move || {
        let body = body.clone();
        async move { (status, body) }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    endpoint
}

#[tokio::test]
async fn a_burst_of_failures_is_outlasted() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let (asked, listener) = (AtomicU32::new(0), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(asked);
    let router = axum::Router::new().fallback(move || {
        let asked = std::sync::Arc::clone(&asked);
        async move {
            // More than the six times that were once all.
            match asked.fetch_add(1, Ordering::SeqCst) {
                0..8 => axum::http::StatusCode::SERVICE_UNAVAILABLE,
                _ => axum::http::StatusCode::OK,
            }
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let url = StoreUrl::parse(&format!("s3://bucket?endpoint={endpoint}")).unwrap();
    let store = Store::open_with(&url, Credentials::new("a", "b", None, None, "test")).unwrap();
    // Only that it was not given up: the answer of this server has no ETag.
    match store.put(&cases::path("a"), "a").await {
        Ok(()) => {}
        Err(error) => assert!(!format!("{error:?}").contains("503"), "{error:?}"),
    }
}

#[tokio::test]
async fn a_signed_url_is_read_without_a_credential() {
    let server = S3Server::start().await;
    let store = open(&server, "team a", s3_server::SECRET);
    store.put(&cases::path("jars/a b#1.jar"), "the jar").await.unwrap();
    let url = store.signed_url(&cases::path("jars/a b#1.jar"), std::time::Duration::from_secs(60)).await.unwrap();
    let got = get(&url.unwrap()).await;
    assert!(got.starts_with("HTTP/1.1 200") && got.ends_with("the jar"), "{got}");
    let other = store.signed_url(&cases::path("jars/other"), std::time::Duration::from_secs(60)).await.unwrap();
    assert!(get(&other.unwrap()).await.starts_with("HTTP/1.1 404"));
    assert_eq!(
        Store::in_memory().signed_url(&cases::path("a"), std::time::Duration::from_secs(60)).await.unwrap(),
        None
    );
}

/// The answer to a plain GET, by a client that knows nothing but the URL.
async fn get(url: &url::Url) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let target = format!("{}?{}", url.path(), url.query().unwrap());
    let head = format!("GET {target} HTTP/1.1\r\nHost: {}:{}\r\nConnection: close\r\n\r\n", address.0, address.1);
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn swaps_of_two_processes_on_one_folder_are_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    // Two stores share no lock but the folder's own, as two processes do.
    let (one, other) = (in_folder(folder.path()), in_folder(folder.path()));
    cases::count_together([one, other]).await;
}

#[tokio::test]
async fn another_client_reads_what_was_written_and_the_reverse() {
    let server = S3Server::start().await;
    let (store, client) = (open(&server, "logs of mine", s3_server::SECRET), client_of(&server));
    for name in cases::ODD_NAMES {
        let key = format!("logs of mine/{name}");
        store.put(&cases::path(name), name.as_bytes()).await.unwrap();
        let got = client.get_object().bucket(s3_server::BUCKET).key(&key).send().await.unwrap();
        assert_eq!(got.body.collect().await.unwrap().to_vec(), name.as_bytes(), "{name}");

        let put = client.put_object().bucket(s3_server::BUCKET).key(&key).body(b"theirs".to_vec().into());
        put.send().await.unwrap();
        assert_eq!(store.get(&cases::path(name), 10).await.unwrap(), "theirs", "{name}");
    }
    let large = cases::bytes(20 << 20);
    let mut writer = store.writer(&cases::path("large"));
    for chunk in large.chunks(100_000) {
        writer.write(chunk).await.unwrap();
    }
    writer.finish().await.unwrap();
    let got = client.get_object().bucket(s3_server::BUCKET).key("logs of mine/large").send().await.unwrap();
    assert!(got.body.collect().await.unwrap().to_vec() == large);
}

#[tokio::test]
async fn a_folder_has_its_objects_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    store.put(&cases::path("event-logs/a b/c%20d"), "x").await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("event-logs/a b/c%20d")).unwrap(), b"x");
    std::fs::write(folder.path().join("event-logs/app-1.inprogress"), "spark").unwrap();
    assert_eq!(store.get(&cases::path("event-logs/app-1.inprogress"), 10).await.unwrap(), "spark");
}

#[tokio::test]
async fn clouds_open_without_a_request() {
    for url in ["gs://bucket/prefix", "az://container/prefix", "abfss://container@account.dfs.core.windows.net/prefix"]
    {
        let opened = Store::open(&StoreUrl::parse(url).unwrap());
        // Azure wants to know the account at once; the error says where to write it.
        match (url.starts_with("az:"), opened) {
            (true, Err(error)) => assert!(error.to_string().contains("ccount"), "{error}"),
            (_, opened) => drop(opened.unwrap()),
        }
    }
}

fn open(server: &S3Server, prefix: &str, secret: &str) -> Store {
    let url = StoreUrl::parse(&server.url(prefix)).unwrap();
    Store::open_with(&url, Credentials::new(s3_server::KEY, secret, None, None, "test")).unwrap()
}

/// A client that shares no code with the store's.
fn client_of(server: &S3Server) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .credentials_provider(Credentials::new(s3_server::KEY, s3_server::SECRET, None, None, "test"))
        .endpoint_url(&server.endpoint)
        .force_path_style(true)
        .region(Region::new("us-east-1"))
        .build();
    aws_sdk_s3::Client::from_conf(config)
}
