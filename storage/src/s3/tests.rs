use std::sync::Mutex as Locked;

use http::StatusCode;
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutMode, PutOptions};

use super::*;

#[test]
fn a_region_is_read_from_every_kind_of_oss_endpoint() {
    for host in [
        "oss-cn-hangzhou.aliyuncs.com",
        "oss-cn-hangzhou-internal.aliyuncs.com",
        "s3.oss-cn-hangzhou.aliyuncs.com",
        "s3.oss-cn-hangzhou-internal.aliyuncs.com",
    ] {
        assert_eq!(oss_region(host), "oss-cn-hangzhou");
    }
}

/// Answers as OSS does, and keeps what it was asked.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Locked<Vec<http::request::Parts>>>);

impl HttpConnector for Recorder {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Recorder {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, _) = request.into_parts();
        let forbidden = head.headers.get("x-oss-forbid-overwrite").is_some_and(|value| value == "true");
        let is_there = !self.0.lock().unwrap().is_empty();
        self.0.lock().unwrap().push(head);
        let (status, body) = match forbidden && is_there {
            true => (StatusCode::CONFLICT, "<Error><Code>FileAlreadyExists</Code></Error>"),
            false => (StatusCode::OK, ""),
        };
        let response = http::Response::builder().status(status).header("etag", "\"1\"");
        Ok(response.body(body.to_owned().into()).unwrap())
    }
}

fn keys(key: &str, expires_after: Option<Duration>) -> Credentials {
    Credentials::new(key, "secret", None, expires_after.map(|time| SystemTime::now() + time), "test")
}

#[tokio::test]
async fn oss_is_addressed_by_virtual_host_and_told_not_to_overwrite() {
    let asked = Recorder::default();
    let credentials = SharedCredentialsProvider::new(keys("key", None));
    let endpoint = Some("https://oss-cn-hangzhou.aliyuncs.com".to_owned());
    let options = StoreOptions { endpoint, ..StoreOptions::default() };
    let locks = ObjectPath::parse(".hearth-locks").unwrap();
    let store = connect_oss("the-bucket", &options, Some(credentials), asked.clone(), &locks).unwrap().objects;
    let (path, create) = (Path::from("a/b"), PutOptions { mode: PutMode::Create, ..PutOptions::default() });
    store.put_opts(&path, "x".into(), create.clone()).await.unwrap();
    store.put(&path, "x".into()).await.unwrap();
    let again = store.put_opts(&path, "x".into(), create).await.unwrap_err();
    assert!(matches!(again, object_store::Error::AlreadyExists { .. }), "{again:?}");

    let asked = asked.0.lock().unwrap();
    let [created, put, refused] = asked.as_slice() else { panic!("{asked:?}") };
    for request in [created, put, refused] {
        assert_eq!(request.uri.to_string(), "https://the-bucket.oss-cn-hangzhou.aliyuncs.com/a/b");
        let signed = request.headers["authorization"].to_str().unwrap();
        assert!(signed.contains("/oss-cn-hangzhou/s3/aws4_request"), "{signed}");
    }
    assert_eq!(created.headers["x-oss-forbid-overwrite"], "true");
    assert!(!put.headers.contains_key("x-oss-forbid-overwrite"));
}

/// Gives another key each time, for as long as it is told.
#[derive(Debug)]
struct Counting(Locked<u32>, Option<Duration>);

impl aws_credential_types::provider::ProvideCredentials for Counting {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        aws_credential_types::provider::future::ProvideCredentials::ready(Ok(keys(&count.to_string(), self.1)))
    }
}

/// Gives a key that ends in a minute, once, and then fails.
#[derive(Debug)]
struct Once(Locked<bool>);

impl aws_credential_types::provider::ProvideCredentials for Once {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let given = std::mem::replace(&mut *self.0.lock().unwrap(), true);
        let failed = aws_credential_types::provider::error::CredentialsError::provider_error("told to fail");
        let key = if given { Err(failed) } else { Ok(keys("first", Some(Duration::from_secs(60)))) };
        aws_credential_types::provider::future::ProvideCredentials::ready(key)
    }
}

#[tokio::test]
async fn a_key_is_used_to_its_end_when_no_other_can_be_had() {
    let chain = SharedCredentialsProvider::new(Once(Locked::new(false)));
    let found = Mutex::new(Found { chain: Some(chain), cached: None });
    let credentials = SdkCredentials { region: "r".to_owned(), found };
    for _ in 0..3 {
        assert_eq!(credentials.get_credential().await.unwrap().key_id, "first");
    }
}

#[tokio::test]
async fn credentials_are_asked_for_when_they_are_about_to_end_and_not_before() {
    for (lifetime, expected) in [
        (None, ["1", "1", "1"]),
        (Some(Duration::from_secs(3600)), ["1", "1", "1"]),
        (Some(Duration::from_secs(60)), ["1", "2", "3"]),
    ] {
        let chain = SharedCredentialsProvider::new(Counting(Locked::new(0), lifetime));
        let found = Mutex::new(Found { chain: Some(chain), cached: None });
        let credentials = SdkCredentials { region: "r".to_owned(), found };
        for key in expected {
            assert_eq!(credentials.get_credential().await.unwrap().key_id, key, "{lifetime:?}");
        }
    }
}
