//! Flags, environment and file, one over the other; and the mistakes in them, gathered.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::settings::{SETTINGS, Section, Setting};
use super::spark::Spark;

/// A value as it was given, and where, in words.
struct Given {
    text: String,
    origin: String,
}

/// Looks settings up: flags before environment before file before Spark's settings, where those count, before default.
pub(super) struct Layers<'a> {
    matches: &'a ArgMatches,
    file: toml::Table,
    file_name: String,
    spark: Option<Spark>,
    serve: bool,
    mistakes: Vec<String>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(matches: &'a ArgMatches, serve: bool) -> Self {
        Self { matches, file: toml::Table::new(), file_name: String::new(), spark: None, serve, mistakes: Vec::new() }
    }

    /// Reads the file that `origin` names, of at most 1 MiB, and notes every key in it that no setting has.
    pub(super) fn read_file(&mut self, origin: &str, path: &Path) {
        const LIMIT_BYTES: u64 = 1024 * 1024;
        self.file_name = path.display().to_string();
        let text = match std::fs::metadata(path) {
            _ if path.as_os_str().is_empty() => Err("it names no file: give one, or leave it out".to_owned()),
            Ok(meta) if meta.len() > LIMIT_BYTES => Err("larger than 1 MiB".to_owned()),
            Ok(_) => std::fs::read_to_string(path).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match text.and_then(|text| text.parse::<toml::Table>().map_err(|e| e.to_string())) {
            Ok(table) => {
                self.file = table;
                self.note_unknown_keys();
            }
            Err(reason) => self.mistake(format!("{origin} {:?}: {reason}", self.file_name)),
        }
    }

    /// Takes Spark's settings as the lowest layer.
    pub(super) fn set_spark(&mut self, spark: Spark) {
        self.mistakes.extend(spark.mistakes.iter().cloned());
        self.spark = Some(spark);
    }

    /// Spark's settings, where they count.
    pub(super) fn spark(&self) -> Option<&Spark> {
        self.spark.as_ref()
    }

    /// Whether a setting is given by one of Hearth's own means.
    pub(super) fn is_given(&self, section: Section, name: &str) -> bool {
        let Some(setting) = Setting::of(section, name) else { return false };
        matches!(self.matches.try_get_raw(self.flag(setting)), Ok(Some(_))) || self.value_in_file(setting).is_some()
    }

    fn flag(&self, setting: &Setting) -> &'static str {
        if self.serve { setting.serve_name } else { setting.name }
    }

    fn note_unknown_keys(&mut self) {
        let known: BTreeSet<_> = SETTINGS.iter().map(|s| (s.section.role(), s.name)).collect();
        let roles: BTreeSet<_> = known.iter().filter_map(|(role, _)| *role).collect();
        let mut unknown = Vec::new();
        for (key, value) in &self.file {
            match (roles.contains(key.as_str()), value) {
                (true, toml::Value::Table(table)) => {
                    let role = Some(key.as_str());
                    unknown.extend(
                        table.keys().filter(|k| !known.contains(&(role, k.as_str()))).map(|k| format!("{key}.{k}")),
                    );
                }
                (true, _) => unknown.push(format!("{key} (it should be a table, [{key}])")),
                (false, _) if !known.contains(&(None, key.as_str())) => unknown.push(key.clone()),
                (false, _) => {}
            }
        }
        for key in unknown {
            self.mistake(format!("{}: there is no setting {key}", self.file_name));
        }
    }

    pub(super) fn mistake(&mut self, text: String) {
        self.mistakes.push(text);
    }

    /// All that was wrong, or nothing.
    pub(super) fn into_mistakes(self) -> Vec<String> {
        self.mistakes
    }

    /// A setting's value; `None` when it is given nowhere and has no default, or cannot be read, which is noted.
    pub(super) fn one<T>(&mut self, section: Section, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.one_with(section, name, |text| text.parse().map_err(|e: T::Err| e.to_string()))
    }

    /// As [`Layers::one`], read by a function.
    pub(super) fn one_with<T>(
        &mut self,
        section: Section,
        name: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.many_with(section, name, read).pop()
    }

    /// Every value of a repeated setting.
    pub(super) fn many_with<T>(
        &mut self,
        section: Section,
        name: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(setting) = Setting::of(section, name) else {
            self.mistake(format!("{name} is not a setting"));
            return Vec::new();
        };
        let mut values = Vec::new();
        for given in self.given(setting) {
            match read(&given.text) {
                Ok(value) => values.push(value),
                Err(reason) => self.mistake(format!("{} {:?}: {reason}", given.origin, given.text)),
            }
        }
        values
    }

    fn given(&mut self, setting: &Setting) -> Vec<Given> {
        let flag = self.flag(setting);
        if let Ok(Some(values)) = self.matches.try_get_many::<String>(flag) {
            let origin = match self.matches.value_source(flag) {
                Some(ValueSource::EnvVariable) => setting.env.to_owned(),
                _ => format!("--{flag}"),
            };
            return values.map(|text| Given { text: text.clone(), origin: origin.clone() }).collect();
        }
        if let Some(value) = self.in_file(setting) {
            return value;
        }
        let by_spark =
            self.spark.as_ref().and_then(|spark| spark.settings.get(&(setting.section.role(), setting.name)));
        if let Some((values, origin)) = by_spark {
            return values.iter().map(|text| Given { text: text.clone(), origin: origin.clone() }).collect();
        }
        let default = setting.default.map(|text| Given { text: text.to_owned(), origin: format!("--{flag}") });
        default.into_iter().collect()
    }

    fn value_in_file(&self, setting: &Setting) -> Option<&toml::Value> {
        match setting.section.role() {
            None => self.file.get(setting.name),
            Some(role) => self.file.get(role)?.get(setting.name),
        }
    }

    fn in_file(&mut self, setting: &Setting) -> Option<Vec<Given>> {
        let value = self.value_in_file(setting)?;
        let key = match setting.section.role() {
            None => setting.name.to_owned(),
            Some(role) => format!("{role}.{}", setting.name),
        };
        let origin = format!("{}: {key}", self.file_name);
        let values = match value {
            toml::Value::Array(values) if setting.repeated => values.clone(),
            value => vec![value.clone()],
        };
        let mut given = Vec::new();
        for value in values {
            match text_of(setting, &value) {
                Ok(text) => given.push(Given { text, origin: origin.clone() }),
                Err(hint) => {
                    self.mistakes.push(format!("{origin}: a {} does not fit here, {hint}", value.type_str()));
                }
            }
        }
        Some(given)
    }
}

/// A value of the file as a flag would have it; or what would be right.
fn text_of(setting: &Setting, value: &toml::Value) -> Result<String, &'static str> {
    match (setting.value, value) {
        (_, toml::Value::String(text)) => Ok(text.clone()),
        ("BOOL", toml::Value::Boolean(value)) => Ok(value.to_string()),
        ("NUMBER" | "SIZE", toml::Value::Integer(number)) => Ok(number.to_string()),
        ("BOOL", _) => Err("write true or false"),
        ("NUMBER", _) => Err("write a number"),
        ("SIZE", _) => Err("write a number of bytes, or text in quotes, such as \"512MiB\""),
        ("TIME", _) => Err("write a number and a unit in quotes, such as \"10s\""),
        _ => Err("write text in quotes"),
    }
}
