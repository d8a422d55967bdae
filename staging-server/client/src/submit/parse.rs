//! Reads spark-submit's arguments as spark-submit reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::options::{Handling, SparkOption};
use super::uris::{self, Local};
use crate::properties::spark_properties;

/// Settings whose values are lists of files.
const FILE_SETTINGS: [&str; 4] = ["spark.jars", "spark.submit.pyFiles", "spark.files", "spark.archives"];

/// Settings that name one file each, which spark-submit itself reads; an operator, being elsewhere, cannot.
const TEMPLATE_SETTINGS: [&str; 2] =
    ["spark.kubernetes.driver.podTemplateFile", "spark.kubernetes.executor.podTemplateFile"];

/// A command line of spark-submit.
#[derive(Clone, Debug)]
pub struct Submission {
    given: Vec<(&'static SparkOption, Option<String>)>,
    primary: Option<String>,
    arguments: Vec<String>,
    /// Of `--properties-file`.
    properties: BTreeMap<String, String>,
}

impl Submission {
    /// Reads the arguments. `read` reads the file of `--properties-file`.
    ///
    /// # Errors
    /// What spark-submit would not understand, either.
    pub fn parse(arguments: &[String], read: &dyn Fn(&str) -> Result<String, String>) -> Result<Self, String> {
        let mut rest = arguments.iter();
        let mut given = Vec::new();
        let mut primary = None;
        while let Some(argument) = rest.next() {
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (argument.as_str(), None),
            };
            let Some(option) = SparkOption::find(name) else {
                if argument.starts_with('-') {
                    return Err(format!(
                        "spark-submit has no option {name}; the application's own stand behind its file"
                    ));
                }
                primary = Some(argument.clone());
                break;
            };
            let value = match (option.has_value, inline) {
                (true, Some(value)) => Some(value),
                (true, None) => Some(rest.next().cloned().ok_or_else(|| format!("{name} needs a value"))?),
                (false, None) => None,
                (false, Some(_)) => return Err(format!("{name} takes no value")),
            };
            given.push((option, value));
        }
        let mut submission = Self { given, primary, arguments: rest.cloned().collect(), properties: BTreeMap::new() };
        if let Some(path) = submission.last("--properties-file") {
            submission.properties = spark_properties(&read(path)?).map_err(|reason| format!("{path}: {reason}"))?;
        }
        if let Some(wrong) = submission.all("--conf").find(|conf| !conf.contains('=')) {
            return Err(format!("--conf {wrong}: write NAME=VALUE"));
        }
        Ok(submission)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        self.given.iter().filter(move |(option, _)| option.name == name).filter_map(|(_, value)| value.as_deref())
    }

    /// The value that counts of an option: the last one.
    pub(super) fn last<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next_back()
    }

    /// Every option with its value, as given.
    pub(super) fn given(&self) -> &[(&'static SparkOption, Option<String>)] {
        &self.given
    }

    pub(super) fn primary(&self) -> Option<&str> {
        self.primary.as_deref()
    }

    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Every setting as Spark will see it: options beat `--conf`, and that beats the file.
    #[must_use]
    pub fn settings(&self) -> BTreeMap<String, String> {
        let mut settings = self.properties.clone();
        for conf in self.all("--conf") {
            if let Some((name, value)) = conf.split_once('=') {
                settings.insert(name.trim().to_owned(), value.to_owned());
            }
        }
        for (option, value) in &self.given {
            if let (Handling::Setting(name), Some(value)) = (option.handling, value) {
                settings.insert(name.to_owned(), value.clone());
            }
        }
        settings
    }

    /// Whether the driver will run on the cluster. In client mode it runs here and serves its files itself.
    #[must_use]
    pub fn is_cluster_mode(&self) -> bool {
        self.settings().get("spark.submit.deployMode").is_some_and(|mode| mode == "cluster")
    }

    /// Whether it only asks spark-submit for something, and submits nothing.
    #[must_use]
    pub fn only_asks(&self) -> bool {
        let asks = ["--help", "--version", "--usage-error", "--kill", "--status"];
        self.given.iter().any(|(option, _)| asks.contains(&option.name))
    }

    /// What lies on this machine and the cluster will need; `templates` says whether pod templates are among it.
    #[must_use]
    pub fn local(&self, templates: bool) -> BTreeSet<Local> {
        let settings = self.settings();
        let templates = if templates { &TEMPLATE_SETTINGS[..] } else { &[] };
        let lists = FILE_SETTINGS.iter().chain(templates).filter_map(|name| settings.get(*name)).map(String::as_str);
        lists.flat_map(uris::local).chain(self.primary.as_deref().and_then(uris::local_one)).collect()
    }

    /// The arguments with every local file replaced by its `places`.
    #[must_use]
    pub fn rewritten(&self, places: &dyn Fn(&str) -> Option<Vec<String>>) -> Vec<String> {
        let settings = self.settings();
        let mut arguments = Vec::new();
        for (option, value) in &self.given {
            arguments.push(option.name.to_owned());
            if let Some(value) = value {
                arguments.push(self.rewritten_value(option, value, places));
            }
        }
        for (name, value) in &self.properties {
            let counts = FILE_SETTINGS.contains(&name.as_str()) && settings.get(name) == Some(value);
            let replaced = uris::replaced(value, places);
            if counts && replaced != uris::replaced(value, &|_| None) {
                arguments.extend(["--conf".to_owned(), format!("{name}={replaced}")]);
            }
        }
        arguments.extend(self.primary.as_deref().map(|primary| uris::replaced_one(primary, places)));
        arguments.extend(self.arguments.iter().cloned());
        arguments
    }

    fn rewritten_value(
        &self,
        option: &SparkOption,
        value: &str,
        places: &dyn Fn(&str) -> Option<Vec<String>>,
    ) -> String {
        match value.split_once('=') {
            _ if option.is_files => uris::replaced(value, places),
            Some((name, list)) if option.name == "--conf" && FILE_SETTINGS.contains(&name.trim()) => {
                format!("{name}={}", uris::replaced(list, places))
            }
            _ => value.to_owned(),
        }
    }

    /// Every setting with every local file replaced by its `places`.
    pub(super) fn settings_with(&self, places: &dyn Fn(&str) -> Option<Vec<String>>) -> BTreeMap<String, String> {
        let mut settings = self.settings();
        for name in FILE_SETTINGS.iter().chain(&TEMPLATE_SETTINGS) {
            if let Some(value) = settings.get_mut(*name) {
                *value = uris::replaced(value, places);
            }
        }
        settings
    }
}
