//! `hearth fetch`, `stage` and `submit` beside programs that other people wrote: Python's web server, GNU tar, Python's
//! archives, and stock spark-submit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::cache;
use crate::support::hearth::Hearth;
use crate::support::process::{Output, guarded, run};
use crate::support::wait::eventually;

const MINUTES: Duration = Duration::from_secs(300);

/// Runs a command of a shell, which has to succeed.
async fn shell(folder: &Path, line: &str) -> String {
    run(guarded("bash").args(["-euc", line]).current_dir(folder), MINUTES).await.succeeded().stdout
}

/// Runs `hearth`, and also returns the most memory that it had, in bytes, as the kernel counted it.
async fn measured(folder: &Path, arguments: &[&str]) -> (Output, u64) {
    const MEASURE: &str = "import resource, subprocess, sys\n\
        code = subprocess.run(sys.argv[1:]).returncode\n\
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)\n\
        sys.exit(code)";
    let mut command = guarded("python3");
    command.args(["-c", MEASURE, env!("CARGO_BIN_EXE_hearth")]).args(arguments).current_dir(folder);
    let output = run(&mut command, MINUTES).await;
    let bytes = output.stdout.lines().last().unwrap().parse().unwrap();
    (output, bytes)
}

#[tokio::test]
async fn large_files_come_from_pythons_server_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    shell(place, "mkdir served && for n in 1 2 3 4; do head -c 100000000 /dev/urandom > served/$n.bin; done").await;
    // It says where it listens as soon as it does.
    let line = "exec python3 -u -m http.server --bind 127.0.0.1 --directory served 0 > said 2>&1";
    let mut server = guarded("bash");
    let server = server.args(["-c", line]).current_dir(place).spawn().unwrap();
    let port = eventually("Python's server", MINUTES, async || {
        let said = std::fs::read_to_string(place.join("said")).ok()?;
        Some(said.split("port ").nth(1)?.split_whitespace().next()?.to_owned())
    })
    .await;
    let urls: Vec<String> = (1..=4).map(|n| format!("http://127.0.0.1:{port}/{n}.bin")).collect();
    let arguments: Vec<&str> = ["fetch", "--to", "out"].into_iter().chain(urls.iter().map(String::as_str)).collect();
    let (output, memory_bytes) = measured(place, &arguments).await;
    output.succeeded();
    shell(place, "for n in 1 2 3 4; do cmp served/$n.bin out/$n.bin; done").await;
    assert!(memory_bytes <= 64 << 20, "{memory_bytes} bytes");
    drop(server);
}

/// What tar and Python pack, unpacked by them and by us, is the same: names, links, contents, and who may execute it.
#[tokio::test]
async fn archives_of_others_become_what_they_make_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let line = "mkdir -p tree/bin tree/deep/$(printf 'n%.0s' {1..120})/$(printf 'm%.0s' {1..120})\n\
        echo text > 'tree/with space' && echo x > tree/\u{fc}\u{4f60}.txt && : > tree/empty && mkdir tree/nothing\n\
        echo far > tree/deep/n*/m*/file && printf '#!/bin/sh' > tree/bin/run && chmod 755 tree/bin/run\n\
        head -c 3000000 /dev/urandom > tree/large\n\
        cd tree && python3 -c \"import shutil; shutil.make_archive('../py', 'zip', '.')\" && ln -s run bin/link && ln -s ../bin deep/up\n\
        ln large bin/hard\n\
        tar -czf ../gnu.tar.gz . && tar --format=pax -cf ../pax.tar . && tar --format=ustar --exclude=deep -czf ../old.tgz .";
    shell(place, line).await;
    let archives = ["gnu.tar.gz", "pax.tar", "old.tgz", "py.zip"];
    let urls: Vec<String> = archives.iter().map(|name| format!("file:{}", place.join(name).display())).collect();
    let mut arguments = vec!["fetch", "--to", "ours"];
    urls.iter().for_each(|url| arguments.extend(["--archive", url]));
    let (output, memory_bytes) = measured(place, &arguments).await;
    output.succeeded();
    assert!(memory_bytes <= 64 << 20, "{memory_bytes} bytes");
    for name in archives {
        let unpack = match name.ends_with("zip") {
            true => format!("python3 -m zipfile -e {name} theirs/{name}"),
            false => format!("tar -xf {name} -C theirs/{name}"),
        };
        // Python's own does not keep modes.
        let what = if name.ends_with("zip") { "%P %y %l" } else { "%P %y %l %m" };
        let list = |side: &str| format!("find {side}/{name} -mindepth 1 -printf '{what}\\n' | sort");
        shell(place, &format!("mkdir -p theirs/{name} && {unpack}")).await;
        assert_eq!(shell(place, &list("ours")).await, shell(place, &list("theirs")).await, "{name}");
        shell(place, &format!("diff -r --no-dereference ours/{name} theirs/{name}")).await;
    }
}

/// What `hearth` writes to a terminal of 100 columns: both of its streams.
async fn on_a_terminal(folder: &Path, arguments: &[&str]) -> String {
    const TERMINAL: &str = "import fcntl, os, pty, struct, sys, termios\n\
        pid, fd = pty.fork()\n\
        if pid == 0: os.execv(sys.argv[1], sys.argv[1:])\n\
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 100, 0, 0))\n\
        while True:\n\
        \x20   try: read = os.read(fd, 65536)\n\
        \x20   except OSError: break\n\
        \x20   if not read: break\n\
        \x20   sys.stdout.buffer.write(read)\n\
        sys.stdout.flush()\n\
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))";
    let mut command = guarded("python3");
    command.args(["-c", TERMINAL, env!("CARGO_BIN_EXE_hearth")]).args(arguments).current_dir(folder);
    run(command.env("TERM", "xterm"), MINUTES).await.succeeded().stdout
}

#[tokio::test]
async fn a_terminal_shows_how_far_each_transfer_is_and_keeps_the_lines_that_are_written_elsewhere_too() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    shell(place, "head -c 20000000 /dev/urandom > a.jar && head -c 20000000 /dev/urandom > b.jar").await;
    let serving = ["staging-server", "--store", "file:store", "--listen", "127.0.0.1:0", "--admin-listen", "off"];
    std::fs::create_dir(place.join("store")).unwrap();
    let store = format!("file:{}", place.join("store").display());
    let serving = serving.map(|word| if word == "file:store" { store.as_str() } else { word });
    let staging = Hearth::start(&serving, &[], &["staging server"]).await;
    let url = staging.address("staging server");
    let stage = ["stage", "--staging-url", &url, "--url", "http", "a.jar", "b.jar"];
    let said = on_a_terminal(place, &stage).await;
    assert!(said.contains("\u{1b}[") && said.contains("MiB of 19.07 MiB"), "no bars: {said:?}");
    assert!(said.contains("uploaded  a.jar (20000000 bytes)") && said.contains("uploaded  b.jar"), "{said:?}");
    let again = shell(place, &format!("'{}' {} 2>&1", env!("CARGO_BIN_EXE_hearth"), stage.join(" "))).await;
    assert!(!again.contains('\u{1b}') && again.contains("there     a.jar (20000000 bytes)"), "{again:?}");

    let urls: Vec<&str> = again.lines().filter(|line| line.starts_with("http")).collect();
    let said = on_a_terminal(place, &[&["fetch", "--to", "out"][..], &urls].concat()).await;
    assert!(said.contains("\u{1b}[") && said.contains("MiB of 19.07 MiB"), "no bars: {said:?}");
    assert_eq!(said.matches("fetched   http").count(), 2, "{said:?}");
    let json = [&["fetch", "--to", "more", "--output", "json"][..], &urls].concat();
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    let plain = run(command.args(json).current_dir(place), MINUTES).await.succeeded();
    assert_eq!(plain.stderr, "");
    assert!(serde_json::from_str::<serde_json::Value>(&plain.stdout).unwrap()["artifacts"].is_array());
    staging.stop().await;
}

/// The options that a spark-submit names in its help.
async fn options_of(spark: &str) -> BTreeSet<String> {
    let mut command = guarded(cache::spark_home(spark).join("bin/spark-submit"));
    let help = run(command.arg("--help"), MINUTES).await;
    let help = help.stdout + &help.stderr;
    let first = |line: &str| line.trim_start().split([' ', ',']).find(|word| word.starts_with("--")).map(str::to_owned);
    help.lines().filter(|line| line.trim_start().starts_with('-')).filter_map(first).collect()
}

#[tokio::test]
async fn every_option_of_spark_submits_help_is_known() {
    let known: BTreeSet<String> = staging_client::submit::OPTIONS.iter().map(|option| option.name.to_owned()).collect();
    for spark in ["3.5", "4.0", "4.3"] {
        let options = options_of(spark).await;
        assert!(options.contains("--jars") && options.len() > 20, "{options:?}");
        let unknown: Vec<_> = options.difference(&known).collect();
        assert!(unknown.is_empty(), "spark-submit {spark} has {unknown:?}");
    }
}

/// There is no API server, so spark-submit fails where it would make the driver's pod: by then it has accepted all it got.
async fn stock_spark_submit_accepts_what_it_is_given(spark: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| -> PathBuf {
        std::fs::write(folder.path().join(name), name).unwrap();
        folder.path().join(name)
    };
    ["app.jar", "lib.jar", "data.csv", "env.tar.gz"].iter().for_each(|name| drop(write(name)));
    let store = folder.path().join("store");
    let arguments =
        ["staging-server", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--store", store.to_str().unwrap()];
    let hearth = Hearth::start(&arguments, &[], &["staging server"]).await;
    let submit = async || {
        let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
        command.args(["submit", "--staging-url", &hearth.address("staging server"), "--spark-submit"]);
        command.arg(cache::spark_home(spark).join("bin/spark-submit")).current_dir(folder.path());
        command.args(["--", "--master", "k8s://https://127.0.0.1:1", "--deploy-mode", "cluster", "--class", "Main"]);
        command.args(["--conf", "spark.kubernetes.container.image=none", "--conf", "spark.kubernetes.namespace=team"]);
        command.args(["--jars", "lib.jar", "--files", "data.csv#d", "--archives", "env.tar.gz#e", "app.jar", "one"]);
        run(command.env("LC_ALL", "C.UTF-8"), MINUTES).await
    };
    let first = submit().await;
    assert_eq!(first.status.code(), Some(1), "{}", first.stderr);
    // Had anything been local, it would have asked for spark.kubernetes.file.upload.path instead.
    assert!(first.stderr.contains("127.0.0.1:1") && !first.stderr.contains("upload.path"), "{}", first.stderr);
    assert_eq!(first.stderr.lines().filter(|line| line.starts_with("uploaded ")).count(), 4, "{}", first.stderr);
    let again = submit().await;
    assert_eq!(again.stderr.lines().filter(|line| line.starts_with("there ")).count(), 4, "{}", again.stderr);
    assert_eq!(again.stderr.lines().filter(|line| line.starts_with("uploaded ")).count(), 0, "{}", again.stderr);
}

#[tokio::test]
async fn spark_submit_3_5_accepts_what_it_is_given() {
    stock_spark_submit_accepts_what_it_is_given("3.5").await;
}

#[tokio::test]
async fn spark_submit_4_3_accepts_what_it_is_given() {
    stock_spark_submit_accepts_what_it_is_given("4.3").await;
}

/// A real application, run by `hearth submit` on this machine; it exits as it was told to.
async fn an_application_runs_here_and_its_exit_code_is_ours(spark: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let job = "import sys\n\
        from pyspark import SparkFiles\n\
        from pyspark.sql import SparkSession\n\
        import lib\n\
        spark = SparkSession.builder.getOrCreate()\n\
        count = spark.sparkContext.parallelize(range(100)).filter(lambda n: n % 2).count()\n\
        print('counted', count, lib.WORD, open(SparkFiles.get('data.csv')).read(), *sys.argv[1:])\n\
        spark.stop()\n\
        sys.exit(int(sys.argv[1]))\n";
    for (name, content) in [("job.py", job), ("lib.py", "WORD = 'lib'\n"), ("data.csv", "1,2")] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    for code in [0, 3] {
        let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
        command.args(["submit", "--spark-submit"]).arg(cache::spark_home(spark).join("bin/spark-submit"));
        command.args(["--", "--master", "local[1]", "--conf", "spark.ui.enabled=false", "--py-files", "lib.py"]);
        command.args(["--files", "data.csv", "job.py", &code.to_string(), "--jars"]).current_dir(folder.path());
        command.env("LC_ALL", "C.UTF-8").env("PYSPARK_PYTHON", cache::python(spark)).env_remove("HEARTH_STAGING_URL");
        let output = run(&mut command, MINUTES).await;
        assert_eq!(output.status.code(), Some(code), "{}", output.stderr);
        assert!(output.stdout.contains(&format!("counted 50 lib 1,2 {code} --jars")), "{}", output.stdout);
    }
}

#[tokio::test]
async fn an_application_of_spark_3_5_runs_here() {
    an_application_runs_here_and_its_exit_code_is_ours("3.5").await;
}

#[tokio::test]
async fn an_application_of_spark_4_3_runs_here() {
    an_application_runs_here_and_its_exit_code_is_ours("4.3").await;
}

/// Livy starts Spark with what a batch says; what it is told by the example, stock Spark can run.
#[tokio::test]
async fn the_example_for_livy_makes_a_batch_that_spark_runs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    std::fs::write(place.join("helpers.py"), "WORD = 'what the helper says'\n").unwrap();
    let job = "import helpers, sys\nfrom pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n\
               print(helpers.WORD, sys.argv[1:], spark.range(10).count())\n";
    std::fs::write(place.join("job.py"), job).unwrap();
    let serving = ["staging-server", "--store", "memory:", "--listen", "127.0.0.1:0", "--admin-listen", "off"];
    let staging = Hearth::start(&serving, &[], &["staging server"]).await;

    let (sender, mut batches) = tokio::sync::mpsc::channel::<serde_json::Value>(1);
    let take = async move |axum::Json(batch): axum::Json<serde_json::Value>| {
        sender.send(batch).await.unwrap();
        axum::Json(serde_json::json!({"id": 0, "state": "starting"}))
    };
    let router = axum::Router::new().route("/batches", axum::routing::post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let livy = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/examples/livy.sh");
    let hearth = Path::new(env!("CARGO_BIN_EXE_hearth")).parent().unwrap();
    let mut command = guarded("sh");
    command.arg(example).current_dir(place).env("PATH", format!("{}:/usr/bin:/bin", hearth.display()));
    command.env("LIVY_URL", livy).env("HEARTH_STAGING_URL", staging.address("staging server"));
    run(&mut command, MINUTES).await.succeeded();
    let batch = batches.recv().await.unwrap();
    server.abort();

    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut submit = guarded(cache::spark_home("4.3").join("bin/spark-submit"));
    submit.args(["--master", "local[1]", "--py-files", &text(&batch["pyFiles"][0]), &text(&batch["file"])]);
    submit.args(batch["args"].as_array().unwrap().iter().map(text)).env("PYSPARK_PYTHON", cache::python("4.3"));
    let ran = run(&mut submit, MINUTES).await.succeeded();
    assert!(ran.stdout.contains("what the helper says ['one', 'two'] 10"), "{}{}", ran.stdout, ran.stderr);
    staging.stop().await;
}
