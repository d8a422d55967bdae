//! S3 and what speaks its language: credentials by the AWS SDK's own chain, and OSS's differences.

use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{CredentialProvider, ObjectStore};
use tokio::sync::OnceCell;

const STORE: &str = "S3";

pub(crate) fn connect(
    bucket: &str,
    endpoint: Option<&str>,
    region: Option<&str>,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    // `from_env` reads region, endpoint and the like; the credentials are the SDK's own, which knows profiles too.
    let mut builder =
        AmazonS3Builder::from_env().with_bucket_name(bucket).with_credentials(Arc::new(SdkCredentials::default()));
    if let Some(region) = region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    Ok(Arc::new(builder.build()?))
}

pub(crate) fn connect_oss(bucket: &str, endpoint: Option<&str>) -> Result<Arc<dyn ObjectStore>, String> {
    let endpoint = endpoint.ok_or("oss:// needs ?endpoint=https://oss-REGION.aliyuncs.com")?;
    let url = url::Url::parse(endpoint).map_err(|e| format!("endpoint {endpoint:?}: {e}"))?;
    let host = url.host_str().ok_or_else(|| format!("endpoint {endpoint:?} names no host"))?;
    let region = host.split('.').next().unwrap_or_default().trim_start_matches("s3.").trim_end_matches("-internal");
    // OSS refuses path-style addresses: the bucket is part of the host's name.
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let bucket_endpoint = format!("{}://{bucket}.{host}{port}", url.scheme());
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_virtual_hosted_style_request(true)
        .with_endpoint(bucket_endpoint)
        .with_allow_http(url.scheme() == "http")
        .with_http_connector(OssConnector)
        .with_credentials(Arc::new(SdkCredentials::default()))
        .build()
        .map_err(|e| e.to_string())?;
    Ok(Arc::new(store))
}

/// The AWS SDK's default chain: environment, profile, web identity, container and pod identity, instance role. It caches
/// and renews by itself.
#[derive(Debug, Default)]
struct SdkCredentials {
    chain: OnceCell<Option<SharedCredentialsProvider>>,
}

#[async_trait]
impl CredentialProvider for SdkCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let generic = |source| object_store::Error::Generic { store: STORE, source };
        let chain = self.chain.get_or_init(|| async { aws_config::load_from_env().await.credentials_provider() }).await;
        let chain = chain.as_ref().ok_or_else(|| generic("the AWS SDK found no source of credentials".into()))?;
        let found = chain.provide_credentials().await.map_err(|e| generic(Box::new(e)))?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(ToOwned::to_owned),
        }))
    }
}

/// OSS does not know `If-None-Match: *` on a PUT; its own word for "do not overwrite" is a header.
#[derive(Debug)]
struct OssConnector;

impl HttpConnector for OssConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(ForbidOverwrite(ReqwestConnector::default().connect(options)?)))
    }
}

#[derive(Debug)]
struct ForbidOverwrite(HttpClient);

#[async_trait]
impl HttpService for ForbidOverwrite {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.headers().contains_key(http::header::IF_NONE_MATCH) && request.method() == http::Method::PUT {
            let forbid = http::HeaderName::from_static("x-oss-forbid-overwrite");
            request.headers_mut().insert(forbid, http::HeaderValue::from_static("true"));
        }
        self.0.execute(request).await
    }
}
