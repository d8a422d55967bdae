//! An application with much of everything: jobs, stages, queries, executors, tasks, blocks. Its events are made here, as short as
//! may be; what the pages say of them is compared with what was put in.

use std::fmt::Write as _;

use crate::site::{self, Site};

const MANY: &str = "/history/local-1700000000000";
const LOG: &str = "local-1700000000000";

const TASKS: u64 = 3000;
const JOBS: u64 = 1200;
const EXECUTORS: u64 = 300;
const QUERIES: u64 = 500;
const OPERATORS: u64 = 150;
const BLOCKS: u64 = 2000;

/// The stage of many tasks; the others have one each.
const WIDE: u64 = 0;

fn event(name: &str, fields: &str) -> String {
    format!("{{\"Event\":\"SparkListener{name}\",{fields}}}\n")
}

fn sql_event(name: &str, fields: &str) -> String {
    format!("{{\"Event\":\"org.apache.spark.sql.execution.ui.SparkListener{name}\",{fields}}}\n")
}

/// Milliseconds that the executor ran a task, in no order: some fail.
fn run_time(task: u64) -> u64 {
    1 + task * 7919 % 4001
}

fn has_failed(task: u64) -> bool {
    task % 50 == 7
}

fn executor_of(task: u64) -> u64 {
    task % EXECUTORS
}

fn task(stage: u64, task: u64, index: u64) -> String {
    let failed = has_failed(task) && stage == WIDE;
    let reason = if failed {
        format!(
            r#"{{"Reason":"ExceptionFailure","Class Name":"java.io.IOException","Description":"No space left on disk {task}","Stack Trace":[],"Full Stack Trace":"java.io.IOException: No space left on disk {task}\n\tat Some.java:1","Accumulator Updates":[]}}"#
        )
    } else {
        r#"{"Reason":"Success"}"#.to_owned()
    };
    let run = run_time(task);
    let launch = 2000 + index;
    let peaks =
        format!(r#""Task Executor Metrics":{{"JVMHeapMemory":{},"OnHeapExecutionMemory":4096}}"#, 1_000_000 + run);
    let info = |finish: u64, failed: bool, accumulables: &str| {
        let executor = executor_of(task);
        format!(
            r#""Task Info":{{"Task ID":{task},"Index":{index},"Attempt":0,"Partition ID":{index},"Launch Time":{launch},"Executor ID":"{executor}","Host":"host-{}","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":{finish},"Failed":{failed},"Killed":false,"Accumulables":[{accumulables}]}}"#,
            executor / 4
        )
    };
    let of = format!(r#""Stage ID":{stage},"Stage Attempt ID":0"#);
    let added = format!(
        r#"{{"ID":77,"Name":"rows <seen>","Update":"{task}","Value":"{task}","Internal":false,"Count Failed Values":false}}"#
    );
    let metrics = format!(
        r#""Task Metrics":{{"Executor Run Time":{run},"Executor Deserialize Time":{},"JVM GC Time":{},"Input Metrics":{{"Bytes Read":{},"Records Read":{task}}}}}"#,
        task % 13,
        task % 5,
        task * 131 % 100_000
    );
    let ended = info(launch + run + 20, failed, &added);
    event("TaskStart", &format!("{of},{}", info(0, false, "")))
        + &event(
            "TaskEnd",
            &format!(r#"{of},"Task Type":"ResultTask","Task End Reason":{reason},{ended},{peaks},{metrics}"#),
        )
}

fn stage_info(stage: u64, more: &str) -> String {
    let tasks = if stage == WIDE { TASKS } else { 1 };
    let name = format!("collect at a place with a longer name, like those of real programs: Job{stage}.scala:{stage}");
    let details = "org.example.Job.run(Job.scala:10)\\n".repeat(20);
    format!(
        r#"{{"Stage ID":{stage},"Stage Attempt ID":0,"Stage Name":"{name}","Number of Tasks":{tasks},"RDD Info":[{{"RDD ID":{stage},"Name":"MapPartitionsRDD","Scope":"{{\"id\":\"{stage}\",\"name\":\"map\"}}","Storage Level":{{"Use Disk":false,"Use Memory":true,"Deserialized":true,"Replication":1}},"Number of Partitions":{tasks},"Number of Cached Partitions":0,"Memory Size":0,"Disk Size":0,"Parent IDs":[]}}],"Parent IDs":[],"Details":"{details}"{more}}}"#
    )
}

fn job(job: u64) -> String {
    let query = if job < QUERIES { format!(r#","spark.sql.execution.id":"{job}""#) } else { String::new() };
    let description =
        format!("Step {job} of a long program, which says what it does in words, and then in a few more of them");
    let mut text = event(
        "JobStart",
        &format!(
            r#""Job ID":{job},"Submission Time":1900,"Stage Infos":[{}],"Stage IDs":[{job}],"Properties":{{"spark.job.description":"{description}"{query}}}"#,
            stage_info(job, "")
        ),
    );
    text += &event(
        "StageSubmitted",
        &format!(r#""Stage Info":{},"Properties":{{}}"#, stage_info(job, r#","Submission Time":1950"#)),
    );
    let tasks = if job == WIDE { 0..TASKS } else { TASKS + job..TASKS + job + 1 };
    for (index, task) in tasks.enumerate() {
        text += &self::task(job, task, index as u64);
    }
    text += &event(
        "StageCompleted",
        &format!(r#""Stage Info":{}"#, stage_info(job, r#","Submission Time":1950,"Completion Time":9000"#)),
    );
    text + &event(
        "JobEnd",
        &format!(r#""Job ID":{job},"Completion Time":9100,"Job Result":{{"Result":"JobSucceeded"}}"#),
    )
}

fn query(id: u64) -> String {
    let operators = if id == 0 { OPERATORS } else { 3 };
    let mut plan = String::new();
    for operator in 0..operators {
        let _ = write!(
            plan,
            r#"{{"nodeName":"Project","simpleString":"Project [a#{operator}, b#{operator}]","metadata":{{}},"metrics":[{{"name":"number of output rows","accumulatorId":{},"metricType":"sum"}}],"children":["#,
            1000 + operator
        );
    }
    plan += &"]}".repeat(operators as usize);
    let text = "+- Project [a#1, b#2], a line of the physical plan\\n".repeat(operators as usize);
    let started = format!(
        r#""executionId":{id},"rootExecutionId":{id},"description":"select * from a_table where a = {id}","details":"","physicalPlanDescription":"== Physical Plan ==\n{text}","sparkPlanInfo":{plan},"time":1800,"modifiedConfigs":{{}}"#
    );
    sql_event("SQLExecutionStart", &started)
        + &sql_event("SQLExecutionEnd", &format!(r#""executionId":{id},"time":9200"#))
}

fn executors() -> String {
    let mut text = String::new();
    for id in 0..EXECUTORS {
        let host = format!("host-{}", id / 4);
        text += &event(
            "ExecutorAdded",
            &format!(
                r#""Timestamp":{},"Executor ID":"{id}","Executor Info":{{"Host":"{host}","Total Cores":4,"Log Urls":{{"stdout":"http://{host}:8042/{id}/stdout","stderr":"http://{host}:8042/{id}/stderr"}}}}"#,
                1100 + id
            ),
        );
        let manager = format!(r#"{{"Executor ID":"{id}","Host":"{host}","Port":{}}}"#, 7000 + id);
        text += &event(
            "BlockManagerAdded",
            &format!(
                r#""Block Manager ID":{manager},"Maximum Memory":1000000000,"Timestamp":{},"Maximum Onheap Memory":1000000000,"Maximum Offheap Memory":0"#,
                1100 + id
            ),
        );
    }
    for block in 0..BLOCKS {
        let id = block % EXECUTORS;
        text += &event(
            "BlockUpdated",
            &format!(
                r#""Block Updated Info":{{"Block Manager ID":{{"Executor ID":"{id}","Host":"host-{}","Port":{}}},"Block ID":"rdd_0_{block}","Storage Level":{{"Use Disk":false,"Use Memory":true,"Deserialized":true,"Replication":1}},"Memory Size":1000,"Disk Size":0}}"#,
                id / 4,
                7000 + id
            ),
        );
    }
    text
}

fn environment() -> String {
    let entries = |name: &str, number: u64| -> String {
        let all: Vec<String> =
            (0..number).map(|n| format!(r#""{name}.{n}":"a value of some length, number {n}""#)).collect();
        all.join(",")
    };
    event(
        "EnvironmentUpdate",
        &format!(
            r#""JVM Information":{{"Java Version":"17"}},"Spark Properties":{{{}}},"Hadoop Properties":{{{}}},"System Properties":{{{}}},"Metrics Properties":{{}},"Classpath Entries":{{{}}}"#,
            entries("spark.some", 200),
            entries("hadoop.some", 1200),
            entries("java.some", 100),
            entries("/opt/spark/jars/some", 300)
        ),
    )
}

async fn many() -> Site {
    let mut log = String::from("{\"Event\":\"SparkListenerLogStart\",\"Spark Version\":\"4.3.0\"}\n");
    log += &event(
        "ApplicationStart",
        &format!(r#""App Name":"Much of all","App ID":"{LOG}","Timestamp":1000,"User":"u""#),
    );
    log += &environment();
    let (submitted, cached) = (job(0), executors());
    // The stage has to be known before its blocks are.
    let (head, rest) = submitted.split_at(submitted.find("{\"Event\":\"SparkListenerTaskStart").unwrap());
    log += &[head, &cached, rest].concat();
    (1..JOBS).for_each(|id| log += &job(id));
    (0..QUERIES).for_each(|id| log += &query(id));
    log += &event("ApplicationEnd", r#""Timestamp":9900"#);
    Site::with(&[(LOG, log.into_bytes())], |_| {}).await
}

/// Which column has this title.
fn place(page: &str, tag: &str, title: &str) -> usize {
    let heads = page.split(&format!("<section id=\"{tag}\"")).nth(1).unwrap().split("</thead>").next().unwrap();
    let found = heads
        .split("<th scope=\"col\"")
        .skip(1)
        .position(|head| head.contains(&format!(">{title}</a>")) || head.contains(&format!(">{title}</th>")));
    found.unwrap_or_else(|| panic!("no column {title}: {heads}"))
}

#[tokio::test]
async fn tasks_are_put_in_order_searched_and_counted_over_all_of_them() {
    let site = many().await;
    let stage = format!("{MANY}/stages/stage/?id=0");
    let ids = async |query: &str| -> Vec<u64> {
        let page = site.html(&format!("{stage}&{query}")).await;
        site::column(&page, "task", place(&page, "task", "Task ID")).iter().map(|id| id.parse().unwrap()).collect()
    };
    let sorted = |key: &dyn Fn(u64) -> u64, descending: bool| -> Vec<u64> {
        let mut all: Vec<u64> = (0..TASKS).collect();
        all.sort_by_key(|task| (key(*task), *task));
        if descending {
            all.reverse();
        }
        all
    };
    let cases: [(&str, &dyn Fn(u64) -> u64); 6] = [
        ("Duration", &run_time),
        ("GC+Time", &|task| task % 5),
        ("Input+Size+/+Records", &|task| task * 131 % 100_000),
        ("Executor+ID", &executor_of),
        ("Index", &|task| task),
        ("Scheduler+Delay", &|task| 20 - task % 13),
    ];
    for (title, key) in cases {
        for descending in [false, true] {
            let query = format!("task.sort={title}&task.desc={descending}");
            let expected = sorted(key, descending);
            assert_eq!(ids(&query).await, expected[..100], "{title} {descending}");
            assert_eq!(ids(&format!("{query}&task.page=17")).await, expected[1600..1700], "{title} {descending}");
        }
    }
    let failed: Vec<u64> = (0..TASKS).filter(|task| has_failed(*task)).collect();
    assert_eq!(ids("task.status=FAILED").await, failed);
    assert_eq!(ids("task.status=FAILED&task.search=space").await, failed);
    let none = site.html(&format!("{stage}&task.status=SUCCESS&task.search=space")).await;
    assert!(none.contains("none that you are looking for"));
    assert_eq!(ids("task.search=1234").await, [1234], "the id of a task");
    assert_eq!(
        ids("task.search=host-74").await,
        sorted(&|task| task, false).into_iter().filter(|task| executor_of(*task) / 4 == 74).collect::<Vec<_>>()[..40]
    );
    let page = site.html(&stage).await;
    for said in
        ["All 3,000", "Failed 60", "Succeeded 2,940", "1–100 of 3,000", "Why tasks failed", "277 other executors"]
    {
        assert!(page.contains(said), "{said}");
    }
    let groups = site::column(&page, "failure", 0);
    assert_eq!(groups, ["60"], "they differ in a number");
}

#[tokio::test]
async fn a_task_shows_what_it_added_to_accumulators_and_an_executor_its_peaks() {
    let site = many().await;
    let page = site.html(&format!("{MANY}/stages/stage/?id=0")).await;
    let added = site::column(&page, "task", place(&page, "task", "Accumulators"));
    assert_eq!(added[5], "rows &#60;seen&#62;: 5");
    let peaks = site::column(&page, "executor", place(&page, "executor", "Peak JVM Memory On Heap / Off Heap"));
    assert!(peaks[0].ends_with(" / 0.0 B") && peaks[0].starts_with("980."), "{}", peaks[0]);
    let page = site
        .html(&format!("{MANY}/stages/stage/?id=0&executor.sort=Peak+JVM+Memory+On+Heap+/+Off+Heap&executor.desc=true"))
        .await;
    let most = (0..TASKS).max_by_key(|task| run_time(*task)).map(executor_of).unwrap();
    assert_eq!(site::column(&page, "executor", 0)[0], most.to_string());
}

#[tokio::test]
async fn no_page_is_large_however_much_there_is() {
    let site = many().await;
    let pages = [
        "overview/",
        "jobs/",
        "jobs/job/?id=0",
        "jobs/job/?id=700",
        "stages/",
        "stages/stage/?id=0",
        "stages/stage/?id=0&task.status=FAILED",
        "stages/stage/?id=3",
        "storage/",
        "storage/rdd/?id=0",
        "environment/",
        "executors/",
        "SQL/",
        "SQL/execution/?id=0",
        "SQL/execution/?id=1",
    ];
    let mut large = Vec::new();
    for page in pages {
        let bytes = site.html(&format!("{MANY}/{page}")).await.len();
        if bytes > 200_000 {
            large.push((page, bytes));
        }
    }
    assert!(large.is_empty(), "more than 200 kB: {large:?}");
}
