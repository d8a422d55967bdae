use std::collections::BTreeMap;
use std::io::Write as _;

use super::*;

fn spark(variables: &[(&str, &str)]) -> Spark {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    read(None, &|name| variables.get(name).map(|value| (*value).to_owned()))
}

fn setting(spark: &Spark, role: Option<&'static str>, name: &'static str) -> Vec<String> {
    spark.settings.get(&(role, name)).map(|(values, _)| values.clone()).unwrap_or_default()
}

const HISTORY: Option<&str> = Some("history-server");

#[test]
fn without_a_word_all_is_as_spark_has_it() {
    let spark = spark(&[]);
    assert_eq!(spark.mistakes, Vec::<String>::new());
    assert_eq!(setting(&spark, HISTORY, "listen"), ["0.0.0.0:18080"]);
    assert_eq!(setting(&spark, None, "admin-listen"), ["off"]);
    assert_eq!(spark.event_logs[0].1.to_string(), "file:/tmp/spark-events");
    assert!(setting(&spark, HISTORY, "clean-max-age").is_empty() && !spark.keeps);
}

#[test]
fn options_of_the_history_server_go_before_those_of_all_daemons_and_those_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = std::fs::File::create(folder.path().join("spark-defaults.conf")).unwrap();
    writeln!(file, "# a comment\nspark.history.ui.port 1\nspark.history.fs.update.interval: 1m").unwrap();
    writeln!(
        file,
        "spark.history.fs.logDirectory=s3a://logs-of-us/\\\n  logs\nother.key=x\nspark.history.ui.title = Caf\u{e9}"
    )
    .unwrap();
    let spark = spark(&[
        ("SPARK_CONF_DIR", folder.path().to_str().unwrap()),
        ("SPARK_DAEMON_JAVA_OPTS", "-Dspark.history.ui.port=2 -Dspark.history.fs.update.interval=2m -Xmx4g"),
        ("SPARK_HISTORY_OPTS", "-Dspark.history.ui.port=3 '-Dspark.history.ui.title=Two words'"),
    ]);
    assert_eq!(spark.mistakes, Vec::<String>::new());
    assert_eq!(setting(&spark, HISTORY, "listen"), ["0.0.0.0:3"]);
    assert_eq!(setting(&spark, HISTORY, "scan-interval"), ["2m"]);
    assert_eq!(setting(&spark, HISTORY, "title"), ["Two words"]);
    assert_eq!(spark.event_logs[0].1.to_string(), "s3://logs-of-us/logs");
    assert!(spark.notes().iter().any(|note| note.starts_with("-Xmx4g")), "{:?}", spark.notes());
}

#[test]
fn spark_s_times_are_seconds_without_a_unit_and_old_names_are_known() {
    let old = spark(&[("SPARK_HISTORY_OPTS", "-Dspark.history.updateInterval=15")]);
    assert_eq!(setting(&old, HISTORY, "scan-interval"), ["15s"]);
    let both = "-Dspark.history.fs.update.interval=3min -Dspark.history.fs.update.interval.seconds=15";
    let both = spark(&[("SPARK_HISTORY_OPTS", both)]);
    assert_eq!(setting(&both, HISTORY, "scan-interval"), ["3m"]);
    let wrong = spark(&[("SPARK_HISTORY_OPTS", "-Dspark.history.fs.update.interval=soon")]);
    assert!(wrong.mistakes[0].contains("10s, 5m"), "{:?}", wrong.mistakes);
}

#[test]
fn a_cleaner_that_is_on_has_spark_s_limits_and_one_that_would_not_spare_what_it_should_does_not_run() {
    let on = spark(&[("SPARK_HISTORY_OPTS", "-Dspark.history.fs.cleaner.enabled=true")]);
    assert_eq!(setting(&on, HISTORY, "clean-max-age"), ["7d"]);
    assert_eq!(setting(&on, HISTORY, "clean-interval"), ["1d"]);
    let off = spark(&[("SPARK_HISTORY_OPTS", "-Dspark.history.fs.cleaner.maxAge=1d")]);
    assert!(setting(&off, HISTORY, "clean-max-age").is_empty());
    let both = "-Dspark.history.fs.cleaner.enabled=true -Dspark.history.fs.cleaner.maxAge=2d \
                -Dspark.history.fs.cleaner.maxAge.seconds=1";
    let both = spark(&[("SPARK_HISTORY_OPTS", both)]);
    assert_eq!(setting(&both, HISTORY, "clean-max-age"), ["2d"]);
    assert!(report(&both).contains("ignored  spark.history.fs.cleaner.maxAge.seconds=1"), "{}", report(&both));
    let spared = "-Dspark.history.fs.cleaner.enabled=true -Dspark.history.fs.update.scanDisabledPathPatterns=.*keep.*";
    assert!(setting(&spark(&[("SPARK_HISTORY_OPTS", spared)]), HISTORY, "clean-max-age").is_empty());
}

#[test]
fn what_guards_spark_s_server_is_never_passed_over() {
    for options in ["-Dspark.ui.filters=org.apache.spark.ui.JWSFilter", "-Dspark.ssl.historyServer.enabled=true"] {
        let found = spark(&[("SPARK_HISTORY_OPTS", options)]);
        assert!(found.mistakes[0].contains("HEARTH_"), "{:?}", found.mistakes);
    }
    let said = [("SPARK_HISTORY_OPTS", "-Dspark.ui.filters=a.Filter"), ("HEARTH_ACCESS", "guarded")];
    assert_eq!(spark(&said).mistakes, Vec::<String>::new());
}

#[test]
fn folders_of_every_kind_are_found_with_their_keys_and_no_key_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let site = "<?xml version=\"1.0\"?><configuration><!-- c --><property><name>fs.azure.account.key.acct.blob.core.windows.net\
                </name><value>QUJD</value><final>true</final></property></configuration>";
    std::fs::write(folder.path().join("core-site.xml"), site).unwrap();
    let options = "-Dspark.history.fs.logDirectory=s3a://logs-of-us/p%20q,/local/x,,wasbs://c@acct.blob.core.windows.net/y,gs://ours,oss://our-logs/z \
                   -Dspark.hadoop.fs.s3a.bucket.logs-of-us.endpoint=minio.svc:9000 -Dspark.hadoop.fs.s3a.connection.ssl.enabled=false \
                   -Dspark.hadoop.fs.s3a.path.style.access=true -Dspark.hadoop.fs.s3a.access.key=AKID \
                   -Dspark.hadoop.fs.s3a.secret.key=HIDDEN -Dspark.hadoop.fs.oss.endpoint=oss-cn-hangzhou.aliyuncs.com";
    let spark = spark(&[("SPARK_HISTORY_OPTS", options), ("HADOOP_CONF_DIR", folder.path().to_str().unwrap())]);
    assert_eq!(spark.mistakes, Vec::<String>::new());
    let places: Vec<String> = spark.event_logs.iter().map(|(_, url)| url.to_string()).collect();
    assert_eq!(places, ["s3://logs-of-us/p%20q", "file:/local/x", "az://c/y", "gs://ours", "oss://our-logs/z"]);
    let report = report(&spark);
    assert!(!report.contains("HIDDEN") && !report.contains("QUJD") && !report.contains("AKID"), "{report}");
    assert!(report.contains("used     fs.azure.account.key.acct"), "{report}");
    assert!(report.contains("used     spark.hadoop.fs.s3a.bucket.logs-of-us.endpoint=minio.svc:9000"), "{report}");
    let hdfs = "-Dspark.history.fs.logDirectory=hdfs://nn:8020/logs";
    assert!(super::tests::spark(&[("SPARK_HISTORY_OPTS", hdfs)]).mistakes[0].contains("hdfs: is not read here"));
}

#[test]
fn an_agent_of_prometheus_becomes_the_admin_port() {
    let agent =
        "-javaagent:/stackable/jmx/jmx_prometheus_javaagent.jar=18081:/stackable/jmx/config.yaml -Djava.security.x=y";
    let spark = spark(&[("SPARK_HISTORY_OPTS", agent)]);
    assert_eq!(setting(&spark, None, "admin-listen"), ["0.0.0.0:18081"]);
}

#[test]
fn what_nobody_knows_is_told_once_and_stops_nothing() {
    let options = "-Dspark.history.store.hybridStore.serializer=x -Dspark.executor.memory=1g";
    let spark = spark(&[("SPARK_HISTORY_OPTS", options)]);
    assert!(spark.mistakes.is_empty());
    let notes = spark.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("hybridStore.serializer") && notes[0].contains("not known"));
}
