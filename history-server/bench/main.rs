//! The history server beside Spark's own, as whole processes on the same logs in the same run.
//!
//! ```text
//! cargo bench -p history-server --bench spark -- [FIGURE...] [--runs N] [--work FOLDER] [--only spark|hearth]
//! ```
//!
//! Figures: `open` and `zstd` (one application of 100,000 tasks in 25 SQL queries), `listing` (5,000 logs), `known` (a
//! restart with 100,000 known logs), `million` (the same with 1,000,000 logs of applications that did nothing), `readers`
//! (100 at once), `many` (10,000,000 tasks). Without one: all.
//!
//! The logs are multiplied from what real Spark wrote (`seed.py`, `multiply.rs`). Needs what `tests/setup programs`
//! brings. All is kept in the work folder, up to 20 GB of it for `many` and `known`; a second run makes nothing anew.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "there is no Config here to read the environment into")]

mod figures;
mod logs;
mod multiply;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

use figures::Bench;
use server::Program;

const FIGURES: [&str; 7] = ["open", "zstd", "listing", "known", "million", "readers", "many"];

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
    let programs = [Program::Spark(spark.home.clone()), Program::Hearth(hearth)];
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
