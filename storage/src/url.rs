use std::fmt;
use std::path::PathBuf;

use aws_credential_types::provider::SharedCredentialsProvider;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::ReqwestConnector;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::memory::InMemory;

use crate::backend::Backend;
use crate::{AzureIdentity, Error, ObjectPath, Result, StoreOptions, client, folder, s3};

/// Where a store is: `file:`, `memory:`, `s3://`, `oss://`, `gs://`, `az://` or `abfss://`.
///
/// | URL | store |
/// | --- | --- |
/// | `file:./hearth-data`, `file:///var/lib/hearth`, or a bare path | a folder, made when it is missing |
/// | `memory:` | this process's memory |
/// | `s3://bucket/prefix?endpoint=URL&region=NAME` (also `s3a://`) | S3, or a server that speaks it |
/// | `oss://bucket/prefix?endpoint=URL` | Alibaba Cloud OSS, by its S3 door, addressed by virtual host |
/// | `gs://bucket/prefix` | Google Cloud Storage |
/// | `az://container/prefix`, `abfss://container@account.dfs.core.windows.net/prefix` | Azure Blob Storage |
///
/// A URL never carries a credential; one that does is refused.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl {
    place: Place,
    prefix: ObjectPath,
    options: StoreOptions,
}

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    Memory,
    S3 { bucket: String, endpoint: Option<String>, region: Option<String> },
    Oss { bucket: String, endpoint: Option<String> },
    Gcs { bucket: String },
    Azure { container: String, account: Option<String> },
}

/// Where the locks of a store on OSS lie, below its prefix.
const OSS_LOCKS: &str = ".hearth-locks";

impl StoreUrl {
    /// Reads a store URL.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] that says what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |reason: &str| Error::InvalidUrl { url: without_password(text), reason: reason.to_owned() };
        if text.trim().is_empty() {
            return Err(invalid("it is empty; give a folder, or a URL such as s3://bucket/prefix"));
        }
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::folder(local_path(path).map_err(|reason| invalid(&reason))?));
        }
        if text == "memory:" || text == "memory://" {
            return Ok(Self::memory());
        }
        if !text.contains("://") {
            return match text.split_once(':') {
                Some((scheme, _)) if scheme.len() > 1 => Err(invalid(&unknown_scheme(scheme))),
                _ => Ok(Self::folder(text)),
            };
        }
        let url = url::Url::parse(text).map_err(|e| invalid(&e.to_string()))?;
        if matches!(url.scheme(), "az" | "wasb" | "wasbs") && !url.username().is_empty() {
            return Err(invalid(
                "write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX, or az://CONTAINER/PREFIX",
            ));
        }
        if url.password().is_some() || (!url.username().is_empty() && !url.scheme().starts_with("abfs")) {
            return Err(invalid(
                "credentials do not belong in it; they are taken from the environment, as the cloud's own tools do",
            ));
        }
        let bucket = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| invalid("it names no bucket"))?;
        let prefix = percent_encoding::percent_decode_str(url.path()).decode_utf8_lossy();
        let prefix = ObjectPath::parse(&prefix).map_err(|e| invalid(&e.to_string()))?;
        let place = Place::of_url(&url, bucket).map_err(|reason| invalid(&reason))?;
        Ok(Self { place, prefix, options: StoreOptions::default() })
    }

    /// A folder of this machine.
    #[must_use]
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self { place: Place::Folder(path.into()), prefix: ObjectPath::root(), options: StoreOptions::default() }
    }

    pub(crate) fn memory() -> Self {
        Self { place: Place::Memory, prefix: ObjectPath::root(), options: StoreOptions::default() }
    }

    pub(crate) fn below(&self, folder: &ObjectPath) -> Self {
        let text =
            [self.prefix.as_str(), folder.as_str()].iter().filter(|p| !p.is_empty()).copied().collect::<Vec<_>>();
        Self { prefix: ObjectPath::from_trusted(text.join("/")), ..self.clone() }
    }

    /// The same place, reached by `options` where the URL itself does not say how.
    #[must_use]
    pub fn with_options(self, options: StoreOptions) -> Self {
        Self { options, ..self }
    }

    /// Whether the store is a folder of this machine or its memory.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.place, Place::Folder(_) | Place::Memory)
    }

    /// Whether it copies only objects up to [`s3::COPY_LIMIT_BYTES`].
    pub(crate) fn speaks_s3(&self) -> bool {
        matches!(self.place, Place::S3 { .. } | Place::Oss { .. })
    }

    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    /// The folder of this machine that the store is, where it is one.
    #[must_use]
    pub fn as_folder(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Folder(path) => Some(path.join(folder::escape(self.prefix.as_str()).as_ref())),
            _ => None,
        }
    }

    pub(crate) fn connect(&self, credentials: Option<SharedCredentialsProvider>) -> Result<(Backend, ObjectPath)> {
        let invalid = |reason: String| Error::InvalidUrl { url: self.to_string(), reason };
        let store = match &self.place {
            Place::Folder(path) => Backend::local(folder::open(path).map_err(invalid)?),
            Place::Memory => Backend::local(InMemory::new()),
            Place::S3 { bucket, endpoint, region } => {
                let options = self.options(endpoint.as_ref(), region.as_ref());
                s3::connect(bucket, &options, credentials).map_err(invalid)?
            }
            Place::Oss { bucket, endpoint } => {
                let options = self.options(endpoint.as_ref(), None);
                let locks = self.prefix.join(OSS_LOCKS)?;
                s3::connect_oss(bucket, &options, credentials, ReqwestConnector::default(), &locks).map_err(invalid)?
            }
            Place::Gcs { bucket } => {
                let mut builder = GoogleCloudStorageBuilder::from_env()
                    .with_bucket_name(bucket)
                    .with_client_options(client::options())
                    .with_http_connector(client::connector())
                    .with_retry(client::retry());
                if let Some(file) = &self.options.service_account_file {
                    builder = builder.with_service_account_path(file);
                }
                Backend::cloud(builder.build().map_err(|e| invalid(e.to_string()))?)
            }
            Place::Azure { container, account } => {
                let account = account.as_ref().or(self.options.azure_account.as_ref());
                Backend::cloud(azure(container, account, &self.options).map_err(|e| invalid(e.to_string()))?)
            }
        };
        Ok((store, self.prefix.clone()))
    }

    /// The options, but for what the URL says itself.
    fn options(&self, endpoint: Option<&String>, region: Option<&String>) -> StoreOptions {
        let mut options = self.options.clone();
        options.endpoint = endpoint.cloned().or(options.endpoint);
        options.region = region.cloned().or(options.region);
        options
    }
}

fn azure(
    container: &str,
    account: Option<&String>,
    options: &StoreOptions,
) -> object_store::Result<object_store::azure::MicrosoftAzure> {
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_container_name(container)
        .with_client_options(client::options())
        .with_http_connector(client::connector())
        .with_retry(client::retry());
    if let Some(account) = account {
        builder = builder.with_account(account);
    }
    builder = match &options.azure {
        None => builder,
        Some(AzureIdentity::AccountKey(key)) => builder.with_access_key(key),
        Some(AzureIdentity::SharedAccessSignature(text)) => builder.with_config(AzureConfigKey::SasKey, text),
        Some(AzureIdentity::ClientSecret { tenant_id, client_id, client_secret }) => {
            builder.with_client_secret_authorization(client_id, client_secret, tenant_id)
        }
    };
    builder.build()
}

impl Place {
    fn of_url(url: &url::Url, bucket: &str) -> std::result::Result<Self, String> {
        let (mut endpoint, mut region) = (None, None);
        let scheme = url.scheme();
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), scheme) {
                ("endpoint", "s3" | "s3a" | "oss") => endpoint = Some(value.into_owned()),
                ("region", "s3" | "s3a") => region = Some(value.into_owned()),
                _ => return Err(format!("it has the parameter {name:?}, which {scheme}:// does not know")),
            }
        }
        let bucket = bucket.to_owned();
        check_bucket(scheme, &bucket)?;
        Ok(match scheme {
            "s3" | "s3a" => Self::S3 { bucket, endpoint, region },
            "oss" => Self::Oss { bucket, endpoint },
            "gs" => Self::Gcs { bucket },
            "az" => Self::Azure { container: bucket, account: None },
            "abfs" | "abfss" => {
                let account = bucket.split('.').next().unwrap_or_default().to_owned();
                if url.username().is_empty() {
                    return Err("write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX".to_owned());
                }
                Self::Azure { container: url.username().to_owned(), account: Some(account) }
            }
            other => return Err(unknown_scheme(other)),
        })
    }
}

/// The path in what follows `file:`, as RFC 8089 has it; a relative path is taken as it is.
fn local_path(text: &str) -> std::result::Result<String, String> {
    let path = match text.strip_prefix("//") {
        None => text,
        Some(path) if path.starts_with('/') => path,
        Some(path) => path.strip_prefix("localhost").filter(|path| path.starts_with('/')).ok_or_else(|| {
            let host = path.split('/').next().unwrap_or_default();
            format!(
                "{host:?} is no name of this machine: write file:///FOLDER, or file:FOLDER for one below this folder"
            )
        })?,
    };
    if path.is_empty() {
        return Err("it names no folder: write file:FOLDER or file:///FOLDER".to_owned());
    }
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8();
    Ok(decoded.map_err(|_| "its path is not UTF-8".to_owned())?.into_owned())
}

/// The rules for names that S3, OSS and Azure have in common, so that a slip is told here and not by a signature that fails.
fn check_bucket(scheme: &str, bucket: &str) -> std::result::Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = match scheme {
        "s3" | "s3a" => bucket.bytes().all(|byte| plain(byte) || byte == b'.'),
        "oss" | "az" => bucket.bytes().all(plain),
        _ => return Ok(()),
    };
    let alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let ends = alphanumeric(bucket.bytes().next()) && alphanumeric(bucket.bytes().last());
    if fits && ends && (3..=63).contains(&bucket.len()) {
        return Ok(());
    }
    Err(format!("{bucket:?} cannot be a bucket's name: those have 3 to 63 small letters, digits and hyphens"))
}

fn unknown_scheme(scheme: &str) -> String {
    format!("{scheme}: is not known; there are file:, memory:, s3://, oss://, gs://, az:// and abfss://")
}

fn without_password(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(mut url) if url.password().is_some() => {
            // Only URLs that cannot have a password refuse this.
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        _ => text.to_owned(),
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_root() { "" } else { "/" };
        let prefix = self.prefix.as_str();
        match &self.place {
            Place::Folder(path) => write!(f, "file:{}{slash}{prefix}", path.display()),
            Place::Memory => write!(f, "memory:{slash}{prefix}"),
            Place::S3 { bucket, .. } => write!(f, "s3://{bucket}{slash}{prefix}"),
            Place::Oss { bucket, .. } => write!(f, "oss://{bucket}{slash}{prefix}"),
            Place::Gcs { bucket } => write!(f, "gs://{bucket}{slash}{prefix}"),
            Place::Azure { container, .. } => write!(f, "az://{container}{slash}{prefix}"),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for StoreUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_where_its_url_says() {
        for (url, folder) in [
            ("file:a b", "a b"),
            ("file:./a%20b", "./a b"),
            ("file:/a", "/a"),
            ("file:///a%2Cb", "/a,b"),
            ("file://localhost/a", "/a"),
            ("a%20b", "a%20b"),
        ] {
            assert_eq!(StoreUrl::parse(url).unwrap().as_folder(), Some(PathBuf::from(folder)), "{url}");
        }
    }

    #[test]
    fn a_slip_is_told_with_what_would_be_right() {
        for (url, hint) in [
            ("file:", "names no folder"),
            ("file://relative/x", "file:///FOLDER"),
            ("az://container@account", "abfss://CONTAINER@ACCOUNT"),
            ("wasbs://c@a.blob.core.windows.net/x", "abfss://CONTAINER@ACCOUNT"),
            ("s3://B_ad/x", "3 to 63 small letters"),
            ("oss://a.b/x", "3 to 63 small letters"),
            ("s3://ab", "3 to 63 small letters"),
        ] {
            let said = StoreUrl::parse(url).unwrap_err().to_string();
            assert!(said.contains(hint), "{url}: {said}");
        }
    }
}
