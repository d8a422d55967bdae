//! `hearth pod-template`: looks through templates, renders them, and keeps them in the store.

use std::io::Write as _;

use anyhow::{anyhow, bail};
use serde_json::json;
use staging_client::pod_template::{Finding, Severity, Shelf, check, render};
use storage::{Store, StoreUrl};

use crate::config::{PodTemplateAction as Action, PodTemplateRequest, Text};

/// Does what `request` asks for.
///
/// # Errors
/// When a check finds an error, or a template cannot be had or kept.
pub(crate) async fn run(request: PodTemplateRequest) -> anyhow::Result<()> {
    let json = request.json;
    match request.action {
        Action::Check { file, purpose } => report(&file, &check(&file.content, &purpose), json),
        Action::Render { template, fetch } => match render(&template, &fetch) {
            Ok(text) => Ok(write!(std::io::stdout(), "{text}")?),
            Err(finding) => Err(anyhow!("the template cannot be read: {finding}")),
        },
        Action::Publish { file, purpose, store, namespace, name, force } => {
            let findings = check(&file.content, &purpose);
            if !force && let Err(error) = refuse(&file, &findings) {
                bail!("{error}; nothing was published (--force publishes it all the same)");
            }
            let path = shelf(&store)?.publish(&namespace, &name, file.content).await?;
            // By this path the staging server serves it.
            let path = format!("/{path}");
            let findings: Vec<_> = findings.iter().map(as_json).collect();
            let report = json!({ "namespace": namespace, "name": name, "path": path, "findings": findings });
            let line = if json { serde_json::to_string_pretty(&report)? } else { path };
            Ok(writeln!(std::io::stdout(), "{line}")?)
        }
        Action::List { store, namespace } => list(&shelf(&store)?, namespace.as_deref(), json).await,
        Action::Get { store, namespace, name } => {
            Ok(write!(std::io::stdout(), "{}", shelf(&store)?.get(&namespace, &name).await?)?)
        }
        Action::Delete { store, namespace, name } => Ok(shelf(&store)?.delete(&namespace, &name).await?),
    }
}

fn shelf(url: &StoreUrl) -> anyhow::Result<Shelf> {
    Ok(Shelf::new(Store::open(url)?))
}

/// Prints every finding.
fn report(file: &Text, findings: &[Finding], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        let findings: Vec<_> = findings.iter().map(as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "file": file.name, "findings": findings }))?)?;
    } else {
        findings.iter().try_for_each(|finding| writeln!(out, "{}:{finding}", file.name))?;
    }
    match errors(findings) {
        0 => Ok(()),
        1 => bail!("{} has an error", file.name),
        errors => bail!("{} has {errors} errors", file.name),
    }
}

/// Prints the errors alone.
fn refuse(file: &Text, findings: &[Finding]) -> anyhow::Result<()> {
    let mut out = std::io::stderr().lock();
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
        writeln!(out, "{}:{finding}", file.name)?;
    }
    if errors(findings) > 0 { bail!("{} has errors", file.name) } else { Ok(()) }
}

fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.severity == Severity::Error).count()
}

async fn list(shelf: &Shelf, namespace: Option<&str>, json: bool) -> anyhow::Result<()> {
    let found = shelf.list(namespace).await?;
    let mut out = std::io::stdout().lock();
    if json {
        let templates: Vec<_> = found
            .iter()
            .map(|(namespace, name, meta)| {
                json!({
                    "namespace": namespace,
                    "name": name,
                    "path": format!("/{}", meta.path),
                    "sizeBytes": meta.size_bytes,
                    "lastModified": meta.last_modified.to_rfc3339(),
                })
            })
            .collect();
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "templates": templates }))?)?);
    }
    for (namespace, name, meta) in &found {
        writeln!(out, "{namespace}/{name}\t{} bytes\t{}", meta.size_bytes, meta.last_modified.format("%F %T UTC"))?;
    }
    Ok(())
}

fn as_json(finding: &Finding) -> serde_json::Value {
    json!({
        "line": finding.place.line,
        "column": finding.place.column,
        "severity": finding.severity.name(),
        "field": finding.field,
        "message": finding.message,
    })
}
