//! Applications that are not as one would wish, and URLs that are wrong.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use history_server::{AccessConfig, Viewer};

use crate::site::{self, CUT_SHORT, ORDERS, Site};

#[tokio::test]
async fn names_with_markup_are_text() {
    let site = Site::recorded().await;
    for url in ["/", &format!("{ORDERS}/jobs/"), &format!("{ORDERS}/environment/")] {
        let page = site.html(url).await;
        assert!(page.contains("&#60;script&#62;alert(&#39;name&#39;)&#60;/script&#62;"), "{url}");
        assert!(page.matches("<script").count() == 1 && !page.contains("<b>orders"), "{url}");
    }
}

#[tokio::test]
async fn what_is_looked_for_is_text_when_it_is_shown_again() {
    let site = Site::recorded().await;
    for url in ["/?q=", &format!("{ORDERS}/environment/?q="), &format!("{ORDERS}/stages/stage/?id=10&task.search=")] {
        let page = site.html(&format!("{url}%22%3E%3Cscript%3E&x=%22%3E%3Cscript%3E")).await;
        assert!(page.matches("<script").count() == 1 && !page.contains("\"\">"), "{url}");
    }
}

#[tokio::test]
async fn an_application_that_was_killed_is_shown_as_far_as_its_log_goes() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{CUT_SHORT}/jobs/")).await;
    assert!(page.contains("in progress") && page.contains("Active jobs") && page.contains("1 running"), "{page}");
}

#[tokio::test]
async fn lines_that_cannot_be_read_are_counted_on_every_page() {
    let whole = String::from_utf8(site::read("cut-short.inprogress")).unwrap();
    let broken = whole.replacen('\n', "\n{\"Event\":\nnot JSON at all\n[]\n", 1);
    let site = Site::with(&[("local-1795167533439.inprogress", broken.into_bytes())], |_| {}).await;
    for tab in ["jobs", "executors"] {
        let page = site.html(&format!("{CUT_SHORT}/{tab}/")).await;
        assert!(page.contains("3 lines of the event log could not be read"), "{page}");
        assert!(page.contains("the first is line 2"), "{page}");
    }
}

#[tokio::test]
async fn an_application_that_ran_nothing_has_all_its_pages() {
    let site = Site::recorded().await;
    let app = "/history/local-1795167532626";
    for (tab, says) in [
        ("jobs", "has run no job"),
        ("stages", "No stage was submitted"),
        ("storage", "logBlockUpdates"),
        ("SQL", "has run no SQL query"),
        ("executors", "driver"),
        ("environment", "Java version"),
    ] {
        let page = site.html(&format!("{app}/{tab}/")).await;
        assert!(page.contains(says), "{tab}: {page}");
    }
}

#[tokio::test]
async fn urls_without_a_page_lead_to_the_jobs() {
    let site = Site::recorded().await;
    for url in ["", "/", "/?a=b", "/no/such/tab", "/jobs/nothing/?x"] {
        let (status, headers, _) = site.get(&format!("{ORDERS}{url}")).await;
        assert_eq!(status, StatusCode::FOUND, "{url}");
        assert!(headers[header::LOCATION].to_str().unwrap().starts_with(&format!("{ORDERS}/jobs/")), "{url}");
    }
    let (_, headers, _) = site.get(&format!("{ORDERS}?showX=true")).await;
    assert_eq!(headers[header::LOCATION], format!("{ORDERS}/jobs/?showX=true"));
    assert_eq!(site.get("/history/").await.1[header::LOCATION], "/");
}

#[tokio::test]
async fn attempts_have_pages_of_their_own() {
    let log = |attempt: u32| {
        format!(
            "{{\"Event\":\"SparkListenerLogStart\",\"Spark Version\":\"3.5.0\"}}\n{{\"Event\":\"SparkListenerApplicationStart\",\
             \"App Name\":\"Tried twice\",\"App ID\":\"application_1_0001\",\"Timestamp\":170000000{attempt}000,\"User\":\"ann\",\
             \"App Attempt ID\":\"{attempt}\"}}\n{{\"Event\":\"SparkListenerApplicationEnd\",\"Timestamp\":170000010{attempt}000}}\n"
        )
        .into_bytes()
    };
    let logs = [("application_1_0001_1", log(1)), ("application_1_0001_2", log(2))];
    let site = Site::with(&logs, |_| {}).await;
    assert_eq!(
        site.get("/history/application_1_0001").await.1[header::LOCATION],
        "/history/application_1_0001/2/jobs/"
    );
    assert_eq!(
        site.get("/history/application_1_0001/1").await.1[header::LOCATION],
        "/history/application_1_0001/1/jobs/"
    );
    let page = site.html("/history/application_1_0001/1/jobs/").await;
    assert!(page.contains("href=\"/history/application_1_0001/2/overview/\""), "{page}");
    assert_eq!(site.get("/history/application_1_0001/7/stages/").await.0, StatusCode::NOT_FOUND);
    assert_eq!(site::rows(&site.html("/").await, "app"), 2);
}

/// An application that ended with this code, or did not end.
fn ended(id: &str, version: &str, user: &str, day: i64, exit_code: Option<i32>) -> (String, Vec<u8>) {
    let (start, end) = (day * 86_400_000, day * 86_400_000 + 5000);
    let mut log = format!(
        "{{\"Event\":\"SparkListenerLogStart\",\"Spark Version\":\"{version}\"}}\n{{\"Event\":\"SparkListenerApplicationStart\",\
         \"App Name\":\"An application\",\"App ID\":\"{id}\",\"Timestamp\":{start},\"User\":\"{user}\"}}\n"
    );
    if let Some(code) = exit_code {
        log += &format!("{{\"Event\":\"SparkListenerApplicationEnd\",\"Timestamp\":{end},\"ExitCode\":{code}}}\n");
    }
    (id.to_owned() + if exit_code.is_none() { ".inprogress" } else { "" }, log.into_bytes())
}

#[tokio::test]
async fn the_list_is_filtered_by_state_user_version_and_day() {
    let logs = [
        ended("app-1", "4.1.0", "ann", 20_000, Some(0)),
        ended("app-2", "4.1.1", "bob", 20_001, Some(1)),
        ended("app-3", "3.5.0", "bob", 20_002, Some(137)),
        ended("app-4", "4.0.0", "bob", 20_003, None),
    ];
    let site = Site::with(&logs.each_ref().map(|(name, log)| (name.as_str(), log.clone())), |_| {}).await;
    let found = async |query: &str| site::column(&site.html(&format!("/?{query}")).await, "app", 0);
    assert_eq!(found("").await, ["app-3", "app-2", "app-1"]);
    assert_eq!(site::column(&site.html("/").await, "app", 2), ["killed", "failed", "completed"]);
    assert_eq!(found("state=failed").await, ["app-2"]);
    assert_eq!(found("state=killed&user=bob").await, ["app-3"]);
    assert_eq!(found("state=killed&user=ann").await, [""; 0]);
    assert_eq!(found("version=4.1").await, ["app-2", "app-1"]);
    // Day 20,001 since the epoch.
    assert_eq!(found("from=2024-10-05&to=2024-10-05").await, ["app-2"]);
    assert_eq!(found("from=2024-10-05").await, ["app-3", "app-2"]);
    assert_eq!(found("from=yesterday&state=absurd").await.len(), 3, "what is no day and no state asks for nothing");
    assert_eq!(found("showIncomplete=true&state=in+progress").await, ["app-4"]);
    assert_eq!(found("showIncomplete=true&state=lost").await, [""; 0]);
    // The form shows again what was asked, and keeps the order.
    let page = site.html("/?state=failed&user=bob&version=4&from=2024-10-01&app.sort=User").await;
    for part in ["<option selected>failed", "value=\"bob\"", "value=\"2024-10-01\"", "name=\"app.sort\" value=\"User\""]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("<details class=\"filters\" open>") && page.contains("Show all"));
}

#[tokio::test]
async fn any_page_of_the_list_is_in_order() {
    let logs: Vec<_> = (0..50).map(|n| ended(&format!("app-{n:02}"), "4.1.0", "ann", 20_000 + n, Some(0))).collect();
    let logs: Vec<_> = logs.iter().map(|(name, log)| (name.as_str(), log.clone())).collect();
    let site = Site::with(&logs, |_| {}).await;
    for (query, expected) in [
        ("app.page=2", ["app-29", "app-10"]),
        ("app.page=3", ["app-09", "app-00"]),
        ("app.page=99", ["app-09", "app-00"]),
        ("app.page=2&app.sort=App+ID&app.desc=false", ["app-20", "app-39"]),
        ("app.page=3&app.sort=Started&app.desc=true", ["app-09", "app-00"]),
    ] {
        let ids = site::column(&site.html(&format!("/?app.pageSize=20&{query}")).await, "app", 0);
        assert_eq!([&ids[0], ids.last().unwrap()], expected, "{query}");
    }
}

#[tokio::test]
async fn what_is_not_there_says_so_and_leads_on() {
    let site = Site::recorded().await;
    for (url, status, says) in [
        ("/history/nobody/", StatusCode::NOT_FOUND, "Application nobody not found"),
        ("/nothing", StatusCode::NOT_FOUND, "No such page"),
        (&format!("{ORDERS}/jobs/job/?id=99"), StatusCode::NOT_FOUND, "No job 99"),
        (&format!("{ORDERS}/jobs/job/"), StatusCode::BAD_REQUEST, "parameter id"),
        (&format!("{ORDERS}/stages/stage/?id=0&attempt=9"), StatusCode::NOT_FOUND, "No attempt 9 of stage 0"),
        (&format!("{ORDERS}/SQL/execution/?id=99"), StatusCode::NOT_FOUND, "No query 99"),
        (&format!("{ORDERS}/executors/9/logs/"), StatusCode::NOT_FOUND, "does not know such an executor"),
    ] {
        let (answered, headers, body) = site.get(url).await;
        let page = String::from_utf8(body).unwrap();
        assert_eq!(answered, status, "{url}");
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{url}");
        assert!(page.contains(says) && page.contains("<p><a href=\"/"), "{url}: {page}");
    }
}

#[tokio::test]
async fn what_is_not_the_viewer_s_is_not_shown() {
    let access = AccessConfig { enabled: true, ..AccessConfig::default() };
    let logs = [("orders.zstd", site::read("orders.zstd"))];
    let site = Site::with(&logs, |config| config.access = access).await;
    let as_user = |url: &str, user: &str| {
        let mut request = Request::get(url).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Viewer::user(user));
        request
    };
    let jobs = format!("{ORDERS}/jobs/");
    assert_eq!(site.get(&jobs).await.0, StatusCode::FORBIDDEN);
    assert_eq!(site.request(as_user(&jobs, "mallory")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(site.request(as_user(&jobs, "root")).await.0, StatusCode::OK);
    assert!(!site.html("/").await.contains("Nightly"));
    assert!(String::from_utf8(site.request(as_user("/", "root")).await.2).unwrap().contains("Nightly"));
    for page in ["", "download"] {
        let by_ids = format!("/logs/{page}?appId={}&execId=0", &ORDERS[9..]);
        assert_eq!(site.get(&by_ids).await.0, StatusCode::FORBIDDEN);
        assert_eq!(site.get(&format!("/logs/v1/{}/lines", &ORDERS[9..])).await.0, StatusCode::FORBIDDEN);
        assert_eq!(site.get(&format!("/logs/{page}?appId=unknown&execId=0")).await.0, StatusCode::NOT_FOUND);
    }
}
