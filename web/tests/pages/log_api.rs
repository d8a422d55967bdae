//! Shipped logs, as programs read them.

use axum::http::StatusCode;

use crate::logs::{MINUTE, shipped, stderr};
use crate::site::{ORDERS, Site};

/// What an address of the API answers, with its status.
async fn asked(site: &Site, rest: &str) -> (StatusCode, Vec<u8>) {
    let (status, _, body) = site.get(&format!("/logs/v1/{}{rest}", &ORDERS["/history/".len()..])).await;
    (status, body)
}

async fn text(site: &Site, rest: &str) -> String {
    let (status, body) = asked(site, rest).await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::OK, "{rest}: {text}");
    text
}

#[tokio::test]
async fn programs_learn_which_containers_have_logs() {
    let site = shipped().await;
    let found: serde_json::Value = serde_json::from_str(&text(&site, "").await).unwrap();
    let found = found.as_array().unwrap();
    let names: Vec<_> =
        found.iter().map(|one| (one["executor"].as_str().unwrap_or("-"), one["container"].as_str().unwrap())).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.contains(&("0", "spark-kubernetes-executor")) && names.iter().any(|(_, name)| *name == "sidecar"));
    let first = found.iter().find(|one| one["executor"] == "0").unwrap();
    assert_eq!((&first["pod"], &first["streams"][1]["lines"]), (&"orders-7f3a-exec-0".into(), &4000.into()));
    let errors: serde_json::Value = serde_json::from_str(&text(&site, "/first-errors").await).unwrap();
    assert_eq!(errors.as_array().unwrap().len(), 1, "{errors}");
    assert_eq!((&errors[0]["stream"], &errors[0]["errors"]), (&"stderr".into(), &1.into()));
    assert_eq!(errors[0]["text"], "26/11/20 09:38:00 ERROR Executor: went wrong\n\tat Some.where(Some.scala:1)\n");
}

#[tokio::test]
async fn programs_read_lines_by_time_place_and_pattern() {
    let site = shipped().await;
    let (all, of_0) = (stderr(), "/lines?executor=0&stream=stderr");
    let lines = |range: std::ops::Range<usize>| all[range].iter().map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!(text(&site, of_0).await, lines(0..4000));
    assert_eq!(text(&site, &format!("{of_0}&tail=2")).await, lines(3998..4000));
    assert_eq!(text(&site, &format!("{of_0}&lines=11-13")).await, lines(10..13));
    assert_eq!(text(&site, &format!("{of_0}&bytes=0-9")).await, all[0][..10]);
    let minute = format!("{of_0}&since={MINUTE}30Z&until={MINUTE}31Z");
    assert_eq!(text(&site, &minute).await, lines(2000..2067));
    assert_eq!(
        text(&site, &format!("{of_0}&grep=line+(7|3999)+&context=1")).await,
        format!("{}--\n{}", lines(6..9), lines(3998..4000))
    );
    let merged = text(&site, "/lines?merge=true&tail=2").await;
    let names: Vec<_> = merged.lines().filter_map(|line| Some(line.split_once(" | ")?.0)).collect();
    assert_eq!((names.first(), names.last()), (Some(&"1 stdout"), Some(&"0 stderr")), "{merged}");
    let headed = text(&site, "/lines?executor=1&tail=1").await;
    assert!(headed.starts_with("==> ") && headed.contains("<==\na <b>word</b> on stdout\n"), "{headed}");
}

#[tokio::test]
async fn programs_get_all_logs_of_an_application_in_one_archive() {
    let site = shipped().await;
    let (status, archive) = asked(&site, "/archive.zip").await;
    assert_eq!(status, StatusCode::OK);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    assert_eq!(archive.len(), 4, "{:?}", archive.file_names().collect::<Vec<_>>());
    let mut read = |name: &str| std::io::read_to_string(archive.by_name(name).unwrap()).unwrap();
    let whole: String = stderr().iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(read("0/orders-7f3a-exec-0.spark-kubernetes-executor.0.stderr.log"), whole);
    assert_eq!(read("1/orders-7f3a-exec-1.spark-kubernetes-executor.0.stdout.log"), "a <b>word</b> on stdout\n");
}

#[tokio::test]
async fn programs_are_told_what_cannot_be_answered() {
    let site = shipped().await;
    for (rest, says) in [
        ("/lines?grep=(", "grep"),
        ("/lines?grep=x&context=5000", "context"),
        ("/lines?since=yesterday", "since"),
        ("/lines?lines=9-3", "lines"),
        ("/lines?tail=-1", "tail"),
        ("/lines?stream=stdin", "stream"),
        ("/lines?follow=true&until=2026-01-02T03:04:05Z", "follow"),
    ] {
        let (status, body) = asked(&site, rest).await;
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(
            status == StatusCode::BAD_REQUEST && error["error"].as_str().unwrap().contains(says),
            "{rest}: {error}"
        );
    }
    for url in [format!("/logs/v1/{}?executor=9", &ORDERS[9..]), "/logs/v1/unknown/archive.zip".to_owned()] {
        let (status, _, body) = site.get(&url).await;
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(
            status == StatusCode::NOT_FOUND && error["error"].as_str().unwrap().contains("no log"),
            "{url}: {error}"
        );
    }
}
