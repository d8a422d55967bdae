//! The staging server as Hadoop's own client sees it: `hadoop fs` and `spark-submit` of several Spark versions, from the
//! jars of their pyspark wheels, against the real `hearth`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

#[path = "../../storage/tests/conformance/s3_server.rs"]
mod s3_server;

use s3_server::S3Server;

use crate::support::cache;
use crate::support::hearth::Hearth;
use crate::support::process::{Output, guarded, run};

const MINUTES: Duration = Duration::from_secs(300);
const ODD_NAMES: [&str; 4] =
    ["with space.txt", "100%.txt", "a+b;c.txt", "\u{fc}n\u{ef}c\u{f6}d\u{e9} \u{4f60}\u{597d}.txt"];

/// A running staging server and a client of it.
struct Case {
    hearth: Hearth,
    folder: TempDir,
    spark: &'static str,
}

impl Case {
    async fn on(spark: &'static str, store: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Without one of its own, the shell says that it has no configuration and ends.
        std::fs::write(folder.path().join("core-site.xml"), "<configuration/>").unwrap();
        let arguments =
            ["staging-server", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store", store];
        let hearth = Hearth::start(&arguments, environment, &["staging server"]).await;
        Self { hearth, folder, spark }
    }

    async fn on_a_folder(spark: &'static str) -> (Self, TempDir) {
        let store = tempfile::tempdir().unwrap();
        (Self::on(spark, &format!("file:{}", store.path().display()), &[]).await, store)
    }

    /// `webhdfs://host:port<path>`
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.hearth.address("staging server").replace("http://", "webhdfs://"))
    }

    /// A file of the submitting side.
    fn local(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// `hadoop fs <arguments>`; those that begin with `/` and are nothing here are the server's.
    async fn try_fs(&self, arguments: &[&str]) -> Output {
        let jars = cache::spark_home(self.spark).join("jars");
        let mut command = guarded("java");
        // The JVM's own compiler costs more than it brings in so short a life.
        command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]);
        command.arg(format!("{}:{}/*", self.folder.path().display(), jars.display()));
        command.arg("org.apache.hadoop.fs.FsShell").current_dir(self.folder.path());
        command.args(arguments.iter().map(|argument| match argument.strip_prefix("hearth:") {
            Some(path) => self.url(path),
            None => (*argument).to_owned(),
        }));
        run(command.env("LC_ALL", "C.UTF-8"), MINUTES).await
    }

    async fn fs(&self, arguments: &[&str]) -> String {
        self.try_fs(arguments).await.succeeded().stdout
    }

    /// What a person reads when a command fails: no stack trace, and not nothing.
    async fn fs_fails(&self, arguments: &[&str], says: &str) {
        let output = self.try_fs(arguments).await;
        assert!(!output.status.success(), "{arguments:?}: {}", output.stdout);
        assert!(output.stderr.contains(says), "{arguments:?}: {}", output.stderr);
        assert!(!output.stderr.contains("\tat "), "{arguments:?}: {}", output.stderr);
    }

    /// The paths in and below a folder, without the server's address.
    async fn paths(&self, folder: &str) -> Vec<String> {
        let listed = self.fs(&["-ls", "-R", "-C", &format!("hearth:{folder}")]).await;
        let address = self.url("");
        listed.lines().map(|line| line.strip_prefix(&address).unwrap_or(line).to_owned()).collect()
    }

    async fn fetched(&self, path: &str) -> Vec<u8> {
        let local = self.folder.path().join("fetched");
        self.fs(&["-get", "-f", &format!("hearth:{path}"), local.to_str().unwrap()]).await;
        std::fs::read(local).unwrap()
    }
}

/// Bytes that do not compress and are not all alike.
fn bytes(length: u32) -> Vec<u8> {
    let random = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 56) as u8)
    };
    (0..length).scan(7, |state, _| random(state)).collect()
}

async fn the_shell_of(spark: &'static str) {
    let (case, _store) = Case::on_a_folder(spark).await;
    let large = bytes(20_000_000);
    case.local("large.bin", &large);
    case.fs(&["-mkdir", "-p", "hearth:/staging/ns/d/empty"]).await;
    case.fs(&["-put", "large.bin", "hearth:/staging/ns/d/"]).await;
    assert!(case.fetched("/staging/ns/d/large.bin").await == large);
    for name in ODD_NAMES {
        case.local(name, name.as_bytes());
    }
    case.fs(&[&["-put"], &ODD_NAMES[..], &["hearth:/staging/ns/d"]].concat()).await;
    let mut expected: Vec<_> = ODD_NAMES.iter().map(|name| format!("/staging/ns/d/{name}")).collect();
    expected.extend(["/staging/ns/d".to_owned(), "/staging/ns/d/empty".into(), "/staging/ns/d/large.bin".into()]);
    expected.sort();
    assert_eq!(case.paths("/staging/ns").await, expected);
    for name in ODD_NAMES {
        assert_eq!(case.fs(&["-cat", &format!("hearth:/staging/ns/d/{name}")]).await, name);
    }

    case.fs(&["-mv", "hearth:/staging/ns/d/with space.txt", "hearth:/staging/ns/d/empty/moved"]).await;
    assert_eq!(case.paths("/staging/ns/d/empty").await, ["/staging/ns/d/empty/moved"]);
    case.fs(&["-appendToFile", "large.bin", "hearth:/staging/ns/d/empty/moved"]).await;
    let appended = case.fetched("/staging/ns/d/empty/moved").await;
    assert!(appended == [b"with space.txt".as_slice(), &large].concat());
    let used = case.fs(&["-du", "-s", "hearth:/staging/ns/d/empty"]).await;
    assert!(used.starts_with("20000014 "), "{used}");
    case.fs(&["-chmod", "600", "hearth:/staging/ns/d/empty/moved"]).await;
    let listed = case.fs(&["-ls", "hearth:/staging/ns/d/empty"]).await;
    assert!(listed.contains("-rw-------"), "{listed}");
    case.fs(&["-test", "-e", "hearth:/staging/ns/d/empty/moved"]).await;
    case.fs(&["-rm", "-r", "hearth:/staging/ns/d"]).await;
    assert_eq!(case.try_fs(&["-test", "-e", "hearth:/staging/ns/d"]).await.status.code(), Some(1));
}

#[tokio::test]
async fn the_shell_of_spark_3_5_puts_lists_reads_and_removes() {
    the_shell_of("3.5").await;
}

#[tokio::test]
async fn the_shell_of_spark_4_1_puts_lists_reads_and_removes() {
    the_shell_of("4.1").await;
}

#[tokio::test]
async fn the_shell_of_spark_4_3_puts_lists_reads_and_removes() {
    the_shell_of("4.3").await;
}

async fn mistakes_are_explained_by_the_shell_of(spark: &'static str) {
    let (case, _store) = Case::on_a_folder(spark).await;
    case.local("file", b"x");
    case.fs(&["-put", "file", "hearth:/staging/ns/"]).await;
    case.fs_fails(&["-cat", "hearth:/staging/ns/none"], "No such file or directory").await;
    case.fs_fails(&["-put", "file", "hearth:/staging/ns/"], "File exists").await;
    case.fs_fails(&["-mkdir", "-p", "hearth:/staging/ns/file/below"], "/staging/ns/file is a file").await;
    case.fs_fails(&["-mkdir", "-p", "hearth:/tmp/x"], "/tmp/x is not served here: write below /staging/<namespace>")
        .await;
    case.fs_fails(&["-mkdir", "-p", "hearth:/event-logs/.growing"], "is a name that Hearth keeps for itself").await;
    case.fs_fails(&["-mv", "hearth:/staging/ns/file", "hearth:/event-logs/"], "things are copied, not moved").await;
    case.fs_fails(&["-rm", "-r", "-skipTrash", "hearth:/event-logs"], "/event-logs stays").await;
}

#[tokio::test]
async fn mistakes_are_explained_by_the_shell_of_spark_3_5() {
    mistakes_are_explained_by_the_shell_of("3.5").await;
}

#[tokio::test]
async fn mistakes_are_explained_by_the_shell_of_spark_4_3() {
    mistakes_are_explained_by_the_shell_of("4.3").await;
}

#[tokio::test]
async fn event_logs_and_pod_templates_are_put_and_read() {
    let (case, store) = Case::on_a_folder("4.1").await;
    case.local("driver.yaml", b"kind: Pod\n");
    case.local("events", b"{}\n");
    case.fs(&["-put", "driver.yaml", "hearth:/pod-templates/ns/driver.yaml"]).await;
    case.fs(&["-mkdir", "hearth:/event-logs/eventlog_v2_spark-1"]).await;
    case.fs(&["-put", "events", "hearth:/event-logs/eventlog_v2_spark-1/events_1_spark-1"]).await;
    assert_eq!(case.fs(&["-cat", "hearth:/pod-templates/ns/driver.yaml"]).await, "kind: Pod\n");
    assert_eq!(case.fs(&["-cat", "hearth:/event-logs/eventlog_v2_spark-1/events_1_spark-1"]).await, "{}\n");
    let kept = |path: &str| std::fs::read(store.path().join(path)).unwrap();
    assert_eq!(kept("pod-templates/ns/driver.yaml"), b"kind: Pod\n");
    assert_eq!(kept("event-logs/eventlog_v2_spark-1/events_1_spark-1"), b"{}\n");
}

/// `spark-submit` uploads what the driver needs before it speaks to the API server; here there is none, so it ends there.
async fn submit(case: &Case, files: &[&Path; 4]) -> Output {
    let [main, jar, file, archive] = files.map(|path| path.to_str().unwrap());
    let upload = format!("spark.kubernetes.file.upload.path={}", case.url("/staging/ns"));
    let mut command = guarded(cache::spark_home(case.spark).join("bin/spark-submit"));
    command.args([
        "--master",
        "k8s://https://127.0.0.1:1",
        "--deploy-mode",
        "cluster",
        "--name",
        "it",
        "--class",
        "Main",
    ]);
    command.args(["--conf", &upload, "--conf", "spark.kubernetes.container.image=none"]);
    command.args(["--jars", jar, "--files", file, "--archives", archive, main]);
    run(command.env("LC_ALL", "C.UTF-8").current_dir(case.folder.path()), MINUTES).await
}

async fn spark_submit_uploads(spark: &'static str) {
    let (case, _store) = Case::on_a_folder(spark).await;
    let large = bytes(20_000_000);
    let contents: [(&str, &[u8]); 4] = [
        ("app.jar", &large),
        ("lib.jar", b"PK lib"),
        ("some data.csv", b"a,b\n1,2\n"),
        ("env.tar.gz", b"\x1f\x8b\x08"),
    ];
    let paths = contents.map(|(name, bytes)| case.local(name, bytes));
    let output = submit(&case, &[&paths[0], &paths[1], &paths[2], &paths[3]]).await;
    assert!(!output.status.success() && output.stderr.contains("127.0.0.1:1"), "{}", output.stderr);

    let uploaded = case.paths("/staging/ns").await;
    for (name, bytes) in contents {
        let mut matching = uploaded.iter().filter(|path| {
            path.starts_with("/staging/ns/spark-upload-")
                && Path::new(path).file_name().is_some_and(|last| last == name)
        });
        let (path, None) = (matching.next().unwrap(), matching.next()) else { panic!("{name}: {uploaded:?}") };
        assert!(case.fetched(path).await == bytes, "{path}");
    }
}

#[tokio::test]
async fn what_spark_submit_3_5_uploads_its_shell_reads_back() {
    spark_submit_uploads("3.5").await;
}

#[tokio::test]
async fn what_spark_submit_4_3_uploads_its_shell_reads_back() {
    spark_submit_uploads("4.3").await;
}

/// The credentials come from the environment, as the cloud's own tools take them.
#[tokio::test]
async fn a_store_on_s3_is_opened_by_what_the_environment_says() {
    let server = S3Server::start().await;
    let environment = [("AWS_ACCESS_KEY_ID", s3_server::KEY), ("AWS_SECRET_ACCESS_KEY", s3_server::SECRET)];
    let case = Case::on("4.3", &server.url("hearth"), &environment).await;
    let large = bytes(20_000_000);
    case.local("large.bin", &large);
    case.fs(&["-put", "large.bin", "hearth:/staging/ns/a b"]).await;
    assert_eq!(case.paths("/staging/ns").await, ["/staging/ns/a b"]);
    assert!(case.fetched("/staging/ns/a b").await == large);
}
