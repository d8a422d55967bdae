//! TLS on the servers' ports: certificates that change, and clients' own.

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use reqwest::Client;

use super::cluster_api::ClusterApi;
use super::support::hearth::Hearth;
use super::support::wait::eventually;

/// Somebody who signs certificates.
type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key in PEM: of a server on loopback, or of a client with this name and group.
fn signed(authority: &Authority, client: Option<(&str, &str)>) -> (String, String) {
    let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    if let Some((name, group)) = client {
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.distinguished_name.push(DnType::OrganizationName, group);
    }
    let key = KeyPair::generate().unwrap();
    (parameters.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn install(folder: &Path, authority: &Authority) {
    let (certificate, key) = signed(authority, None);
    std::fs::write(folder.join("tls.crt"), certificate).unwrap();
    std::fs::write(folder.join("tls.key"), key).unwrap();
}

/// A client that believes one authority alone.
fn client(believes: &Authority, shows: Option<(String, String)>) -> Client {
    let root = reqwest::Certificate::from_pem(believes.pem().as_bytes()).unwrap();
    let builder = Client::builder().tls_certs_only([root]);
    let builder = match shows {
        None => builder,
        Some((certificate, key)) => {
            builder.identity(reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap())
        }
    };
    builder.build().unwrap()
}

async fn start(folder: &Path, settings: &[&str], environment: &[(&str, &str)]) -> Hearth {
    let [certificate, key] = ["tls.crt", "tls.key"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    let mut arguments = vec!["serve", "--store", "memory:", "--admin-listen", "off"];
    arguments.extend(["--staging-listen", "127.0.0.1:0", "--history-listen", "127.0.0.1:0"]);
    arguments.extend(["--tls-cert", &certificate, "--tls-key", &key]);
    arguments.extend(settings);
    Hearth::start(&arguments, environment, &["staging server", "history server"]).await
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (authority("old"), authority("new"));
    install(folder.path(), &old);
    let hearth = start(folder.path(), &[], &[]).await;
    let history = hearth.address("history server");
    assert!(history.starts_with("https://"), "{history}");
    let list = format!("{history}/api/v1/applications");
    assert_eq!(client(&old, None).get(&list).send().await.unwrap().status(), 200);
    // Nothing but TLS is spoken there.
    assert!(Client::new().get(list.replace("https", "http")).send().await.is_err());

    std::fs::write(folder.path().join("tls.crt"), "half of it").unwrap();
    eventually("a word on the broken file", Duration::from_secs(60), async || {
        hearth.log().contains("the TLS files cannot be used").then_some(())
    })
    .await;
    assert_eq!(client(&old, None).get(&list).send().await.unwrap().status(), 200);
    install(folder.path(), &new);
    eventually("the new certificate", Duration::from_secs(60), async || {
        client(&new, None).get(&list).send().await.ok()
    })
    .await;
    assert!(client(&old, None).get(&list).send().await.is_err());
}

#[tokio::test]
async fn a_client_is_sent_on_over_tls_and_known_by_its_certificate() {
    let api = ClusterApi::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (servers, clients) = (authority("servers"), authority("clients"));
    install(folder.path(), &servers);
    let file = folder.path().join("clients.pem");
    std::fs::write(&file, clients.pem()).unwrap();
    let kubeconfig = api.kubeconfig();
    let settings = ["--access", "guarded", "--tls-client-ca", file.to_str().unwrap()];
    let hearth = start(folder.path(), &settings, &[("KUBECONFIG", kubeconfig.to_str().unwrap())]).await;
    let staging = hearth.address("staging server");
    let create = format!("{staging}/webhdfs/v1/staging/etl/x?op=CREATE");
    let ann = client(&servers, Some(signed(&clients, Some(("ann", "team")))));
    // Sent on to the same scheme, and followed there.
    assert_eq!(ann.put(&create).body("x").send().await.unwrap().status(), 201);
    let stranger = client(&servers, Some(signed(&clients, Some(("stranger", "team")))));
    assert_eq!(stranger.put(&create).body("x").send().await.unwrap().status(), 403);
    assert_eq!(client(&servers, None).put(&create).body("x").send().await.unwrap().status(), 401);
    // Signed by somebody else.
    let forger = client(&servers, Some(signed(&servers, Some(("ann", "team")))));
    assert!(forger.put(&create).body("x").send().await.is_err());
}
