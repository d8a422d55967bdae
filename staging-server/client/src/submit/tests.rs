use std::collections::BTreeSet;

use super::*;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn submission(text: &str) -> Submission {
    Submission::parse(&words(text), &|path| match path {
        "defaults.conf" => {
            Ok("spark.files  a.csv,s3a://b/c\nspark.jars=other.jar\nspark.x = y \nhadoop.z=1\n".to_owned())
        }
        _ => Err("no such file".to_owned()),
    })
    .unwrap()
}

fn places(text: &str) -> Option<Vec<String>> {
    match text {
        "all/*.jar" => Some(vec!["W/one.jar".to_owned(), "W/two.jar".to_owned()]),
        _ => Some(vec![format!("W/{}", text.rsplit('/').next().unwrap())]),
    }
}

/// What becomes of each option: for spark-submit (with `FILE` for a local file), and for Kubeflow's operator, where it
/// stands in the manifest, or why it is refused.
const ROWS: [(&str, &str, &str); 34] = [
    ("--master k8s://h", "--master k8s://h", ""),
    ("--remote sc://h", "--remote sc://h", "!Spark Connect"),
    ("--deploy-mode cluster", "--deploy-mode cluster", "/spec/mode=cluster"),
    ("--class a.Main", "--class a.Main", "/spec/mainClass=a.Main"),
    ("--name n", "--name n", "/metadata/name=n-1"),
    ("--jars a.jar,http://h/b.jar", "--jars W/a.jar,http://h/b.jar", "/spec/deps/jars/0=W/a.jar"),
    ("--packages g:a:1,g:b:1", "--packages g:a:1,g:b:1", "/spec/deps/packages/1=g:b:1"),
    ("--exclude-packages g:a", "--exclude-packages g:a", "/spec/deps/excludePackages/0=g:a"),
    ("--repositories http://r", "--repositories http://r", "/spec/deps/repositories/0=http://r"),
    ("--py-files file:///x/p.zip", "--py-files W/p.zip", "/spec/deps/pyFiles/0=W/p.zip"),
    ("--files f.txt#g", "--files W/f.txt#g", "/spec/deps/files/0=W/f.txt#g"),
    ("--archives e.tgz#env", "--archives W/e.tgz#env", "/spec/deps/archives/0=W/e.tgz#env"),
    ("--conf spark.jars=a.jar", "--conf spark.jars=W/a.jar", "/spec/deps/jars/0=W/a.jar"),
    (
        "--properties-file defaults.conf",
        "--properties-file defaults.conf --conf spark.files=W/a.csv,s3a://b/c --conf spark.jars=W/other.jar",
        "/spec/deps/files/1=s3a://b/c",
    ),
    ("--load-spark-defaults", "--load-spark-defaults", "!--properties-file"),
    ("--driver-memory 2g", "--driver-memory 2g", "/spec/driver/memory=2g"),
    ("--driver-java-options -Dx=y", "--driver-java-options -Dx=y", "/spec/driver/javaOptions=-Dx=y"),
    ("--driver-library-path /l", "--driver-library-path /l", "/spec/sparkConf/spark.driver.extraLibraryPath=/l"),
    ("--driver-class-path /c", "--driver-class-path /c", "/spec/sparkConf/spark.driver.extraClassPath=/c"),
    ("--executor-memory 3g", "--executor-memory 3g", "/spec/executor/memory=3g"),
    ("--proxy-user u", "--proxy-user u", "/spec/proxyUser=u"),
    ("--help", "--help", "!installed"),
    ("--verbose", "--verbose", ""),
    ("--version", "--version", "!installed"),
    ("--usage-error", "--usage-error", "!installed"),
    ("--driver-cores 2", "--driver-cores 2", "/spec/driver/cores=2"),
    ("--supervise", "--supervise", "!restartPolicy"),
    ("--kill id", "--kill id", "!installed"),
    ("--status id", "--status id", "!installed"),
    ("--total-executor-cores 8", "--total-executor-cores 8", "/spec/sparkConf/spark.cores.max=8"),
    ("--executor-cores 2", "--executor-cores 2", "/spec/executor/cores=2"),
    ("--num-executors 4", "--num-executors 4", "/spec/executor/instances=4"),
    ("--principal p", "--principal p", "/spec/sparkConf/spark.kerberos.principal=p"),
    ("--keytab k", "--keytab k", "!Secret"),
];
const QUEUE: (&str, &str, &str) = ("--queue q", "--queue q", "!YARN");

#[test]
fn every_option_is_passed_on_rewritten_or_refused() {
    let mut seen = BTreeSet::new();
    for (given, handed_over, manifest) in ROWS.into_iter().chain([QUEUE]) {
        seen.insert(given.split(' ').next().unwrap());
        let application = format!("{given} app.py one two");
        assert_eq!(submission(&application).rewritten(&places).join(" "), format!("{handed_over} W/app.py one two"));
        let image = "--conf spark.kubernetes.container.image=r/spark:3.5.7-java17";
        let application = submission(&format!("{given} {image} app.py one two"));
        let made = Application::new(&application, &places, "1", None).and_then(operator::manifest);
        match (manifest.strip_prefix('!'), made) {
            (Some(reason), Err(mistakes)) => assert!(mistakes.join(" ").contains(reason), "{given}: {mistakes:?}"),
            (None, Ok(made)) => {
                let Some((pointer, value)) = manifest.split_once('=') else { continue };
                let found = made.pointer(pointer).unwrap_or_else(|| panic!("{given}: {made:#}"));
                let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                assert_eq!(found, value, "{given}");
            }
            (_, other) => panic!("{given}: {other:?}"),
        }
    }
    let all: BTreeSet<_> = OPTIONS.iter().map(|option| option.name).collect();
    assert_eq!(seen, all);
}

#[test]
fn arguments_are_read_as_spark_submit_reads_them() {
    let read = submission("-c spark.a=b=c --conf=spark.d=e --name=x -v s3a://b/app.jar --jars not-an-option");
    assert_eq!(read.rewritten(&places)[..6], ["--conf", "spark.a=b=c", "--conf", "spark.d=e", "--name", "x"]);
    assert_eq!(read.rewritten(&places)[7..], ["s3a://b/app.jar", "--jars", "not-an-option"]);
    assert_eq!(read.settings()["spark.a"], "b=c");
    assert!(read.local(false).is_empty());
    for (wrong, says) in [
        ("--nonsense x app.jar", "no option --nonsense"),
        ("--conf", "--conf needs a value"),
        ("--conf spark.a app.jar", "write NAME=VALUE"),
        ("--verbose=1 app.jar", "takes no value"),
        ("--properties-file none app.jar", "no such file"),
    ] {
        let refused = Submission::parse(&words(wrong), &|_| Err("no such file".to_owned())).unwrap_err();
        assert!(refused.contains(says), "{wrong}: {refused}");
    }
}

#[test]
fn what_counts_is_what_spark_takes() {
    let read = submission(
        "--properties-file defaults.conf --conf spark.jars=conf.jar --jars all/*.jar --deploy-mode cluster local:///app.jar",
    );
    assert_eq!(read.settings()["spark.jars"], "all/*.jar");
    assert!(read.is_cluster_mode() && !submission("app.jar").is_cluster_mode());
    let local: Vec<_> = read.local(false).into_iter().map(|local| local.text).collect();
    assert_eq!(local, ["a.csv", "all/*.jar"], "what is overruled is not uploaded");
    let rewritten = read.rewritten(&places).join(" ");
    assert!(rewritten.contains("--jars W/one.jar,W/two.jar"), "{rewritten}");
    assert!(!rewritten.contains("other.jar"), "{rewritten}");
    assert!(rewritten.ends_with(" local:///app.jar"), "{rewritten}");
}

#[test]
fn uris_are_local_as_for_spark() {
    for local in ["a.jar", "/a/b.jar", "file:/a", "file:///a", "../x", "a#b", "dir/na:me.jar"] {
        assert!(is_local(local), "{local}");
    }
    for other in ["local:///a", "hdfs:/a", "s3a://b/c", "http://h/x", "spark-internal", "pyspark-shell", ""] {
        assert!(!is_local(other), "{other}");
    }
}

#[test]
fn an_operator_needs_to_know_more_and_says_what() {
    let refused =
        Application::new(&submission("--master yarn --deploy-mode client a.jar"), &places, "1", None).unwrap_err();
    for says in ["--master", "--deploy-mode", "container.image", "--spark-version", "--class"] {
        assert!(refused.iter().any(|mistake| mistake.contains(says)), "{says}: {refused:?}");
    }
    assert!(
        Application::new(&submission("--verbose"), &places, "1", None).unwrap_err()[0]
            .contains("there is no application")
    );
    let image = "--conf spark.kubernetes.container.image=r/spark:v4.0.1";
    let bad = submission(&format!("{image} --executor-cores many a.py"));
    let refused = Application::new(&bad, &places, "1", None).and_then(operator::manifest).unwrap_err();
    assert_eq!(refused, ["spark.executor.cores: \"many\" is no whole number"]);
}

#[test]
fn both_operators_get_the_whole_application() {
    let text = "--name Daily_Report --class a.b.Main --conf spark.kubernetes.namespace=team \
        --conf spark.kubernetes.container.image=localhost:5000/spark:4.0.1-scala2.13 --conf spark.x=y --jars l.jar \
        --conf spark.kubernetes.driver.podTemplateFile=t.yaml app.jar --flag";
    let application = Application::new(&submission(text), &places, "0a", None).unwrap();
    let made = operator::manifest(application.clone()).unwrap();
    assert_eq!(made["metadata"], serde_json::json!({"name": "daily-report-0a", "namespace": "team"}));
    assert_eq!((&made["spec"]["type"], &made["spec"]["sparkVersion"]), (&"Scala".into(), &"4.0.1".into()));
    assert_eq!(made["spec"]["mainApplicationFile"], "W/app.jar");
    assert_eq!(made["spec"]["arguments"], serde_json::json!(["--flag"]));
    let settings = serde_json::json!({"spark.x": "y", "spark.kubernetes.driver.podTemplateFile": "W/t.yaml"});
    assert_eq!(made["spec"]["sparkConf"], settings);
    let made = apache::manifest(application).unwrap();
    assert_eq!(made["apiVersion"], "spark.apache.org/v1");
    assert_eq!(made["spec"]["jars"], "W/app.jar,W/l.jar");
    assert_eq!(made["spec"]["mainClass"], "a.b.Main");
    assert_eq!(made["spec"]["driverArgs"], serde_json::json!(["--flag"]));
    assert_eq!(made["spec"]["sparkConf"]["spark.kubernetes.container.image"], "localhost:5000/spark:4.0.1-scala2.13");
}
