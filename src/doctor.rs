//! `hearth doctor`: tries every door from where it runs, and says what to change.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::bail;
use axum::http::{HeaderMap, header};
use chrono::DateTime;
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use staging_client::stage::Stager;
use staging_client::{Access, Failure, Site};
use storage::{ObjectPath, Store, StoreUrl};
use tokio::process::Command;
use tokio::time::timeout;
use url::Url;

use crate::config::{DoctorRequest, StageServer};
use crate::version;

/// Kubernetes' tokens and signatures of stores bear so much difference, and no more than some minutes.
const CLOCK_LIMIT: Duration = Duration::from_secs(60);

/// For what is no server of Hearth's.
const PATIENCE: Duration = Duration::from_secs(60);

/// One thing that was tried.
struct Check {
    what: &'static str,
    status: Status,
    says: String,
    advice: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    Warning,
    Failed,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl Check {
    fn new(what: &'static str, status: Status, says: impl Into<String>, advice: Option<&str>) -> Self {
        Self { what, status, says: says.into(), advice: advice.map(str::to_owned) }
    }

    fn failed(what: &'static str, place: &str, failure: Failure, else_advice: &str) -> Self {
        let advice = failure.advice.unwrap_or_else(|| else_advice.to_owned());
        Self { what, status: Status::Failed, says: format!("{place}: {}", failure.reason), advice: Some(advice) }
    }
}

/// Tries what `request` names.
///
/// # Errors
/// When something failed; what and why has been printed by then.
pub(crate) async fn run(request: DoctorRequest) -> anyhow::Result<()> {
    let mut checks = staging(&request.staging).await;
    checks.extend(history(&request.history.url, &request.history.access).await);
    if let Some(url) = &request.store {
        checks.push(store(url).await);
    }
    checks.push(spark_submit(&request.spark_submit).await);
    let mut out = std::io::stdout().lock();
    if request.json {
        let all: Vec<Value> = checks.iter().map(as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "checks": all }))?)?;
    } else {
        for check in &checks {
            writeln!(out, "{:<8} {:<15} {}", check.status.name(), check.what, check.says)?;
            check.advice.iter().try_for_each(|advice| writeln!(out, "{:24} what to do: {advice}", ""))?;
        }
    }
    match checks.iter().filter(|check| check.status == Status::Failed).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} checks failed", checks.len()),
    }
}

fn as_json(check: &Check) -> Value {
    json!({ "what": check.what, "status": check.status.name(), "says": check.says, "advice": check.advice })
}

async fn staging(server: &StageServer) -> Vec<Check> {
    const WHAT: &str = "staging server";
    let url = &server.settings.server;
    let reply = match Site::new(url.clone(), server.access.clone()) {
        Ok(site) => site.get(&[], &[]).await,
        Err(failure) => Err(failure),
    };
    let mut checks = Vec::new();
    match reply {
        Err(failure) => {
            let advice =
                "start it, or name its address by --staging-url; from another machine it has to listen beyond loopback";
            return vec![Check::failed(WHAT, url.as_str(), failure, advice)];
        }
        Ok(reply) if reply.value["server"] != "Hearth staging server" => {
            let advice = "give the address of the staging server as --staging-url";
            checks.push(Check::new(WHAT, Status::Failed, format!("{url}: something else answers there"), Some(advice)));
            return checks;
        }
        Ok(reply) => {
            checks.push(version(WHAT, url, reply.value["version"].as_str()));
            checks.extend(clock(WHAT, url, &reply.headers));
        }
    }
    checks.extend(upload(server).await);
    checks
}

async fn upload(server: &StageServer) -> Vec<Check> {
    let namespace = &server.settings.namespace;
    let probe = match Stager::new(server.access.clone(), server.settings.clone()) {
        Ok(stager) => stager.probe().await,
        Err(failure) => Err(failure),
    };
    let probe = match probe {
        Ok(probe) => probe,
        Err(failure) => {
            let advice = "where it redirects to has to be an address that this machine and the pods reach: --staging-public-url of the server sets it";
            return vec![Check::failed("upload", &format!("namespace {namespace}"), failure, advice)];
        }
    };
    let says = format!("a file for namespace {namespace} was sent to {}", probe.sent_to);
    let mut checks = vec![Check::new("upload", Status::Ok, says, None)];
    checks.push(match probe.read {
        Ok(()) => Check::new("read", Status::Ok, "it can be read back without a token, as pods do", None),
        Err(failure) => Check::failed("read", "without a token, as pods do", failure, "look at the server's own log"),
    });
    if let Err(failure) = probe.removed {
        let says = format!("the file could not be removed again: {}", failure.reason);
        checks.push(Check::new("upload", Status::Warning, says, Some("who uploads should be able to delete, too")));
    }
    checks
}

async fn history(url: &Url, access: &Access) -> Vec<Check> {
    const WHAT: &str = "history server";
    let reply = match Site::new(url.clone(), access.clone()) {
        Ok(site) => site.get(&["api", "v1", "applications"], &[("limit", "1")]).await,
        Err(failure) => Err(failure),
    };
    let reply = match reply {
        Ok(reply) => reply,
        Err(failure) => {
            let advice = "start it, or name its address by --history-url";
            return vec![Check::failed(WHAT, url.as_str(), failure, advice)];
        }
    };
    let number = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let Some(count) = number("x-total-count") else {
        let says = format!("{url}: another history server than Hearth's answers there");
        return vec![Check::new(WHAT, Status::Warning, says, Some("name Hearth's by --history-url"))];
    };
    let mut checks = vec![Check::new(WHAT, Status::Ok, format!("{url} lists {count} applications"), None)];
    checks.extend(clock(WHAT, url, &reply.headers));
    if let Some(places) = number("x-unreachable-event-logs") {
        let says = format!("{places} places of event logs cannot be listed by it");
        checks.push(Check::new("event logs", Status::Failed, says, Some("its own log says which, and why")));
    }
    checks
}

fn version(what: &'static str, url: &Url, version: Option<&str>) -> Check {
    const OURS: &str = version::NUMBER;
    match version {
        Some(OURS) => Check::new(what, Status::Ok, format!("{url} answers, version {OURS}"), None),
        other => {
            let says = format!("{url} has version {}, this is {OURS}", other.unwrap_or("of before 0.1"));
            Check::new(what, Status::Warning, says, Some("use the hearth of the server's version"))
        }
    }
}

fn clock(what: &'static str, url: &Url, headers: &HeaderMap) -> Option<Check> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = SystemTime::from(DateTime::parse_from_rfc2822(date).ok()?);
    let now = SystemTime::now();
    let apart = now.duration_since(theirs).or_else(|_| theirs.duration_since(now)).unwrap_or_default();
    (apart > CLOCK_LIMIT).then(|| {
        let says = format!("the clock of {url} and the one here are {} s apart ({what})", apart.as_secs());
        let advice = "set both by NTP: tokens and signatures are refused when clocks differ";
        Check::new("clock", Status::Failed, says, Some(advice))
    })
}

async fn store(url: &StoreUrl) -> Check {
    const WHAT: &str = "object store";
    let listed = async {
        let store = Store::open(url)?;
        store.list(&ObjectPath::root()).try_next().await.map(|found| found.is_some())
    };
    let advice = "look at the URL, and at the credentials, which are taken from where the cloud's own tools take them";
    match timeout(PATIENCE, listed).await {
        Ok(Ok(true)) => Check::new(WHAT, Status::Ok, format!("{url} can be listed"), None),
        Ok(Ok(false)) => Check::new(WHAT, Status::Ok, format!("{url} can be listed, and is empty"), None),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            Check::new(WHAT, Status::Failed, format!("{url}: {error}{source}"), Some(advice))
        }
        Err(_) => Check::new(WHAT, Status::Failed, format!("{url} does not answer"), Some(advice)),
    }
}

async fn spark_submit(program: &std::path::Path) -> Check {
    const WHAT: &str = "spark-submit";
    let name = program.display();
    let mut command = Command::new(program);
    let ran = timeout(PATIENCE, command.arg("--version").kill_on_drop(true).output()).await;
    let advice = "where there is none, 'hearth submit --via operator' needs none; --spark-submit names another one";
    let output = match ran {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Check::new(WHAT, Status::Warning, format!("{name}: {error}"), Some(advice)),
        Err(_) => return Check::new(WHAT, Status::Warning, format!("{name} does not end"), Some(advice)),
    };
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let version = said.split_whitespace().skip_while(|word| *word != "version").nth(1);
    match version {
        Some(version) if version.starts_with("2.") => {
            let advice = "before 3.0 there is no spark.kubernetes.file.upload.path: 'hearth submit' uploads for it";
            Check::new(WHAT, Status::Warning, format!("{name} is of Spark {version}"), Some(advice))
        }
        Some(version) => Check::new(WHAT, Status::Ok, format!("{name} is of Spark {version}"), None),
        None => Check::new(WHAT, Status::Warning, format!("{name} does not say its version"), Some(advice)),
    }
}
