//! Streaming queries, and what clients of a Thrift or Connect server did.

use axum::http::StatusCode;

use crate::site::{self, CONNECT, JOBS, ORDERS, STREAMING, Site, THRIFT};

/// The links of a page that begin so.
fn links(page: &str, start: &str) -> Vec<String> {
    let found = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&#38;", "&"));
    found.filter(|link| link.starts_with(start)).collect()
}

#[tokio::test]
async fn tabs_are_there_for_those_who_did_such_a_thing() {
    let site = Site::of_many_kinds().await;
    for (app, tab) in [(STREAMING, "StreamingQuery"), (THRIFT, "sqlserver"), (CONNECT, "connect")] {
        let page = site.html(&format!("{app}/jobs/")).await;
        assert!(page.contains(&format!("{app}/{tab}/\"")), "{app} has {tab}");
        let page = site.html(&format!("{JOBS}/jobs/")).await;
        assert!(!page.contains(&format!("/{tab}/\"")), "{JOBS} has no {tab}");
    }
}

#[tokio::test]
async fn runs_of_streaming_queries_have_rates_and_charts() {
    let site = Site::of_many_kinds().await;
    let page = site.html(&format!("{STREAMING}/StreamingQuery/")).await;
    let runs = links(&page, &format!("{STREAMING}/StreamingQuery/statistics/?id="));
    assert!(runs.len() >= 4 && page.contains("Avg Input /sec") && page.contains("&#60;no name&#62;"), "{page}");
    let mut charts = 0;
    for run in runs {
        let page = site.html(&run).await;
        charts += page.matches("class=\"picture chart\"").count();
        assert!(page.contains("RunId"));
    }
    assert!(charts > 10, "{charts}");
    let (status, _, _) = site.get(&format!("{STREAMING}/StreamingQuery/statistics/?id=nobody")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _, _) = site.get(&format!("{STREAMING}/StreamingQuery/statistics/")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn statements_of_a_thrift_server_lead_to_their_jobs_and_sessions() {
    let site = Site::of_many_kinds().await;
    let page = site.html(&format!("{THRIFT}/sqlserver/")).await;
    assert!(page.contains("&#60;i&#62;carol&#60;") && page.contains("raise_error"), "{page}");
    assert!(!links(&page, &format!("{THRIFT}/jobs/job/?id=")).is_empty());
    let sessions = links(&page, &format!("{THRIFT}/sqlserver/session/?id="));
    assert_eq!(sessions.len(), site::rows(&page, "sessionstat"));
    let all = site::rows(&page, "sqlstat");
    let mut of_sessions = 0;
    for session in sessions {
        of_sessions += site::rows(&site.html(&session).await, "sqlsessionstat");
    }
    assert!(all > 0 && of_sessions == all, "{of_sessions} of {all}");
}

#[tokio::test]
async fn requests_to_a_connect_server_lead_to_their_queries_and_sessions() {
    let site = Site::of_many_kinds().await;
    let page = site.html(&format!("{CONNECT}/connect/")).await;
    assert!(!links(&page, &format!("{CONNECT}/SQL/execution/?id=")).is_empty(), "{page}");
    let sessions = links(&page, &format!("{CONNECT}/connect/session/?id="));
    assert!(sessions[0].contains("&userId="), "{sessions:?}");
    let session = site.html(&sessions[0]).await;
    assert!(site::rows(&session, "sqlsessionstat") > 0);
    // "ann", and not "bob".
    let other = sessions.iter().find(|link| link.contains("YW5u")).unwrap().replace("YW5u", "Ym9i");
    assert_eq!(site.get(&other).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_pool_has_its_stages() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/stages/pool/?poolname=default")).await;
    assert!(page.contains("Completed stages"), "{page}");
    assert_eq!(site.get(&format!("{ORDERS}/stages/pool/?poolname=none")).await.0, StatusCode::NOT_FOUND);
}
