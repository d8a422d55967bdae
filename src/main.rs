//! The `hearth` binary: what a Spark job on Kubernetes needs before it starts, and what it leaves behind.
//!
//! This package only wires: [`config`] reads what is wanted, [`serve`] starts the roles, one file builds each of them.

mod access;
mod admin;
mod collector;
mod config;
mod fetch;
mod grep;
mod history;
mod http;
mod logs;
mod manual;
mod pod_template;
mod sample;
mod serve;
mod signals;
mod stage;
mod staging;
mod start_page;
mod store;
mod submit;
mod telemetry;

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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = match request {
        Request::Serve(config) => {
            telemetry::start(&config.telemetry)?;
            runtime.block_on(serve::run(*config))
        }
        Request::Logs(request) => {
            telemetry::start(&request.telemetry)?;
            runtime.block_on(logs::print(*request))
        }
        Request::CheckConfig { .. } => Ok(()),
        Request::Completions(shell) => manual::completions(shell),
        Request::Manual(folder) => manual::pages(&folder),
        Request::Stage(request) => {
            telemetry::start(&request.telemetry)?;
            runtime.block_on(stage::run(*request))
        }
        Request::Submit(request) => {
            telemetry::start(&request.telemetry)?;
            return runtime.block_on(submit::run(*request));
        }
        Request::PodTemplate(request) => {
            telemetry::start(&request.telemetry)?;
            runtime.block_on(pod_template::run(*request))
        }
        Request::Fetch(request) => {
            telemetry::start(&request.telemetry)?;
            runtime.block_on(fetch::run(*request))
        }
    };
    // Blocking work that outlived the drain time is not waited for.
    runtime.shutdown_background();
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
