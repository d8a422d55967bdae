use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use super::source::Source;

/// One thing to bring, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Where it comes from.
    pub source: Source,
    /// Where it goes; made when it is missing.
    pub folder: PathBuf,
    /// What it is called there.
    pub name: String,
    /// Whether it is an archive to be unpacked.
    pub unpack: Unpack,
    /// What its bytes must hash to, by SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// Whether everyone may execute it, as Spark lets everyone execute what it fetches.
    pub executable: bool,
}

/// What becomes of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpack {
    /// It stays a file.
    Never,
    /// It becomes the folder `folder/name`, as `spark.archives` does. What is no archive by its name stays a file there.
    Folder,
    /// Its entries go straight into `folder`.
    Into,
    /// The file stays, and its entries are put beside it.
    Beside,
}

impl Artifact {
    /// Reads `URL` or `URL#NAME`.
    ///
    /// # Errors
    /// What is wrong with it, in words that name it.
    pub fn parse(
        text: &str,
        folder: impl Into<PathBuf>,
        unpack: Unpack,
        staging: Option<&Url>,
    ) -> Result<Self, String> {
        let (url, fragment) = match text.split_once('#') {
            Some((url, fragment)) => (url, Some(fragment)),
            None => (text, None),
        };
        let source = Source::parse(url, staging).map_err(|reason| format!("{url}: {reason}"))?;
        let name = match fragment {
            Some(name) => percent_decode_str(name).decode_utf8_lossy().into_owned(),
            None => source.name(),
        };
        let artifact = Self { source, folder: folder.into(), name, unpack, sha256: None, executable: false };
        artifact.check()?;
        Ok(artifact)
    }

    /// Looks whether the name can be a file's.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let reason = match name.as_str() {
            "" => "it has no name: give one, as in URL#NAME",
            "." | ".." => "its name must not be . or ..",
            _ if name.len() > 200 => "its name is longer than 200 bytes: give another, as in URL#NAME",
            _ if name.contains('/') => "a name goes into one folder, and has no / in it",
            _ if name.chars().any(char::is_control) => "its name has a control character",
            _ => return Ok(()),
        };
        Err(format!("{}: {reason}", self.source))
    }

    /// The file or folder that it becomes.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        if self.unpack == Unpack::Into { self.folder.clone() } else { self.folder.join(&self.name) }
    }
}

/// Reads a SHA-256 digest: 64 hexadecimal digits.
///
/// # Errors
/// What would be right.
pub fn parse_digest(text: &str) -> Result<[u8; 32], String> {
    let wrong = || format!("{text:?} is no SHA-256 digest: write its 64 hexadecimal digits, as sha256sum prints them");
    let text = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
    let mut digest = [0; 32];
    if text.len() != 64 {
        return Err(wrong());
    }
    for (byte, pair) in digest.iter_mut().zip(text.chunks(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = match pair {
            [high, low] => digit(*high).ok_or_else(wrong)? * 16 + digit(*low).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
    }
    Ok(digest)
}
