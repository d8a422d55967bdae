//! Starts an application by an operator, and stays with it to its end.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use futures::AsyncReadExt as _;
use k8s_openapi::api::core::v1::{ContainerState, Pod};
use kube::api::{Api, DeleteParams, ListParams, LogParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

const INTERVAL: Duration = Duration::from_secs(1);
/// The API server may be away for so long.
const PATIENCE: Duration = Duration::from_secs(300);
/// The rest of a log may take so long to come when the application has ended.
const LAST_LINES: Duration = Duration::from_secs(30);
/// As shells tell of SIGINT.
const INTERRUPTED: u8 = 130;

/// Applies a manifest. Follows the application's state on standard error, and its driver's log on standard output, to the end; the
/// exit code is then that of the driver. With `detach` nothing is waited for; `delete_on_interrupt` deletes it on Ctrl-C.
///
/// # Errors
/// When the cluster does not take it, or is away for long.
pub(super) async fn start(manifest: Value, detach: bool, delete_on_interrupt: bool) -> anyhow::Result<ExitCode> {
    let client = kube::Client::try_default()
        .await
        .context("no cluster was found; KUBECONFIG names the file that leads to one")?;
    let api_version = manifest["apiVersion"].as_str().unwrap_or_default().to_owned();
    let (group, version) = api_version.split_once('/').unwrap_or_default();
    let kind = GroupVersionKind::gvk(group, version, "SparkApplication");
    let resource = ApiResource::from_gvk_with_plural(&kind, "sparkapplications");
    let object: DynamicObject = serde_json::from_value(manifest).context("the manifest is no object of Kubernetes")?;
    let namespace = object.metadata.namespace.clone().unwrap_or_default();
    let run = Run {
        name: object.metadata.name.clone().unwrap_or_default(),
        applications: Api::namespaced_with(client.clone(), &namespace, &resource),
        pods: Api::namespaced(client, &namespace),
    };
    run.applications.create(&PostParams::default(), &object).await.map_err(|error| refused(error, group))?;
    say(&format!("created   SparkApplication {namespace}/{}", run.name));
    if detach {
        return Ok(ExitCode::SUCCESS);
    }
    tokio::select! {
        code = run.follow() => code,
        _ = tokio::signal::ctrl_c() => run.interrupted(delete_on_interrupt).await,
    }
}

fn refused(error: kube::Error, group: &str) -> anyhow::Error {
    match &error {
        kube::Error::Api(status) if status.code == 404 => {
            anyhow!("the cluster knows no SparkApplication of {group}: is its operator installed? ({status})")
        }
        _ => anyhow::Error::from(error).context("the cluster did not take the application"),
    }
}

/// Where lines cannot be written, nothing can be done about it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// An application that has been started.
struct Run {
    name: String,
    applications: Api<DynamicObject>,
    pods: Api<Pod>,
}

/// A log that is being printed; no longer when it is dropped.
struct Printing(JoinHandle<()>);

impl Drop for Printing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Run {
    async fn follow(&self) -> anyhow::Result<ExitCode> {
        let (mut shown, mut log, mut exit_code) = (String::new(), None, None);
        let mut seen = Instant::now();
        loop {
            let (application, driver) = match self.look().await {
                Ok(found) => found,
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    bail!("{} was deleted by someone else", self.name)
                }
                Err(error) if seen.elapsed() > PATIENCE => {
                    return Err(
                        anyhow::Error::from(error).context("the cluster does not say what becomes of the application")
                    );
                }
                Err(_) => {
                    sleep(INTERVAL).await;
                    continue;
                }
            };
            seen = Instant::now();
            let state = State::of(&application.data["status"]);
            if state.name != shown {
                shown.clone_from(&state.name);
                say(&format!("state     {shown}"));
            }
            if let Some(driver) = &driver {
                if log.is_none() && has_begun(driver) {
                    log = Some(Printing(tokio::spawn(print_log(self.pods.clone(), driver.clone()))));
                }
                exit_code = ended_with(driver).or(exit_code);
            }
            if let Some(succeeded) = state.succeeded {
                if let Some(mut log) = log {
                    // A log that does not end keeps nobody for ever.
                    let _ = timeout(LAST_LINES, &mut log.0).await;
                }
                return self.end(succeeded, exit_code, &state);
            }
            sleep(INTERVAL).await;
        }
    }

    fn end(&self, succeeded: bool, exit_code: Option<i32>, state: &State) -> anyhow::Result<ExitCode> {
        let code = exit_code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code > 0);
        match (succeeded, code) {
            (true, _) => Ok(ExitCode::SUCCESS),
            (false, code) => {
                say(&format!("failed    {}: {}", self.name, state.message.as_deref().unwrap_or(&state.name)));
                Ok(ExitCode::from(code.unwrap_or(1)))
            }
        }
    }

    /// The application, and its driver's pod if there is one.
    async fn look(&self) -> kube::Result<(DynamicObject, Option<Pod>)> {
        let application = self.applications.get(&self.name).await?;
        // Each operator has a label of its own for whom a pod belongs to.
        for label in ["sparkoperator.k8s.io/app-name", "spark.operator/spark-app-name"] {
            let selector = format!("spark-role=driver,{label}={}", self.name);
            let found = self.pods.list(&ListParams::default().labels(&selector)).await?;
            if let Some(driver) = found.items.into_iter().next_back() {
                return Ok((application, Some(driver)));
            }
        }
        Ok((application, None))
    }

    async fn interrupted(&self, delete: bool) -> anyhow::Result<ExitCode> {
        if delete {
            self.applications.delete(&self.name, &DeleteParams::default()).await.context("it could not be deleted")?;
            say(&format!("deleted   {}", self.name));
        } else {
            say(&format!(
                "left      {}: it goes on; 'kubectl delete sparkapplication {}' ends it",
                self.name, self.name
            ));
        }
        Ok(ExitCode::from(INTERRUPTED))
    }
}

/// What an operator says of an application.
struct State {
    name: String,
    message: Option<String>,
    /// When it has ended: how.
    succeeded: Option<bool>,
}

impl State {
    fn of(status: &Value) -> Self {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        if let Some(name) = text(&status["currentState"]["currentStateSummary"]) {
            let message = text(&status["currentState"]["message"]);
            let succeeded = of_apache(&name, &status["stateTransitionHistory"]);
            return Self { name, message, succeeded };
        }
        let state = &status["applicationState"];
        let name = text(&state["state"]).unwrap_or_else(|| "NEW".to_owned());
        let succeeded = match name.as_str() {
            "COMPLETED" => Some(true),
            "FAILED" => Some(false),
            _ => None,
        };
        Self { name, message: text(&state["errorMessage"]), succeeded }
    }
}

/// Apache's operator goes on from how an application ended to what became of its pods; its history still says how it ended.
fn of_apache(name: &str, history: &Value) -> Option<bool> {
    match name {
        "Succeeded" => Some(true),
        "Failed"
        | "DriverEvicted"
        | "SchedulingFailure"
        | "DriverStartTimedOut"
        | "DriverReadyTimedOut"
        | "ExecutorsStartTimedOut" => Some(false),
        "ResourceReleased" | "TerminatedWithoutReleaseResources" => {
            let mut states = history.as_object().into_iter().flat_map(|history| history.values());
            Some(states.any(|state| state["currentStateSummary"] == "Succeeded"))
        }
        _ => None,
    }
}

/// How the container that Spark runs in is.
fn state_of(driver: &Pod) -> Option<&ContainerState> {
    let containers = driver.status.as_ref()?.container_statuses.as_ref()?;
    let spark = containers.iter().find(|container| container.name == "spark-kubernetes-driver");
    spark.or_else(|| containers.first())?.state.as_ref()
}

fn has_begun(driver: &Pod) -> bool {
    state_of(driver).is_some_and(|state| state.running.is_some() || state.terminated.is_some())
}

fn ended_with(driver: &Pod) -> Option<i32> {
    Some(state_of(driver)?.terminated.as_ref()?.exit_code)
}

async fn print_log(pods: Api<Pod>, driver: Pod) {
    let name = driver.metadata.name.unwrap_or_default();
    let containers = driver.spec.map(|spec| spec.containers).unwrap_or_default();
    let spark = containers.iter().find(|container| container.name == "spark-kubernetes-driver");
    let container = spark.or_else(|| containers.first()).map(|container| container.name.clone());
    let parameters = LogParams { follow: true, container, ..LogParams::default() };
    if let Err(error) = copy_log(&pods, &name, &parameters).await {
        say(&format!("log       the log of {name} broke off: {error}; 'hearth logs' prints what was shipped of it"));
    }
}

async fn copy_log(pods: &Api<Pod>, name: &str, parameters: &LogParams) -> anyhow::Result<()> {
    let mut log = Box::pin(pods.log_stream(name, parameters).await?);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match log.read(&mut buffer).await? {
            0 => return Ok(()),
            read => {
                let mut out = std::io::stdout().lock();
                out.write_all(&buffer[..read])?;
                out.flush()?;
            }
        }
    }
}
