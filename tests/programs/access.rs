//! Access control as Hadoop's own client meets it: `swebhdfs://`, with a token by `OAuth2` and without one.

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::cluster_api::ClusterApi;
use crate::support::cache;
use crate::support::hearth::Hearth;
use crate::support::process::{Output, guarded, run};

const MINUTES: Duration = Duration::from_secs(300);
const UPLOAD: &str = "/staging/etl/spark-upload-0a1b2c3d-1111-4222-8333-00000000000f";

/// A certificate for loopback in `tls.crt`, its key in `tls.key`, who signed it in `ca.pem`, and that one for Java.
async fn certificates(folder: &Path) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    // Hadoop looks addresses up, and compares names with this one too.
    server.distinguished_name.push(DnType::CommonName, "localhost");
    let server = server.signed_by(&key, &authority).unwrap();
    for (name, text) in [("ca.pem", authority.pem()), ("tls.crt", server.pem()), ("tls.key", key.serialize_pem())] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let mut keytool = guarded("keytool");
    keytool.args(["-importcert", "-noprompt", "-alias", "ca", "-file", "ca.pem", "-keystore", "trust.p12"]);
    keytool.args(["-storetype", "PKCS12", "-storepass", "changeit"]).current_dir(folder);
    run(&mut keytool, MINUTES).await.succeeded();
}

/// What a person would have to write to log in, and nothing more.
fn configure(folder: &Path, staging: &str) {
    let settings = [
        ("enabled", "true"),
        ("access.token.provider", "org.apache.hadoop.hdfs.web.oauth2.ConfCredentialBasedAccessTokenProvider"),
        ("client.id", "hearth"),
        ("refresh.url", &format!("{staging}/oauth2/token")),
        ("credential", "${env.HEARTH_TOKEN:-none}"),
    ];
    let property = |(name, value): &(&str, &str)| {
        format!("<property><name>dfs.webhdfs.oauth2.{name}</name><value>{value}</value></property>")
    };
    let properties: String = settings.iter().map(property).collect();
    std::fs::write(folder.join("core-site.xml"), format!("<configuration>{properties}</configuration>")).unwrap();
}

async fn shell(spark: &str, folder: &Path, token: Option<&str>, arguments: &[&str]) -> Output {
    let jars = cache::spark_home(spark).join("jars");
    let mut command = guarded("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djavax.net.ssl.trustStore=trust.p12"]);
    command.args(["-Djavax.net.ssl.trustStorePassword=changeit", "-cp"]);
    command.arg(format!("{}:{}/*", folder.display(), jars.display()));
    command.arg("org.apache.hadoop.fs.FsShell").args(arguments).current_dir(folder);
    run(command.envs(token.map(|token| ("HEARTH_TOKEN", token))), MINUTES).await
}

async fn shells_log_in(spark: &str) {
    let api = ClusterApi::start().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder).await;
    let [certificate, key, kubeconfig] = [folder.join("tls.crt"), folder.join("tls.key"), api.kubeconfig()]
        .map(|path| path.to_str().unwrap().to_owned());
    let arguments = ["staging-server", "--store", "memory:", "--listen", "127.0.0.1:0", "--admin-listen", "off"];
    let guard = ["--access", "guarded", "--tls-cert", &certificate, "--tls-key", &key];
    let arguments: Vec<&str> = arguments.iter().chain(&guard).copied().collect();
    let hearth = Hearth::start(&arguments, &[("KUBECONFIG", &kubeconfig)], &["staging server"]).await;
    let staging = hearth.address("staging server");
    configure(folder, &staging);
    let server = staging.replace("https://", "swebhdfs://");
    let at = |path: &str| format!("{server}{path}");
    std::fs::write(folder.join("main.jar"), "a jar").unwrap();
    let (upload, jar) = (at(UPLOAD), at(&format!("{UPLOAD}/main.jar")));

    let ann = Some("token-of-ann");
    shell(spark, folder, ann, &["-mkdir", "-p", &upload]).await.succeeded();
    shell(spark, folder, ann, &["-put", "main.jar", &upload]).await.succeeded();
    // A driver: it knows the path, and has no token.
    assert_eq!(shell(spark, folder, None, &["-cat", &jar]).await.succeeded().stdout, "a jar");
    let listed = shell(spark, folder, None, &["-ls", &at("/staging/etl")]).await;
    assert!(!listed.status.success() && listed.stderr.contains("needs a token"), "{}", listed.stderr);
    let written = shell(spark, folder, None, &["-put", "-f", "main.jar", &jar]).await;
    assert!(!written.status.success() && written.stderr.contains("needs a token"), "{}", written.stderr);
    let stranger = shell(spark, folder, Some("token-of-stranger"), &["-put", "-f", "main.jar", &jar]).await;
    assert!(
        !stranger.status.success() && stranger.stderr.contains("create pods in namespace etl"),
        "{}",
        stranger.stderr
    );
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");
}

#[tokio::test]
async fn the_shell_of_spark_4_0_logs_in_over_tls() {
    shells_log_in("4.0").await;
}

#[tokio::test]
async fn the_shell_of_spark_4_3_logs_in_over_tls() {
    shells_log_in("4.3").await;
}
