//! `hearth apps`, `app` and `open`: what the history server knows, in a terminal.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::{anyhow, bail};
use serde_json::{Value, json};
use staging_client::{Failure, Site};
use tokio::process::Command;

use crate::config::{AppRequest, AppsRequest, HistorySite, OpenRequest};

/// So many failed jobs are told one by one.
const JOBS_TOLD: usize = 5;

/// Prints the applications that `request` asks for.
///
/// # Errors
/// When the history server does not say.
pub(crate) async fn list(request: AppsRequest) -> anyhow::Result<()> {
    let site = site(&request.site)?;
    let query: Vec<(&str, &str)> = request.filters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply =
        site.get(&["api", "v1", "applications"], &query).await.map_err(|failure| told(&request.site, failure))?;
    let count = reply.headers.get("x-total-count").and_then(|count| count.to_str().ok()?.parse::<u64>().ok());
    let mut out = std::io::stdout().lock();
    if request.json {
        let report = json!({ "total": count, "applications": reply.value });
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?);
    }
    let rows: Vec<[String; 6]> = reply.value.as_array().into_iter().flatten().map(row).collect();
    let head = ["ID", "NAME", "USER", "STARTED", "DURATION", "STATE"].map(str::to_owned);
    write!(out, "{}", table(&[&[head], rows.as_slice()].concat()))?;
    match count {
        Some(count) if count > rows.len() as u64 => Ok(writeln!(out, "{} of {count}; --limit shows more", rows.len())?),
        _ => Ok(()),
    }
}

/// Prints what there is to know of an application at a glance.
///
/// # Errors
/// When the history server does not know it, or does not say.
pub(crate) async fn show(request: AppRequest) -> anyhow::Result<()> {
    let app = App::ask(&request).await?;
    let mut out = std::io::stdout().lock();
    if request.json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&app.as_json())?)?);
    }
    Ok(write!(out, "{}", app.as_text())?)
}

/// Opens the pages of an application, and prints their address.
///
/// # Errors
/// When the history server does not know it, or no browser can be started.
pub(crate) async fn open(request: OpenRequest) -> anyhow::Result<()> {
    let app = App::ask(&request.app).await?;
    let report = json!({ "url": app.url });
    let line = if request.app.json { serde_json::to_string_pretty(&report)? } else { app.url.clone() };
    writeln!(std::io::stdout(), "{line}")?;
    let status = Command::new(&request.browser).arg(&app.url).status().await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("{} ended with {status}: open the address yourself", request.browser),
        Err(error) => {
            bail!(
                "{} cannot be started: {error}; --browser names another program, or open the address yourself",
                request.browser
            )
        }
    }
}

/// What the history server says of an application.
struct App {
    info: Value,
    /// Of [`App::info`], the one that was asked for.
    attempt: Value,
    executors: Vec<Value>,
    jobs: Vec<Value>,
    url: String,
}

impl App {
    async fn ask(request: &AppRequest) -> anyhow::Result<Self> {
        let site = site(&request.site)?;
        let told = |failure| told(&request.site, failure);
        let id = request.app_id.as_str();
        let unknown = |mut failure: Failure| {
            if failure.is_lasting() && failure.advice.is_none() {
                failure.advice = Some("'hearth apps' lists those that there are".to_owned());
            }
            told(failure)
        };
        let info = site.get(&["api", "v1", "applications", id], &[]).await.map_err(unknown)?.value;
        let attempts = info["attempts"].as_array().cloned().unwrap_or_default();
        let wanted = |attempt: &Value| match &request.attempt {
            Some(wanted) => attempt["attemptId"].as_str() == Some(wanted),
            None => true,
        };
        let Some(attempt) = attempts.iter().find(|attempt| wanted(attempt)).cloned() else {
            let known: Vec<&str> = attempts.iter().filter_map(|attempt| attempt["attemptId"].as_str()).collect();
            bail!("{id} has no such attempt; there are {}", known.join(", "));
        };
        let mut place = vec!["api", "v1", "applications", id];
        place.extend(attempt["attemptId"].as_str());
        let part = async |name: &'static str| -> anyhow::Result<Vec<Value>> {
            let reply = site.get(&[place.as_slice(), &[name]].concat(), &[]).await.map_err(told)?;
            Ok(if let Value::Array(found) = reply.value { found } else { Vec::new() })
        };
        let executors = part("allexecutors").await?;
        let jobs = part("jobs").await?;
        let mut page = vec!["history", id];
        page.extend(attempt["attemptId"].as_str());
        let url = site.address(&[page.as_slice(), &["jobs", ""]].concat()).to_string();
        Ok(Self { info, attempt, executors, jobs, url })
    }

    fn as_json(&self) -> Value {
        json!({
            "id": self.info["id"],
            "name": self.info["name"],
            "attempt": self.attempt,
            "executors": { "total": self.executors().count(), "active": self.active() },
            "tasks": { "total": self.sum("numTasks"), "failed": self.sum("numFailedTasks") },
            "jobs": self.jobs.len(),
            "failedJobs": self.failed_jobs().collect::<Vec<_>>(),
            "url": self.url,
        })
    }

    fn as_text(&self) -> String {
        let mut lines = vec![
            ("Name", text(&self.info["name"])),
            ("Id", text(&self.info["id"])),
            ("Spark", text(&self.attempt["appSparkVersion"])),
            ("User", text(&self.attempt["sparkUser"])),
            ("State", state(&self.attempt).to_owned()),
            ("Started", moment(&self.attempt["startTimeEpoch"])),
            ("Duration", time(&self.attempt["duration"])),
        ];
        lines.extend(self.attempt["attemptId"].as_str().map(|attempt| ("Attempt", attempt.to_owned())));
        lines.push(("Executors", format!("{}, {} active", self.executors().count(), self.active())));
        lines.push(("Tasks", format!("{}, {} failed", self.sum("numTasks"), self.sum("numFailedTasks"))));
        lines.push(("Jobs", format!("{}, {} failed", self.jobs.len(), self.failed_jobs().count())));
        for job in self.failed_jobs().take(JOBS_TOLD) {
            lines.push(("", format!("{}: {}", job["jobId"], text(&job["name"]))));
        }
        lines.push(("Page", self.url.clone()));
        lines.push(("Logs", format!("hearth logs {}", text(&self.info["id"]))));
        lines.iter().fold(String::new(), |mut all, (name, value)| {
            // Writing to a String cannot fail.
            let _ = writeln!(all, "{name:<12}{value}");
            all
        })
    }

    /// Those that are not the driver.
    fn executors(&self) -> impl Iterator<Item = &Value> {
        self.executors.iter().filter(|executor| executor["id"] != "driver")
    }

    fn active(&self) -> usize {
        self.executors().filter(|executor| executor["isActive"] == true).count()
    }

    fn failed_jobs(&self) -> impl Iterator<Item = &Value> {
        self.jobs.iter().filter(|job| job["status"] == "FAILED")
    }

    /// Of all jobs.
    fn sum(&self, field: &str) -> u64 {
        self.jobs.iter().filter_map(|executor| executor[field].as_u64()).sum()
    }
}

fn site(of: &HistorySite) -> anyhow::Result<Site> {
    Ok(Site::new(of.url.clone(), of.access.clone())?)
}

fn told(site: &HistorySite, failure: Failure) -> anyhow::Error {
    let advice = failure.advice.map(|advice| format!("; {advice}")).unwrap_or_default();
    anyhow!("{}: {}{advice}", site.url, failure.reason)
}

fn row(app: &Value) -> [String; 6] {
    let attempt = &app["attempts"][0];
    [
        text(&app["id"]),
        text(&app["name"]),
        text(&attempt["sparkUser"]),
        moment(&attempt["startTimeEpoch"]),
        time(&attempt["duration"]),
        state(attempt).to_owned(),
    ]
}

fn state(attempt: &Value) -> &'static str {
    if attempt["completed"] == true { "completed" } else { "running" }
}

/// A text as a terminal may show it: what others wrote must not steer it.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A moment that is given in milliseconds.
fn moment(millis: &Value) -> String {
    let time = millis.as_u64().and_then(|millis| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
    time.map(|time| humantime::format_rfc3339_seconds(time).to_string()).unwrap_or_default()
}

/// A time in milliseconds; whole seconds, but for short ones.
fn time(millis: &Value) -> String {
    let time = Duration::from_millis(millis.as_u64().unwrap_or_default());
    let time = if time < Duration::from_secs(10) { time } else { Duration::from_secs(time.as_secs()) };
    humantime::format_duration(time).to_string()
}

/// Rows whose columns stand below each other.
fn table(rows: &[[String; 6]]) -> String {
    let widths: [usize; 6] =
        std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default());
    rows.iter().fold(String::new(), |mut all, row| {
        let line: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        all += line.join("  ").trim_end();
        all + "\n"
    })
}
