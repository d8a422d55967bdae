//! Hadoop's settings of file systems, and what a folder of event logs is by them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use storage::{AccessKey, AzureIdentity, StoreOptions, StoreUrl};

use super::java;

/// Hadoop's settings, and which of them were asked for.
#[derive(Default)]
pub(super) struct Hadoop {
    values: BTreeMap<String, String>,
    used: RefCell<BTreeSet<String>>,
}

#[derive(serde::Deserialize)]
struct Site {
    #[serde(default)]
    property: Vec<SiteProperty>,
}

#[derive(serde::Deserialize)]
struct SiteProperty {
    name: String,
    #[serde(default)]
    value: String,
}

impl Hadoop {
    /// Takes the settings of a `core-site.xml`; returns their names.
    pub(super) fn add_site(&mut self, xml: &str) -> Result<Vec<String>, String> {
        let site: Site =
            quick_xml::de::from_str(xml).map_err(|error| format!("it is no Hadoop configuration: {error}"))?;
        let mut names = Vec::new();
        for property in site.property {
            names.push(property.name.trim().to_owned());
            self.set(property.name.trim(), property.value.trim());
        }
        Ok(names)
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// Whether anything was asked for it.
    pub(super) fn was_used(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())?;
        self.used.borrow_mut().insert(name.to_owned());
        Some(value)
    }

    /// The store that a path of Hadoop's names, and how these settings say it is reached.
    ///
    /// # Errors
    /// Why there is no such store here.
    pub(super) fn store(&self, path: &str) -> Result<StoreUrl, String> {
        let default = || self.get("fs.defaultFS").filter(|root| !root.starts_with("file:"));
        match path.split_once(':') {
            None if path.starts_with('/') => match default() {
                Some(root) => self.store(&format!("{}{path}", root.trim_end_matches('/'))),
                None => Ok(StoreUrl::folder(path)),
            },
            None => Ok(StoreUrl::folder(path)),
            Some(("file" | "local", rest)) => Ok(StoreUrl::folder(local(rest))),
            Some((scheme, rest)) => {
                let (authority, below) =
                    rest.trim_start_matches('/').split_once('/').unwrap_or((rest.trim_start_matches('/'), ""));
                self.remote(scheme, authority, below)
            }
        }
    }

    fn remote(&self, scheme: &str, authority: &str, path: &str) -> Result<StoreUrl, String> {
        let (kind, options) = match scheme {
            "s3" | "s3a" | "s3n" => ("s3", self.s3(authority)?),
            "gs" => ("gs", self.gcs()),
            "oss" => ("oss", self.oss()),
            "abfs" | "abfss" | "wasb" | "wasbs" => ("abfss", self.azure(authority)),
            "hdfs" | "webhdfs" | "swebhdfs" | "viewfs" | "har" => {
                return Err(format!(
                    "{scheme}: is not read here: Hearth reads folders and object stores (file:, s3a:, gs:, abfs:, oss:). Copy the \
                     logs, or mount them"
                ));
            }
            other => return Err(format!("{other}: is not known; there are file:, s3a:, gs:, abfs:, wasb: and oss:")),
        };
        // Hadoop takes a path as it is written; a URL's is decoded.
        let mut url = url::Url::parse(&format!("{kind}://{authority}")).map_err(|error| error.to_string())?;
        url.set_path(&path.replace('%', "%25"));
        StoreUrl::parse(url.as_str()).map(|url| url.with_options(options)).map_err(|error| error.to_string())
    }

    fn s3(&self, bucket: &str) -> Result<StoreOptions, String> {
        let get = |name: &str| {
            self.get(&format!("fs.s3a.bucket.{bucket}.{name}")).or_else(|| self.get(&format!("fs.s3a.{name}")))
        };
        let secure = get("connection.ssl.enabled").map_or(Ok(true), java::switch)?;
        let endpoint = get("endpoint").map(|endpoint| with_scheme(endpoint, secure));
        let path_style = get("path.style.access").map_or(Ok(false), java::switch)?;
        let providers = Providers::of(get("aws.credentials.provider").unwrap_or_default());
        let access_key = match (get("access.key"), get("secret.key")) {
            (Some(id), Some(secret)) if providers.keys => {
                let session_token = get("session.token").map(ToOwned::to_owned);
                Some(AccessKey { id: id.to_owned(), secret: secret.to_owned(), session_token })
            }
            _ => None,
        };
        Ok(StoreOptions {
            virtual_hosted: endpoint.as_deref().map(|endpoint| !path_style && takes_buckets(endpoint)),
            endpoint,
            region: get("endpoint.region").map(ToOwned::to_owned),
            anonymous: providers.anonymous && access_key.is_none(),
            access_key,
            ..StoreOptions::default()
        })
    }

    fn oss(&self) -> StoreOptions {
        let get = |name: &str| self.get(&format!("fs.oss.{name}")).map(ToOwned::to_owned);
        let access_key = match (get("accessKeyId"), get("accessKeySecret")) {
            (Some(id), Some(secret)) => Some(AccessKey { id, secret, session_token: get("securityToken") }),
            _ => None,
        };
        let endpoint = get("endpoint").map(|endpoint| with_scheme(&endpoint, true));
        StoreOptions { endpoint, access_key, ..StoreOptions::default() }
    }

    fn gcs(&self) -> StoreOptions {
        let names = ["fs.gs.auth.service.account.json.keyfile", "google.cloud.auth.service.account.json.keyfile"];
        let service_account_file = names.iter().find_map(|name| self.get(name)).map(ToOwned::to_owned);
        StoreOptions { service_account_file, ..StoreOptions::default() }
    }

    /// Of `CONTAINER@ACCOUNT.dfs.core.windows.net`, or `.blob.` as older settings have it.
    fn azure(&self, authority: &str) -> StoreOptions {
        let (container, host) = authority.split_once('@').unwrap_or(("", authority));
        let (account, domain) = host.split_once('.').unwrap_or((host, ""));
        let hosts = [
            host.to_owned(),
            format!("{account}.{}", domain.replacen("blob.", "dfs.", 1)),
            format!("{account}.{}", domain.replacen("dfs.", "blob.", 1)),
        ];
        let get = |name: &str| {
            let of_account = hosts.iter().find_map(|host| self.get(&format!("{name}.{host}")));
            of_account.or_else(|| self.get(name)).map(ToOwned::to_owned)
        };
        let key = get("fs.azure.account.key").map(AzureIdentity::AccountKey);
        let signature = get("fs.azure.sas.fixed.token").or_else(|| get(&format!("fs.azure.sas.{container}")));
        let endpoint = get("fs.azure.account.oauth2.client.endpoint");
        let tenant = endpoint.as_deref().and_then(tenant_id).map(ToOwned::to_owned);
        let (id, secret) = (get("fs.azure.account.oauth2.client.id"), get("fs.azure.account.oauth2.client.secret"));
        let application = match (tenant, id, secret) {
            (Some(tenant_id), Some(client_id), Some(client_secret)) => {
                Some(AzureIdentity::ClientSecret { tenant_id, client_id, client_secret })
            }
            _ => None,
        };
        let azure = match get("fs.azure.account.auth.type").as_deref() {
            Some("OAuth") => application,
            Some("SAS") => signature.map(AzureIdentity::SharedAccessSignature),
            _ => key.or(application).or(signature.map(AzureIdentity::SharedAccessSignature)),
        };
        StoreOptions { azure, ..StoreOptions::default() }
    }
}

/// Which of Hadoop's sources of S3 credentials are wanted; all the others are in the AWS SDK's own chain.
struct Providers {
    /// Keys from Hadoop's settings.
    keys: bool,
    anonymous: bool,
}

impl Providers {
    fn of(classes: &str) -> Self {
        let named = |part: &str| java::list(classes).any(|class| class.contains(part));
        Self {
            keys: classes.trim().is_empty() || named("SimpleAWSCredentials") || named("TemporaryAWSCredentials"),
            anonymous: named("AnonymousAWSCredentials") || named("AnonymousCredentials"),
        }
    }
}

/// What follows `file:`, with or without an empty host.
fn local(rest: &str) -> &str {
    match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(path) => path.find('/').map_or(path, |slash| &path[slash..]),
        None => rest,
    }
}

fn with_scheme(endpoint: &str, secure: bool) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    match endpoint.contains("://") {
        true => endpoint.to_owned(),
        false => format!("{}://{endpoint}", if secure { "https" } else { "http" }),
    }
}

/// Whether a bucket's name can be put before an endpoint's host: neither of an address, nor of this machine.
fn takes_buckets(endpoint: &str) -> bool {
    match url::Url::parse(endpoint).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name != "localhost",
        _ => false,
    }
}

/// Of `https://login.microsoftonline.com/TENANT/oauth2/token`.
fn tenant_id(endpoint: &str) -> Option<&str> {
    let (_, path) = endpoint.split_once("://")?.1.split_once('/')?;
    path.split('/').next().filter(|tenant| !tenant.is_empty())
}
