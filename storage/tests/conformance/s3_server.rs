//! A real S3 server in this process, on a folder; it checks signatures.

use std::sync::{Arc, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

pub(crate) const BUCKET: &str = "the-bucket";
pub(crate) const KEY: &str = "AKIDHEARTH";
pub(crate) const SECRET: &str = "only the tests know it";

/// The server; ends when dropped.
pub(crate) struct S3Server {
    folder: TempDir,
    pub(crate) endpoint: String,
    asked: Arc<std::sync::Mutex<Vec<String>>>,
    answered: Arc<std::sync::Mutex<Vec<(String, u64)>>>,
    serving: JoinHandle<()>,
}

impl S3Server {
    #[allow(dead_code, reason = "not every test that has this server is on loopback")]
    pub(crate) async fn start() -> Self {
        Self::listening_on("127.0.0.1").await
    }

    /// Starts one on a free port of this address.
    pub(crate) async fn listening_on(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        // This server looks whether an object is there and then writes it; S3 does both at once.
        let creating = Arc::new(Mutex::new(()));
        let service = Arc::new(builder.build());
        let asked = Arc::<std::sync::Mutex<Vec<String>>>::default();
        let answered = Arc::<std::sync::Mutex<Vec<(String, u64)>>>::default();
        let (noted, counted) = (Arc::clone(&asked), Arc::clone(&answered));
        let answer = move |request: Request| {
            let (service, creating, counted) = (Arc::clone(&service), Arc::clone(&creating), Arc::clone(&counted));
            let line = format!("{} {}", request.method(), request.uri());
            noted.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
            async move {
                let conditions = [header::IF_NONE_MATCH, header::IF_MATCH];
                let is_conditional = conditions.iter().any(|name| request.headers().contains_key(name));
                let _alone = if is_conditional { Some(creating.lock().await) } else { None };
                let is_ranged = request.headers().contains_key(header::RANGE);
                let answer = service.call(request.map(s3s::Body::http_body_unsync)).await;
                let mut answer = answer.map_err(|error| format!("{error:?}"))?.map(Body::new);
                // Nor does it know what to say of a range of nothing.
                if is_ranged && answer.status().is_server_error() {
                    *answer.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                }
                let length =
                    answer.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
                counted.lock().unwrap_or_else(PoisonError::into_inner).push((line, length.unwrap_or(0)));
                Ok::<_, String>(answer)
            }
        };
        let router = axum::Router::new().fallback(answer);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { folder, endpoint, asked, answered, serving }
    }

    /// Every request so far: its method, and its path and query as they came.
    #[allow(dead_code, reason = "not every test that has this server asks")]
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every request that was answered so far, as in [`S3Server::asked`], and how many bytes its answer says that it has.
    #[allow(dead_code, reason = "not every test that has this server asks")]
    pub(crate) fn answered(&self) -> Vec<(String, u64)> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts an object into the bucket.
    #[allow(dead_code, reason = "not every test that has this server has objects to begin with")]
    pub(crate) fn keep(&self, key: &str, content: &[u8]) {
        let path = self.folder.path().join(BUCKET).join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The URL of a store in it.
    #[allow(dead_code, reason = "not every test that has this server names it by URL alone")]
    pub(crate) fn url(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{}?endpoint={}", prefix.replace(' ', "%20"), self.endpoint)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
