//! The `hearth` binary: what a Spark job on Kubernetes needs before it starts, and what it leaves behind.
//!
//! This package only wires: [`config`] reads what is wanted, [`serve`] starts the roles, one file builds each of them.

mod access;
mod admin;
mod apps;
mod collector;
mod config;
mod doctor;
mod fetch;
mod history;
mod http;
mod logs;
mod manual;
mod pod_template;
mod progress;
mod sample;
mod serve;
mod signals;
mod stage;
mod staging;
mod start_page;
mod store;
mod submit;
mod sweep;
mod telemetry;
mod version;

use std::io::Write as _;
use std::process::ExitCode;

use config::{Refusal, Request};

/// `EX_USAGE` of sysexits.h.
const WRONG_SETTINGS: u8 = 64;

fn main() -> ExitCode {
    let request = match config::read(std::env::args_os()) {
        Ok(request) => request,
        Err(refusal) => return refuse(refusal),
    };
    if let Request::CheckConfig { report, mistakes } = request {
        return check_config(&report, &mistakes);
    }
    match run(request) {
        Ok(code) => code,
        Err(error) => {
            tell(&chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(request: Request) -> anyhow::Result<ExitCode> {
    if let Some(telemetry) = request.telemetry() {
        telemetry::start(telemetry)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(answer(request));
    // Blocking work that outlived the drain time is not waited for.
    runtime.shutdown_background();
    done
}

async fn answer(request: Request) -> anyhow::Result<ExitCode> {
    let done = match request {
        Request::Submit(request) => return submit::run(*request).await,
        Request::Serve(config) => serve::run(*config).await,
        Request::Logs(request) => logs::print(*request).await,
        Request::CheckConfig { .. } => Ok(()),
        Request::Completions(shell) => manual::completions(shell),
        Request::Manual(folder) => manual::pages(&folder),
        Request::Stage(request) => stage::run(*request).await,
        Request::PodTemplate(request) => pod_template::run(*request).await,
        Request::Fetch(request) => fetch::run(*request).await,
        Request::Apps(request) => apps::list(*request).await,
        Request::App(request) => apps::show(*request).await,
        Request::Open(request) => apps::open(*request).await,
        Request::Doctor(request) => doctor::run(*request).await,
        Request::Sweep(request) => sweep::run(*request).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Prints what becomes of each setting; what is wrong goes where mistakes always go.
fn check_config(report: &str, mistakes: &[String]) -> ExitCode {
    // Whoever closed it has read enough.
    let _ = std::io::stdout().write_all(report.as_bytes());
    mistakes.iter().for_each(|mistake| tell(mistake));
    if mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WRONG_SETTINGS) }
}

fn refuse(refusal: Refusal) -> ExitCode {
    match refusal {
        Refusal::CommandLine(error) => {
            // Nothing can be done about a closed terminal.
            let _ = error.print();
            if error.use_stderr() { ExitCode::from(WRONG_SETTINGS) } else { ExitCode::SUCCESS }
        }
        Refusal::Mistakes(mistakes) => {
            mistakes.iter().for_each(|mistake| tell(mistake));
            ExitCode::from(WRONG_SETTINGS)
        }
    }
}

/// An error and its causes, without those whose text another has already quoted.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "hearth: {text}");
}
