//! An application to which everything happens that has a table.

use crate::support::{T, end, head, job};

fn line(event: &str, fields: &str) -> String {
    format!("{{\"Event\":\"{event}\",{fields}}}\n")
}

const MANAGER: &str = r#""Block Manager ID":{"Executor ID":"1","Host":"h1","Port":7}"#;

fn executors() -> String {
    let info = r#""Executor Info":{"Host":"h1","Total Cores":4,"Log Urls":{"stdout":"http://h1/out"},"Attributes":{"ZONE":"z"},"Resources":{"gpu":{"name":"gpu","addresses":["0","1"]}},"Resource Profile Id":0}"#;
    let excluded = |name: &str, fields: &str| line(&format!("org.apache.spark.scheduler.SparkListener{name}"), fields);
    [
        line("SparkListenerExecutorAdded", &format!(r#""Timestamp":{T},"Executor ID":"1",{info}"#)),
        line(
            "SparkListenerBlockManagerAdded",
            &format!(r#"{MANAGER},"Maximum Memory":900,"Timestamp":{T},"Maximum Onheap Memory":800,"Maximum Offheap Memory":100"#),
        ),
        excluded("ExecutorExcludedForStage", &format!(r#""time":{},"executorId":"1","taskFailures":2,"stageId":0,"stageAttemptId":0"#, T + 1)),
        excluded("NodeExcludedForStage", &format!(r#""time":{},"hostId":"h1","executorFailures":1,"stageId":0,"stageAttemptId":0"#, T + 2)),
        excluded("ExecutorExcluded", &format!(r#""time":{},"executorId":"1","taskFailures":4"#, T + 3)),
        excluded("NodeExcluded", &format!(r#""time":{},"hostId":"h1","executorFailures":3"#, T + 4)),
        excluded("NodeUnexcluded", &format!(r#""time":{},"hostId":"h1""#, T + 5)),
        excluded("ExecutorUnexcluded", &format!(r#""time":{},"executorId":"1""#, T + 6)),
        excluded("MiscellaneousProcessAdded", &format!(r#""time":{T},"processId":"am-1","info":{{"hostPort":"h9:1","cores":2,"logUrlInfo":{{"stderr":"http://h9/err"}}}}"#)),
    ]
    .concat()
}

/// A stage of an RDD that is cached, of one task that takes long enough for its executor to be measured.
fn measured() -> String {
    let level = r#"{"Use Disk":false,"Use Memory":true,"Deserialized":true,"Replication":1}"#;
    let scope = r#"{\"id\":\"5\",\"name\":\"map\",\"parent\":{\"id\":\"3\",\"name\":\"WholeStageCodegen (1)\"}}"#;
    let rdd = format!(
        r#"{{"RDD ID":8,"Name":"numbers","Scope":"{scope}","Callsite":"map at X:1","Parent IDs":[7],"Storage Level":{level},"Barrier":false,"DeterministicLevel":"DETERMINATE","Number of Partitions":1,"Number of Cached Partitions":1,"Memory Size":0,"Disk Size":0}}"#
    );
    let accumulable =
        r#"{"ID":77,"Name":"rows seen","Update":"5","Value":"5","Internal":false,"Count Failed Values":false}"#;
    let stage = |rest: &str| {
        format!(
            r#"{{"Stage ID":9,"Stage Attempt ID":0,"Stage Name":"sum at X","Number of Tasks":1,"RDD Info":[{rdd}],"Parent IDs":[4,5],"Details":"","Submission Time":{T},{rest}"Accumulables":[{accumulable}],"Resource Profile Id":0}}"#
        )
    };
    let task = |end: i64| {
        format!(
            r#"{{"Task ID":900,"Index":0,"Attempt":0,"Partition ID":0,"Launch Time":{T},"Executor ID":"1","Host":"h1","Locality":"NODE_LOCAL","Speculative":true,"Getting Result Time":0,"Finish Time":{end},"Failed":false,"Killed":false,"Accumulables":[{accumulable}]}}"#
        )
    };
    let block = |name: &str| {
        format!(
            r#""Block Updated Info":{{"Block Manager ID":{{"Executor ID":"2","Host":"h2","Port":7}},"Block ID":"{name}","Storage Level":{level},"Memory Size":300,"Disk Size":0}}"#
        )
    };
    [
        line("SparkListenerJobStart", &format!(r#""Job ID":9,"Submission Time":{T},"Stage Infos":[{}],"Stage IDs":[9],"Properties":{{"spark.job.tags":"nightly","spark.jobGroup.id":"g"}}"#, stage(""))),
        line("SparkListenerStageSubmitted", &format!(r#""Stage Info":{},"Properties":{{}}"#, stage(""))),
        line("SparkListenerTaskStart", &format!(r#""Stage ID":9,"Stage Attempt ID":0,"Task Info":{}"#, task(0))),
        line("SparkListenerBlockUpdated", &block("rdd_8_0")),
        line("SparkListenerBlockUpdated", &block("input-0-1")),
        line(
            "SparkListenerTaskEnd",
            &format!(
                r#""Stage ID":9,"Stage Attempt ID":0,"Task Type":"ResultTask","Task End Reason":{{"Reason":"Success"}},"Task Info":{},"Task Executor Metrics":{{"JVMHeapMemory":5000,"TotalGCTime":12}},"Task Metrics":{{"Executor Run Time":40,"JVM GC Time":1,"Result Size":1000,"Memory Bytes Spilled":0,"Disk Bytes Spilled":0}}"#,
                task(T + 45)
            ),
        ),
        line("SparkListenerStageCompleted", &format!(r#""Stage Info":{}"#, stage(&format!(r#""Completion Time":{},"#, T + 50)))),
        line("SparkListenerJobEnd", &format!(r#""Job ID":9,"Completion Time":{},"Job Result":{{"Result":"JobSucceeded"}}"#, T + 60)),
    ]
    .concat()
}

/// A query that adaptive execution changes, with secrets where there may be some.
fn query() -> String {
    let metric = |id: i64| format!(r#"[{{"name":"data size","accumulatorId":{id},"metricType":"size"}}]"#);
    let scan = r#"{"nodeName":"Scan parquet","simpleString":"FileScan parquet","children":[],"metadata":{"PushedFilters":"[IsNotNull(a)]"},"metrics":[]}"#;
    let plan = |name: &str| {
        format!(
            r#""physicalPlanDescription":"a plan","sparkPlanInfo":{{"nodeName":"{name}","simpleString":"{name} a","children":[{{"nodeName":"WholeStageCodegen (1)","simpleString":"WholeStageCodegen (1)","children":[{scan}],"metadata":{{}},"metrics":[]}}],"metadata":{{}},"metrics":{}}}"#,
            metric(501)
        )
    };
    let sql =
        |name: &str, fields: &str| line(&format!("org.apache.spark.sql.execution.ui.SparkListener{name}"), fields);
    [
        sql("SQLExecutionStart", &format!(r#""executionId":3,"rootExecutionId":3,"description":"select","details":"",{},"time":{T},"modifiedConfigs":{{"spark.my.password":"hunter2","spark.sql.ansi.enabled":"true"}},"jobTags":["nightly"],"jobGroupId":"g""#, plan("SortMergeJoin"))),
        sql("SQLAdaptiveExecutionUpdate", &format!(r#""executionId":3,{}"#, plan("BroadcastHashJoin"))),
        sql("DriverAccumUpdates", r#""executionId":3,"accumUpdates":[[501,2048]]"#),
        sql("SQLExecutionEnd", &format!(r#""executionId":3,"time":{},"errorMessage":"""#, T + 90)),
    ]
    .concat()
}

/// Its log.
pub(crate) fn log() -> String {
    let environment = r#"{"Event":"SparkListenerEnvironmentUpdate","JVM Information":{"Java Version":"17 (Acme)","Scala Version":"version 2.13"},"Spark Properties":{"spark.app.name":"all","spark.my.password":"hunter2"},"Hadoop Properties":{"fs.x":"y"},"System Properties":{"user.home":"/h"},"Classpath Entries":{"/opt/a.jar":"System Classpath"}}"#;
    let profile = r#"{"Event":"SparkListenerResourceProfileAdded","Resource Profile Id":0,"Executor Resource Requests":{"memory":{"Resource Name":"memory","Amount":1024,"Discovery Script":"","Vendor":""}},"Task Resource Requests":{"cpus":{"Resource Name":"cpus","Amount":0.5}}}"#;
    let connect = line(
        "org.apache.spark.sql.connect.service.SparkListenerConnectServiceStarted",
        r#""hostAddress":"h","bindingPort":15002,"sparkConf":{},"eventTime":5"#,
    );
    let other = line("com.acme.CommitEvent", r#""table":"t","files":12"#);
    let parts = [
        head("app-1", None),
        format!("{profile}\n{environment}\n"),
        executors(),
        connect,
        other,
        job(0, 2),
        measured(),
        query(),
        gone(),
        end(),
    ];
    parts.concat()
}

/// How the executor goes.
fn gone() -> String {
    let reason = r#""Removed Reason":"Command exited with code 137""#;
    let removed = line("SparkListenerBlockManagerRemoved", &format!(r#"{MANAGER},"Timestamp":{}"#, T + 70));
    removed + &line("SparkListenerExecutorRemoved", &format!(r#""Timestamp":{},"Executor ID":"1",{reason}"#, T + 80))
}
