//! `hearth fetch` as an init container runs it: what it brings, how it goes on after a failure, and what it says.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_credential_types::Credentials;
use storage::{ObjectPath, Store, StoreUrl};

use super::s3_server::{self, S3Server};
use super::support::hearth::Hearth;
use super::support::process::{Output, guarded, run};
use super::support::scripted::{Scripted, reply};

const PATIENCE: Duration = Duration::from_secs(120);

/// A folder to fetch into, and one for what is needed beside.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    async fn fetch_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
        command.args(["fetch", "--to"]).arg(self.out()).args(arguments).envs(environment.iter().copied());
        run(command.env_remove("HADOOP_USER_NAME"), PATIENCE).await
    }

    async fn fetch(&self, arguments: &[&str]) -> Output {
        self.fetch_with(arguments, &[]).await
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.out().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Everything in the folder, hidden things too.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.out()).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn things_come_from_everywhere_under_the_names_that_they_are_given() {
    let case = Case::new();
    let large = bytes(3_000_000);
    let s3 = S3Server::start().await;
    let store = Store::open_with(
        &StoreUrl::parse(&s3.url("")).unwrap(),
        Credentials::new(s3_server::KEY, s3_server::SECRET, None, None, "test"),
    )
    .unwrap();
    store.put(&ObjectPath::parse("libs/a b.jar").unwrap(), large.clone()).await.unwrap();
    let store = format!("file:{}", case.folder.path().join("store").display());
    let arguments = ["staging-server", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--store", &store];
    let hearth = Hearth::start(&arguments, &[], &["staging server"]).await;
    let staging = hearth.address("staging server");
    let put = reqwest::Client::new().put(format!("{staging}/webhdfs/v1/staging/ns/env.tar.gz?op=CREATE&data=true"));
    let archive = tgz(&[("bin/run", b"#!"), ("lib/x", b"x")]);
    assert_eq!(put.body(archive).send().await.unwrap().status(), 201);
    let http = Scripted::start(|_, _| Some(reply("200 OK", &[], b"over http"))).await;

    let (bucket, query) = s3.url("").split_once('?').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let s3_url = format!("{}/libs/a%20b.jar?{query}", bucket.trim_end_matches('/'));
    let webhdfs = format!("{}/staging/ns/env.tar.gz#environment", staging.replace("http:", "webhdfs:"));
    let local = format!("file://{}#local.txt", case.write("f", "local"));
    let http_url = http.url("/dir/x.jar?v=1#renamed.jar");
    let arguments = [s3_url.as_str(), &http_url, &local, "--archive", &webhdfs];
    let staged = ["/staging/ns/env.tar.gz", "--staging-url", &staging];
    let environment = [("AWS_ACCESS_KEY_ID", s3_server::KEY), ("AWS_SECRET_ACCESS_KEY", s3_server::SECRET)];
    let output = case.fetch_with(&[&arguments[..], &staged].concat(), &environment).await.succeeded();
    assert_eq!(case.names(), ["a b.jar", "env.tar.gz", "environment", "local.txt", "renamed.jar"]);
    assert!(case.read("a b.jar") == large);
    assert_eq!(case.read("renamed.jar"), b"over http");
    assert_eq!(case.read("local.txt"), b"local");
    assert_eq!(case.read("environment/lib/x"), b"x");
    assert_eq!(output.stdout.lines().count(), 5, "{}", output.stdout);
    assert!(output.stdout.contains("2 entries"), "{}", output.stdout);
}

#[tokio::test]
async fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    let whole = bytes(200_000);
    let sent = whole.clone();
    let server = Scripted::start(move |head, before| {
        let head = head.to_ascii_lowercase();
        let length = sent.len().to_string();
        Some(match before {
            0 => reply("200 OK", &[("ETag", "\"v1\""), ("Content-Length", &length)], &sent[..90_000]),
            1 => reply("503 Service Unavailable", &[("Retry-After", "0")], b"busy"),
            _ => {
                assert!(head.contains("range: bytes=90000-\r\n") && head.contains("if-range: \"v1\"\r\n"), "{head}");
                reply("206 Partial Content", &[("Content-Range", "bytes 90000-199999/200000")], &sent[90_000..])
            }
        })
    })
    .await;
    let case = Case::new();
    let output = case.fetch(&[&server.url("/x.bin"), "--sha256", &sha256(&whole)]).await.succeeded();
    assert!(case.read("x.bin") == whole);
    assert!(output.stdout.contains("resumed 2 times"), "{}", output.stdout);
    assert!(output.stderr.contains("the server answered 503 Service Unavailable: busy"), "{}", output.stderr);
    assert_eq!(case.names(), ["x.bin"]);
}

#[tokio::test]
async fn a_server_that_knows_no_ranges_or_has_other_content_by_now_sends_it_all_again() {
    let server = Scripted::start(|head, before| {
        let ranged = head.to_ascii_lowercase().contains("range: bytes=3-");
        Some(match (head.contains("/no-ranges"), before) {
            (true, 0) => reply("200 OK", &[("Content-Length", "6")], b"abc"),
            (true, _) => reply("200 OK", &[], b"abcdef"),
            (false, 0) => reply("200 OK", &[("ETag", "W/\"1\""), ("Content-Length", "6")], b"old"),
            // No validator that it could have checked, and another length: the rest of something else.
            (false, _) if ranged => reply("206 Partial Content", &[("Content-Range", "bytes 3-7/8")], b"fghij"),
            (false, _) => reply("200 OK", &[], b"newnewne"),
        })
    })
    .await;
    let case = Case::new();
    case.fetch(&[&server.url("/no-ranges"), &server.url("/changed")]).await.succeeded();
    assert_eq!(case.read("no-ranges"), b"abcdef");
    assert_eq!(case.read("changed"), b"newnewne");
}

#[tokio::test]
async fn one_that_fails_is_named_with_its_reason_and_the_others_are_there() {
    let server = Scripted::start(|head, _| {
        Some(match head.split(' ').nth(1).unwrap() {
            "/gone.jar" => reply("404 Not Found", &[("Content-Type", "text/html")], b"<html>"),
            "/secret.jar?sig=hush" => reply("403 Forbidden", &[], b"expired"),
            "/bad.tgz" => reply("200 OK", &[], b"this is no archive"),
            _ => reply("200 OK", &[], b"good"),
        })
    })
    .await;
    let case = Case::new();
    let (gone, secret) = (server.url("/gone.jar"), server.url("/secret.jar?sig=hush"));
    let (good, bad) = (server.url("/good.jar"), server.url("/bad.tgz"));
    let manifest = case.write(
        "artifacts.yaml",
        format!(
            "artifacts:\n- url: {gone}\n- url: {secret}\n- url: {good}\n- url: {good}#twice\n  sha256: {}\n- {{url: '{bad}', unpack: true}}\n",
            sha256(b"bad")
        ),
    );
    let output = case.fetch(&["--manifest", &manifest, "--output", "json"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(case.names(), ["good.jar"], "and nothing half done");
    for part in
        ["gone.jar: the server answered 404 Not Found; look at the URL", "4 of 5 artifacts could not be fetched"]
    {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    assert!(!output.stderr.contains("hush") && !output.stdout.contains("hush"), "{}", output.stderr);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let errors: Vec<_> =
        report["artifacts"].as_array().unwrap().iter().map(|one| one["error"].as_str().unwrap_or("")).collect();
    for (error, says) in errors.iter().zip(["404", "403 Forbidden: expired", "", "SHA-256", "cannot be unpacked"]) {
        assert!(error.contains(says), "{errors:?}");
    }
    assert_eq!(server.asked().len(), 5, "what cannot get better is not asked for again");
}

#[tokio::test]
async fn the_deadline_ends_all_and_says_how_far_it_came() {
    let server = Scripted::start(|head, before| match (head.contains("/silent"), before) {
        (true, _) => None,
        (false, 0) => Some(reply("200 OK", &[("Content-Length", "10"), ("ETag", "\"1\"")], b"abc")),
        (false, _) => Some(reply("500 Internal Server Error", &[], b"")),
    })
    .await;
    let case = Case::new();
    let urls = [server.url("/silent"), server.url("/broken")];
    let output = case.fetch(&[&urls[0], &urls[1], "--deadline", "3s", "--retries", "1000"]).await;
    assert_eq!(output.status.code(), Some(1));
    for part in
        ["/silent: it was not there after 3 s", "3 of 10 bytes had arrived; before that, the server answered 500"]
    {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    assert_eq!(case.names(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_token_goes_to_whom_it_is_for_and_to_nobody_else() {
    let answer = |_: &str, _| Some(reply("200 OK", &[], b"x"));
    let (ours, other) = (Scripted::start(answer).await, Scripted::start(answer).await);
    let case = Case::new();
    let token = case.write("token", "sesame\n");
    let (a, b) = (ours.url("/a"), other.url("/b"));
    case.fetch(&[&a, &b, "--token-file", &token, "--token-host", ours.address()]).await.succeeded();
    assert!(ours.asked()[0].contains("authorization: bearer sesame\r\n"));
    assert!(!other.asked()[0].contains("authorization"));
}

#[tokio::test]
async fn the_forks_property_file_brings_both_bundles_and_what_is_remote() {
    let server = Scripted::start(|head, before| {
        let lower = head.to_ascii_lowercase();
        let bundle =
            |files: &[(&str, &[u8])]| reply("200 OK", &[("Content-Type", "application/octet-stream")], &tgz(files));
        Some(match head.split(' ').nth(1).unwrap() {
            // The old init container waits for ever for this one.
            "/rss/api/v0/resources/jars-1" if before == 0 => reply("500 Internal Server Error", &[], b""),
            path if path.starts_with("/rss/") && !lower.contains("authorization: s3cret+/==\r\n") => {
                reply("401 Unauthorized", &[], b"")
            }
            "/rss/api/v0/resources/jars-1" => bundle(&[("app.jar", b"app"), ("x-1.jar", b"x")]),
            "/rss/api/v0/resources/files-1" => bundle(&[("a.txt", b"a")]),
            "/data.tgz" => reply("200 OK", &[], &tgz(&[("data/one", b"1")])),
            _ => reply("200 OK", &[], b"remote"),
        })
    })
    .await;
    let case = Case::new();
    let secret = case.write("secret", "s3cret+/==\n");
    let (jars, files) = (case.folder.path().join("jars"), case.folder.path().join("files"));
    let properties = format!(
        "#Java properties built from Kubernetes config map\n#Thu Nov 09 00:00:00 UTC 2017\n\
         spark.kubernetes.resourceStagingServer.uri=http\\://{address}/rss\n\
         spark.kubernetes.initcontainer.downloadJarsResourceIdentifier=jars-1\n\
         spark.kubernetes.initcontainer.downloadJarsSecretLocation={secret}\n\
         spark.kubernetes.initcontainer.downloadFilesResourceIdentifier = files-1\n\
         spark.kubernetes.initcontainer.downloadFilesSecretLocation={secret}\n\
         spark.kubernetes.initcontainer.remoteJars=http\\://{address}/r.jar,${{spark.more}}\n\
         spark.more=${{env\\:MORE}}\n\
         spark.kubernetes.initcontainer.remoteFiles=http\\://{address}/data.tgz\n\
         spark.kubernetes.mountdependencies.jarsDownloadDir={jars}\n\
         spark.kubernetes.mountdependencies.filesDownloadDir={files}\n",
        address = server.address(),
        jars = jars.display(),
        files = files.display(),
    );
    let properties = case.write("spark-init.properties", properties);
    let more = server.url("/more.jar");
    case.fetch_with(&["--properties", &properties], &[("MORE", &more)]).await.succeeded();
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&jars), ["app.jar", "more.jar", "r.jar", "x-1.jar"]);
    assert_eq!(names(&files), ["a.txt", "data", "data.tgz"]);
    assert_eq!(std::fs::read(jars.join("app.jar")).unwrap(), b"app");
}

#[tokio::test]
async fn mistakes_are_told_together_before_anything_is_fetched() {
    let case = Case::new();
    let manifest = case.write("bad.yaml", "artifacts:\n- url: hdfs://nn/x\n- url: ftp://h/x\n- url: http://h/\n");
    let unknown = case.write("unknown.yaml", "artifacts:\n- url: http://h/x\n  unpak: true\n");
    let arguments = ["--manifest", &manifest, "--manifest", &unknown, "--deadline", "soon", "s3://bucket/"];
    let output = case.fetch(&arguments).await;
    assert_eq!(output.status.code(), Some(64));
    for part in [
        "artifacts[0]: hdfs://nn/x: hdfs:// needs Hadoop's own protocol",
        "artifacts[1]: ftp://h/x: ftp:// is not known",
        "artifacts[2]: http://h/: it has no name",
        "unpak",
        "--deadline \"soon\"",
        "s3://bucket/: it names no object",
    ] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    assert_eq!(case.fetch(&[]).await.status.code(), Some(64));
    let output = case.fetch(&["http://a.invalid/x.jar", "http://b.invalid/x.jar"]).await;
    assert!(output.stderr.contains("would both become"), "{}", output.stderr);
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn what_is_there_already_is_replaced_as_a_whole() {
    let server = Scripted::start(|_, _| Some(reply("200 OK", &[], &tgz(&[("new", b"new")])))).await;
    let case = Case::new();
    std::fs::create_dir_all(case.out().join("env/old")).unwrap();
    std::fs::File::create(case.out().join("file")).unwrap().write_all(b"old").unwrap();
    let archive = server.url("/env.tgz#env");
    case.fetch(&["--archive", &archive, &server.url("/file")]).await.succeeded();
    assert_eq!(case.names(), ["env", "file"]);
    assert_eq!(case.read("env/new"), b"new");
    assert!(!case.out().join("env/old").exists() && case.read("file") != b"old");
}
