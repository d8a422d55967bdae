//! `hearth stage`: puts files on the staging server, and prints where they are.

use std::io::{Write as _, stderr};
use std::sync::Arc;

use anyhow::bail;
use serde_json::json;
use staging_client::stage::{Event, Item, Observer, Staged, Stager};

use crate::config::{Scheme, StageOutput as Output, StageRequest, StageServer as Server};
use crate::progress::Bars;

/// Uploads what `request` names.
///
/// # Errors
/// When anything is not on the server in the end; which and why has been printed by then.
pub(crate) async fn run(request: StageRequest) -> anyhow::Result<()> {
    let staged = put(&request.server, &request.items).await?;
    let urls: Vec<(&Staged, String)> = staged.iter().map(|file| (file, url(&request.server, &file.path))).collect();
    let mut out = std::io::stdout().lock();
    match request.output {
        Output::Text => urls.iter().try_for_each(|(_, url)| writeln!(out, "{url}"))?,
        Output::Json => {
            let files: Vec<_> = urls.iter().map(|(file, url)| as_json(&request.server, file, url)).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "files": files }))?)?;
        }
        Output::Conf => {
            for setting in ["spark.jars", "spark.submit.pyFiles", "spark.archives", "spark.files"] {
                let of_setting = urls.iter().filter(|(file, _)| setting_of(&file.path) == setting);
                let list: Vec<&str> = of_setting.map(|(_, url)| url.as_str()).collect();
                if !list.is_empty() {
                    writeln!(out, "--conf {setting}={}", list.join(","))?;
                }
            }
        }
    }
    Ok(())
}

/// Uploads all of `items`; says on standard error what fails or is tried again.
///
/// # Errors
/// When one is not on the server in the end.
pub(crate) async fn put(server: &Server, items: &[Item]) -> anyhow::Result<Vec<Staged>> {
    let stager = Stager::new(server.access.clone(), server.settings.clone())?;
    let names: Vec<String> = items.iter().map(|item| item.local.display().to_string()).collect();
    let bars = Bars::default();
    let observer: Observer = Arc::new(move |event| match event {
        Event::Began { index, total_bytes } => bars.begin(index, &names[index], Some(total_bytes)),
        Event::Sent { index, bytes } => bars.advance(index, bytes),
        Event::Retrying { index, reason, pause } => {
            let seconds = pause.as_secs_f64();
            bars.line(stderr(), &format!("retrying  {} in {seconds:.1} s: {reason}", names[index]));
        }
        Event::Ended { index, outcome: Err(failure) } => {
            bars.end(index);
            let advice = failure.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
            bars.line(stderr(), &format!("failed    {}: {failure}{advice}", names[index]));
        }
        Event::Ended { index, outcome: Ok(staged) } => {
            bars.end(index);
            let done = if staged.sent { "uploaded " } else { "there    " };
            bars.line(stderr(), &format!("{done} {} ({} bytes)", names[index], staged.size_bytes));
        }
    });
    let outcomes = stager.run(items, &observer).await;
    let all = outcomes.len();
    let staged: Vec<Staged> = outcomes.into_iter().flatten().collect();
    if staged.len() < all {
        bail!("{} of {all} files could not be uploaded to {}", all - staged.len(), server.settings.server);
    }
    Ok(staged)
}

/// Where each of `items` would be. Nothing is sent.
///
/// # Errors
/// When one cannot be read.
pub(crate) async fn plan(server: &Server, items: &[Item]) -> anyhow::Result<Vec<Staged>> {
    let stager = Stager::new(server.access.clone(), server.settings.clone())?;
    Ok(stager.plan(items).await.into_iter().collect::<Result<_, _>>()?)
}

/// Where others read a staged file.
pub(crate) fn url(server: &Server, path: &str) -> String {
    let mut url = server.settings.server.clone();
    url.set_path(path);
    let text = url.to_string();
    match server.scheme {
        Scheme::Http => text,
        // Hadoop's client takes another port for its default than a URL of HTTP has.
        Scheme::WebHdfs => {
            let (scheme, host) =
                if url.scheme() == "https" { ("swebhdfs", url.host_str()) } else { ("webhdfs", url.host_str()) };
            let port = url.port_or_known_default().unwrap_or_default();
            format!("{scheme}://{}:{port}{}", host.unwrap_or_default(), url.path())
        }
    }
}

/// The setting of Spark that a file of this name is for.
fn setting_of(path: &str) -> &'static str {
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.to_ascii_lowercase().ends_with(ending));
    match () {
        () if ends(&[".jar"]) => "spark.jars",
        () if ends(&[".py", ".egg", ".whl"]) => "spark.submit.pyFiles",
        () if ends(&[".zip", ".tar", ".tar.gz", ".tgz"]) => "spark.archives",
        () => "spark.files",
    }
}

fn as_json(server: &Server, file: &Staged, url: &str) -> serde_json::Value {
    json!({
        "file": file.local.display().to_string(),
        "url": url,
        "path": file.path,
        "namespace": server.settings.namespace,
        "sizeBytes": file.size_bytes,
        "sha256": file.sha256,
        "uploaded": file.sent,
    })
}
