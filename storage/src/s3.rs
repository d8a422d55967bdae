//! S3 and what speaks its language: credentials by the AWS SDK's own chain, and OSS's differences.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::Region;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredential};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use object_store::path::Path;
use object_store::{CredentialProvider, ObjectStore};
use tokio::sync::Mutex;

mod swap;

use crate::backend::Backend;
use crate::client::{self, Understanding};
use crate::{ObjectPath, StoreOptions};
use swap::Swapping;

const STORE: &str = "S3";

/// The largest object that S3 and OSS copy in one request.
pub(crate) const COPY_LIMIT_BYTES: u64 = 5 << 30;

/// Where requests are signed, unless the URL or the environment say otherwise; AWS's own default.
const DEFAULT_REGION: &str = "us-east-1";

/// Credentials are asked for again this long before they end.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

pub(crate) fn connect(
    bucket: &str,
    options: &StoreOptions,
    credentials: Option<SharedCredentialsProvider>,
) -> Result<Backend, String> {
    // `from_env` reads region, endpoint and the like; the credentials are the SDK's own, which knows profiles too.
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    if let Some(region) = &options.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = match options.virtual_hosted {
            Some(true) => builder.with_virtual_hosted_style_request(true).with_endpoint(hosted(bucket, endpoint)?),
            Some(false) => builder.with_virtual_hosted_style_request(false).with_endpoint(endpoint),
            None => builder.with_endpoint(endpoint),
        };
    }
    let endpoints = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let endpoint = endpoints.iter().find_map(|key| builder.get_config_value(key)).unwrap_or_default();
    let builder = builder.with_http_connector(client::connector()).with_skip_signature(options.anonymous);
    Ok(Backend::cloud(build(builder, &endpoint, credentials.or_else(|| known(options)))?))
}

/// The endpoint with the bucket as a part of its host's name.
fn hosted(bucket: &str, endpoint: &str) -> Result<String, String> {
    let url = url::Url::parse(endpoint).map_err(|e| format!("endpoint {endpoint:?}: {e}"))?;
    let host = url.host_str().ok_or_else(|| format!("endpoint {endpoint:?} names no host"))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{}://{bucket}.{host}{port}", url.scheme()))
}

/// The key that the options hold.
fn known(options: &StoreOptions) -> Option<SharedCredentialsProvider> {
    let key = options.access_key.clone()?;
    Some(SharedCredentialsProvider::new(Credentials::new(key.id, key.secret, key.session_token, None, "settings")))
}

pub(crate) fn connect_oss(
    bucket: &str,
    options: &StoreOptions,
    credentials: Option<SharedCredentialsProvider>,
    connector: impl HttpConnector,
    locks: &ObjectPath,
) -> Result<Backend, String> {
    let endpoint = options.endpoint.as_deref().ok_or("oss:// needs ?endpoint=https://oss-REGION.aliyuncs.com")?;
    // OSS refuses path-style addresses: the bucket is part of the host's name.
    let bucket_endpoint = hosted(bucket, endpoint)?;
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
    let builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_region(oss_region(host))
        .with_virtual_hosted_style_request(true)
        .with_endpoint(&bucket_endpoint)
        .with_http_connector(Understanding(OssConnector(connector)));
    let client = Arc::new(build(builder, &bucket_endpoint, credentials.or_else(|| known(options)))?);
    let locks = Path::parse(locks.as_str()).map_err(|e| e.to_string())?;
    let objects: Arc<dyn ObjectStore> = Arc::new(Swapping::new(Arc::clone(&client), locks));
    Ok(Backend { objects, ..Backend::shared(client) })
}

/// `oss-cn-hangzhou` of `oss-cn-hangzhou-internal.aliyuncs.com` or `s3.oss-cn-hangzhou.aliyuncs.com`.
fn oss_region(host: &str) -> &str {
    let label = host.strip_prefix("s3.").unwrap_or(host).split('.').next().unwrap_or_default();
    label.strip_suffix("-internal").unwrap_or(label)
}

fn build(
    mut builder: AmazonS3Builder,
    endpoint: &str,
    credentials: Option<SharedCredentialsProvider>,
) -> Result<AmazonS3, String> {
    let region = builder.get_config_value(&AmazonS3ConfigKey::Region).unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let found = Mutex::new(Found { chain: credentials, cached: None });
    // Whoever writes http:// means it.
    let options = client::options().with_allow_http(endpoint.starts_with("http://"));
    builder = builder
        .with_region(&region)
        .with_credentials(Arc::new(SdkCredentials { region, found }))
        .with_client_options(options)
        .with_retry(client::retry());
    builder.build().map_err(|e| e.to_string())
}

/// The AWS SDK's default chain: environment, profile, web identity, container and pod identity, instance role.
#[derive(Debug)]
struct SdkCredentials {
    region: String,
    found: Mutex<Found>,
}

#[derive(Debug)]
struct Found {
    chain: Option<SharedCredentialsProvider>,
    /// The chain itself asks anew, perhaps over the network, each time that it is asked.
    cached: Option<(Arc<AwsCredential>, Option<SystemTime>)>,
}

#[async_trait]
impl CredentialProvider for SdkCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut found = self.found.lock().await;
        if let Some((credential, end)) = &found.cached
            && end.is_none_or(|end| SystemTime::now() + RENEW_BEFORE < end)
        {
            return Ok(Arc::clone(credential));
        }
        let unauthenticated = |source| object_store::Error::Unauthenticated { path: STORE.to_owned(), source };
        let chain = match &found.chain {
            Some(chain) => chain.clone(),
            None => {
                let region = Region::new(self.region.clone());
                let chain = aws_config::from_env().region(region).load().await.credentials_provider();
                chain.ok_or_else(|| unauthenticated("the AWS SDK found no source of credentials".into()))?
            }
        };
        let new = match (chain.provide_credentials().await, &found.cached) {
            (Ok(new), _) => new,
            // Asked early, so that a source that fails in passing fails nobody: the key that is there is still good.
            (Err(_), Some((credential, Some(end)))) if SystemTime::now() < *end => return Ok(Arc::clone(credential)),
            (Err(error), _) => return Err(unauthenticated(Box::new(error))),
        };
        let credential = Arc::new(credential_of(&new));
        *found = Found { chain: Some(chain), cached: Some((Arc::clone(&credential), new.expiry())) };
        Ok(credential)
    }
}

fn credential_of(found: &Credentials) -> AwsCredential {
    AwsCredential {
        key_id: found.access_key_id().to_owned(),
        secret_key: found.secret_access_key().to_owned(),
        token: found.session_token().map(ToOwned::to_owned),
    }
}

/// OSS does not know `If-None-Match: *` on a PUT; its own word for "do not overwrite" is a header.
#[derive(Debug)]
struct OssConnector<C>(C);

impl<C: HttpConnector> HttpConnector for OssConnector<C> {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(ForbidOverwrite(self.0.connect(options)?)))
    }
}

#[derive(Debug)]
struct ForbidOverwrite(HttpClient);

#[async_trait]
impl HttpService for ForbidOverwrite {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_create =
            request.headers().contains_key(http::header::IF_NONE_MATCH) && request.method() == http::Method::PUT;
        if is_create {
            let forbid = http::HeaderName::from_static("x-oss-forbid-overwrite");
            request.headers_mut().insert(forbid, http::HeaderValue::from_static("true"));
        }
        self.0.execute(request).await
    }
}

#[cfg(test)]
mod tests;
