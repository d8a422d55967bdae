//! A list of artifacts as a file, in YAML or JSON:
//!
//! ```yaml
//! artifacts:
//! - url: s3://bucket/models/model.tar.gz#model   # as on the command line; #NAME gives it another name
//!   to: /opt/spark/work-dir                      # instead of the folder that the command is given
//!   sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//!   unpack: true                                 # an archive becomes a folder, as with spark.archives
//!   executable: false
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::artifact::{Artifact, Unpack, parse_digest};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    artifacts: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    to: Option<PathBuf>,
    sha256: Option<String>,
    #[serde(default)]
    unpack: bool,
    #[serde(default)]
    executable: bool,
}

/// Reads a manifest. Relative folders in it are relative to `folder`, which is also where what names none goes.
///
/// # Errors
/// Everything that is wrong with it, with line and column where the text itself cannot be read.
pub fn read(text: &str, folder: &Path, staging: Option<&Url>) -> Result<Vec<Artifact>, Vec<String>> {
    let manifest: Manifest = serde_saphyr::from_str(text).map_err(|e| vec![e.to_string()])?;
    let (mut artifacts, mut mistakes) = (Vec::new(), Vec::new());
    for (index, entry) in manifest.artifacts.iter().enumerate() {
        match entry.read(folder, staging) {
            Ok(artifact) => artifacts.push(artifact),
            Err(reason) => mistakes.push(format!("artifacts[{index}]: {reason}")),
        }
    }
    if mistakes.is_empty() { Ok(artifacts) } else { Err(mistakes) }
}

impl Entry {
    fn read(&self, folder: &Path, staging: Option<&Url>) -> Result<Artifact, String> {
        let folder = self.to.as_ref().map_or_else(|| folder.to_owned(), |to| folder.join(to));
        let unpack = if self.unpack { Unpack::Folder } else { Unpack::Never };
        let sha256 = self.sha256.as_deref().map(parse_digest).transpose()?;
        let artifact = Artifact::parse(&self.url, folder, unpack, staging)?;
        Ok(Artifact { sha256, executable: self.executable, ..artifact })
    }
}
