//! All links of all pages, and no page that fails whatever the URL says.

use std::collections::{BTreeSet, HashMap, VecDeque};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::logs::pods;
use crate::site::{CUT_SHORT, ORDERS, Site};

/// The values of `href`, `src` and `action`, entities resolved.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["href=\"", "src=\"", "action=\""] {
        for rest in page.split(name).skip(1) {
            let link = rest.split('"').next().unwrap();
            found.push(link.replace("&#38;", "&").replace("&amp;", "&").replace("&#39;", "'"));
        }
    }
    found
}

/// A link as the browser would follow it from `page`; `None` when it leads elsewhere or stays on the page.
fn follow(page: &str, link: &str) -> Option<String> {
    let link = link.split('#').next().unwrap();
    let path = page.split('?').next().unwrap();
    match link {
        "" => None,
        _ if link.starts_with("http") => None,
        _ if link.starts_with('?') => Some(format!("{path}{link}")),
        _ => {
            assert!(link.starts_with('/'), "{page} has the link {link}");
            Some(link.to_owned())
        }
    }
}

/// A URL without its numbers and values: of each kind of page some are enough.
fn shape(url: &str) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path: String = path.chars().filter(|c| !c.is_ascii_digit()).collect();
    let names: BTreeSet<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
    // Which column sorts makes a page of its own, which way does not.
    let sort = query.split('&').find(|pair| pair.contains(".sort=")).unwrap_or_default();
    format!("{path}?{names:?}{sort}")
}

fn check(url: &str, page: &str) {
    for forbidden in ["<script", " style=", "javascript:", " onload", "<style", "{{", "{%"] {
        let text = page.replace("onerror=alert", "").replacen("<script src=\"/static/", "", 1);
        assert!(!text.contains(forbidden), "{url} has {forbidden}");
    }
    assert!(page.contains("<title>") && page.contains("<html lang=\"en\">") && page.ends_with("</html>"), "{url}");
    for tag in ["section", "table", "div", "ul", "nav", "details", "pre", "svg", "main"] {
        let (open, close) = (page.matches(&format!("<{tag}")).count(), page.matches(&format!("</{tag}>")).count());
        assert_eq!(open, close, "{url}: <{tag}>");
    }
}

/// Follows links from `start` on and gives each page, with its URL, to `look`; returns all URLs that were found. Of URLs of
/// one shape, two are enough.
pub(crate) async fn every_page(site: &Site, start: &str, mut look: impl FnMut(&str, &str)) -> BTreeSet<String> {
    let mut seen = BTreeSet::from([start.to_owned()]);
    let mut waiting: VecDeque<String> = seen.iter().cloned().collect();
    let mut shapes = HashMap::<String, usize>::new();
    while let Some(url) = waiting.pop_front() {
        let (status, headers, body) = site.get(&url).await;
        if status.is_redirection() {
            let to = headers[header::LOCATION].to_str().unwrap().to_owned();
            if seen.insert(to.clone()) {
                waiting.push_back(to);
            }
            continue;
        }
        assert_eq!(status, StatusCode::OK, "{url}");
        if headers[header::CONTENT_TYPE] != "text/html; charset=utf-8" {
            continue;
        }
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"), "{url}");
        let page = String::from_utf8(body).unwrap();
        look(&url, &page);
        // Other orders and parts of a page have the links of the page itself.
        if [".sort=", ".page=", ".pageSize=", ".status=", "wrap=", "from=", "to="].iter().any(|name| url.contains(name))
        {
            continue;
        }
        for link in links(&page) {
            let Some(to) = follow(&url, &link) else { continue };
            let alike = shapes.entry(shape(&to)).or_default();
            if *alike < 2 && seen.insert(to.clone()) {
                *alike += 1;
                waiting.push_back(to);
            }
        }
    }
    seen
}

#[tokio::test]
async fn every_link_leads_to_a_page() {
    let site = Site::recorded().await;
    let folder = pods();
    site.ship(folder.path()).await;
    let mut pages = 0;
    let seen = every_page(&site, "/", |url, page| {
        check(url, page);
        pages += 1;
    })
    .await;
    assert!(pages > 100, "only {pages} pages were found");
    for expected in ["/executors/0/logs/", "/SQL/execution/?id=", "/stages/stage/?id=", "/storage/rdd/?id=", "/api/v1/"]
    {
        assert!(seen.iter().any(|url| url.contains(expected)), "no link leads to {expected}");
    }
}

/// Values that no page expects.
const VALUES: [&str; 16] = [
    "",
    "0",
    "-1",
    "1e9",
    "99999999999999999999",
    "-9223372036854775808",
    "9223372036854775807",
    "%00",
    "%FF",
    "a%0Ab",
    "..",
    "%2e%2e%2f",
    "'\"%3C",
    "NaN",
    "%F0%9F%94%A5",
    "%E2%80%AE",
];

/// Every parameter that some page reads.
const NAMES: &str = "id attempt task.page task.pageSize task.sort task.desc task.status task.search from to line since until \
                     container stream follow wrap q app.page app.pageSize showIncomplete appId execId";

#[tokio::test]
async fn no_url_makes_a_page_fail() {
    let site = Site::recorded().await;
    let folder = pods();
    site.ship(folder.path()).await;
    let pages = [
        "/",
        "/logs/",
        "/logs/download",
        &format!("{ORDERS}/jobs/"),
        &format!("{ORDERS}/jobs/job/"),
        &format!("{ORDERS}/stages/stage/"),
        &format!("{ORDERS}/executors/"),
        &format!("{ORDERS}/executors/0/logs/"),
        &format!("{ORDERS}/executors/0/logs/download"),
        &format!("{ORDERS}/SQL/execution/"),
        &format!("{ORDERS}/storage/rdd/"),
        &format!("{CUT_SHORT}/stages/"),
    ];
    let answer = async |url: &str| {
        let Ok(request) = Request::get(url).body(Body::empty()) else { return };
        let status = site.request(request).await.0;
        assert!(!status.is_server_error(), "{url}: {status}");
    };
    for page in pages {
        // All names at once with one value, then each name with one value of its own.
        for value in VALUES {
            let all: Vec<String> = NAMES.split(' ').map(|name| format!("{name}={value}")).collect();
            answer(&format!("{page}?{}", all.join("&"))).await;
        }
        for (index, name) in NAMES.split(' ').enumerate() {
            for value in [VALUES[index % VALUES.len()], VALUES[(index * 7 + 3) % VALUES.len()]] {
                answer(&format!("{page}?id=10&appId={}&{name}={value}", &ORDERS[9..])).await;
            }
        }
    }
    for value in VALUES {
        for url in [
            format!("/history/{value}"),
            format!("/history/{value}/jobs/"),
            format!("{ORDERS}/{value}/jobs/"),
            format!("{ORDERS}/{value}"),
            format!("{ORDERS}/executors/{value}/logs/"),
            format!("/static/{value}"),
            format!("/logs/?appId={value}&execId={value}"),
        ] {
            answer(&url).await;
        }
    }
}

#[tokio::test]
async fn behind_a_proxy_every_link_has_its_prefix() {
    let site = Site::recorded().await;
    for url in
        ["/".to_owned(), format!("{ORDERS}/jobs/"), format!("{ORDERS}/stages/stage/?id=10"), "/nothing".to_owned()]
    {
        let request = Request::get(&url).header("x-forwarded-prefix", "/team/spark").body(Body::empty()).unwrap();
        let page = String::from_utf8(site.request(request).await.2).unwrap();
        for link in links(&page).iter().filter(|link| link.starts_with('/')) {
            assert!(link.starts_with("/team/spark/"), "{url} has the link {link}");
        }
    }
    let request = Request::get(ORDERS).header("x-forwarded-prefix", "/team/spark").body(Body::empty()).unwrap();
    assert_eq!(site.request(request).await.1[header::LOCATION], format!("/team/spark{ORDERS}/jobs/"));
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_a_name_of_their_content() {
    let site = Site::empty().await;
    let page = site.html("/").await;
    let style = links(&page).into_iter().find(|link| link.ends_with(".css")).unwrap();
    let (status, headers, body) = site.get(&style).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert!(body.starts_with(b"/*"));
    let (status, headers, _) = site.get("/static/0000000000000000-hearth.css").await;
    assert_eq!(
        (status, &headers[header::CACHE_CONTROL]),
        (StatusCode::OK, &header::HeaderValue::from_static("no-cache"))
    );
    assert_eq!(site.get("/static/other.css").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_are_sent_compressed_to_those_who_can_read_it() {
    let site = Site::recorded().await;
    let request =
        Request::get(format!("{ORDERS}/environment/")).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let (_, headers, body) = site.request(request).await;
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    assert!(body.len() < 20_000, "{}", body.len());
}
