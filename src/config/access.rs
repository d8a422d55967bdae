//! Who may do what, and by what callers are known.

use std::path::PathBuf;
use std::time::Duration;

use access::{MIN_KEY_BYTES, OidcConfig};
use axum::http::HeaderName;
use ipnet::IpNet;

use super::layers::Layers;
use super::settings::Section::Clients;
use super::values;

/// Longer files hold no key.
const KEY_LIMIT_BYTES: u64 = 64 * 1024;

/// Who may do what.
#[derive(Debug)]
pub(crate) struct Access {
    /// Whether callers have to be known; `None`: where a server listens beyond loopback.
    pub(crate) guarded: Option<bool>,
    /// Whether a cluster is asked; `None`: if there is one.
    pub(crate) kubernetes: Option<bool>,
    pub(crate) token_audiences: Vec<String>,
    pub(crate) token_key: Option<Vec<u8>>,
    pub(crate) token_lifetime: Duration,
    pub(crate) oidc: Option<OidcConfig>,
    /// Whether clients may show certificates.
    pub(crate) client_certificates: bool,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) user_header: Option<HeaderName>,
    pub(crate) groups_header: Option<HeaderName>,
    pub(crate) admin_users: Vec<String>,
    pub(crate) admin_groups: Vec<String>,
}

/// Where what TLS needs is.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) client_ca: Option<PathBuf>,
}

pub(super) fn tls(layers: &mut Layers<'_>) -> Option<TlsFiles> {
    let cert = layers.one(Clients, "tls-cert");
    let key = layers.one(Clients, "tls-key");
    let client_ca: Option<PathBuf> = layers.one(Clients, "tls-client-ca");
    match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key, client_ca }),
        (None, None) if client_ca.is_none() => None,
        _ => {
            layers.mistake("--tls-cert and --tls-key belong together, and --tls-client-ca needs both".to_owned());
            None
        }
    }
}

pub(super) fn read(layers: &mut Layers<'_>, tls: Option<&TlsFiles>) -> Option<Access> {
    let guarded = layers.one_with(Clients, "access", |text| match text {
        "open" => Ok(false),
        "guarded" => Ok(true),
        _ => Err("there are open and guarded".to_owned()),
    });
    let kubernetes = layers.one_with(Clients, "kubernetes-access", values::boolean);
    let token_audiences = layers.many_with(Clients, "token-audience", |text| Ok(text.to_owned()));
    let token_key = layers.one_with(Clients, "token-key-file", key);
    let token_lifetime = layers.one_with(Clients, "token-lifetime", values::duration);
    let oidc = oidc(layers);
    let trusted_proxies = layers.many_with(Clients, "trusted-proxy", values::network);
    let user_header: Option<HeaderName> = layers.one(Clients, "user-header");
    let groups_header = layers.one(Clients, "groups-header");
    let admin_users = layers.many_with(Clients, "admin-user", |text| Ok(text.to_owned()));
    let admin_groups = layers.many_with(Clients, "admin-group", |text| Ok(text.to_owned()));
    if user_header.is_some() && trusted_proxies.is_empty() {
        layers.mistake(
            "--user-header needs --trusted-proxy: the address of the proxy that sends it, so that nobody else can"
                .to_owned(),
        );
    }
    Some(Access {
        guarded,
        kubernetes,
        token_audiences,
        token_key,
        token_lifetime: token_lifetime?,
        oidc,
        client_certificates: tls.is_some_and(|files| files.client_ca.is_some()),
        trusted_proxies,
        user_header,
        groups_header,
        admin_users,
        admin_groups,
    })
}

/// Where nobody is known, ACLs hide everything from everybody.
pub(super) fn check_acls(layers: &mut Layers<'_>, acls: bool, access: &Access) {
    let known = access.user_header.is_some() || access.client_certificates || access.guarded == Some(true);
    if acls && !known {
        layers.mistake(
            "--acls needs --user-header, --tls-client-ca or --access guarded: without them nobody has a name, and nobody \
             could see anything"
                .to_owned(),
        );
    }
}

fn oidc(layers: &mut Layers<'_>) -> Option<OidcConfig> {
    let issuer_url = layers.one_with(Clients, "oidc-issuer-url", values::issuer);
    let client_id = layers.one(Clients, "oidc-client-id");
    let username_claim = layers.one(Clients, "oidc-username-claim");
    let username_prefix: Option<String> = layers.one(Clients, "oidc-username-prefix");
    let groups_claim = layers.one(Clients, "oidc-groups-claim");
    let groups_prefix: Option<String> = layers.one(Clients, "oidc-groups-prefix");
    if issuer_url.is_some() != client_id.is_some() {
        layers.mistake("--oidc-issuer-url and --oidc-client-id belong together".to_owned());
    }
    Some(OidcConfig {
        issuer_url: issuer_url?,
        client_id: client_id?,
        username_claim: username_claim?,
        username_prefix: username_prefix.unwrap_or_default(),
        groups_claim: groups_claim?,
        groups_prefix: groups_prefix.unwrap_or_default(),
    })
}

fn key(path: &str) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > KEY_LIMIT_BYTES {
        return Err(format!("it has more than {KEY_LIMIT_BYTES} bytes"));
    }
    let key = std::fs::read(path).map_err(|error| error.to_string())?;
    if key.len() < MIN_KEY_BYTES {
        return Err(format!("it has {} bytes; put {MIN_KEY_BYTES} random ones or more into it", key.len()));
    }
    Ok(key)
}
