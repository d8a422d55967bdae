//! Spark's settings to Hearth's.

use super::finding::{Finding, Outcome, Property, Spark};
use super::found::{Environment, Found};
use super::java;
use super::keys::{KEYS, Rule};

const HISTORY: Option<&str> = Some("history-server");
const SPARKS_DEFAULT: &str = "as Spark's own history server";
/// Where Spark looks for event logs when nothing is said.
const LOG_DIRECTORY: &str = "file:/tmp/spark-events";
const PROVIDERS: [&str; 1] = ["org.apache.spark.deploy.history.FsHistoryProvider"];

/// What all that was found comes to.
pub(super) fn translate(mut found: Found, environment: Environment<'_>) -> Spark {
    let spark = Spark {
        findings: std::mem::take(&mut found.findings),
        mistakes: std::mem::take(&mut found.mistakes),
        ..Spark::default()
    };
    let mut translation = Translation { found, spark };
    translation.addresses(environment);
    translation.event_logs();
    translation.store();
    translation.cleaner();
    translation.access(environment);
    translation.rest();
    translation.spark
}

struct Translation {
    found: Found,
    spark: Spark,
}

impl Translation {
    /// A property, looked at once.
    fn take(&mut self, name: &str) -> Option<Property> {
        self.found.properties.remove(name)
    }

    fn set(&mut self, role: Option<&'static str>, name: &'static str, values: Vec<String>, origin: &str) {
        self.spark.settings.insert((role, name), (values, origin.to_owned()));
    }

    fn note(&mut self, name: &str, property: &Property, outcome: Outcome) {
        if let Outcome::Refused(reason) = &outcome {
            self.spark.mistakes.push(format!("{name} of {}: {reason}", property.origin));
        }
        let value = if is_secret(name) { "***".to_owned() } else { property.value.clone() };
        let (name, origin) = (name.to_owned(), property.origin.clone());
        self.spark.findings.push(Finding { name, value, origin, outcome });
    }

    /// Takes a property as a setting of Hearth.
    fn becomes(
        &mut self,
        name: &str,
        property: &Property,
        role: Option<&'static str>,
        setting: &'static str,
        value: Result<String, String>,
    ) {
        match value {
            Ok(value) => {
                self.note(name, property, Outcome::Used(format!("--{setting} {value}")));
                self.set(role, setting, vec![value], &format!("{name} of {}", property.origin));
            }
            Err(reason) => self.note(name, property, Outcome::Refused(reason)),
        }
    }

    fn addresses(&mut self, environment: Environment<'_>) {
        const PORT: &str = "spark.history.ui.port";
        let host = environment("SPARK_LOCAL_IP").unwrap_or_else(|| "0.0.0.0".to_owned());
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        match self.take(PORT) {
            None => self.set(HISTORY, "listen", vec![format!("{host}:18080")], SPARKS_DEFAULT),
            Some(property) => {
                let port = property.value.trim().parse::<u16>().map_err(|_| "write a port's number".to_owned());
                self.becomes(PORT, &property, HISTORY, "listen", port.map(|port| format!("{host}:{port}")));
            }
        }
        match self.found.metrics_port.take() {
            Some((port, variable)) => self.set(None, "admin-listen", vec![format!("{host}:{port}")], &variable),
            None => self.set(None, "admin-listen", vec!["off".to_owned()], SPARKS_DEFAULT),
        }
    }

    fn event_logs(&mut self) {
        const KEY: &str = "spark.history.fs.logDirectory";
        const NAMES: &str = "spark.history.fs.logDirectory.names";
        let named = self.take(NAMES);
        let directories =
            self.take(KEY).unwrap_or(Property { value: LOG_DIRECTORY.to_owned(), origin: SPARKS_DEFAULT.to_owned() });
        let paths: Vec<&str> = java::list(&directories.value).collect();
        let names: Vec<String> =
            named.iter().flat_map(|names| java::list(&names.value)).map(ToOwned::to_owned).collect();
        let fit = names.len() == paths.len();
        let (mut places, mut wrong) = (Vec::new(), Vec::new());
        for (at, path) in paths.iter().enumerate() {
            match self.found.hadoop.store(path) {
                Ok(url) => places.push((names.get(at).filter(|_| fit).cloned(), url)),
                Err(reason) => wrong.push(reason),
            }
        }
        if paths.is_empty() {
            wrong.push("it names no folder".to_owned());
        }
        let shown: Vec<String> = places.iter().map(|(_, url)| format!("--event-logs {url}")).collect();
        let outcome =
            if wrong.is_empty() { Outcome::Used(shown.join(" ")) } else { Outcome::Refused(wrong.join("; ")) };
        self.note(KEY, &directories, outcome);
        self.spark.event_logs = places;
        if let Some(property) = named {
            let outcome = match fit {
                true => Outcome::Used("the places' names".to_owned()),
                false => Outcome::Ignored("there are not as many names as places".to_owned()),
            };
            self.note(NAMES, &property, outcome);
        }
    }

    fn store(&mut self) {
        const KEY: &str = "spark.history.store.path";
        match self.take(KEY) {
            Some(property) => {
                let path = property.value.trim().trim_start_matches("file://").trim_start_matches("file:").to_owned();
                self.spark.keeps = true;
                self.becomes(KEY, &property, None, "store", Ok(path));
            }
            // As Spark's: without a folder of its own it keeps nothing for its next start.
            None => self.set(None, "store", vec!["memory:".to_owned()], SPARKS_DEFAULT),
        }
    }

    fn cleaner(&mut self) {
        const ENABLED: &str = "spark.history.fs.cleaner.enabled";
        const SPARED: &str = "spark.history.fs.update.scanDisabledPathPatterns";
        let spared = self.take(SPARED);
        if let Some(property) = &spared {
            self.note(
                SPARED,
                property,
                Outcome::Ignored(
                    "all logs are listed; with it, no cleaner runs, which would not spare what it names".to_owned(),
                ),
            );
        }
        let enabled = self.take(ENABLED);
        let runs = match enabled.as_ref().map(|property| java::switch(&property.value)) {
            None => false,
            Some(Ok(runs)) => runs && spared.is_none(),
            Some(Err(_)) => false,
        };
        if let Some(property) = &enabled {
            let outcome = match java::switch(&property.value) {
                Ok(true) if !runs => Outcome::Ignored(format!("because of {SPARED}")),
                Ok(value) => Outcome::Used(format!("event logs are {}deleted", if value { "" } else { "not " })),
                Err(reason) => Outcome::Refused(reason),
            };
            self.note(ENABLED, property, outcome);
        }
        let age = |text: &str| java::time(text);
        let count =
            |text: &str| text.trim().parse::<u64>().map(|n| n.to_string()).map_err(|_| "write a number".to_owned());
        self.cleaner_part("spark.history.fs.cleaner.maxAge", "clean-max-age", Some("7d"), runs, age);
        self.cleaner_part("spark.history.fs.cleaner.interval", "clean-interval", Some("1d"), runs, age);
        self.cleaner_part("spark.history.fs.cleaner.maxNum", "clean-max-logs", None, runs, count);
    }

    fn cleaner_part(
        &mut self,
        name: &'static str,
        setting: &'static str,
        default: Option<&str>,
        runs: bool,
        read: impl Fn(&str) -> Result<String, String>,
    ) {
        let old = format!("{name}.seconds");
        let (newer, older) = (self.take(name), self.take(&old));
        if let (Some(_), Some(older)) = (&newer, &older) {
            self.note(&old, older, Outcome::Ignored(format!("{name} is set, too")));
        }
        let older = older.map(|property| (old.as_str(), property));
        match (newer.map(|property| (name, property)).or(older), default) {
            (Some((name, property)), _) if runs => {
                let value = read(&property.value);
                self.becomes(name, &property, HISTORY, setting, value);
            }
            (Some((name, property)), _) => {
                self.note(name, &property, Outcome::Ignored("the cleaner is off".to_owned()));
            }
            (None, Some(default)) if runs => self.set(HISTORY, setting, vec![default.to_owned()], SPARKS_DEFAULT),
            (None, _) => {}
        }
    }

    /// What guards Spark's server and has no like here must not be passed over: the server would stand open.
    fn access(&mut self, environment: Environment<'_>) {
        const FILTERS: &str = "spark.ui.filters";
        let is_said = environment("HEARTH_ACCESS").is_some();
        if let Some(property) = self.take(FILTERS) {
            let outcome = if java::list(&property.value).next().is_none() {
                Outcome::Ignored("it names none".to_owned())
            } else if is_said {
                Outcome::Ignored("HEARTH_ACCESS says who may come in".to_owned())
            } else {
                Outcome::Refused(
                    "filters written in Java cannot run here, and without them the server would stand open: say HEARTH_ACCESS=guarded \
                     and how callers are known, or HEARTH_ACCESS=open"
                        .to_owned(),
                )
            };
            self.note(FILTERS, &property, outcome);
        }
        let has_certificate = environment("HEARTH_TLS_CERT").is_some();
        for name in ["spark.ssl.historyServer.enabled", "spark.ssl.enabled"] {
            let Some(property) = self.take(name) else { continue };
            let outcome = match java::switch(&property.value) {
                Ok(false) => Outcome::Used("no TLS".to_owned()),
                Ok(true) if has_certificate => Outcome::Used("TLS, by HEARTH_TLS_CERT".to_owned()),
                Ok(true) => Outcome::Refused(
                    "a Java key store cannot be read here: give certificate and key in PEM as HEARTH_TLS_CERT and HEARTH_TLS_KEY"
                        .to_owned(),
                ),
                Err(reason) => Outcome::Refused(reason),
            };
            self.note(name, &property, outcome);
        }
        self.set(None, "access", vec!["open".to_owned()], SPARKS_DEFAULT);
        for (name, setting) in
            [("spark.history.ui.admin.acls", "admin-user"), ("spark.history.ui.admin.acls.groups", "admin-group")]
        {
            let Some(property) = self.take(name) else { continue };
            let names: Vec<String> = java::list(&property.value).map(ToOwned::to_owned).collect();
            self.note(name, &property, Outcome::Used(format!("--{setting} {}", names.join(","))));
            self.set(None, setting, names, &format!("{name} of {}", property.origin));
        }
    }

    /// Everything that is looked at alone.
    fn rest(&mut self) {
        if let Some(property) = self.take("spark.history.provider") {
            let outcome = match PROVIDERS.contains(&property.value.trim()) {
                true => Outcome::Used("event logs in folders".to_owned()),
                false => {
                    Outcome::Ignored("event logs are read from folders here, as Spark's own provider does".to_owned())
                }
            };
            self.note("spark.history.provider", &property, outcome);
        }
        for (names, rule) in KEYS {
            let mut newer: Option<&str> = None;
            for name in *names {
                let Some(property) = self.take(name) else { continue };
                match (rule, newer) {
                    (Rule::Becomes(..), Some(newer)) => {
                        self.note(name, &property, Outcome::Ignored(format!("{newer} is set, too")));
                    }
                    (Rule::Becomes(role, setting, read), None) => {
                        let value = read(&property.value);
                        self.becomes(name, &property, *role, setting, value);
                        newer = Some(name);
                    }
                    (Rule::Ignored(why), _) => self.note(name, &property, Outcome::Ignored((*why).to_owned())),
                }
            }
        }
        self.file_systems();
        for (name, property) in std::mem::take(&mut self.found.properties) {
            let outcome = match name.starts_with("spark.history.") {
                true => Outcome::Unknown,
                false => Outcome::Ignored("of applications, not of the history server".to_owned()),
            };
            self.note(&name, &property, outcome);
        }
    }

    fn file_systems(&mut self) {
        let outcome = |was_used: bool| match was_used {
            true => Outcome::Used("how the event logs are reached".to_owned()),
            false => Outcome::Ignored("not needed to reach the event logs".to_owned()),
        };
        let of_hadoop: Vec<String> =
            self.found.properties.keys().filter(|key| key.starts_with("spark.hadoop.")).cloned().collect();
        let mut set = std::collections::BTreeSet::new();
        for key in of_hadoop {
            let name = key.trim_start_matches("spark.hadoop.");
            let was_used = self.found.hadoop.was_used(name);
            set.insert(name.to_owned());
            if let Some(property) = self.take(&key) {
                self.note(&key, &property, outcome(was_used));
            }
        }
        let Some((origin, names)) = self.found.site.take() else { return };
        for name in names.difference(&set) {
            let property = Property { value: "***".to_owned(), origin: origin.clone() };
            self.note(name, &property, outcome(self.found.hadoop.was_used(name)));
        }
    }
}

/// Whether a setting's value is not to be shown.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "password", "token", "key", "sas", "credential"].iter().any(|word| name.contains(word))
}
