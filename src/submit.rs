//! `hearth submit`: uploads what is local of a submission, and hands the rest over to who starts it.

mod follow;

use std::collections::HashMap;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use staging_client::stage::{Item, collect};
use staging_client::submit::{Application, apache, operator};
use tokio::process::Command;

use crate::config::{ManifestFormat, SubmitRequest, Via};
use crate::stage;

/// For each local file of the submission, where it is on the server; a pattern or a folder may be several.
type Places = HashMap<String, Vec<String>>;

/// Submits what `request` holds. The exit code is that of spark-submit.
///
/// # Errors
/// When it does not come so far.
pub(crate) async fn run(request: SubmitRequest) -> anyhow::Result<ExitCode> {
    let uploads = request.via != Via::SparkSubmit || request.submission.is_cluster_mode();
    let places = if uploads && !request.submission.only_asks() { places(&request).await? } else { Places::new() };
    let find = |text: &str| places.get(text).cloned();
    if request.via == Via::SparkSubmit {
        return hand_over(&request, request.submission.rewritten(&find)).await;
    }
    let suffix = format!("{:08x}", uuid::Uuid::new_v4().as_fields().0);
    let application = Application::new(&request.submission, &find, &suffix, request.spark_version.as_deref());
    let manifest = application.and_then(|application| match request.via {
        Via::ApacheOperator => apache::manifest(application),
        Via::Operator | Via::SparkSubmit => operator::manifest(application),
    });
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(mistakes) => bail!("an operator cannot start this:\n  {}", mistakes.join("\n  ")),
    };
    let text = match (request.manifest, request.dry_run) {
        (None, false) => return follow::start(manifest, request.detach, request.delete_on_interrupt).await,
        (Some(ManifestFormat::Json), _) => format!("{}\n", serde_json::to_string_pretty(&manifest)?),
        (Some(ManifestFormat::Yaml) | None, _) => staging_client::yaml(&manifest)?,
    };
    write!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

async fn places(request: &SubmitRequest) -> anyhow::Result<Places> {
    let local: Vec<_> = request.submission.local(request.via != Via::SparkSubmit).into_iter().collect();
    if local.is_empty() {
        return Ok(Places::new());
    }
    let names: Vec<String> = local.iter().map(|local| local.path.display().to_string()).collect();
    let Some(server) = &request.server else {
        bail!(
            "{} lies on this machine: --staging-url names the server that the cluster gets it from",
            names.join(", ")
        );
    };
    let items = collect(&names).map_err(|mistakes| anyhow::anyhow!("{}", mistakes.join("\nhearth: ")))?;
    if let Some(Item { local, .. }) = items.iter().find(|item| item.name.contains('/')) {
        bail!("{} is in a folder that was named: Spark takes files; pack it into an archive", local.display());
    }
    let mut places = Places::new();
    let mut note = |item: &Item, url: String| places.entry(local[item.argument].text.clone()).or_default().push(url);
    let staged = match request.dry_run {
        true => stage::plan(server, &items).await?,
        false => stage::put(server, &items).await?,
    };
    items.iter().zip(&staged).for_each(|(item, staged)| note(item, stage::url(server, &staged.path)));
    Ok(places)
}

async fn hand_over(request: &SubmitRequest, arguments: Vec<String>) -> anyhow::Result<ExitCode> {
    let program = &request.spark_submit;
    if request.dry_run {
        writeln!(std::io::stdout(), "{} {}", program.display(), arguments.join(" "))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut child = Command::new(program).args(arguments).spawn().with_context(|| {
        format!(
            "{} cannot be started; --spark-submit names another one, and --via operator needs none",
            program.display()
        )
    })?;
    // Ctrl-C in a terminal goes to spark-submit, too, which then decides how it ends.
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    Ok(ExitCode::from(code(status)))
}

#[cfg(unix)]
fn code(status: std::process::ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    // As shells tell the signal that ended a program.
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
