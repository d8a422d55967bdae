//! What a Kubernetes API server answers about tokens and rights, and what an `OpenID Connect` issuer answers about its keys.

#![allow(dead_code, reason = "each tier uses its part of this")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::PublicKeyData as _;
use serde_json::{Value, json};

/// A server that knows these tokens: `ann` may create pods in `etl`, `ops` anywhere, `stranger` nothing.
pub(crate) struct ClusterApi {
    pub(crate) url: String,
    away: Arc<AtomicBool>,
    objects: Arc<Mutex<Objects>>,
    key: rcgen::KeyPair,
    folder: tempfile::TempDir,
}

/// Pods, and `ConfigMap`s by `namespace/name`.
#[derive(Default)]
struct Objects {
    pods: Vec<Value>,
    maps: BTreeMap<String, Value>,
}

impl ClusterApi {
    pub(crate) async fn start() -> Self {
        let away = Arc::new(AtomicBool::new(false));
        let objects = Arc::<Mutex<Objects>>::default();
        let key = rcgen::KeyPair::generate().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // An uncompressed point: a 4, and two coordinates of 32 bytes.
        let point = key.der_bytes();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "one", "x": x, "y": y}]});
        let about = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let router = Router::new()
            .route("/apis/authentication.k8s.io/v1/tokenreviews", post(token_review))
            .route("/apis/authorization.k8s.io/v1/subjectaccessreviews", post(access_review))
            .route("/.well-known/openid-configuration", get(move || async move { Json(about) }))
            .route("/keys", get(move || async move { Json(keys) }))
            .with_state(Arc::clone(&away))
            .merge(
                Router::new()
                    .route("/api/v1/pods", get(list_pods))
                    .route("/api/v1/namespaces/{namespace}/configmaps/{name}", get(get_map))
                    .with_state((Arc::clone(&away), Arc::clone(&objects))),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, away, objects, key, folder: tempfile::tempdir().unwrap() }
    }

    /// From now on it answers nothing but 500.
    pub(crate) fn go_away(&self) {
        self.away.store(true, Ordering::Release);
    }

    /// A driver's pod runs, as Spark makes one: with its properties in a `ConfigMap`.
    pub(crate) fn start_driver(&self, namespace: &str, name: &str, properties: &str) {
        let map = format!("spark-drv-{name}-conf-map");
        let mut objects = self.objects.lock().unwrap();
        objects.pods.push(json!({
            "metadata": {"namespace": namespace, "name": name, "uid": format!("uid-of-{name}"), "labels": {"spark-role": "driver"}},
            "spec": {
                "containers": [{"name": "spark-kubernetes-driver", "args": ["driver", "--properties-file", "/opt/spark/conf/spark.properties"]}],
                "volumes": [{"name": "spark-conf-volume-driver", "configMap": {"name": map}}],
            },
            "status": {"phase": "Running"},
        }));
        let data = json!({"metadata": {"namespace": namespace, "name": map}, "data": {"spark.properties": properties}});
        objects.maps.insert(format!("{namespace}/{map}"), data);
    }

    /// The drivers' pods have run to their end, and their `ConfigMap`s are there still.
    pub(crate) fn end_drivers(&self) {
        self.objects.lock().unwrap().pods.iter_mut().for_each(|pod| pod["status"]["phase"] = "Succeeded".into());
    }

    /// A kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        let file = self.folder.path().join("kubeconfig");
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "hearth", "user": {}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "hearth"}}],
        });
        std::fs::write(&file, text.to_string()).unwrap();
        file
    }

    /// A token of this issuer for the client `hearth`, with these claims besides.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let mut all = json!({"iss": self.url, "aud": "hearth", "exp": 4_000_000_000_u64});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.kid = Some("one".to_owned());
        let key = jsonwebtoken::EncodingKey::from_ec_der(&self.key.serialize_der());
        jsonwebtoken::encode(&header, &all, &key).unwrap()
    }
}

type Shared = (Arc<AtomicBool>, Arc<Mutex<Objects>>);

async fn list_pods(State((away, objects)): State<Shared>, Query(asked): Query<BTreeMap<String, String>>) -> Response {
    if away.load(Ordering::Acquire) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    assert_eq!(asked["labelSelector"], "spark-role=driver");
    // A page holds one pod.
    let objects = objects.lock().unwrap();
    let at: usize = asked.get("continue").map_or(0, |at| at.parse().unwrap());
    let items: Vec<Value> = objects.pods.iter().skip(at).take(1).cloned().collect();
    let rest = (at + 1 < objects.pods.len()).then(|| (at + 1).to_string());
    Json(json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"continue": rest}, "items": items})).into_response()
}

async fn get_map(State((away, objects)): State<Shared>, Path((namespace, name)): Path<(String, String)>) -> Response {
    if away.load(Ordering::Acquire) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    match objects.lock().unwrap().maps.get(&format!("{namespace}/{name}")) {
        Some(map) => Json(map.clone()).into_response(),
        None => {
            let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "message": "none", "code": 404});
            (StatusCode::NOT_FOUND, Json(status)).into_response()
        }
    }
}

async fn token_review(State(away): State<Arc<AtomicBool>>, Json(mut review): Json<Value>) -> Response {
    if away.load(Ordering::Acquire) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let user = match review["spec"]["token"].as_str() {
        Some("token-of-ann") => Some(("ann", vec!["team"])),
        Some("token-of-ops") => Some(("ops", vec![])),
        Some("token-of-driver") => Some(("system:serviceaccount:etl:spark", vec!["system:serviceaccounts"])),
        Some("token-of-stranger") => Some(("stranger", vec![])),
        _ => None,
    };
    review["status"] = match user {
        Some((name, groups)) => json!({"authenticated": true, "user": {"username": name, "groups": groups}}),
        None => json!({"authenticated": false, "error": "not a token of this cluster"}),
    };
    (StatusCode::CREATED, Json(review)).into_response()
}

async fn access_review(State(away): State<Arc<AtomicBool>>, Json(mut review): Json<Value>) -> Response {
    if away.load(Ordering::Acquire) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let spec = &review["spec"];
    let wanted = &spec["resourceAttributes"];
    let (user, namespace) = (spec["user"].as_str().unwrap(), wanted["namespace"].as_str());
    let creates_pods = wanted["verb"] == "create" && wanted["resource"] == "pods";
    let allowed = match user {
        "ops" => true,
        "ann" | "oidc:bob" | "system:serviceaccount:etl:spark" => creates_pods && namespace == Some("etl"),
        _ => false,
    };
    review["status"] = json!({"allowed": allowed});
    (StatusCode::CREATED, Json(review)).into_response()
}
