//! Events as Spark writes them, cut down to what is read.

use crate::tests::{event, sql_event};

pub(super) fn streaming(name: &str, fields: &str) -> String {
    event(&format!("org.apache.spark.sql.streaming.StreamingQueryListener$Query{name}Event"), fields)
}

pub(super) fn connect(name: &str, fields: &str) -> String {
    event(&format!("org.apache.spark.sql.connect.service.SparkListenerConnect{name}"), fields)
}

pub(super) fn thrift(name: &str, fields: &str) -> String {
    event(&format!("org.apache.spark.sql.hive.thriftserver.ui.SparkListenerThriftServer{name}"), fields)
}

pub(super) fn started(run: &str, name: &str, second: u32) -> String {
    let time = format!("2026-11-20T10:00:{second:02}.000Z");
    streaming("Started", &format!(r#""id":"q-{run}","runId":"{run}","name":{name},"timestamp":"{time}","jobTags":[]"#))
}

/// A report of a batch of ten rows a second; the first one has neither event times nor custom metrics.
pub(super) fn progress(run: &str, batch: i64, second: u32) -> String {
    let (times, custom) = if batch == 0 {
        (r#""watermark":"1970-01-01T00:00:00.000Z""#, String::new())
    } else {
        let times = r#""min":"2026-11-20T09:59:58.500Z","watermark":"2026-11-20T09:59:50.000Z""#;
        (times, format!(r#""SnapshotLastUploaded.partition_{batch}_default":-1,"loadedMapCacheHitCount":8"#))
    };
    let state = format!(
        r#"{{"operatorName":"stateStoreSave","numRowsTotal":{batch},"numRowsUpdated":2,"allUpdatesTimeMs":112,"numRowsRemoved":1,"allRemovalsTimeMs":14,"commitTimeMs":285,"memoryUsedBytes":2256,"numRowsDroppedByWatermark":3,"numShufflePartitions":4,"numStateStoreInstances":4,"customMetrics":{{{custom}}}}}"#
    );
    let source = r#"{"description":"Rate","startOffset":"0","endOffset":{"a":1},"latestOffset":null,"numInputRows":10,"inputRowsPerSecond":5.5,"processedRowsPerSecond":"NaN","metrics":{"behind":"2.5","name":"x"}}"#;
    streaming(
        "Progress",
        &format!(
            r#""progress":{{"id":"q-{run}","runId":"{run}","name":null,"timestamp":"2026-11-20T10:00:{second:02}.250Z","batchId":{batch},"batchDuration":700,"durationMs":{{"triggerExecution":707,"addBatch":551}},"eventTime":{{{times}}},"stateOperators":[{state},{state}],"sources":[{source},{source}],"sink":{{"description":"MemorySink","numOutputRows":-1,"metrics":{{}}}},"observedMetrics":{{}}}}"#
        ),
    )
}

pub(super) fn terminated(run: &str, exception: &str) -> String {
    streaming(
        "Terminated",
        &format!(r#""id":"q-{run}","runId":"{run}","exception":{exception},"errorClassOnException":null"#),
    )
}

pub(super) fn job(id: i32, properties: &str) -> String {
    event(
        "SparkListenerJobStart",
        &format!(
            r#""Job ID":{id},"Submission Time":950,"Stage Infos":[],"Stage IDs":[],"Properties":{{{properties}}}"#
        ),
    )
}

pub(super) fn execution(id: i64, more: &str) -> String {
    let plan = r#"{"nodeName":"Scan","simpleString":"scan","children":[],"metadata":{},"metrics":[]}"#;
    sql_event(
        "SQLExecutionStart",
        &format!(
            r#""executionId":{id},"description":"d","physicalPlanDescription":"p","sparkPlanInfo":{plan},"time":9,"modifiedConfigs":{{}},{more}"#
        ),
    )
}

pub(super) fn tag(operation: &str) -> String {
    format!("SparkConnect_OperationTag_User_ann_Session_s1_Operation_{operation}")
}

pub(super) fn operation(name: &str, id: &str, time: i64, more: &str) -> String {
    connect(
        &format!("Operation{name}"),
        &format!(r#""jobTag":"{}","operationId":"{id}","eventTime":{time},{more}"extraTags":{{}}"#, tag(id)),
    )
}

pub(super) fn operation_started(id: &str, time: i64) -> String {
    let more = r#""sessionId":"s1","userId":"ann","userName":"Ann","statementText":"plan of it","sparkSessionTags":["b","a"],"#;
    operation("Started", id, time, more)
}

pub(super) fn streaming_log() -> String {
    [
        started("run-1", "\"windows\"", 0),
        started("run-2", "null", 1),
        progress("run-1", 0, 2),
        progress("run-1", 2, 4),
        progress("run-1", 1, 3),
        progress("run-1", 2, 4),
        streaming("Idle", r#""id":"q-run-1","runId":"run-1","timestamp":"2026-11-20T10:00:09.000Z""#),
        terminated("run-1", "null"),
        terminated("run-2", "\"boom\""),
        terminated("never-seen", "null"),
        progress("run-3", 7, 8),
        streaming("Restarted", r#""runId":"run-1""#),
    ]
    .concat()
}

pub(super) fn connect_log() -> String {
    [
        connect("ServiceStarted", r#""hostAddress":"10.0.0.1","bindingPort":15002,"eventTime":10"#),
        connect("SessionStarted", r#""sessionId":"s1","userId":"ann","eventTime":100,"extraTags":{}"#),
        connect("SessionStarted", r#""sessionId":"s1","userId":"bob","eventTime":110,"extraTags":{}"#),
        operation_started("o1", 200),
        operation("Analyzed", "o1", 210, ""),
        operation("ReadyForExecution", "o1", 220, ""),
        execution(4, &format!(r#""jobTags":["other","{}"],"jobGroupId":null"#, tag("o1"))),
        job(7, &format!(r#""spark.job.tags":"{},zzz""#, tag("o1"))),
        operation("Finished", "o1", 300, r#""producedRowCount":5,"#),
        operation("Closed", "o1", 310, ""),
        job(8, &format!(r#""spark.job.tags":"{}""#, tag("o1"))),
        operation_started("o2", 400),
        operation("Analyzed", "o2", 410, ""),
        operation("Failed", "o2", 420, r#""errorMessage":"no such table","#),
        operation("Closed", "o2", 430, ""),
        operation_started("o3", 500),
        operation("Analyzed", "o3", 505, ""),
        operation("Canceled", "o3", 510, ""),
        operation_started("o4", 600),
        operation("Closed", "never-started", 700, ""),
        connect("SessionClosed", r#""sessionId":"s1","userId":"ann","eventTime":800,"extraTags":{}"#),
        connect("ServiceEnd", r#""hostAddress":"10.0.0.1","bindingPort":15002,"eventTime":900"#),
    ]
    .concat()
}

pub(super) fn statement_started(id: &str, group: &str, time: i64) -> String {
    thrift(
        "OperationStart",
        &format!(
            r#""id":"{id}","sessionId":"t1","statement":"select {id}","groupId":"{group}","startTime":{time},"userName":"ann""#
        ),
    )
}

pub(super) fn thrift_log() -> String {
    [
        thrift("SessionCreated", r#""ip":"127.0.0.1","sessionId":"t1","userName":"ann","startTime":100"#),
        statement_started("a", "ga", 200),
        thrift("OperationParsed", r#""id":"a","executionPlan":"== Physical Plan ==""#),
        execution(5, r#""jobTags":[],"jobGroupId":"ga""#),
        job(1, r#""spark.jobGroup.id":"ga","spark.sql.execution.id":"5""#),
        job(2, r#""spark.jobGroup.id":"another","spark.sql.execution.id":"6""#),
        thrift("OperationFinish", r#""id":"a","finishTime":300"#),
        thrift("OperationClosed", r#""id":"a","closeTime":310"#),
        job(3, r#""spark.jobGroup.id":"ga""#),
        statement_started("b", "gb", 400),
        thrift("OperationError", r#""id":"b","errorMsg":"wrong","errorTrace":"at","finishTime":410"#),
        statement_started("c", "gc", 500),
        thrift("OperationTimeout", r#""id":"c","finishTime":510"#),
        statement_started("d", "gd", 600),
        thrift("OperationCanceled", r#""id":"d","finishTime":610"#),
        thrift("OperationClosed", r#""id":"d","closeTime":620"#),
        statement_started("e", "ge", 700),
        thrift("SessionClosed", r#""sessionId":"t1","finishTime":800"#),
        thrift("SessionClosed", r#""sessionId":"t9","finishTime":800"#),
    ]
    .concat()
}
