//! Texts that want to be more than text, in every name, description, plan and message of real event logs.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::crawl::every_page;
use crate::site::{CONNECT, JOBS, ORDERS, SQL, STREAMING, Site, THRIFT, read};

/// What stands in each text, and must never be found as it is here.
const RUNS: [&str; 6] = [
    "<script>hostile()</script>",
    "<img src=x onerror=hostile()>",
    "<svg onload=hostile()>",
    "</title></text></svg></pre>",
    "\" onmouseover=\"hostile()",
    "<!--",
];

/// What else is odd about a text: it may be shown, and no page may break on it.
const ODD: &str = "' &lt;b&gt; &amp; {{ 7 * 7 }} {% raw %} ]]> \u{202e}rtl\u{202c} \u{0} \u{b} \u{1b}[31m \u{feff} \u{fffe} e\u{301}\u{301} 👩‍👩‍👧";

/// What would run as the target of a link.
const LINK: &str = "javascript:hostile()";

/// Members of events that are texts for people; the others are ids, words of Spark's and numbers.
const TEXTS: [&str; 37] = [
    "App Name",
    "User",
    "Stage Name",
    "Details",
    "Name",
    "Callsite",
    "Failure Reason",
    "Message",
    "Description",
    "Stack Trace",
    "Full Stack Trace",
    "Exception",
    "Loss Reason",
    "Kill Reason",
    "Removed Reason",
    "Host",
    "description",
    "details",
    "physicalPlanDescription",
    "nodeName",
    "simpleString",
    "name",
    "errorMessage",
    "exception",
    "statementText",
    "userName",
    "userId",
    "ip",
    "groupId",
    "jobTag",
    "executePlan",
    "spark.job.description",
    "spark.jobGroup.id",
    "spark.job.tags",
    "spark.app.name",
    "spark.scheduler.pool",
    "stdout",
];

/// The same event with every text hostile.
fn poison(value: &mut Value, name: &str, poisoned: &mut BTreeSet<String>) {
    match value {
        // Operators are known by the beginnings of their names.
        Value::String(text) if TEXTS.contains(&name) => {
            poisoned.insert(name.to_owned());
            // A link first, where a link is expected.
            let lead = if name == "stdout" { LINK } else { "" };
            *text = format!("{lead}{text} {} {ODD} {LINK}", RUNS.join(" "));
        }
        Value::Array(all) => all.iter_mut().for_each(|one| poison(one, name, poisoned)),
        Value::Object(members) => members.iter_mut().for_each(|(name, one)| poison(one, name, poisoned)),
        _ => {}
    }
}

/// The same event with every text that people give hostile and of 10,000 characters.
fn lengthen(value: &mut Value, name: &str, lengthened: &mut BTreeSet<String>) {
    const GIVEN: [&str; 9] = [
        "App Name",
        "Stage Name",
        "Name",
        "Removed Reason",
        "description",
        "nodeName",
        "simpleString",
        "spark.job.description",
        "spark.app.name",
    ];
    match value {
        Value::String(text) if GIVEN.contains(&name) => {
            lengthened.insert(name.to_owned());
            *text = format!("{text} {}{}", RUNS.join(" "), "\u{202e}x<b>".repeat(10_000 / 5));
        }
        Value::Array(all) => all.iter_mut().for_each(|one| lengthen(one, name, lengthened)),
        Value::Object(members) => members.iter_mut().for_each(|(name, one)| lengthen(one, name, lengthened)),
        _ => {}
    }
}

type Change = fn(&mut Value, &str, &mut BTreeSet<String>);

fn poisoned(log: &[u8], seen: &mut BTreeSet<String>) -> Vec<u8> {
    changed(log, poison, seen)
}

fn changed(log: &[u8], change: Change, seen: &mut BTreeSet<String>) -> Vec<u8> {
    let text = zstd::stream::decode_all(log).unwrap();
    let mut lines = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut event: Value = serde_json::from_slice(line).unwrap();
        change(&mut event, "", seen);
        // Spark writes first which event it is.
        let members = event.as_object_mut().unwrap();
        let kind = members.remove("Event").unwrap();
        let others = event.to_string();
        lines.extend_from_slice(format!("{{\"Event\":{kind},{}\n", &others[1..]).as_bytes());
    }
    lines
}

/// Nothing of what was added is anything but text.
fn check(url: &str, page: &str) {
    for runs in RUNS {
        assert!(!page.contains(runs), "{url} has {runs}");
    }
    assert!(!page.contains("=\"javascript:") && !page.contains("='javascript:"), "{url} has a link that runs");
    assert_eq!(page.matches("<script").count(), 1, "{url}");
    for tag in ["section", "table", "tr", "td", "div", "ul", "details", "pre", "svg", "text", "title", "main"] {
        let tags = |text: String| page.matches(&text).count();
        let open = tags(format!("<{tag}>")) + tags(format!("<{tag} "));
        assert_eq!(open, tags(format!("</{tag}>")), "{url}: <{tag}>");
    }
}

#[tokio::test]
async fn no_text_of_an_event_log_becomes_markup_on_any_page() {
    let many = Path::new(env!("CARGO_MANIFEST_DIR")).join("../history-server/tests/data");
    let mut names = BTreeSet::new();
    let mut logs = vec![("orders", poisoned(&read("orders.zstd"), &mut names))];
    for name in ["jobs", "sql", "streaming", "connect", "thrift"] {
        logs.push((name, poisoned(&std::fs::read(many.join(format!("{name}.zstd"))).unwrap(), &mut names)));
    }
    assert!(names.len() > 20, "texts were changed of {names:?} only");
    let site = Site::with(&logs, |_| {}).await;
    let (mut pages, mut shown) = (0, 0);
    let mut seen = BTreeSet::new();
    for app in [ORDERS, JOBS, SQL, STREAMING, CONNECT, THRIFT] {
        let look = |url: &str, page: &str| {
            pages += 1;
            shown += page.matches("hostile()").count();
            check(url, page);
        };
        seen.append(&mut every_page(&site, &format!("{app}/overview/"), look).await);
    }
    assert!(pages > 150 && shown > 10_000, "{pages} pages show {shown} hostile texts");
    for expected in [
        "/SQL/execution/?id=",
        "/stages/stage/?id=",
        "/StreamingQuery/statistics/",
        "/sqlserver/session/",
        "/connect/session/",
        "/storage/rdd/",
        "/overview/",
    ] {
        assert!(seen.iter().any(|url| url.contains(expected)), "no link leads to {expected}");
    }
}

#[tokio::test]
async fn names_of_ten_thousand_characters_are_text_as_well() {
    let mut names = BTreeSet::new();
    let log = changed(&read("orders.zstd"), lengthen, &mut names);
    assert!(names.len() > 6, "texts were changed of {names:?} only");
    let site = Site::with(&[("orders", log)], |_| {}).await;
    for page in [
        "overview/",
        "jobs/",
        "jobs/job/?id=5",
        "stages/",
        "stages/stage/?id=10",
        "storage/",
        "environment/",
        "executors/",
        "SQL/",
        "SQL/execution/?id=0",
    ] {
        let url = format!("{ORDERS}/{page}");
        let html = site.html(&url).await;
        assert!(html.matches("hostile()").count() > 1, "{url} shows none");
        check(&url, &html);
    }
    check("/", &site.html("/").await);
}
