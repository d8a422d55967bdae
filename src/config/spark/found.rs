//! Where Spark's settings are looked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use staging_client::spark_properties;

use super::finding::{Finding, Outcome, Property};
use super::hadoop::Hadoop;
use super::java;

/// Longer files are no settings.
const LIMIT_BYTES: u64 = 1024 * 1024;

/// Answers with a variable of the environment.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All settings, before anything is made of them.
#[derive(Default)]
pub(super) struct Found {
    pub(super) properties: BTreeMap<String, Property>,
    pub(super) hadoop: Hadoop,
    /// Names in `core-site.xml`.
    pub(super) site: Option<(String, BTreeSet<String>)>,
    pub(super) metrics_port: Option<(u16, String)>,
    pub(super) findings: Vec<Finding>,
    pub(super) mistakes: Vec<String>,
}

impl Found {
    /// Looks everywhere. A file that is named, but cannot be read, is a mistake.
    pub(super) fn look(properties_file: Option<&Path>, environment: Environment<'_>) -> Self {
        let mut found = Self::default();
        found.read_file(properties_file, environment);
        for variable in ["SPARK_DAEMON_JAVA_OPTS", "SPARK_HISTORY_OPTS"] {
            if let Some(options) = environment(variable) {
                found.read_options(variable, &options);
            }
        }
        found.read_site(environment);
        found
    }

    fn read_file(&mut self, named: Option<&Path>, environment: Environment<'_>) {
        let file = named.map(Path::to_owned).or_else(|| {
            let folder = environment("SPARK_CONF_DIR").map(PathBuf::from);
            let folder = folder.or_else(|| environment("SPARK_HOME").map(|home| Path::new(&home).join("conf")));
            folder.map(|folder| folder.join("spark-defaults.conf")).filter(|file| file.is_file())
        });
        let Some(file) = file else { return };
        match read(&file).and_then(|text| spark_properties(&text)) {
            Ok(properties) => {
                for (key, value) in properties {
                    self.properties.insert(key, Property { value, origin: file.display().to_string() });
                }
            }
            Err(reason) => self.mistakes.push(format!("{}: {reason}", file.display())),
        }
    }

    fn read_options(&mut self, variable: &str, options: &str) {
        let words = match java::words(options) {
            Ok(words) => words,
            Err(reason) => {
                self.mistakes.push(format!("{variable}: {reason}"));
                return;
            }
        };
        for word in words {
            match java::system_property(&word) {
                Some((key, value)) if key.starts_with("spark.") => {
                    let property = Property { value: value.to_owned(), origin: variable.to_owned() };
                    self.properties.insert(key.to_owned(), property);
                }
                _ => self.read_option_of_java(variable, &word),
            }
        }
    }

    fn read_option_of_java(&mut self, variable: &str, word: &str) {
        let outcome = match java::metrics_port(word) {
            Some(port) => {
                self.metrics_port = Some((port, variable.to_owned()));
                Outcome::Used(format!("--admin-listen 0.0.0.0:{port}, for /metrics"))
            }
            None => Outcome::Ignored("an option of Java: this is not a Java program".to_owned()),
        };
        // Only its name is shown: the rest may hold a password.
        let name = word.split(['=', ':']).next().unwrap_or_default();
        let (name, value) = (name.to_owned(), String::new());
        self.findings.push(Finding { name, value, origin: variable.to_owned(), outcome });
    }

    fn read_site(&mut self, environment: Environment<'_>) {
        let folder = environment("HADOOP_CONF_DIR").map(PathBuf::from);
        if let Some(file) = folder.map(|folder| folder.join("core-site.xml")).filter(|file| file.is_file()) {
            match read(&file).and_then(|text| self.hadoop.add_site(&text)) {
                Ok(names) => self.site = Some((file.display().to_string(), names.into_iter().collect())),
                Err(reason) => self.mistakes.push(format!("{}: {reason}", file.display())),
            }
        }
        for (key, property) in &self.properties {
            if let Some(name) = key.strip_prefix("spark.hadoop.") {
                self.hadoop.set(name, &property.value);
            }
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    match std::fs::metadata(file) {
        Ok(meta) if meta.len() > LIMIT_BYTES => Err("it is larger than 1 MiB".to_owned()),
        Ok(_) => {
            std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|e| e.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}
