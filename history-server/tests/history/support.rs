//! Event logs, written by hand.

use std::fs;
use std::path::Path;
use std::time::Duration;

use history_server::event_log::LogSource;
use history_server::{Config, History};
use storage::{Store, StoreUrl};

/// When the applications of these tests started.
pub(crate) const T: i64 = 1_700_000_000_000;

/// The lines before any job.
pub(crate) fn head(id: &str, attempt: Option<&str>) -> String {
    let attempt = attempt.map(|id| format!(r#","App Attempt ID":"{id}""#)).unwrap_or_default();
    let properties = r#""spark.kubernetes.namespace":"jobs","spark.kubernetes.executor.podNamePrefix":"pi-12","spark.ui.view.acls":"ann""#;
    [
        r#"{"Event":"SparkListenerLogStart","Spark Version":"4.1.4"}"#.to_owned(),
        format!(
            r#"{{"Event":"SparkListenerEnvironmentUpdate","JVM Information":{{}},"Spark Properties":{{{properties}}},"Hadoop Properties":{{}},"System Properties":{{}},"Classpath Entries":{{}}}}"#
        ),
        format!(
            r#"{{"Event":"SparkListenerApplicationStart","App Name":"Job {id}","App ID":"{id}","Timestamp":{T},"User":"eve"{attempt}}}"#
        ),
        String::new(),
    ]
    .join("\n")
}

/// A job of one stage and its tasks, all of them succeeding.
pub(crate) fn job(job: usize, tasks: usize) -> String {
    let stage = format!(
        r#"{{"Stage ID":{job},"Stage Attempt ID":0,"Stage Name":"count at X","Number of Tasks":{tasks},"RDD Info":[],"Parent IDs":[],"Details":"","Submission Time":{T},"Accumulables":[],"Resource Profile Id":0}}"#
    );
    let ended = stage.replacen("\"Accumulables\"", &format!("\"Completion Time\":{},\"Accumulables\"", T + 50), 1);
    let mut lines = vec![
        format!(
            r#"{{"Event":"SparkListenerJobStart","Job ID":{job},"Submission Time":{T},"Stage Infos":[{stage}],"Stage IDs":[{job}],"Properties":{{}}}}"#
        ),
        format!(r#"{{"Event":"SparkListenerStageSubmitted","Stage Info":{stage},"Properties":{{}}}}"#),
    ];
    for task in 0..tasks {
        let id = job * 1000 + task;
        let info = |end: i64| {
            format!(
                r#"{{"Task ID":{id},"Index":{task},"Attempt":0,"Partition ID":{task},"Launch Time":{},"Executor ID":"{}","Host":"h{}","Locality":"PROCESS_LOCAL","Speculative":false,"Getting Result Time":0,"Finish Time":{end},"Failed":false,"Killed":false,"Accumulables":[]}}"#,
                T + 1,
                task % 3,
                task % 2
            )
        };
        lines.push(format!(
            r#"{{"Event":"SparkListenerTaskStart","Stage ID":{job},"Stage Attempt ID":0,"Task Info":{}}}"#,
            info(0)
        ));
        lines.push(format!(
            r#"{{"Event":"SparkListenerTaskEnd","Stage ID":{job},"Stage Attempt ID":0,"Task Type":"ResultTask","Task End Reason":{{"Reason":"Success"}},"Task Info":{},"Task Metrics":{{"Executor Run Time":{task},"JVM GC Time":1,"Result Size":1000,"Memory Bytes Spilled":0,"Disk Bytes Spilled":0}}}}"#,
            info(T + 10 + task as i64)
        ));
    }
    lines.push(format!(r#"{{"Event":"SparkListenerStageCompleted","Stage Info":{ended}}}"#));
    lines.push(format!(r#"{{"Event":"SparkListenerJobEnd","Job ID":{job},"Completion Time":{},"Job Result":{{"Result":"JobSucceeded"}}}}"#, T + 60));
    lines.join("\n") + "\n"
}

/// The last line.
pub(crate) fn end() -> String {
    format!("{{\"Event\":\"SparkListenerApplicationEnd\",\"Timestamp\":{}}}\n", T + 1000)
}

/// A whole log.
pub(crate) fn log(id: &str, jobs: usize, tasks: usize) -> String {
    head(id, None) + &(0..jobs).map(|i| job(i, tasks)).collect::<String>() + &end()
}

/// The folder as a source of event logs.
pub(crate) fn source(folder: &Path) -> LogSource {
    fs::create_dir_all(folder).unwrap();
    LogSource::new(Store::open(&StoreUrl::folder(folder)).unwrap(), None)
}

/// What the tests change of is what they are about; growing logs are looked at every time.
pub(crate) fn config(folder: &Path, store: Option<Store>) -> Config {
    Config { refresh_interval: Duration::ZERO, ..Config::new(vec![source(folder)], store) }
}

/// A history that has scanned `folder` once.
pub(crate) async fn scanned(folder: &Path, store: Option<Store>) -> History {
    let history = History::new(config(folder, store));
    history.scan().await;
    history
}
