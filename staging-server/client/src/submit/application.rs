use std::collections::BTreeMap;

use super::options::Handling;
use super::parse::Submission;
use super::uris;

/// A submission as an operator needs to know it: settings, and what no setting says.
#[derive(Clone, Debug)]
pub struct Application {
    /// A name that Kubernetes allows.
    pub name: String,
    /// The namespace that it runs in.
    pub namespace: String,
    /// The version of Spark in the image.
    pub spark_version: String,
    pub(super) main_class: Option<String>,
    pub(super) file: String,
    pub(super) arguments: Vec<String>,
    pub(super) proxy_user: Option<String>,
    /// What has no field of its own is passed on as it is.
    pub(super) settings: BTreeMap<String, String>,
}

impl Application {
    /// Understands a submission, with its local files replaced by their `places`. `suffix` makes the name one that no other
    /// run has; `spark_version` is asked for where the image's tag does not tell.
    ///
    /// # Errors
    /// Everything in it that an operator cannot do.
    pub fn new(
        submission: &Submission,
        places: &dyn Fn(&str) -> Option<Vec<String>>,
        suffix: &str,
        spark_version: Option<&str>,
    ) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        for (option, _) in submission.given() {
            if let Handling::Refused(reason) = option.handling {
                mistakes.push(format!("{}: {reason}", option.name));
            }
        }
        let mut settings = submission.settings_with(places);
        // With the arguments of an operator, the cluster is the one that it runs in.
        let master = settings.remove("spark.master");
        if master.is_some_and(|master| !master.starts_with("k8s://")) {
            mistakes
                .push("--master: an operator starts applications on Kubernetes: k8s://…, or leave it out".to_owned());
        }
        if settings.remove("spark.submit.deployMode").is_some_and(|mode| mode != "cluster") {
            mistakes.push("--deploy-mode: an operator starts applications in cluster mode only".to_owned());
        }
        let Some(primary) = submission.primary() else {
            mistakes.push("there is no application: name its jar, .py or .R file behind the options".to_owned());
            return Err(mistakes);
        };
        let image = settings.get("spark.kubernetes.container.image").cloned().unwrap_or_default();
        if image.is_empty() {
            mistakes.push("--conf spark.kubernetes.container.image=IMAGE is missing".to_owned());
        }
        let version = spark_version.map(str::to_owned).or_else(|| version_of(&image));
        if version.is_none() {
            mistakes.push("--spark-version is missing: the image's tag does not say which Spark is in it".to_owned());
        }
        let main_class = submission.last("--class").map(str::to_owned);
        if main_class.is_none() && !is_script(primary) {
            mistakes.push("--class is missing: an operator does not look into the jar for it".to_owned());
        }
        let namespace = settings.remove("spark.kubernetes.namespace").unwrap_or_else(|| "default".to_owned());
        let name = settings.remove("spark.app.name");
        let name = kubernetes_name(name.as_deref().or(main_class.as_deref()).unwrap_or(primary), suffix);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Self {
            name,
            namespace,
            spark_version: version.unwrap_or_default(),
            main_class,
            file: uris::replaced_one(primary, places),
            arguments: submission.arguments().to_vec(),
            proxy_user: submission.last("--proxy-user").map(str::to_owned),
            settings,
        })
    }

    /// Takes a setting out, for a field of its own.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.settings.remove(name)
    }

    /// A list of files or names, for a field of its own.
    pub(super) fn take_list(&mut self, name: &str) -> Option<Vec<String>> {
        let list = self.take(name)?;
        Some(uris::members(&list).map(str::to_owned).collect())
    }
}

fn is_script(primary: &str) -> bool {
    let (path, _) = uris::split(primary);
    [".py", ".R", ".r"].iter().any(|ending| path.ends_with(ending))
}

/// The version in the tag of an image such as `apache/spark:4.0.1-scala2.13-java17-ubuntu`.
fn version_of(image: &str) -> Option<String> {
    let (_, tag) = image.rsplit_once('/').map_or(image, |(_, last)| last).split_once(':')?;
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let version = tag.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let numbers = version.split('.').filter(|number| !number.is_empty()).count();
    (numbers == 3 && version.split('.').count() == 3).then(|| version.to_owned())
}

/// A name of at most 50 characters, as Kubernetes allows them: Spark puts more behind it.
fn kubernetes_name(text: &str, suffix: &str) -> String {
    let last = text.rsplit(['/', '.']).find(|part| !["py", "R", "jar"].contains(part)).unwrap_or(text);
    let text = if text.contains('/') || text.contains('.') { last } else { text };
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(40).collect();
    let plain = plain.trim_matches('-');
    let start = if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { "" } else { "spark-" };
    format!("{start}{plain}-{suffix}").replace("--", "-")
}
