//! The history server beside Spark's own, as whole processes on the same logs in the same run.
//!
//! ```text
//! cargo bench -p history-server --bench spark -- [FIGURE...] [--runs N] [--work FOLDER] [--only spark|hearth]
//! ```
//!
//! Figures: `open` and `zstd` (one application of 100,000 tasks in 25 SQL queries), `large` (the same with 1,000,000 tasks
//! in 250), `listing` (5,000 logs), `sizes` (logs of 1 MB and of 100 MB, compressed), `known` (a restart with 100,000 known
//! logs), `million` (the same with 1,000,000 logs of applications that did nothing), `readers` (100 at once), `many`
//! (10,000,000 tasks), `pages` (every page of the application of `zstd`, in a browser too, and a plan of 1,000 operators).
//! Without one: all.
//!
//! Both servers have their defaults, but where a row says otherwise. What a first open takes is measured with
//! `--replay-ahead off`: with its default Hearth has begun, or is done, when the first reader comes, as another row tells.
//!
//! The logs are multiplied from what real Spark wrote (`seed.py`, `multiply.rs`). Needs what `tests/setup programs`
//! brings. All is kept in the work folder, up to 20 GB of it for `many` and `known`; a second run makes nothing anew.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "there is no Config here to read the environment into")]

mod figures;
mod logs;
mod multiply;
mod pages;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

use figures::Bench;
use server::Program;

const FIGURES: [&str; 10] =
    ["open", "zstd", "large", "listing", "sizes", "known", "million", "readers", "many", "pages"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut figures = Vec::new();
    let (mut runs, mut work, mut only) = (3, None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            // What `cargo bench` itself adds.
            "--bench" => {}
            "--runs" => runs = value()?.parse().context("--runs needs a number")?,
            "--work" => work = Some(PathBuf::from(value()?)),
            "--only" => only = Some(value()?),
            figure if FIGURES.contains(&figure) => figures.push(argument),
            _ => bail!("'{argument}' is not one of {FIGURES:?}, --runs N, --work FOLDER, --only spark|hearth"),
        }
    }
    if figures.is_empty() {
        figures.extend(FIGURES.map(str::to_owned));
    }
    let spark = logs::pyspark()?;
    let hearth = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/release/hearth");
    if only.as_deref() != Some("spark") && !hearth.is_file() {
        bail!("{} is missing: run `cargo build --release` first", hearth.display());
    }
    let (home, binary) = (spark.home.clone(), hearth);
    let programs = [
        Program::Spark { home: home.clone() },
        Program::SparkWithStore { home },
        Program::HearthWhenAsked { binary: binary.clone() },
        Program::Hearth { binary },
    ];
    let wanted = |program: &Program| only.as_ref().is_none_or(|name| program.name().eq_ignore_ascii_case(name));
    let work = work.unwrap_or_else(|| spark.cache.join("bench"));
    let programs = programs.into_iter().filter(wanted).collect();
    let mut bench = Bench { programs, logs: logs::Logs { spark, work }, runs, rows: Vec::new() };
    for figure in &figures {
        eprintln!("-- {figure}");
        bench.measure(figure)?;
    }
    bench.print();
    Ok(())
}
