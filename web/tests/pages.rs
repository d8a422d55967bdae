//! The pages over HTTP: the router as the binary mounts it, over a store in memory with logs of real applications
//! (`tests/data`), and pod logs shipped into it by the collector.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself would")]

#[path = "pages/applications.rs"]
mod applications;
#[path = "pages/as_spark.rs"]
mod as_spark;
#[path = "pages/crawl.rs"]
mod crawl;
#[path = "pages/hostile.rs"]
mod hostile;
#[path = "pages/loading.rs"]
mod loading;
#[path = "pages/log_api.rs"]
mod log_api;
#[path = "pages/logs.rs"]
mod logs;
#[path = "pages/many.rs"]
mod many;
#[path = "pages/pictures.rs"]
mod pictures;
#[path = "pages/services.rs"]
mod services;
#[path = "pages/site.rs"]
mod site;

use site::{ORDERS, Site};

#[tokio::test]
async fn the_list_has_both_kinds_apart() {
    let site = Site::recorded().await;
    let completed = site.html("/").await;
    assert!(completed.contains("Nothing ran") && !completed.contains("Killed while it ran"));
    let running = site.html("/?showIncomplete=true").await;
    assert!(running.contains("Killed while it ran") && !running.contains("Nothing ran"));
}

#[tokio::test]
async fn the_list_is_searched_and_sorted_by_links() {
    let site = Site::recorded().await;
    let found = site.html("/?q=NOTHING").await;
    assert!(found.contains("Nothing ran") && !found.contains("Nightly"));
    let none = site.html("/?q=no+such+words").await;
    assert!(none.contains("No application has these words"));
    let up = site.html("/?app.sort=App+Name&app.desc=false").await;
    let down = site.html("/?app.sort=App+Name&app.desc=true").await;
    let first = |page: &str| page.find("Nightly").unwrap() < page.find("Nothing ran").unwrap();
    assert!(first(&up) && !first(&down));
}

#[tokio::test]
async fn an_empty_list_tells_where_it_looked() {
    let site = Site::empty().await;
    let page = site.html("/").await;
    assert!(page.contains("No application has ended yet") && page.contains("memory:"), "{page}");
}

#[tokio::test]
async fn jobs_that_failed_come_first_and_say_why() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/jobs/")).await;
    assert!(page.find("Failed jobs").unwrap() < page.find("Completed jobs").unwrap());
    assert!(
        page.contains("ValueError: not an amount: &#39;&#60;img src=x onerror=alert(1)&#62;&#39; in row 4711"),
        "{page}"
    );
    assert!(page.contains(&format!("{ORDERS}/stages/stage/?id=10&#38;attempt=0")));
    assert!(page.contains("Totals per customer") && page.contains("3/4 (4 failed)"));
}

#[tokio::test]
async fn a_job_shows_its_stages_and_leads_to_its_query() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/jobs/job/?id=5")).await;
    assert!(page.contains("Stage 10 failed") && page.contains("Parse the amounts"));
    let page = site.html(&format!("{ORDERS}/jobs/job/?id=6")).await;
    assert!(page.contains(&format!("{ORDERS}/SQL/execution/?id=0")));
}

#[tokio::test]
async fn a_stage_shows_why_its_tasks_failed_and_what_they_took() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/stages/stage/?id=10&attempt=0")).await;
    for part in ["Why it failed", "Why tasks failed", "75th percentile", "Scheduler Delay", "Failed 4", "Succeeded 3"] {
        assert!(page.contains(part), "{part}");
    }
    let failed = site.html(&format!("{ORDERS}/stages/stage/?id=10&task.status=FAILED&task.search=amount")).await;
    assert_eq!(site::rows(&failed, "task"), 4);
    let one = site.html(&format!("{ORDERS}/stages/stage/?id=10&task.pageSize=2&task.page=2")).await;
    assert_eq!(site::rows(&one, "task"), 2);
}

#[tokio::test]
async fn tasks_are_sorted_by_any_column() {
    let site = Site::recorded().await;
    let ids = async |sort: &str| {
        let page = site.html(&format!("{ORDERS}/stages/stage/?id=10&task.sort={sort}")).await;
        site::column(&page, "task", 1)
    };
    let mut expected: Vec<String> = (54..=60).map(|id| id.to_string()).collect();
    assert_eq!(ids("Task+ID&task.desc=false").await, expected);
    expected.reverse();
    assert_eq!(ids("Task+ID&task.desc=true").await, expected);
    assert_eq!(ids("no+such+column").await.len(), 7);
}

#[tokio::test]
async fn executors_carry_the_links_that_the_event_log_names() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/executors/")).await;
    assert!(page.contains("logType=stderr\">stderr</a>"), "{page}");
    assert!(page.contains("The log collector has no log of this executor"), "the driver's");
}

#[tokio::test]
async fn the_environment_is_searched() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/environment/")).await;
    for part in ["Spark properties", "Java version", "Class path entries", "spark.sql.shuffle.partitions"] {
        assert!(page.contains(part), "{part}");
    }
    let page = site.html(&format!("{ORDERS}/environment/?q=shuffle.partitions")).await;
    assert_eq!(site::rows(&page, "spark"), 1);
    assert!(!page.contains("Class path entries"));
}

#[tokio::test]
async fn spark_properties_are_a_file_for_the_next_application() {
    let log = concat!(
        r#"{"Event":"SparkListenerLogStart","Spark Version":"4.3.0"}"#,
        "\n",
        r#"{"Event":"SparkListenerResourceProfileAdded","Resource Profile Id":1,"Executor Resource Requests":{"memory":{"Resource Name":"memory","Amount":2048,"Discovery Script":"","Vendor":""},"gpu":{"Resource Name":"gpu","Amount":2,"Discovery Script":"/opt/find-gpus.sh","Vendor":"nvidia.com"}},"Task Resource Requests":{"gpu":{"Resource Name":"gpu","Amount":0.5}}}"#,
        "\n",
        r#"{"Event":"SparkListenerApplicationStart","App Name":"a","App ID":"local-1700000000001","Timestamp":1000,"User":"u"}"#,
        "\n",
        r#"{"Event":"SparkListenerEnvironmentUpdate","JVM Information":{},"Spark Properties":{"spark.two.lines":"a\\b\nc\td","spark.my.password":"hunter2"},"System Properties":{},"Classpath Entries":{}}"#,
        "\n",
    );
    let site = Site::with(&[("local-1700000000001.inprogress", log.into())], |_| {}).await;
    let page = site.html("/history/local-1700000000001/environment/").await;
    let (_, headers, body) = site.get("/history/local-1700000000001/environment/spark-defaults.conf").await;
    let text = String::from_utf8(body).unwrap();
    assert!(page.contains("/history/local-1700000000001/environment/spark-defaults.conf"), "{page}");
    assert!(text.contains("\nspark.two.lines=a\\\\b\\nc\\td\n") && !text.contains("hunter2"), "{text}");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"local-1700000000001-spark-defaults.conf\"");
    for said in ["gpu: 2, found by /opt/find-gpus.sh, vendor nvidia.com", "memory: 2048 MiB", "gpu: 0.5"] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test]
async fn queries_show_their_plan_and_why_they_failed() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/SQL/")).await;
    assert!(page.contains("Failed queries") && page.contains("no such &#60;customer&#62;"));
    let page = site.html(&format!("{ORDERS}/SQL/execution/?id=0")).await;
    for part in ["BroadcastHashJoin", "number of output rows: 50,000", "== Physical Plan ==", "Completed jobs"] {
        assert!(page.contains(part), "{part}");
    }
}

#[tokio::test]
async fn what_is_cached_is_shown_by_block() {
    let site = Site::recorded().await;
    let page = site.html(&format!("{ORDERS}/storage/")).await;
    assert!(page.contains("orders &#60;by customer&#62;") && page.contains("100%"), "{page}");
    let page = site.html(&format!("{ORDERS}/storage/rdd/?id=1")).await;
    assert!(page.contains("rdd_1_7") && page.contains("On which hosts"));
}
