use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use storage::{ObjectPath, StoreUrl};
use url::Url;

/// Hadoop's ports of a name node's web server, which are those of WebHDFS where a URL names none.
const WEBHDFS_PORT: u16 = 9870;
const SWEBHDFS_PORT: u16 = 9871;

/// Where an artifact comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// `http://` or `https://`
    Http(Url),
    /// `webhdfs://` or `swebhdfs://`: Hearth's staging server, or HDFS itself.
    WebHdfs {
        /// `http(s)://host:port/`
        server: Url,
        /// Decoded, with a slash before it.
        path: String,
    },
    /// `s3://`, `s3a://`, `oss://`, `gs://`, `az://`, `abfs://`, `abfss://`
    Object {
        /// The bucket.
        store: Box<StoreUrl>,
        /// The object in it.
        path: ObjectPath,
    },
    /// `file:` or `local:`: in this container already.
    File(PathBuf),
    /// A bundle of the resource staging protocol v0, with the file that holds its secret.
    Bundle {
        /// `<base>/api/v0/resources/<id>`
        url: Url,
        /// Its content is the secret.
        secret: PathBuf,
    },
}

impl Source {
    /// Reads a URL without a fragment. `staging` is what a path without a scheme, as `/staging/…`, is relative to.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn parse(text: &str, staging: Option<&Url>) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file:").or_else(|| text.strip_prefix("local:")) {
            let path = decode(path.strip_prefix("//").unwrap_or(path))?;
            return if path.starts_with('/') {
                Ok(Self::File(path.into()))
            } else {
                Err("its path must begin with /".into())
            };
        }
        if text.starts_with('/') {
            let server = staging.cloned().ok_or(
                "a path alone is looked up on the staging server: say which by --staging-url, or write file:/PATH",
            )?;
            return Ok(Self::WebHdfs { server, path: decode(text)? });
        }
        let url =
            Url::parse(text).map_err(|e| format!("it is not a URL ({e}); write a scheme, as in https://HOST/PATH"))?;
        match url.scheme() {
            "http" | "https" => Ok(Self::Http(url)),
            "webhdfs" | "swebhdfs" => Self::webhdfs(&url),
            "s3" | "s3a" | "oss" | "gs" | "az" | "abfs" | "abfss" => Self::object(&url),
            "hdfs" | "viewfs" => Err(format!(
                "{}:// needs Hadoop's own protocol; every name node serves the same files as webhdfs://NAMENODE:{WEBHDFS_PORT}/PATH",
                url.scheme()
            )),
            other => Err(format!(
                "{other}:// is not known; there are http, https, webhdfs, swebhdfs, s3, s3a, oss, gs, az, abfs, abfss, file and local"
            )),
        }
    }

    fn webhdfs(url: &Url) -> Result<Self, String> {
        let (scheme, port) = if url.scheme() == "webhdfs" { ("http", WEBHDFS_PORT) } else { ("https", SWEBHDFS_PORT) };
        let host = url.host_str().ok_or("it names no host")?;
        let port = url.port().unwrap_or(port);
        let server = Url::parse(&format!("{scheme}://{host}:{port}/")).map_err(|e| e.to_string())?;
        if let Some(query) = url.query() {
            return Err(format!("it has the parameters {query:?}, which webhdfs:// does not know"));
        }
        Ok(Self::WebHdfs { server, path: decode(url.path())? })
    }

    fn object(url: &Url) -> Result<Self, String> {
        let key = decode(url.path())?;
        let path = ObjectPath::parse(&key).map_err(|e| e.to_string())?;
        if path.is_root() || key.ends_with('/') {
            return Err("it names no object, but a folder: name one object, as in s3://BUCKET/KEY".into());
        }
        let mut bucket = url.clone();
        bucket.set_path("");
        let store = StoreUrl::parse(bucket.as_str()).map_err(|e| e.to_string())?;
        Ok(Self::Object { store: Box::new(store), path })
    }

    /// The last part of its path: the name that it has where none is given.
    #[must_use]
    pub fn name(&self) -> String {
        let path = match self {
            Self::Http(url) | Self::Bundle { url, .. } => {
                percent_decode_str(url.path()).decode_utf8_lossy().into_owned()
            }
            Self::WebHdfs { path, .. } => path.clone(),
            Self::Object { path, .. } => path.as_str().to_owned(),
            Self::File(path) => path.display().to_string(),
        };
        path.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

fn decode(text: &str) -> Result<String, String> {
    percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| "its path is not UTF-8".to_owned())
}

/// Without passwords and signatures: query values of a URL are often secrets.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) | Self::Bundle { url, .. } => {
                let mut url = url.clone();
                if url.password().is_some() {
                    // Only URLs that cannot have a password refuse this.
                    let _ = url.set_password(Some("***"));
                }
                let has_query = url.query().is_some();
                url.set_query(has_query.then_some("***"));
                write!(f, "{url}")
            }
            Self::WebHdfs { server, path } => {
                let scheme = if server.scheme() == "http" { "webhdfs" } else { "swebhdfs" };
                let port = server.port_or_known_default().unwrap_or_default();
                write!(f, "{scheme}://{}:{port}{path}", server.host_str().unwrap_or_default())
            }
            Self::Object { store, path } => write!(f, "{store}/{path}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
