//! The history server against Spark's own: the same logs, the same questions, the same answers.
//!
//! Real Spark of several versions writes the logs (`tests/data/history/record.py`); Spark 4.3's history server and ours
//! read the same folder; [`walk`] makes the questions from what the former answers, [`compare`] holds the answers
//! against each other. [`suite`] runs the cases of Spark's own test suite. [`tables`] has Spark read what is kept,
//! [`readers`] other programs, too.

mod compare;
mod html;
mod killed;
mod known;
mod limits;
mod listed;
mod readers;
mod recordings;
mod servers;
mod services;
mod suite;
mod tables;
mod walk;
mod zip;

use compare::Tally;
use servers::{hearth, reference};

/// Asks both servers everything about the logs of one Spark version, and fails on any answer that differs.
async fn answers_as_spark_does_on_logs_of(spark: &str, scenarios: &[&str]) {
    let logs = recordings::of(spark, scenarios).await;
    let (theirs, ours) = (reference(&logs).await, hearth(&logs).await);
    listed::wait_for_the_same_list(&theirs.client, &ours.client).await;
    let mut tally = Tally::new(format!("logs of Spark {spark}"));
    for question in walk::questions(&theirs.client).await {
        let (want, got) = tokio::join!(theirs.client.ask(&question), ours.client.ask(&question));
        // What Spark reckons against the clock, it answers anew each time.
        let again = if want.body == got.body { None } else { Some(theirs.client.ask(&question).await) };
        tally.compare(&question, &want, again.as_ref().unwrap_or(&want), &got);
    }
    tally.finish();
}

#[tokio::test]
async fn logs_of_spark_3_5_are_answered_as_spark_does() {
    answers_as_spark_does_on_logs_of("3.5", recordings::of_the_oldest()).await;
}

#[tokio::test]
async fn logs_of_spark_4_0_are_answered_as_spark_does() {
    answers_as_spark_does_on_logs_of("4.0", recordings::of_a_version_between()).await;
}

#[tokio::test]
async fn logs_of_spark_4_1_are_answered_as_spark_does() {
    answers_as_spark_does_on_logs_of("4.1", recordings::of_a_version_between()).await;
}

#[tokio::test]
async fn logs_of_spark_4_3_are_answered_as_spark_does() {
    answers_as_spark_does_on_logs_of("4.3", &[]).await;
}

#[tokio::test]
async fn under_limits_what_spark_drops_is_dropped() {
    let logs = recordings::of("4.3", &[]).await;
    limits::compare(&logs, [0, 1, 1, 0, 0]).await;
    limits::compare(&logs, [12, 15, 40, 2, 6]).await;
}

#[tokio::test]
async fn the_cases_of_sparks_own_suite_pass() {
    suite::run(&suite::server().await.client).await;
}

/// What Spark's pages show of streaming queries, Connect and Thrift servers, our model says.
#[tokio::test]
async fn services_of_spark_3_5_are_as_sparks_pages_show_them() {
    let logs = recordings::of_services("3.5", &[]).await;
    let agreed = services::compare(&logs, None).await;
    assert!(agreed.queries >= 8 && agreed.points >= 100 && agreed.statements >= 9, "{agreed:?}");
}

#[tokio::test]
async fn services_of_spark_4_0_are_as_sparks_pages_show_them() {
    let logs = recordings::of_services("4.0", &["connect"]).await;
    let agreed = services::compare(&logs, None).await;
    assert!(agreed.operations >= 5, "{agreed:?}");
}

#[tokio::test]
async fn services_of_spark_4_3_are_as_sparks_pages_show_them() {
    let logs = recordings::of_services("4.3", &[]).await;
    let agreed = services::compare(&logs, None).await;
    assert!(agreed.queries >= 8 && agreed.operations >= 5 && agreed.statements >= 9, "{agreed:?}");
    let limited = services::compare(&logs, Some(3)).await;
    assert!(limited.operations < agreed.operations && limited.statements < agreed.statements, "{limited:?}");
    assert!(limited.points < agreed.points, "{limited:?}");
}

#[tokio::test]
async fn spark_reads_in_the_tables_of_services_what_the_model_says() {
    let logs = recordings::of_services("4.3", &[]).await;
    let names = std::fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ended: Vec<_> = names.filter(|name| !name.ends_with(".inprogress")).collect();
    services::tables::compare(&logs, &ended.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
