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
    the_tail_is_the_last_bytes,
    streams_start_anywhere,
    only_one_of_many_creates_wins,
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
