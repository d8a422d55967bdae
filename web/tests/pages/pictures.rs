//! What is drawn, against what the REST API says.

use crate::site::{ORDERS, SQL, Site, column, read};

/// The picture in the part of a page with this id.
fn picture<'a>(page: &'a str, id: &str) -> &'a str {
    let from = page.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no picture {id}"));
    page[from..].split("</details>").next().unwrap()
}

/// The texts of a REST answer under a name, in its order.
fn texts(json: &str, name: &str) -> Vec<String> {
    let text = |rest: &str| rest.split('"').nth(1).unwrap().to_owned();
    json.split(&format!("\"{name}\"")).skip(1).map(text).collect()
}

#[tokio::test]
async fn the_timeline_has_a_bar_for_each_job_and_executor() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/jobs/")).await;
    let timeline = picture(&page, "timeline");
    let (_, _, body) = site.get(&format!("{}/jobs", ORDERS.replace("/history", "/api/v1/applications"))).await;
    let jobs = String::from_utf8(body).unwrap().matches("\"jobId\"").count();
    assert_eq!(timeline.matches(&format!("href=\"{ORDERS}/jobs/job/?id=")).count(), jobs);
    assert!(jobs > 5 && timeline.matches("<title>Executor ").count() >= 2, "{timeline}");
    assert!(timeline.contains("class=\"bad\"") && timeline.contains("class=\"good\""));
}

#[tokio::test]
async fn a_jobs_graph_has_the_rdds_of_its_stages_and_arrows_between() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/jobs/job/?id=1")).await;
    let graph = picture(&page, "dag");
    assert!(graph.contains("orders &#60;by customer&#62; [1]") && graph.contains("Cached"), "{graph}");
    assert!(graph.matches("class=\"arrow").count() >= 3 && graph.contains("class=\"frame stage\""), "{graph}");
    let page = site.html(&format!("{ORDERS}/stages/stage/?id=0")).await;
    assert!(picture(&page, "dag").contains("ParallelCollectionRDD"));
}

#[tokio::test]
async fn a_stage_draws_each_task() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/stages/stage/?id=10")).await;
    let tasks = picture(&page, "timeline");
    assert_eq!(tasks.matches("<title>Task ").count(), 7);
    assert_eq!(tasks.matches("class=\"bar wrong\"").count(), 4);
}

#[tokio::test]
async fn a_plan_has_every_operator_and_every_edge() {
    let site = Site::of_many_kinds().await;
    let api = SQL.replace("/history", "/api/v1/applications");
    for id in [0, 5, 20, 40] {
        let (_, _, body) = site.get(&format!("{api}/sql/{id}")).await;
        let json = String::from_utf8(body).unwrap();
        let page = site.html(&format!("{SQL}/SQL/execution/?id={id}")).await;
        if !json.contains("\"nodeName\"") {
            continue;
        }
        let plan = picture(&page, "plan-graph");
        assert_eq!(plan.matches("class=\"arrow").count(), texts(&json, "fromId").len(), "query {id}");
        for name in texts(&json, "nodeName") {
            let name: String = name.chars().take(12).collect();
            assert!(plan.contains(&name.replace('<', "&#60;")), "{name} of query {id}: {plan}");
        }
    }
}

#[tokio::test]
async fn the_overview_says_how_it_ended_and_where_the_time_went() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/overview/")).await;
    for part in [
        "Driver alone",
        "Tasks running",
        "Slowest queries",
        "Failures",
        "Stages with the most work",
        "spark.sql.shuffle.partitions",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn a_plan_that_was_adapted_is_shown_as_it_was_at_first_too() {
    let site = Site::of_many_kinds().await;
    let page = site.html(&format!("{SQL}/SQL/execution/?id=20")).await;
    let (first, last) = (picture(&page, "initial-plan"), picture(&page, "plan-graph"));
    assert!(!first.contains("WholeStageCodegen") && last.contains("WholeStageCodegen"), "{first}");
    assert!(first.contains("BroadcastHashJoin") && first.matches("class=\"arrow").count() > 5, "{first}");
    assert!(page.contains("<details class=\"section drawn\" id=\"initial-plan\"><summary>"), "closed at first");
}

#[tokio::test]
async fn the_list_of_queries_begins_with_how_many_failed() {
    let page = Site::of_many_kinds().await.html(&format!("{SQL}/SQL/")).await;
    for part in ["Queries <b>39</b>", "Failed <b><a href=\"#failed\">3</a></b>", "Failure rate <b>7.7 %</b>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn the_overview_tells_each_failure_once_whichever_tasks_and_stages_it_befell() {
    let page = Site::recorded().await.html(&format!("{ORDERS}/overview/")).await;
    assert_eq!(column(&page, "failures", 0), ["9", "4"], "failed tasks");
    assert_eq!(column(&page, "failures", 3), ["23", "10"], "their stages");
    // Where both say the same, they are one.
    let log = String::from_utf8(zstd::decode_all(read("orders.zstd").as_slice()).unwrap()).unwrap();
    let other = "org.apache.spark.SparkRuntimeException: [USER_RAISED_EXCEPTION] no such <customer> SQLSTATE: P0001";
    let alike = log.replace("ValueError: not an amount: '<img src=x onerror=alert(1)>' in row 4711", other);
    assert_ne!(alike, log);
    let page = Site::with(&[("orders", alike.into_bytes())], |_| {}).await.html(&format!("{ORDERS}/overview/")).await;
    assert_eq!(
        (column(&page, "failures", 0), column(&page, "failures", 1)),
        (vec!["13".to_owned()], vec!["2".to_owned()])
    );
}
