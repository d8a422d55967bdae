//! What a reader sees while an event log is read, and that nothing of it is in the way of programs.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use storage::Faults;

use crate::site::{ORDERS, Site};

/// What browsers send.
const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn by_browser(site: &Site, url: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(url).header(header::ACCEPT, HTML).body(Body::empty()).unwrap();
    let (status, headers, body) = site.request(request).await;
    (status, headers, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn while_an_event_log_is_read_the_page_says_so_and_comes_by_itself() {
    let faults = Arc::new(Faults::default());
    let site = Site::recorded_with_faults(&faults).await;
    let url = format!("{ORDERS}/stages/stage/?id=10");
    faults.set_frozen(true);
    let (status, headers, page) = by_browser(&site, &url).await;
    assert_eq!(
        (status, &headers["refresh"], &headers[header::RETRY_AFTER]),
        (StatusCode::OK, &"1".parse().unwrap(), &"1".parse().unwrap())
    );
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert!(page.contains("is being read") && page.contains("<progress") && page.contains("Nightly"), "{page}");
    assert!(!page.contains("http-equiv"), "the address stays, and what is behind its #");
    faults.set_frozen(false);
    // As a browser does, until the page is there.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let (status, headers, page) = by_browser(&site, &url).await;
        assert_eq!(status, StatusCode::OK);
        if page.contains("Why tasks failed") {
            assert!(!headers.contains_key("refresh") && !page.contains("id=\"loading\""));
            break;
        }
        assert!(headers.contains_key("refresh") && tokio::time::Instant::now() < deadline, "{page}");
    }
}

#[tokio::test]
async fn a_program_waits_for_the_page_and_for_rest_as_before() {
    let faults = Arc::new(Faults::default());
    let site = Site::recorded_with_faults(&faults).await;
    faults.set_frozen(true);
    let api = ORDERS.replace("/history", "/api/v1/applications");
    let (page, rest) = (format!("{ORDERS}/jobs/"), format!("{api}/jobs"));
    let browser = by_browser(&site, &page);
    let (html, answer, thawed) = tokio::join!(site.html(&page), site.get(&rest), async {
        // The browser is told after a while; the others go on to wait.
        let told = browser.await.2;
        faults.set_frozen(false);
        told
    });
    assert!(thawed.contains("id=\"loading\""), "{thawed}");
    assert!(html.contains("Failed jobs"));
    assert_eq!(answer.0, StatusCode::OK);
    assert!(answer.2.starts_with(b"[ {"));
}

#[tokio::test]
async fn an_application_that_is_not_there_is_not_waited_for() {
    let site = Site::recorded().await;
    let (status, headers, page) = by_browser(&site, "/history/no-such-application/jobs/").await;
    assert_eq!((status, headers.contains_key("refresh")), (StatusCode::NOT_FOUND, false), "{page}");
}
