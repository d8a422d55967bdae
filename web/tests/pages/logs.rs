//! The logs of executors.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use tempfile::TempDir;

use crate::site::{ORDERS, Site};

/// When the failed task of stage 10 began, in milliseconds since the epoch, and the same minute as the kubelet writes it.
const MINUTE: &str = "2026-11-20T09:38:";

/// Lines that executor 0 wrote to stderr.
fn stderr() -> Vec<String> {
    (0..4000).map(|n| format!("26/11/20 09:38:{:02} INFO Executor: line {n} <of> stderr", n * 60 / 4000)).collect()
}

/// Pods of the executors of `orders`: the first wrote much, the second a little and has a second container.
pub(crate) fn pods() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |pod: &str, container: &str, lines: &[(String, &str, String)]| {
        let place = folder.path().join(format!("default_{pod}_uid-of-{pod}")).join(container);
        std::fs::create_dir_all(&place).unwrap();
        let mut text = String::new();
        for (time, stream, line) in lines {
            writeln!(text, "{time} {stream} F {line}").unwrap();
        }
        std::fs::write(place.join("0.log"), text).unwrap();
    };
    let at = |n: usize| format!("{MINUTE}{:02}.{:09}Z", n * 60 / 4000, n * 60 % 4000 * 250_000);
    let lines = stderr().into_iter().enumerate().map(|(n, line)| (at(n), "stderr", line));
    write("orders-7f3a-exec-0", "spark-kubernetes-executor", &lines.collect::<Vec<_>>());
    let few = [
        (at(0), "stdout", "a <b>word</b> on stdout".to_owned()),
        (at(1), "stderr", "26/11/20 09:38:00 ERROR Executor: went wrong".to_owned()),
        (at(2), "stderr", "\tat Some.where(Some.scala:1)".to_owned()),
    ];
    write("orders-7f3a-exec-1", "spark-kubernetes-executor", &few);
    write("orders-7f3a-exec-1", "sidecar", &[(at(3), "stdout", "of the sidecar".to_owned())]);
    folder
}

async fn shipped() -> Site {
    let site = Site::recorded().await;
    site.ship(pods().path()).await;
    site
}

/// The text and the number of each line on a page.
fn lines(page: &str) -> Vec<(u64, String)> {
    let line = |item: &str| {
        let number = item.split("data-n=\"").nth(1)?.split('"').next()?.parse().ok()?;
        let text = item.split_once('>')?.1.split("</li>").next()?;
        Some((number, text.replace("&#60;", "<").replace("&#62;", ">")))
    };
    page.split("<li").filter_map(line).collect()
}

fn link(page: &str, text: &str) -> Option<String> {
    let end = page.find(&format!("\">{text}</a>"))?;
    let from = page[..end].rfind("href=\"")? + 6;
    Some(page[from..end].replace("&#38;", "&").split('#').next()?.to_owned())
}

#[tokio::test]
async fn executors_and_tasks_lead_to_the_logs_that_were_shipped() {
    let site = shipped().await;
    let page = site.html(&format!("{ORDERS}/executors/")).await;
    for executor in [0, 1] {
        for stream in ["stdout", "stderr"] {
            assert!(page.contains(&format!("{ORDERS}/executors/{executor}/logs/?stream={stream}#end")), "{page}");
        }
    }
    let page = site.html(&format!("{ORDERS}/stages/stage/?id=10&task.status=FAILED")).await;
    assert!(page.contains(&format!("{ORDERS}/executors/0/logs/?stream=stderr&#38;since=")), "{page}");
}

#[tokio::test]
async fn the_newest_lines_come_first_and_older_ones_by_links() {
    let site = shipped().await;
    let base = format!("{ORDERS}/executors/0/logs/");
    let mut page = site.html(&format!("{base}?stream=stderr")).await;
    let all = stderr();
    let mut collected = lines(&page);
    assert_eq!(collected.last().unwrap(), &(4000, all[3999].clone()));
    assert!(link(&page, "Newer ›").is_none());
    while let Some(older) = link(&page, "‹ Older") {
        page = site.html(&format!("{base}{older}")).await;
        let mut part = lines(&page);
        part.append(&mut collected);
        collected = part;
    }
    let expected: Vec<_> = (1..).zip(all.clone()).collect();
    assert_eq!(collected, expected, "backwards, every line once");
    let mut collected = lines(&page);
    while let Some(newer) = link(&page, "Newer ›") {
        page = site.html(&format!("{base}{newer}")).await;
        collected.extend(lines(&page));
    }
    assert_eq!(collected, expected, "forwards, every line once");
}

#[tokio::test]
async fn a_whole_stream_is_downloaded_byte_for_byte() {
    let site = shipped().await;
    let page = site.html(&format!("{ORDERS}/executors/0/logs/?stream=stderr")).await;
    let from = page.find("logs/download?").unwrap();
    let start = page[..from].rfind("href=\"").unwrap() + 6;
    let url = page[start..].split('"').next().unwrap().replace("&#38;", "&");
    let (status, headers, body) = site.get(&url).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(String::from_utf8(body).unwrap(), stderr().join("\n") + "\n");
    assert_eq!(headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let (_, headers, _) = site.get(&format!("{ORDERS}/executors/0/logs/download?stream=stderr")).await;
    let name = headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(name, "attachment; filename=\"app-20261120093732-0000-0-stderr.log\"");
}

#[tokio::test]
async fn streams_and_containers_are_one_click_apart() {
    let site = shipped().await;
    let page = site.html(&format!("{ORDERS}/executors/1/logs/?stream=stdout")).await;
    assert!(page.contains("a &#60;b&#62;word&#60;/b&#62; on stdout") && page.contains("stream=stderr"), "{page}");
    let page = site.html(&format!("{ORDERS}/executors/1/logs/")).await;
    assert!(page.contains("<li class=\"error\"") && page.contains("<li class=\"stack\""), "{page}");
    let sidecar = link(&page, "orders-7f3a-exec-1 sidecar").unwrap();
    let page = site.html(&format!("{ORDERS}/executors/1/logs/{sidecar}&stream=stdout")).await;
    assert!(page.contains("of the sidecar"));
    let page = site.html(&format!("{ORDERS}/executors/0/logs/?stream=stdout")).await;
    assert!(page.contains("has written nothing to stdout so far. There is something on stderr."), "{page}");
}

#[tokio::test]
async fn a_task_s_link_shows_the_lines_of_its_time() {
    let site = shipped().await;
    // 09:38:30 to 09:38:31.
    let page =
        site.html(&format!("{ORDERS}/executors/0/logs/?stream=stderr&since=1795167510000&until=1795167511000")).await;
    assert!(page.contains("line 2000 &#60;of&#62;") && page.contains("line 2066 "), "{page}");
    assert!(!page.contains("line 1999 ") && !page.contains("line 2068 "), "{page}");
    let page = site.html(&format!("{ORDERS}/executors/0/logs/?stream=stderr&since=1000&until=2000")).await;
    assert!(page.contains("Nothing was written while the task ran") && page.contains("line 3999 "));
}

#[tokio::test]
async fn ids_alone_lead_to_the_log() {
    let site = shipped().await;
    let (status, headers, _) = site.get(&format!("/logs/?appId={}&execId=1&stream=stdout", &ORDERS[9..])).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(headers[header::LOCATION], format!("{ORDERS}/executors/1/logs/?stream=stdout"));
    let (status, _, body) = site.get("/logs/?appId=not-seen-yet&execId=1").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(String::from_utf8(body).unwrap().contains("no log of executor 1 of application not-seen-yet"));
}

#[tokio::test]
async fn the_overview_leads_to_what_the_executor_wrote_when_the_last_task_failed() {
    // The task of stage 23 ran on executor 1 or 0: of both there are logs.
    let page = shipped().await.html(&format!("{ORDERS}/overview/")).await;
    let start = page.find("<b>Stage 23 failed</b>").unwrap();
    let reason = &page[start..start + page[start..].find("</header>").unwrap()];
    assert!(reason.contains("stderr of executor ") && reason.contains("at that moment</a>"), "{reason}");
    assert!(reason.contains("/logs/?stream=stderr&#38;since=179516"), "{reason}");
}

#[tokio::test]
async fn where_there_is_no_log_the_reason_can_be_opened() {
    let page = Site::recorded().await.html(&format!("{ORDERS}/executors/")).await;
    let told = "<summary>none</summary>The log collector has no log of this executor, and the event log names none.";
    assert!(page.contains(told), "{page}");
}
