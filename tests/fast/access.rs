//! Who may do what, asked of the running binary: every kind of caller at every kind of route.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::cluster_api::ClusterApi;
use super::support::hearth::{FREE_PORTS, Hearth, ROLES};
use super::support::process::{guarded, run};

const IN_MEMORY: [&str; 3] = ["serve", "--store", "memory:"];
const UPLOAD: &str = "spark-upload-0a1b2c3d-1111-4222-8333-00000000000f";

async fn start(api: &ClusterApi, settings: &[&str]) -> Hearth {
    let kubeconfig = api.kubeconfig();
    let arguments: Vec<&str> =
        IN_MEMORY.iter().chain(&FREE_PORTS).chain(&["--access", "guarded"]).chain(settings).copied().collect();
    Hearth::start(&arguments, &[("KUBECONFIG", kubeconfig.to_str().unwrap())], &ROLES).await
}

/// Content that every request of this test sends, and what it is called.
const SENT: &str = "x: y";
const DIGEST: &str = "sha256:4f2f24b4b6fea23eba57527a8bfff7b00be229ee0423d8f3014bac02ca2508a4";

fn with_token(request: RequestBuilder, token: &str) -> RequestBuilder {
    if token.is_empty() { request } else { request.bearer_auth(token) }
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// What `POST /oauth2/token` gives for a credential.
async fn exchanged(staging: &str, credential: &str) -> String {
    let form = [("client_secret", credential), ("grant_type", "client_credentials"), ("client_id", "hearth")];
    let answer = Client::new().post(format!("{staging}/oauth2/token")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["expires_in"], 600);
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Every kind of caller, with its token.
async fn callers(api: &ClusterApi, staging: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("nobody", String::new()),
        ("ann", "token-of-ann".to_owned()),
        ("ann, by OAuth2", exchanged(staging, "token-of-ann").await),
        ("bob, by OIDC", api.token(&json!({"sub": "bob"}))),
        ("driver", "token-of-driver".to_owned()),
        ("none, by OAuth2", exchanged(staging, "none").await),
        ("ops", "token-of-ops".to_owned()),
        ("stranger", "token-of-stranger".to_owned()),
        ("forger", "token-of-forger".to_owned()),
        ("late", api.token(&json!({"sub": "bob", "exp": 1}))),
        ("elsewhere", api.token(&json!({"sub": "bob", "aud": "another"}))),
    ])
}

const NAMELESS: [&str; 2] = ["nobody", "none, by OAuth2"];

/// Every kind of route, with those who may use it.
fn routes(staging: &str, history: &str) -> Vec<(Method, String, Vec<&'static str>)> {
    let upload = format!("{staging}/webhdfs/v1/staging/etl/{UPLOAD}/main.jar");
    let read = format!("{staging}/staging/etl/{UPLOAD}/main.jar");
    let web = |path: &str, op: &str| format!("{staging}/webhdfs/v1{path}?op={op}");
    let etl = ["ann", "ann, by OAuth2", "bob, by OIDC", "driver", "ops"];
    let known = ["ann", "ann, by OAuth2", "bob, by OIDC", "driver", "ops", "stranger"];
    let all: Vec<&str> = known.iter().chain(&NAMELESS).copied().collect();
    vec![
        (Method::GET, format!("{upload}?op=OPEN&offset=0"), all.clone()),
        (Method::GET, format!("{upload}?op=GETFILESTATUS"), all.clone()),
        (Method::GET, read, all.clone()),
        (Method::PUT, format!("{staging}/v1/namespaces/etl/blobs/{DIGEST}"), etl.to_vec()),
        (Method::GET, format!("{staging}/v1/namespaces/etl/blobs/{DIGEST}"), etl.to_vec()),
        (Method::PUT, format!("{staging}/v1/namespaces/other/blobs/{DIGEST}"), vec!["ops"]),
        (Method::GET, format!("{staging}/v1/namespaces/etl/manifests/job"), etl.to_vec()),
        (Method::GET, format!("{staging}/v1/namespaces/etl/manifests/job/artifacts/f"), etl.to_vec()),
        (Method::GET, format!("{staging}/v1/namespaces/etl/manifests/{UPLOAD}"), all.clone()),
        (Method::GET, format!("{staging}/v1/namespaces/etl/manifests/{UPLOAD}/artifacts/f"), all.clone()),
        (Method::GET, format!("{staging}/v1/openapi.json"), all.clone()),
        (Method::GET, web("/staging/etl", "GETFILESTATUS"), all.clone()),
        (Method::GET, web("/staging/etl", "LISTSTATUS"), etl.to_vec()),
        (Method::GET, web("/staging", "LISTSTATUS"), vec!["ops"]),
        (Method::GET, web("/staging/etl", "GETCONTENTSUMMARY"), etl.to_vec()),
        (Method::PUT, web("/staging/etl/folder", "MKDIRS"), etl.to_vec()),
        (Method::PUT, web("/staging/other/folder", "MKDIRS"), vec!["ops"]),
        (Method::PUT, format!("{}&data=true&overwrite=true", web("/staging/etl/x", "CREATE")), etl.to_vec()),
        (Method::PUT, format!("{}&data=true&overwrite=true", web("/pod-templates/etl/x.yaml", "CREATE")), etl.to_vec()),
        (Method::GET, format!("{staging}/pod-templates/etl/x.yaml"), etl.to_vec()),
        (
            Method::PUT,
            format!("{}&data=true&overwrite=true", web("/event-logs/app-1", "CREATE")),
            vec!["driver", "ops"],
        ),
        (Method::GET, web("/event-logs/app-1", "OPEN"), vec!["driver", "ops"]),
        (Method::PUT, format!("{}&destination=/staging/other/x", web("/staging/etl/x", "RENAME")), vec![]),
        (Method::DELETE, web("/staging/etl/gone", "DELETE"), etl.to_vec()),
        (Method::GET, format!("{history}/"), known.to_vec()),
        (Method::GET, format!("{history}/api/v1/applications"), known.to_vec()),
    ]
}

/// Content, and two manifests that name it.
async fn name_artifacts(staging: &str) {
    let etl = format!("{staging}/v1/namespaces/etl");
    let put = |path: String| Client::new().put(format!("{etl}/{path}")).bearer_auth("token-of-ann");
    assert_eq!(status(put(format!("blobs/{DIGEST}")).body(SENT)).await, 201);
    for name in ["job", UPLOAD] {
        let artifacts = json!({"artifacts": [{"name": "f", "digest": DIGEST}]});
        assert_eq!(status(put(format!("manifests/{name}")).json(&artifacts)).await, 201);
    }
}

#[tokio::test]
async fn every_caller_may_at_every_route_what_the_table_says_and_no_more() {
    let api = ClusterApi::start().await;
    let issuer = api.url.clone();
    let oidc = ["--oidc-issuer-url", &issuer, "--oidc-client-id", "hearth", "--oidc-username-prefix", "oidc:"];
    let hearth = start(&api, &oidc).await;
    let [staging, history, admin] = ROLES.map(|role| hearth.address(role));
    let upload = format!("{staging}/webhdfs/v1/staging/etl/{UPLOAD}/main.jar");
    let put = |token: &str| with_token(Client::new().put(format!("{upload}?op=CREATE&data=true")), token).body("jar");
    assert_eq!(status(put("token-of-ann")).await, 201);
    name_artifacts(&staging).await;

    let callers = callers(&api, &staging).await;
    let routes = routes(&staging, &history);
    for (method, url, may) in routes {
        for (who, token) in &callers {
            let answer = status(with_token(Client::new().request(method.clone(), &url).body(SENT), token)).await;
            let expected = match *who {
                // What is refused elsewhere is not a question of rights.
                who if may.contains(&who) => 200..=299,
                "forger" | "late" | "elsewhere" => 401..=401,
                who if NAMELESS.contains(&who) => 401..=401,
                "ops" if url.contains("RENAME") => 200..=499,
                _ => 403..=403,
            };
            assert!(expected.contains(&answer), "{who}: {method} {url}: {answer}");
        }
    }
    assert_eq!(status(Client::new().get(format!("{admin}/readyz"))).await, 200);
    let (_, log) = hearth.stop().await;
    assert!(!log.contains(UPLOAD) && !log.contains("token-of"), "{log}");
}

#[tokio::test]
async fn when_the_cluster_does_not_answer_nothing_is_done_and_no_one_is_told_more_than_that() {
    let api = ClusterApi::start().await;
    let hearth = start(&api, &[]).await;
    api.go_away();
    let staging = hearth.address("staging server");
    let put = Client::new().put(format!("{staging}/webhdfs/v1/staging/etl/x?op=CREATE&data=true")).body("x");
    let answer = put.bearer_auth("token-of-ann").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let text = answer.text().await.unwrap();
    assert!(text.contains("try again") && !text.contains(&api.url), "{text}");
    let form = [("client_secret", "token-of-ann"), ("grant_type", "client_credentials")];
    assert_eq!(status(Client::new().post(format!("{staging}/oauth2/token")).form(&form)).await, 503);
}

#[tokio::test]
async fn a_token_of_our_own_cannot_be_made_to_last() {
    let api = ClusterApi::start().await;
    let hearth = start(&api, &[]).await;
    let staging = hearth.address("staging server");
    let token = exchanged(&staging, "token-of-ann").await;
    let again = exchanged(&staging, &token).await;
    let list =
        |token: &str| Client::new().get(format!("{staging}/webhdfs/v1/staging/etl?op=LISTSTATUS")).bearer_auth(token);
    assert_eq!(status(list(&token)).await, 200);
    assert_eq!(status(list(&again)).await, 401);
    let other = [("grant_type", "password"), ("client_secret", "x")];
    assert_eq!(status(Client::new().post(format!("{staging}/oauth2/token")).form(&other)).await, 400);
}

#[tokio::test]
async fn only_a_trusted_proxy_can_say_who_asks_and_by_which_name_it_was_called() {
    let api = ClusterApi::start().await;
    let named = ["--user-header", "x-user", "--groups-header", "x-groups", "--admin-group", "platform"];
    for (proxy, expected) in [("127.0.0.0/8", [200, 307]), ("192.0.2.1", [401, 307])] {
        let settings: Vec<&str> = named.iter().chain(&["--trusted-proxy", proxy]).copied().collect();
        let hearth = start(&api, &settings).await;
        let list = Client::new().get(format!("{}/api/v1/applications", hearth.address("history server")));
        assert_eq!(status(list.header("x-user", "ann").header("x-groups", "team, platform")).await, expected[0]);
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let create = client.put(format!("{}/webhdfs/v1/staging/etl/x?op=CREATE", hearth.address("staging server")));
        let create = create.bearer_auth("token-of-ann").header("x-forwarded-host", "evil.example.org");
        let answer = create.send().await.unwrap();
        assert_eq!(answer.status(), expected[1]);
        let location = answer.headers()["location"].to_str().unwrap();
        assert_eq!(location.contains("evil.example.org"), proxy.starts_with("127."), "{location}");
    }
}

#[tokio::test]
async fn beyond_loopback_access_is_guarded_unless_it_is_said_to_be_open_and_that_is_said_aloud() {
    let beyond = ["staging-server", "--store", "memory:", "--listen", "0.0.0.0:0", "--admin-listen", "off"];
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    command.args(beyond).env("KUBECONFIG", "/does/not/exist").env_remove("KUBERNETES_SERVICE_HOST");
    let refused = run(&mut command, Duration::from_secs(30)).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains("--access open") && refused.stderr.contains("0.0.0.0"), "{}", refused.stderr);

    let open: Vec<&str> = beyond.iter().chain(&["--access", "open"]).copied().collect();
    let hearth = Hearth::start(&open, &[], &ROLES[..1]).await;
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("WARN") && log.contains("whoever reaches 0.0.0.0:"), "{log}");
}
