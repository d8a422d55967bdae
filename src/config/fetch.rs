//! The command line of `hearth fetch`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use staging_client::fetch::{Artifact, Settings, Unpack, manifest, parse_digest, properties, unpack};
use staging_client::{Access, Secret};
use url::Url;

use super::common::{Telemetry, read_file, telemetry, variable, with_settings_if};
use super::layers::Layers;
use super::values;

const EXAMPLES: &str = "\
Examples:
  hearth fetch --to /opt/spark/jars s3://my-bucket/libs/a.jar https://example.org/b.jar#renamed.jar
  hearth fetch --to /data --archive webhdfs://hearth:10000/staging/ns/env.tar.gz#environment
  hearth fetch --manifest artifacts.yaml

Exit status: 0 when all is there, 1 when something is not, 64 when the command line or a list is wrong.";

/// `hearth fetch`
#[derive(Debug)]
pub(crate) struct FetchRequest {
    pub(crate) telemetry: Telemetry,
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) access: Access,
    pub(crate) settings: Settings,
    pub(crate) json: bool,
}

pub(super) fn command() -> Command {
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let many = |name, value, help| one(name, value, help).action(ArgAction::Append);
    let file = |name, help| one(name, "FILE", help).value_parser(value_parser!(PathBuf));
    let command = Command::new("fetch")
        .about("Brings artifacts into a folder: the init container of a pod")
        .after_help(EXAMPLES)
        .arg(Arg::new("source").value_name("SOURCE").action(ArgAction::Append).help(
            "URL or URL#NAME of a file: http(s), webhdfs, swebhdfs, s3, s3a, oss, gs, az, abfs(s), file, or a path on the staging server",
        ))
        .arg(many("archive", "SOURCE", "An archive (.zip, .jar, .tar, .tar.gz, .tgz) that becomes the folder NAME, as with spark.archives; may be repeated"))
        .arg(file("manifest", "A YAML or JSON file of artifacts: entries with url, and to, sha256, unpack, executable; may be repeated").action(ArgAction::Append))
        .arg(file("properties", "A property file of the init container of Spark's Kubernetes fork (2.2)"))
        .arg(one("to", "FOLDER", "Where things go; made when it is missing").default_value(".").value_parser(value_parser!(PathBuf)))
        .arg(one("sha256", "HEX", "What the one SOURCE must hash to"))
        .arg(one("staging-url", "URL", "The staging server that paths such as /staging/NAMESPACE/FILE are looked up on").env("HEARTH_STAGING_URL"))
        .arg(file("token-file", "A token, sent as 'Authorization: Bearer' to the staging server and the hosts of --token-host").env("HEARTH_TOKEN_FILE"))
        .arg(many("token-host", "HOST:PORT", "A host that is sent the token; may be repeated"))
        .arg(one("webhdfs-user", "NAME", "Who asks, for webhdfs servers that believe it").env("HADOOP_USER_NAME").hide_env_values(true))
        .arg(file("delegation-token-file", "HDFS's delegation token in its text form, for webhdfs"))
        .arg(file("ca-file", "Certificates in PEM to trust beside the system's"))
        .arg(one("parallel", "NUMBER", "How many artifacts are under way at once [default: 8]"))
        .arg(one("deadline", "TIME", "When everything has to be there [default: 10m]"))
        .arg(one("retries", "NUMBER", "How often in a row an artifact may fail without one more byte of it [default: 8]"))
        .arg(one("silence-timeout", "TIME", "A connection that brings nothing for so long is taken up anew [default: 60s]"))
        .arg(one("max-size", "SIZE", "The largest artifact [default: 100GiB]"))
        .arg(one("max-unpacked-size", "SIZE", "The most that one archive may unpack to [default: 50GiB]"))
        .arg(one("max-entries", "NUMBER", "The most entries that one archive may have [default: 500000]"))
        .arg(one("max-ratio", "NUMBER", "How many times its own size an archive may unpack to, from 256 MiB on [default: 200]"))
        .arg(one("output", "FORMAT", "text: a line for each artifact; json: one document at the end").default_value("text").value_parser(["text", "json"]));
    with_settings_if(command, false, |s| ["log-format", "log-filter"].contains(&s.name))
}

pub(super) fn read(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<FetchRequest> {
    let telemetry = telemetry(layers);
    let mut reader = Reader { layers, matches };
    let staging = reader.value("staging-url", values::base_url);
    let mut access = reader.access(staging.as_ref());
    let mut settings = reader.settings();
    let folder = matches.get_one::<PathBuf>("to").cloned().unwrap_or_default();
    let mut artifacts = reader.sources(&folder, staging.as_ref());
    for path in matches.get_many::<PathBuf>("manifest").into_iter().flatten() {
        if let Some(text) = reader.text(path)
            && let Some(found) = reader.all(path, manifest::read(&text, &folder, staging.as_ref()))
        {
            artifacts.extend(found);
        }
    }
    if let Some(path) = matches.get_one::<PathBuf>("properties")
        && let Some(text) = reader.text(path)
        && let Some(wanted) = reader.all(path, properties::read(&text, &variable))
    {
        artifacts.extend(wanted.artifacts);
        if !matches.contains_id("deadline") {
            settings.deadline = wanted.deadline;
        }
        if let Some(path) = wanted.certificates {
            access.certificates_pem = reader.text(&path).map(String::into_bytes);
        }
    } else if artifacts.is_empty() && !matches.contains_id("manifest") && !matches.contains_id("properties") {
        reader.layers.mistake("nothing to fetch: name a SOURCE, --archive, --manifest or --properties".to_owned());
    }
    let json = matches.get_one::<String>("output").is_some_and(|format| format == "json");
    Some(FetchRequest { telemetry: telemetry?, artifacts, access, settings, json })
}

/// Reads flags, and notes what is wrong with them.
struct Reader<'a, 'b> {
    layers: &'a mut Layers<'b>,
    matches: &'a ArgMatches,
}

impl Reader<'_, '_> {
    fn value<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.matches.get_one::<String>(name)?;
        match read(text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.layers.mistake(format!("--{name} {text:?}: {reason}"));
                None
            }
        }
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Option<T> {
        self.value(name, |text| text.parse().map_err(|_| "write a number".to_owned()))
    }

    fn text(&mut self, path: &Path) -> Option<String> {
        read_file(path).map_err(|reason| self.layers.mistake(reason)).ok()
    }

    fn all<T>(&mut self, path: &Path, read: Result<T, Vec<String>>) -> Option<T> {
        let note = |mistakes: Vec<String>| {
            for mistake in mistakes {
                self.layers.mistake(format!("{}: {mistake}", path.display()));
            }
        };
        read.map_err(note).ok()
    }

    fn sources(&mut self, folder: &Path, staging: Option<&Url>) -> Vec<Artifact> {
        let mut artifacts = Vec::new();
        for (flag, unpack) in [("source", Unpack::Never), ("archive", Unpack::Folder)] {
            for text in self.matches.get_many::<String>(flag).into_iter().flatten() {
                match Artifact::parse(text, folder, unpack, staging) {
                    Ok(artifact) => artifacts.push(artifact),
                    Err(reason) => self.layers.mistake(reason),
                }
            }
        }
        if let Some(digest) = self.value("sha256", parse_digest) {
            match artifacts.as_mut_slice() {
                [one] => one.sha256 = Some(digest),
                _ => self.layers.mistake("--sha256 is for one SOURCE; for more, write a --manifest".to_owned()),
            }
        }
        artifacts
    }

    fn access(&mut self, staging: Option<&Url>) -> Access {
        let secret = |reader: &mut Self, name: &str| {
            let path = reader.matches.get_one::<PathBuf>(name)?;
            reader.text(path).map(|text| Secret::new(&text))
        };
        let bearer = secret(self, "token-file");
        let webhdfs_delegation = secret(self, "delegation-token-file");
        let certificates = self.matches.get_one::<PathBuf>("ca-file");
        let certificates_pem = certificates.and_then(|path| self.text(path)).map(String::into_bytes);
        let mut bearer_hosts: Vec<String> =
            self.matches.get_many::<String>("token-host").into_iter().flatten().cloned().collect();
        if let Some(host) = staging.and_then(Url::host_str) {
            bearer_hosts.push(format!("{host}:{}", staging.and_then(Url::port_or_known_default).unwrap_or_default()));
        }
        if bearer.is_some() && bearer_hosts.is_empty() {
            self.layers
                .mistake("--token-file needs --staging-url or --token-host: it is sent to nobody else".to_owned());
        }
        let webhdfs_user = self.matches.get_one::<String>("webhdfs-user").cloned();
        Access { bearer, bearer_hosts, webhdfs_user, webhdfs_delegation, certificates_pem }
    }

    fn settings(&mut self) -> Settings {
        let default = Settings::default();
        let limits = unpack::Limits::default();
        let positive = |text: &str| match values::duration(text) {
            Ok(Duration::ZERO) => Err("it must be longer than nothing".to_owned()),
            time => time,
        };
        Settings {
            parallel: self.number("parallel").unwrap_or(default.parallel).clamp(1, 64),
            deadline: self.value("deadline", positive).unwrap_or(default.deadline),
            retries: self.number("retries").unwrap_or(default.retries),
            silence: self.value("silence-timeout", positive).unwrap_or(default.silence),
            max_bytes: self.value("max-size", values::size_bytes).unwrap_or(default.max_bytes),
            unpack: unpack::Limits {
                bytes: self.value("max-unpacked-size", values::size_bytes).unwrap_or(limits.bytes),
                entries: self.number("max-entries").unwrap_or(limits.entries),
                ratio: self.number("max-ratio").unwrap_or(limits.ratio),
            },
            ..default
        }
    }
}
