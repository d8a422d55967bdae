//! Where a page has to mean what Spark's page means.

use axum::http::StatusCode;

use crate::site::{self, CUT_SHORT, JOBS, ORDERS, SQL, STREAMING, Site};

/// The numbers of a REST answer under a name, in its order.
fn numbers(json: &str, name: &str) -> Vec<i64> {
    let number = |rest: &str| {
        rest.trim_start_matches([' ', ':']).split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    json.split(&format!("\"{name}\"")).skip(1).map(number).collect()
}

#[tokio::test]
async fn a_tasks_duration_is_the_time_that_the_executor_ran_it() {
    let site = Site::recorded().await;
    let api = ORDERS.replace("/history", "/api/v1/applications");
    let (_, _, body) = site.get(&format!("{api}/stages/0/0/taskList")).await;
    let expected = numbers(&String::from_utf8(body).unwrap(), "executorRunTime");
    let page = site.html(&format!("{ORDERS}/stages/stage/?id=0&task.sort=Task+ID&task.desc=false")).await;
    let tasks = page.split("<section id=\"task\"").nth(1).unwrap();
    let place = tasks.split("<th scope=\"col\"").skip(1).position(|head| head.contains(">Duration</a>")).unwrap();
    let row = |row: &str| -> i64 {
        let row = row.replace("<th scope=\"row\"", "<td");
        let cell = row.split("<td").nth(place + 1).unwrap();
        let exact = cell.split("title=\"").nth(1).unwrap().split(" ms").next().unwrap();
        exact.replace(',', "").parse().unwrap()
    };
    let shown: Vec<i64> = tasks.split("<tbody>").nth(1).unwrap().split("<tr>").skip(1).map(row).collect();
    assert!(expected.len() == 8 && expected.iter().any(|time| *time > 0));
    assert_eq!(shown, expected);
    let mut sorted = expected.clone();
    sorted.sort_unstable();
    let summary = page.split("<section id=\"summary\"").nth(1).unwrap().split("</tr>").nth(1).unwrap();
    assert!(summary.contains(&format!("title=\"{} ms\"", site::thousands(sorted[7]))), "{summary}");
}

#[tokio::test]
async fn descriptions_keep_their_lines_and_their_safe_links() {
    let site = Site::of_many_kinds().await;
    let page = site.html(&format!("{JOBS}/jobs/")).await;
    assert!(page.contains(&format!("first group, with <a class=\"inline\" href=\"{JOBS}/jobs/\">")), "{page}");
    assert!(!page.contains("&#60;a href"), "{page}");
    let page = site.html(&format!("{STREAMING}/jobs/")).await;
    for line in ["id = bb7be2f1-716b-4943-ad23-466ffdaf4f49", "batch = 3", "batch = 4"] {
        assert!(page.contains(line), "{line}");
    }
}

#[tokio::test]
async fn a_query_that_is_part_of_another_names_it() {
    let site = Site::of_many_kinds().await;
    let page = site.html(&format!("{SQL}/SQL/")).await;
    let heads = page.split("<section id=\"completed\"").nth(1).unwrap().split("</thead>").next().unwrap();
    let place = heads.split("<th scope=\"col\"").skip(1).position(|head| head.contains("Part of")).unwrap();
    let (ids, parents) = (site::column(&page, "completed", 0), site::column(&page, "completed", place));
    let parts: Vec<_> = ids.iter().zip(&parents).filter(|(_, parent)| !parent.is_empty()).collect();
    assert!(!parts.is_empty() && parts.len() < ids.len() / 2, "{parts:?}");
    for (id, parent) in parts {
        assert_ne!(id, parent);
        let page = site.html(&format!("{SQL}/SQL/execution/?id={parent}")).await;
        assert_eq!(site::column(&page, "sub", 0).iter().filter(|sub| *sub == id).count(), 1);
        assert!(!page.contains(">Part of<"), "its own number is no news");
    }
}

#[tokio::test]
async fn links_to_tables_by_state_lead_to_them() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/jobs/")).await;
    for state in ["completed", "failed"] {
        assert!(
            page.contains(&format!("<a href=\"#{state}\">")) && page.contains(&format!("id=\"{state}\"")),
            "{state}"
        );
    }
    let page = site.html(&format!("{ORDERS}/stages/")).await;
    for state in ["completed", "failed", "skipped"] {
        assert!(
            page.contains(&format!("<a href=\"#{state}\">")) && page.contains(&format!("id=\"{state}\"")),
            "{state}"
        );
    }
}

#[tokio::test]
async fn a_page_of_nothing_still_belongs_to_its_application() {
    let site = Site::recorded().await;
    for (url, expected) in [
        ("jobs/job/?id=999", StatusCode::NOT_FOUND),
        ("stages/stage/?id=10&attempt=7", StatusCode::NOT_FOUND),
        ("SQL/execution/?id=999", StatusCode::NOT_FOUND),
        ("storage/rdd/?id=999", StatusCode::NOT_FOUND),
        ("jobs/job/", StatusCode::BAD_REQUEST),
    ] {
        let (status, _, body) = site.get(&format!("{ORDERS}/{url}")).await;
        let page = String::from_utf8(body).unwrap();
        assert_eq!(status, expected, "{url}");
        assert!(page.contains("Nightly &#60;b&#62;orders") && page.contains("class=\"tabs\""), "{url}: {page}");
    }
}

#[tokio::test]
async fn killed_tasks_have_their_part_of_the_bar() {
    let site = Site::of_many_kinds().await;
    let page = site.html(&format!("{JOBS}/jobs/")).await;
    assert!(page.contains("<rect class=\"killed\""), "{page}");
}

#[tokio::test]
async fn a_page_is_the_same_each_time() {
    let site = Site::recorded().await;
    for url in [format!("{ORDERS}/stages/stage/?id=10"), format!("{CUT_SHORT}/jobs/")] {
        let first = site.html(&url).await;
        for _ in 0..8 {
            assert!(site.html(&url).await == first, "{url}");
        }
    }
}

#[tokio::test]
async fn tables_are_searched_on_the_server() {
    let site = Site::of_many_kinds().await;
    let page = site.html(&format!("{SQL}/SQL/?completed.search=joined")).await;
    let all = site.html(&format!("{SQL}/SQL/")).await;
    assert!(site::rows(&page, "completed") > 0 && site::rows(&page, "completed") < site::rows(&all, "completed"));
    let page = site.html(&format!("{SQL}/SQL/?completed.search=no+such+words")).await;
    assert!(page.contains("Your words are found in none of them") && page.contains("Show all"));
}
