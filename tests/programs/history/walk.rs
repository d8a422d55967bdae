//! Questions to ask: every endpoint for everything that Spark's history server lists, with parameters, and with what is
//! wrong in every way that a client gets wrong.

use reqwest::Method;
use serde_json::Value;

use super::servers::{Client, Question};

const JOBS: usize = 12;
const STAGES: usize = 12;
const EXECUTIONS: usize = 16;

/// All questions, those about one application together.
pub(super) async fn questions(theirs: &Client) -> Vec<Question> {
    let mut asked: Vec<Question> = LIST.iter().copied().map(Question::get).collect();
    let applications = theirs.json("/applications").await;
    for application in items(&applications) {
        let id = application["id"].as_str().unwrap();
        asked.push(Question::get(format!("/applications/{id}")));
        asked.push(Question::get(format!("/applications/{id}/")));
        asked.push(Question::get(format!("/applications/{id}/logs")));
        asked.extend(["99", "x"].map(|attempt| Question::get(format!("/applications/{id}/{attempt}"))));
        asked.extend(["99", "x"].map(|attempt| Question::get(format!("/applications/{id}/{attempt}/jobs"))));
        for attempt in items(&application["attempts"]) {
            let root = match attempt["attemptId"].as_str() {
                Some(attempt) => format!("/applications/{id}/{attempt}"),
                None => format!("/applications/{id}"),
            };
            asked.push(Question::get(root.clone()));
            asked.push(Question::get(format!("{root}/logs")));
            of_attempt(theirs, &root, &mut asked).await;
        }
        // Without an attempt where there are some: not found.
        asked.extend(
            ["jobs", "stages", "environment", "sql"].map(|path| Question::get(format!("/applications/{id}/{path}"))),
        );
    }
    if let Some(id) = items(&applications).first().and_then(|application| application["id"].as_str()) {
        protocol(id, &mut asked);
    }
    asked
}

/// The same resource by other methods and with other headers.
fn protocol(id: &str, asked: &mut Vec<Question>) {
    let paths = ["/applications".to_owned(), format!("/applications/{id}/jobs"), format!("/applications/{id}/nothing")];
    for path in paths.into_iter().chain([format!("/applications/{id}/stages/99999/0"), "/version".to_owned()]) {
        let get = Question::get(path);
        for method in [Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            asked.push(get.clone().by(method));
        }
        for accept in [
            "text/html",
            "*/*",
            "application/json",
            "application/*",
            "application/xml",
            "text/html, */*;q=0.1",
            "text/plain",
        ] {
            asked.push(get.clone().with("accept", accept));
        }
        asked.push(get.with("accept-encoding", "gzip"));
    }
}

const LIST: &[&str] = &[
    "/version",
    "/version/",
    "/applications",
    "/applications/",
    "",
    "/",
    "/nothing",
    "/applications?status=completed",
    "/applications?status=COMPLETED",
    "/applications?status=running",
    "/applications?status=Running&status=completed",
    "/applications?status=",
    "/applications?status=bogus",
    "/applications?limit=0",
    "/applications?limit=1",
    "/applications?limit=3",
    "/applications?limit=-1",
    "/applications?limit=100000",
    "/applications?limit=99999999999",
    "/applications?limit=x",
    "/applications?limit=",
    "/applications?limit=2&status=running",
    "/applications?minDate=2024-01-01",
    "/applications?minDate=2100-01-01",
    "/applications?maxDate=2024-01-01",
    "/applications?maxDate=2100-01-01T00:00:00.000GMT",
    "/applications?minDate=2020-02-30",
    "/applications?minDate=2020-01-01T01:02:03GMT",
    "/applications?minDate=nonsense",
    "/applications?minDate=",
    "/applications?minEndDate=2024-01-01",
    "/applications?maxEndDate=2024-01-01",
    "/applications?minEndDate=2024-01-01&maxEndDate=2100-01-01",
    "/applications?maxEndDate=x",
    "/applications?unknown=1",
    "/applications/nobody",
    "/applications/nobody/1",
    "/applications/nobody/jobs",
    "/applications/nobody/1/jobs",
    "/applications/nobody/logs",
    "/applications/%3Cb%3E",
    "/applications/%3Cb%3E/jobs",
    "/applications/a%2Fb/jobs",
];

/// What every attempt is asked.
const ATTEMPT: &[&str] = &[
    "environment",
    "executors",
    "executors/",
    "allexecutors",
    "allmiscellaneousprocess",
    "storage/rdd",
    "storage",
    "storage/rdd/999999",
    "storage/rdd/x",
    "storage/rdd/-1",
    "jobs",
    "jobs/",
    "jobs?status=succeeded",
    "jobs?status=SUCCEEDED",
    "jobs?status=failed&status=running",
    "jobs?status=unknown",
    "jobs?status=bogus",
    "jobs?status=",
    "jobs/999999",
    "jobs/x",
    "jobs/-1",
    "jobs/99999999999999",
    "stages",
    "stages?status=complete",
    "stages?status=failed",
    "stages?status=skipped&status=pending",
    "stages?status=active",
    "stages?status=bogus",
    "stages?details=true",
    "stages?details=true&taskStatus=failed",
    "stages?details=true&taskStatus=bogus",
    "stages?details=yes",
    "stages?withSummaries=true",
    "stages?withSummaries=true&quantiles=0.05,0.5,0.95",
    "stages?withSummaries=true&quantiles=x",
    "stages?quantiles=x",
    "stages?withSummaries=true&details=true&status=complete&taskStatus=success",
    "stages/999999",
    "stages/999999/0",
    "stages/0/77",
    "stages/x",
    "stages/0/x",
    "stages/flimflam",
    "stages/-1",
    "stages/0/0/nothing",
    "stages/999999/0/taskSummary",
    "stages/999999/0/taskList",
    "stages/0/77/taskList",
    "sql",
    "sql/",
    "sql?details=false",
    "sql?planDescription=false",
    "sql?details=false&planDescription=false&length=1000",
    "sql?offset=1&length=2",
    "sql?offset=100000",
    "sql?offset=-1",
    "sql?length=-1",
    "sql?length=0",
    "sql?length=x",
    "sql/999999",
    "sql/-1",
    "sql/x",
    "sql/sqlTable",
    "sql/sqlTable?draw=3&start=0&length=5",
    "sql/sqlTable?draw=3&start=2&length=5&order%5B0%5D%5Bcolumn%5D=0&columns%5B0%5D%5Bname%5D=id&order%5B0%5D%5Bdir%5D=asc",
    "sql/sqlTable?length=100&order%5B0%5D%5Bcolumn%5D=1&columns%5B1%5D%5Bname%5D=duration",
    "sql/sqlTable?length=100&order%5B0%5D%5Bcolumn%5D=1&columns%5B1%5D%5Bname%5D=description&order%5B0%5D%5Bdir%5D=asc",
    "sql/sqlTable?length=100&order%5B0%5D%5Bcolumn%5D=1&columns%5B1%5D%5Bname%5D=status",
    "sql/sqlTable?length=100&order%5B0%5D%5Bcolumn%5D=1&columns%5B1%5D%5Bname%5D=submissionTime",
    "sql/sqlTable?length=100&order%5B0%5D%5Bcolumn%5D=1&columns%5B1%5D%5Bname%5D=bogus",
    "sql/sqlTable?length=100&search%5Bvalue%5D=collect",
    "sql/sqlTable?length=100&search%5Bvalue%5D=COUNT",
    "sql/sqlTable?length=100&status=COMPLETED",
    "sql/sqlTable?length=100&status=failed",
    "sql/sqlTable?length=100&status=RUNNING",
    "sql/sqlTable?length=100&groupSubExecution=true",
    "sql/sqlTable?length=100&groupSubExecution=false",
    "sql/sqlTable?start=-1&length=-1",
    "sql/sqlTable?draw=x",
    "executors/driver/threads",
    "executors/1/threads",
    "executors/nobody/threads",
    "executors/driver",
    "threads",
    "threads?taskId=0&executorId=driver",
    "threads?taskId=x&executorId=y",
    "streaming",
    "streaming/statistics",
    "streaming/receivers",
    "streaming/batches",
    "logs/x",
    "nothing",
];

async fn of_attempt(theirs: &Client, root: &str, asked: &mut Vec<Question>) {
    let mut ask = |path: String| asked.push(Question::get(format!("{root}/{path}")));
    ATTEMPT.iter().for_each(|path| ask((*path).to_owned()));
    for job in spread(&theirs.json(&format!("{root}/jobs")).await, JOBS) {
        ask(format!("jobs/{}", job["jobId"]));
    }
    for rdd in items(&theirs.json(&format!("{root}/storage/rdd")).await) {
        ask(format!("storage/rdd/{}", rdd["id"]));
    }
    for execution in spread(&theirs.json(&format!("{root}/sql?details=false&length=100000")).await, EXECUTIONS) {
        let id = &execution["id"];
        ask(format!("sql/{id}"));
        ask(format!("sql/{id}?details=false"));
        ask(format!("sql/{id}?planDescription=false"));
    }
    for stage in interesting(&theirs.json(&format!("{root}/stages")).await) {
        let (id, attempt) = (&stage["stageId"], &stage["attemptId"]);
        ["", "?details=false", "?details=true&taskStatus=failed", "?details=true&taskStatus=killed&taskStatus=success"]
            .into_iter()
            .chain(["?withSummaries=true", "?details=false&withSummaries=true&quantiles=0,1", "/"])
            .flat_map(|query| [format!("stages/{id}{query}"), format!("stages/{id}/{attempt}{query}")])
            .chain(STAGE.iter().map(|path| format!("stages/{id}/{attempt}/{path}")))
            .chain(COLUMNS.iter().flat_map(|column| ["asc", "desc"].map(|order| task_table(column, order, "", 0, 7))))
            .map(|path| if path.starts_with("taskTable") { format!("stages/{id}/{attempt}/{path}") } else { path })
            .chain([("driver", 0, 20), ("SUCCESS", 2, 3), ("no such text", 0, 20), ("0.", 0, 100), ("ms", 0, 5)].map(
                |(text, start, length)| {
                    format!("stages/{id}/{attempt}/{}", task_table("Index", "asc", text, start, length))
                },
            ))
            .for_each(&mut ask);
    }
}

/// What every stage attempt is asked.
const STAGE: &[&str] = &[
    "taskSummary",
    "taskSummary?quantiles=0.01,0.5,0.99",
    "taskSummary?quantiles=0,1",
    "taskSummary?quantiles=0.5",
    "taskSummary?quantiles=0.95,0.05",
    "taskSummary?quantiles=",
    "taskSummary?quantiles=a",
    "taskSummary?quantiles=0.1,b",
    "taskSummary?quantiles=2",
    "taskSummary?quantiles=-1",
    "taskList",
    "taskList?length=100000",
    "taskList?offset=3&length=5",
    "taskList?offset=100000",
    "taskList?length=0",
    "taskList?offset=-1",
    "taskList?length=-1",
    "taskList?length=x",
    "taskList?sortBy=ID",
    "taskList?sortBy=id",
    "taskList?sortBy=runtime&length=1000",
    "taskList?sortBy=-runtime&length=1000",
    "taskList?sortBy=INCREASING_RUNTIME&offset=1&length=3",
    "taskList?sortBy=DECREASING_RUNTIME&offset=1&length=3",
    "taskList?sortBy=bogus",
    "taskList?status=success&length=1000",
    "taskList?status=failed&length=1000",
    "taskList?status=killed&status=running&length=1000",
    "taskList?status=unknown",
    "taskList?status=bogus",
    "taskList?status=success&sortBy=-runtime&offset=1&length=2",
    "taskTable",
    "taskTable?numTasks=1",
];

/// What the task table can be ordered by.
const COLUMNS: &[&str] = &[
    "Index",
    "ID",
    "Attempt",
    "Status",
    "Locality Level",
    "Executor ID",
    "Host",
    "Logs",
    "Launch Time",
    "Duration",
    "GC Time",
    "Scheduler Delay",
    "Task Deserialization Time",
    "Shuffle Read Fetch Wait Time",
    "Shuffle Remote Reads",
    "Result Serialization Time",
    "Getting Result Time",
    "Peak Execution Memory",
    "Accumulators",
    "Input Size / Records",
    "Output Size / Records",
    "Shuffle Write Time",
    "Shuffle Write Size / Records",
    "Shuffle Read Size / Records",
    "Spill (Memory)",
    "Spill (Disk)",
    "Errors",
    "No Such Column",
];

fn task_table(column: &str, order: &str, search: &str, start: usize, length: usize) -> String {
    let encode = |text: &str| text.replace(' ', "%20").replace('/', "%2F");
    format!(
        "taskTable?numTasks=1000&details=true&draw=1&start={start}&length={length}&search%5Bvalue%5D={}\
         &columnNameToSort={}&order%5B0%5D%5Bdir%5D={order}&columnIndexToSort=0",
        encode(search),
        encode(column)
    )
}

/// Stages that say most: those that did not just succeed, and some of the others.
fn interesting(stages: &Value) -> Vec<&Value> {
    let (plain, special): (Vec<_>, Vec<_>) =
        items(stages).iter().partition(|stage| stage["status"] == "COMPLETE" && stage["attemptId"] == 0);
    let mut chosen = evenly(special, STAGES / 2);
    chosen.extend(evenly(plain, STAGES - chosen.len()));
    chosen
}

fn spread(array: &Value, most: usize) -> Vec<&Value> {
    evenly(items(array).iter().collect(), most)
}

/// At most `most` of them: the first, the last, and some between.
fn evenly(all: Vec<&Value>, most: usize) -> Vec<&Value> {
    if all.len() <= most {
        return all;
    }
    (0..most).map(|n| all[n * (all.len() - 1) / (most - 1)]).collect()
}

fn items(array: &Value) -> &[Value] {
    array.as_array().map_or(&[], Vec::as_slice)
}
