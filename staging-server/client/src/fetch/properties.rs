//! The property file that the Kubernetes fork of Spark 2.2 gives its init container: two bundles of the resource staging
//! server, and two lists of remote files, all into two folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::artifact::{Artifact, Unpack};
use super::source::Source;
use super::unpack::Kind;
use crate::properties::spark_properties;

const SERVER: &str = "spark.kubernetes.resourceStagingServer.uri";
const TIMEOUT: &str = "spark.kubernetes.mountdependencies.mountTimeout";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
const TLS: &str = "spark.ssl.kubernetes.resourceStagingServer";

/// One of the two kinds of dependencies, by the keys and defaults of the fork.
struct Group {
    folder: (&'static str, &'static str),
    identifier: &'static str,
    secret: (&'static str, &'static str),
    remote: &'static str,
}

const GROUPS: [Group; 2] = [
    Group {
        folder: ("spark.kubernetes.mountdependencies.jarsDownloadDir", "/var/spark-data/spark-jars"),
        identifier: "spark.kubernetes.initcontainer.downloadJarsResourceIdentifier",
        secret: (
            "spark.kubernetes.initcontainer.downloadJarsSecretLocation",
            "/mnt/secrets/spark-init/downloadSubmittedJarsSecret",
        ),
        remote: "spark.kubernetes.initcontainer.remoteJars",
    },
    Group {
        folder: ("spark.kubernetes.mountdependencies.filesDownloadDir", "/var/spark-data/spark-files"),
        identifier: "spark.kubernetes.initcontainer.downloadFilesResourceIdentifier",
        secret: (
            "spark.kubernetes.initcontainer.downloadFilesSecretLocation",
            "/mnt/secrets/spark-init/downloadSubmittedFilesSecret",
        ),
        remote: "spark.kubernetes.initcontainer.remoteFiles",
    },
];

/// What the file asks for.
#[derive(Debug)]
pub struct Wanted {
    /// Everything to bring.
    pub artifacts: Vec<Artifact>,
    /// Within which time.
    pub deadline: Duration,
    /// A file of certificates to trust.
    pub certificates: Option<PathBuf>,
}

/// Reads the file's text; `environment` answers `${env:NAME}`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Wanted, Vec<String>> {
    let properties = Properties::parse(text, environment).map_err(|reason| vec![reason])?;
    let mut mistakes = Vec::new();
    let mut artifacts: Vec<Artifact> = Vec::new();
    for group in &GROUPS {
        let folder = PathBuf::from(properties.get(group.folder.0).unwrap_or(group.folder.1.to_owned()));
        match properties.bundle(group, &folder) {
            Ok(bundle) => artifacts.extend(bundle),
            Err(reason) => mistakes.push(reason),
        }
        for url in properties.get(group.remote).iter().flat_map(|list| list.split(',')).map(str::trim) {
            match remote(url, &folder) {
                Ok(Some(artifact)) if artifacts.contains(&artifact) => {}
                Ok(artifact) => artifacts.extend(artifact),
                Err(reason) => mistakes.push(format!("{}: {reason}", group.remote)),
            }
        }
    }
    let deadline = match properties.get(TIMEOUT).map(|text| seconds(&text).ok_or(text)) {
        None => DEFAULT_TIMEOUT,
        Some(Ok(time)) => time,
        Some(Err(text)) => {
            mistakes.push(format!("{TIMEOUT}: {text:?} is no time; write a number and s, m or h, as in 5m"));
            DEFAULT_TIMEOUT
        }
    };
    if properties.get(&format!("{TLS}.trustStore")).is_some() {
        mistakes.push(format!(
            "{TLS}.trustStore: a Java key store cannot be read here; give the same certificates in PEM as {TLS}.clientCertPem"
        ));
    }
    let certificates = properties
        .get(&format!("{TLS}.clientCertPem"))
        .map(|path| PathBuf::from(path.strip_prefix("local://").or(path.strip_prefix("file://")).unwrap_or(&path)));
    if mistakes.is_empty() { Ok(Wanted { artifacts, deadline, certificates }) } else { Err(mistakes) }
}

/// As Spark's own fetcher treats what it is told: everyone may execute it, and a tar archive is also unpacked beside it.
fn remote(url: &str, folder: &Path) -> Result<Option<Artifact>, String> {
    if url.is_empty() {
        return Ok(None);
    }
    let artifact = Artifact::parse(url, folder, Unpack::Never, None)?;
    let is_tar = matches!(Kind::of_name(&artifact.name), Some(Kind::Tar | Kind::TarGz));
    let unpack = if is_tar { Unpack::Beside } else { Unpack::Never };
    Ok(Some(Artifact { executable: true, unpack, ..artifact }))
}

struct Properties<'a> {
    found: BTreeMap<String, String>,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Properties<'a> {
    fn parse(text: &str, environment: &'a dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let found = spark_properties(text)?;
        Ok(Self { found, environment })
    }

    /// A value with `${…}` in it replaced, where that is known.
    fn get(&self, key: &str) -> Option<String> {
        self.found.get(key).map(|value| self.replaced(value, 0))
    }

    fn replaced(&self, value: &str, depth: u32) -> String {
        const DEEPEST: u32 = 10;
        let mut rest = value;
        let mut text = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            text += before;
            let Some((name, behind)) = after.split_once('}') else {
                text += "${";
                rest = after;
                continue;
            };
            let known = match name.strip_prefix("env:") {
                Some(name) => (self.environment)(name),
                None => self.found.get(name).filter(|_| depth < DEEPEST).map(|value| self.replaced(value, depth + 1)),
            };
            text += &known.unwrap_or_else(|| format!("${{{name}}}"));
            rest = behind;
        }
        text + rest
    }

    fn bundle(&self, group: &Group, folder: &Path) -> Result<Option<Artifact>, String> {
        let (Some(server), Some(id)) = (self.get(SERVER), self.get(group.identifier)) else { return Ok(None) };
        let wrong = |reason: &str| format!("{SERVER}: {server:?} {reason}");
        // A path is part of it, with or without a slash at its end.
        let base = format!("{}/", server.trim_end_matches('/'));
        let mut url = Url::parse(&base).map_err(|e| wrong(&format!("is no URL: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is neither http:// nor https://"));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v0", "resources", &id]);
        }
        let secret = PathBuf::from(self.get(group.secret.0).unwrap_or(group.secret.1.to_owned()));
        let source = Source::Bundle { url, secret };
        let artifact = Artifact {
            source,
            folder: folder.to_owned(),
            name: id,
            unpack: Unpack::Into,
            sha256: None,
            executable: false,
        };
        artifact.check().map_err(|reason| format!("{}: {reason}", group.identifier))?;
        Ok(Some(artifact))
    }
}

/// Spark's times: a number with a unit, minutes without one.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().ok()?;
    let time = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" | "min" | "" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3600)?),
        "d" => Duration::from_secs(number.checked_mul(86400)?),
        _ => return None,
    };
    (!time.is_zero()).then_some(time)
}
