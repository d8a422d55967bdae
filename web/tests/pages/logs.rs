//! The logs of executors.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use tempfile::TempDir;

use crate::site::{ORDERS, Site};

/// When the failed task of stage 10 began, in milliseconds since the epoch, and the same minute as the kubelet writes it.
pub(crate) const MINUTE: &str = "2026-11-20T09:38:";

/// Lines that executor 0 wrote to stderr.
pub(crate) fn stderr() -> Vec<String> {
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

pub(crate) async fn shipped() -> Site {
    let site = Site::recorded().await;
    site.ship(pods().path()).await;
    site
}

/// The text and the number of each line on a page.
fn lines(page: &str) -> Vec<(u64, String)> {
    let line = |item: &str| {
        let number = item.split("<a class=\"n\" ").nth(1)?.split_once('>')?.1.split('<').next()?.parse().ok()?;
        Some((number, text(item)))
    };
    page.split("<li").skip(1).filter_map(line).collect()
}

/// Whose each line on a page is, and its text.
fn merged(page: &str) -> Vec<(String, String)> {
    let line = |item: &str| Some((item.split("<span class=\"s\">").nth(1)?.split('<').next()?.to_owned(), text(item)));
    page.split("<li").skip(1).filter_map(line).collect()
}

fn text(item: &str) -> String {
    let text = item.split("<span class=\"t\">").nth(1).unwrap_or_default().split("</span>").next().unwrap();
    let text = text.replace("<mark>", "").replace("</mark>", "");
    text.replace("&#60;", "<").replace("&#62;", ">").replace("&#39;", "'")
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
    assert!(page.contains(" class=\"error\">") && page.contains(" class=\"stack\">"), "{page}");
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

#[tokio::test]
async fn a_log_is_searched_with_what_stands_around() {
    let site = shipped().await;
    let base = format!("{ORDERS}/executors/0/logs/");
    let page = site.html(&format!("{base}?stream=stderr&find=LINE+77+&context=1")).await;
    let numbers: Vec<u64> = lines(&page).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [77, 78, 79]);
    assert!(page.contains("INFO Executor: <mark>line 77 </mark>&#60;of&#62; stderr"), "{page}");
    assert!(page.contains("<p>1 line of 213.8 KiB has it.</p>"), "{page}");

    let page = site.html(&format!("{base}?stream=stderr&find=line+%5B12%5D00+&regex=true&context=0")).await;
    assert_eq!(lines(&page).into_iter().map(|(number, _)| number).collect::<Vec<_>>(), [101, 201]);
    // Without a word about it, a pattern is words.
    let page = site.html(&format!("{base}?stream=stderr&find=line+%5B12%5D00+")).await;
    assert!(page.contains("No line has it."), "{page}");
    let page = site.html(&format!("{base}?stream=stderr&find=(&regex=true")).await;
    assert!(page.contains("This is no regular expression: unclosed group"), "{page}");
    assert!(lines(&page).len() > 100, "and the log is shown all the same");
}

#[tokio::test]
async fn a_search_goes_on_where_a_page_ends() {
    let site = shipped().await;
    let base = format!("{ORDERS}/executors/0/logs/");
    let mut page = site.html(&format!("{base}?stream=stderr&find=INFO&context=0")).await;
    let mut found = lines(&page);
    while let Some(next) = link(&page, "Search on ›") {
        page = site.html(&format!("{base}{next}")).await;
        found.extend(lines(&page));
    }
    assert_eq!(found, (1..).zip(stderr()).collect::<Vec<_>>(), "every line once");

    let mut page = site.html(&format!("{base}?stream=all&find=INFO&context=0")).await;
    let mut found = merged(&page);
    while let Some(next) = link(&page, "Search on ›") {
        page = site.html(&format!("{base}{next}")).await;
        let more = merged(&page);
        let seen = found.len();
        found.extend(more.into_iter().filter(|line| !found[..seen].contains(line)).collect::<Vec<_>>());
    }
    assert_eq!(found.into_iter().map(|(_, line)| line).collect::<Vec<_>>(), stderr(), "by time, none is left out");
}

#[tokio::test]
async fn what_is_looked_for_is_text_and_stays_text() {
    let site = shipped().await;
    let hostile = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%3E";
    for stream in ["stderr", "all"] {
        let page = site.html(&format!("{ORDERS}/executors/1/logs/?stream={stream}&find={hostile}&time=%3Cb%3E")).await;
        assert!(!page.contains("<script>") && page.contains("value=\"&#60;script&#62;alert(1)"), "{page}");
    }
    let page = site.html(&format!("{ORDERS}/executors/1/logs/?stream=stdout&find=%3Cb%3Eword")).await;
    assert!(page.contains("a <mark>&#60;b&#62;word</mark>&#60;/b&#62; on stdout"), "{page}");
}

#[tokio::test]
async fn streams_and_containers_are_read_as_one_by_time() {
    let site = shipped().await;
    let page = site.html(&format!("{ORDERS}/executors/1/logs/?stream=all")).await;
    let expected = [
        ("stdout", "a <b>word</b> on stdout"),
        ("stderr", "26/11/20 09:38:00 ERROR Executor: went wrong"),
        ("stderr", "\tat Some.where(Some.scala:1)"),
    ];
    let expected = expected.map(|(source, text)| (source.to_owned(), text.to_owned()));
    assert_eq!(merged(&page), expected);
    let page = site.html(&format!("{ORDERS}/executors/1/logs/?stream=all&container=all")).await;
    let last = ("sidecar stdout".to_owned(), "of the sidecar".to_owned());
    assert_eq!(merged(&page).last(), Some(&last));

    // Of all executors: the newest are those of the one that wrote longest; by links all of them, each once.
    let base = format!("{ORDERS}/executors/all/logs/");
    let mut page = site.html(&base).await;
    let mut all = merged(&page);
    while let Some(older) = link(&page, "‹ Older") {
        page = site.html(&format!("{base}{older}")).await;
        all = [merged(&page), all].concat();
    }
    assert_eq!(all.len(), 4004);
    assert!(all[..8].iter().any(|(source, text)| source == "1 stdout" && text == "of the sidecar"), "{:?}", &all[..8]);
    let of_0: Vec<&str> = all.iter().filter(|line| line.0 == "0 stderr").map(|line| line.1.as_str()).collect();
    assert_eq!(of_0, stderr());
    let mut again = merged(&page);
    while let Some(newer) = link(&page, "Newer ›") {
        page = site.html(&format!("{base}{newer}")).await;
        again.extend(merged(&page));
    }
    assert_eq!(again, all, "forwards, every line once");
    let page = site.html(&format!("{ORDERS}/executors/")).await;
    assert!(page.contains(&format!("<a href=\"{base}#end\">Logs of all, by time</a>")), "{page}");

    let download = link(&site.html(&base).await, "Download");
    assert!(download.is_none(), "it is a download");
    let (status, _, body) = site.get(&format!("{base}download?container=all&stream=all")).await;
    let body = String::from_utf8(body).unwrap();
    assert_eq!((status, body.lines().count()), (StatusCode::OK, 4004));
    assert!(body.contains("2026-11-20T09:38:00.000Z 1 stdout a <b>word</b> on stdout\n"), "{}", &body[..500]);
}

#[tokio::test]
async fn a_time_a_line_and_the_first_error_have_links() {
    let site = shipped().await;
    let base = format!("{ORDERS}/executors/0/logs/");
    let here = |page: &str| {
        let item = page.split("<li").find(|item| item.contains("<span id=\"here\">")).map(text);
        item.unwrap_or_else(|| panic!("no line is marked: {page}"))
    };
    let page = site.html(&format!("{base}?stream=stderr&time=2026-11-20T09:38:30")).await;
    assert_eq!(here(&page), stderr()[2000]);
    assert_eq!(lines(&page)[0].0, 1981, "some lines above it are shown");
    let page = site.html(&format!("{base}?stream=stderr&time=half+past")).await;
    assert!(page.contains("The time cannot be read"), "{page}");
    let page = site.html(&format!("{base}?stream=stderr&time=2030-01-01T00:00")).await;
    assert!(page.contains("Nothing was written at that time or later"), "{page}");
    let page = site.html(&format!("{base}?stream=all&time=2026-11-20T09:38:30")).await;
    assert_eq!(merged(&page)[0], ("stderr".to_owned(), stderr()[2000].clone()));

    // A link to a line names container and stream, so that it leads there whatever comes.
    let page = site.html(&format!("{base}?find=line+77+")).await;
    let line = link(&page, "78").unwrap();
    assert!(line.contains("stream=stderr") && line.contains("container=") && line.ends_with("line=78"), "{line}");
    let page = site.html(&format!("{base}{line}")).await;
    assert_eq!(here(&page), stderr()[77]);
    assert!(page.contains("<li id=\"L78\" class=\"here\">"), "{page}");
    let page = site.html(&format!("{base}?stream=stderr&line=5000")).await;
    assert!(page.contains("There is no line 5000 yet"), "{page}");

    for (url, error) in [
        (format!("{ORDERS}/executors/1/logs/"), "ERROR Executor: went wrong"),
        (format!("{ORDERS}/executors/all/logs/"), "ERROR Executor: went wrong"),
    ] {
        let page = site.html(&url).await;
        let first = link(&page, "First error of 1").unwrap();
        assert!(here(&site.html(&format!("{url}{first}")).await).ends_with(error));
    }
    assert!(!site.html(&base).await.contains("First error"), "no line of it tells of one");
}

#[tokio::test]
async fn links_of_hadoop_s_log_pages_work() {
    let site = shipped().await;
    let page = site.html(&format!("{ORDERS}/executors/0/logs/?stream=stderr&start=-4096")).await;
    let shown = lines(&page);
    assert!(shown.len() > 70 && shown.len() < 90, "{}", shown.len());
    assert_eq!(shown.last().unwrap(), &(4000, stderr()[3999].clone()));
    let page = site.html(&format!("{ORDERS}/executors/0/logs/?stream=stderr&start=0")).await;
    assert_eq!(lines(&page)[0], (1, stderr()[0].clone()));
}

#[tokio::test]
async fn a_page_stays_small_whatever_the_lines_are() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("default_orders-7f3a-exec-0_uid-of-0/spark-kubernetes-executor");
    std::fs::create_dir_all(&place).unwrap();
    let line = |n: usize| {
        let text = if n == 30_000 { "ERROR ".to_owned() + &"<".repeat(200_000) } else { String::new() };
        format!("{MINUTE}{:02}.{:09}Z stderr F {text}\n", n / 1000, n % 1000 * 1_000_000)
    };
    std::fs::write(place.join("0.log"), (0..60_000).map(line).collect::<String>()).unwrap();
    let site = Site::recorded().await;
    site.ship(folder.path()).await;
    for query in
        ["", "?line=500", "?start=0", "?find=ERROR", "?stream=all", "?stream=all&since=1795167510000", "?error=first"]
    {
        let page = site.html(&format!("{ORDERS}/executors/0/logs/{query}")).await;
        assert!(page.len() < 450_000, "{query}: {}", page.len());
    }
}

#[tokio::test]
async fn where_there_is_no_log_the_page_says_why() {
    let missing = async |site: &Site, executor: &str| {
        let (status, _, body) = site.get(&format!("{ORDERS}/executors/{executor}/logs/")).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        String::from_utf8(body).unwrap()
    };
    let site = shipped().await;
    assert!(missing(&site, "7").await.contains("The event log does not know such an executor either."));
    assert!(missing(&site, "driver").await.contains("Of others it has: perhaps no collector ran"));
    let site = Site::recorded().await;
    let page = missing(&site, "0").await;
    assert!(page.contains("removed for their age or size"), "{page}");
    let page = missing(&site, "all").await;
    assert!(page.contains("has shipped no log of this application."), "{page}");
}
