//! The logs to measure with: recorded by real Spark, multiplied, and kept.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::multiply::{Form, Recording};

/// Writes a recording as so many applications.
fn copies(recording: &Recording, folder: &Path, count: u64, form: Form) -> anyhow::Result<()> {
    for n in 0..count {
        let id = format!("local-{}", 1_600_000_000_000 + n);
        let file = if form == Form::Zstd { format!("{id}.zstd") } else { id.clone() };
        recording.rename(&folder.join(file), form, &id, &format!("small {n}"), n * 1000)?;
    }
    Ok(())
}

/// A Spark of `tests/setup programs`.
#[derive(Debug)]
pub(crate) struct PySpark {
    pub(crate) cache: PathBuf,
    pub(crate) home: PathBuf,
    python: PathBuf,
}

/// The newest Spark that the tests use.
pub(crate) fn pyspark() -> anyhow::Result<PySpark> {
    let cache = match std::env::var_os("HEARTH_TEST_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache/hearth-tests"),
    };
    let versions = include_str!("../../tests/versions");
    let version = versions.lines().find_map(|line| line.strip_prefix("SPARK_4_3=")).context("tests/versions")?;
    let environment = cache.join(format!("pyspark-{version}"));
    let missing = || format!("{} is missing: run `tests/setup programs`", environment.display());
    let mut lib = std::fs::read_dir(environment.join("lib")).with_context(missing)?;
    let home = lib.next().with_context(missing)??.path().join("site-packages/pyspark");
    Ok(PySpark { cache, home, python: environment.join("bin/python") })
}

/// Makes logs where there are none yet.
#[derive(Debug)]
pub(crate) struct Logs {
    pub(crate) spark: PySpark,
    pub(crate) work: PathBuf,
}

impl Logs {
    /// 4,000 tasks in each of so many SQL queries, each of about 22 MB of text.
    pub(crate) fn sql(&self, form: Form, queries: u64) -> anyhow::Result<PathBuf> {
        self.application("sql", form, queries, 1)
    }

    /// Applications of so many queries each, with zstd: one is made, the others differ from it in id and name.
    pub(crate) fn long(&self, count: u64, queries: u64) -> anyhow::Result<PathBuf> {
        self.folder(&format!("long-{count}-{queries}"), |folder| {
            let recording = Recording::read(&self.seed("sql")?)?;
            for n in 0..count {
                let id = format!("local-{}", 1_600_000_000_000 + n);
                let recording = recording.named(&id, &format!("long {n}"));
                recording.multiply(&folder.join(format!("{id}.zstd")), Form::Zstd, queries, 1)?;
            }
            Ok(())
        })
    }

    /// 10,000,000 tasks in one stage.
    pub(crate) fn many(&self) -> anyhow::Result<PathBuf> {
        self.application("rdd", Form::Zstd, 1, 2500)
    }

    fn application(&self, seed: &str, form: Form, copies: u64, wide: u64) -> anyhow::Result<PathBuf> {
        self.folder(&format!("{seed}-{copies}x{wide}-{form:?}"), |folder| {
            let seed = self.seed(seed)?;
            let id = seed.file_name().and_then(|name| name.to_str()).context("a seed has a name")?;
            let name = if form == Form::Zstd { format!("{id}.zstd") } else { id.to_owned() };
            let bytes = Recording::read(&seed)?.multiply(&folder.join(name), form, copies, wide)?;
            eprintln!("made a log of {} MB of text", bytes / 1_000_000);
            Ok(())
        })
    }

    /// Many applications of about 126 KB of text each.
    pub(crate) fn small(&self, count: u64, form: Form) -> anyhow::Result<PathBuf> {
        self.folder(&format!("small-{count}-{form:?}"), |folder| {
            copies(&Recording::read(&self.seed("small")?)?, folder, count, form)
        })
    }

    /// Very many applications that did nothing.
    pub(crate) fn idle(&self, count: u64) -> anyhow::Result<PathBuf> {
        self.folder(&format!("idle-{count}"), |folder| {
            copies(&Recording::read(&self.seed("small")?)?.idle(), folder, count, Form::Zstd)
        })
    }

    /// The only event log in the folder of this seed.
    fn seed(&self, what: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder(&format!("seed-{what}"), |folder| {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/seed.py");
            let mut command = Command::new(&self.spark.python);
            command.arg(script).arg(folder).arg(what).env("SPARK_LOCAL_IP", "127.0.0.1").env_remove("SPARK_HOME");
            let output = command.output().context("Python cannot be run")?;
            let said = String::from_utf8_lossy(&output.stderr);
            anyhow::ensure!(output.status.success(), "recording '{what}' failed:\n{said}");
            Ok(())
        })?;
        let mut logs = std::fs::read_dir(&folder)?.filter_map(Result::ok).map(|entry| entry.path());
        logs.find(|path| path.extension().is_none()).with_context(|| format!("no log in {}", folder.display()))
    }

    /// A folder in the work folder, made whole or not at all.
    fn folder(&self, name: &str, fill: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
        let folder = self.work.join(name);
        if !folder.is_dir() {
            eprintln!("making {name}");
            let making = self.work.join(format!(".making-{name}"));
            if making.is_dir() {
                std::fs::remove_dir_all(&making)?;
            }
            std::fs::create_dir_all(&making)?;
            fill(&making)?;
            std::fs::rename(&making, &folder)?;
        }
        Ok(folder)
    }
}
