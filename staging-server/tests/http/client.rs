//! A client of a staging server over a store of its own.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::Value;
use staging_server::{Config, Staging};
use storage::Store;
use tower::ServiceExt as _;

/// A server, asked without a network in between.
pub(crate) struct Server {
    pub(crate) staging: Staging,
    pub(crate) store: Store,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(&name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// `status exception`, as in `404 FileNotFoundException`, and the message.
    pub(crate) fn exception(&self) -> (String, String) {
        let json = self.json();
        let exception = &json["RemoteException"];
        let name = exception["exception"].as_str().unwrap();
        assert!(exception["javaClassName"].as_str().unwrap().ends_with(&format!(".{name}")), "{json}");
        (format!("{} {name}", self.status.as_u16()), exception["message"].as_str().unwrap().to_owned())
    }
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        Self::over(Store::in_memory(), config)
    }

    /// Another replica, or this one started again.
    pub(crate) fn over(store: Store, config: Config) -> Self {
        Self { staging: Staging::new(store.clone(), config), store }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.staging.router().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// Asks with headers written as `name: value`.
    pub(crate) async fn ask(&self, method: &str, uri: &str, headers: &[&str], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(uri).header(header::HOST, "hearth:10000");
        for (name, value) in headers.iter().map(|header| header.split_once(": ").unwrap()) {
            request = request.header(name, value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// `GET /webhdfs/v1<path>?op=<op>`
    pub(crate) async fn get(&self, path: &str, op: &str) -> Answer {
        self.ask("GET", &format!("/webhdfs/v1{path}?op={op}"), &[], Body::empty()).await
    }

    pub(crate) async fn put(&self, path: &str, op: &str) -> Answer {
        self.ask("PUT", &format!("/webhdfs/v1{path}?op={op}"), &[], Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str, op: &str) -> Answer {
        self.ask("DELETE", &format!("/webhdfs/v1{path}?op={op}"), &[], Body::empty()).await
    }

    /// Writes a file as Hadoop's client does: a request without data, then one with it where the first was sent.
    pub(crate) async fn create(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.write("PUT", path, "CREATE&overwrite=true&user.name=alice&permission=640", body).await
    }

    pub(crate) async fn write(&self, method: &str, path: &str, op: &str, body: impl Into<Body>) -> Answer {
        let first = self.ask(method, &format!("/webhdfs/v1{path}?op={op}"), &[], Body::empty()).await;
        if first.status != StatusCode::TEMPORARY_REDIRECT {
            return first;
        }
        let there = first.header(header::LOCATION).strip_prefix("http://hearth:10000").unwrap().to_owned();
        self.ask(method, &there, &["Content-Type: application/octet-stream"], body).await
    }

    /// All bytes of a file.
    pub(crate) async fn read(&self, path: &str) -> Bytes {
        let answer = self.get(path, "OPEN").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.body);
        answer.body
    }

    pub(crate) async fn status(&self, path: &str) -> Value {
        let answer = self.get(path, "GETFILESTATUS").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.body);
        answer.json()["FileStatus"].clone()
    }

    pub(crate) async fn exists(&self, path: &str) -> bool {
        self.get(path, "GETFILESTATUS").await.status == StatusCode::OK
    }

    /// The names in a folder; those of folders end in `/`.
    pub(crate) async fn names(&self, path: &str) -> Vec<String> {
        let json = self.get(path, "LISTSTATUS").await.json();
        let statuses = json["FileStatuses"]["FileStatus"].as_array().unwrap_or_else(|| panic!("{json}")).clone();
        let name = |status: &Value| {
            let slash = if status["type"] == "DIRECTORY" { "/" } else { "" };
            format!("{}{slash}", status["pathSuffix"].as_str().unwrap())
        };
        statuses.iter().map(name).collect()
    }
}

/// Looks until `check` gives something.
pub(crate) async fn eventually<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "there was never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
