use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::{Denied, Identity};

const TIME_LIMIT: Duration = Duration::from_secs(10);
const DOCUMENT_LIMIT_BYTES: usize = 1024 * 1024;
/// After how long keys are fetched again, although all that came could be read with them.
const KEYS_GOOD_FOR: Duration = Duration::from_secs(15 * 60);
/// How long to wait between two fetches because of a key that is not known: anybody can send such tokens.
const FETCH_PAUSE: Duration = Duration::from_secs(10);
/// Signatures that only the issuer can make. Those by a shared secret are not among them.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What is known of an issuer of `OpenID Connect` tokens. Names and meanings are those of kube-apiserver's `--oidc-*` flags.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// Its URL, as it stands in its tokens.
    pub issuer_url: String,
    /// The client that tokens have to be meant for.
    pub client_id: String,
    /// The claim with the user's name.
    pub username_claim: String,
    /// What is put before that name.
    pub username_prefix: String,
    /// The claim with the user's groups: a text or a list of them.
    pub groups_claim: String,
    /// What is put before each group.
    pub groups_prefix: String,
}

/// Reads the tokens of one issuer.
pub struct Oidc {
    config: OidcConfig,
    http: reqwest::Client,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    set: Option<Arc<JwkSet>>,
    fetched: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Oidc {
    /// Reads the tokens of this issuer. Nothing is fetched yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(config: OidcConfig) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(TIME_LIMIT).build()?;
        Ok(Self { config, http, keys: Mutex::default() })
    }

    /// Whether a token says that it is this issuer's.
    pub(crate) fn issued(&self, issuer: &str) -> bool {
        issuer == self.config.issuer_url
    }

    /// Whose token this is; the reason, for one that is not good.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when the issuer's keys cannot be had.
    pub async fn whose(&self, token: &str) -> Result<Result<Identity, String>, Denied> {
        let header = match decode_header(token) {
            Ok(header) if ALGORITHMS.contains(&header.alg) => header,
            Ok(header) => return Ok(Err(format!("it is signed with {:?}", header.alg))),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let keys = self.keys(header.kid.as_deref()).await?;
        let key = match &header.kid {
            Some(kid) => keys.find(kid),
            None => keys.keys.first().filter(|_| keys.keys.len() == 1),
        };
        let Some(key) = key else { return Ok(Err("its key is none of the issuer's".to_owned())) };
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.config.issuer_url]);
        validation.set_audience(&[&self.config.client_id]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        let read = DecodingKey::from_jwk(key)
            .and_then(|key| decode::<BTreeMap<String, Value>>(token, &key, &validation))
            .map_err(|error| error.to_string());
        Ok(read.and_then(|read| self.identity(&read.claims)))
    }

    fn identity(&self, claims: &BTreeMap<String, Value>) -> Result<Identity, String> {
        let OidcConfig { username_claim, username_prefix, groups_claim, groups_prefix, .. } = &self.config;
        let Some(Value::String(name)) = claims.get(username_claim) else {
            return Err(format!("it has no claim {username_claim}"));
        };
        // As the API server has it: an address that nobody has confirmed is no name.
        if username_claim == "email"
            && claims.get("email_verified").is_some_and(|verified| *verified != Value::Bool(true))
        {
            return Err("its e-mail address is not verified".to_owned());
        }
        let groups = match claims.get(groups_claim) {
            Some(Value::String(group)) => vec![format!("{groups_prefix}{group}")],
            Some(Value::Array(groups)) => {
                groups.iter().filter_map(Value::as_str).map(|group| format!("{groups_prefix}{group}")).collect()
            }
            _ => Vec::new(),
        };
        Ok(Identity { name: format!("{username_prefix}{name}"), groups, extra: BTreeMap::new() })
    }

    /// The issuer's keys, fetched again when they are old or do not have `wanted`.
    async fn keys(&self, wanted: Option<&str>) -> Result<Arc<JwkSet>, Denied> {
        let mut keys = self.keys.lock().await;
        let age = keys.fetched.map(|at| at.elapsed());
        if let (Some(set), Some(age)) = (&keys.set, age) {
            let known = wanted.is_none_or(|kid| set.find(kid).is_some());
            if age < if known { KEYS_GOOD_FOR } else { FETCH_PAUSE } {
                return Ok(Arc::clone(set));
            }
        }
        keys.fetched = Some(Instant::now());
        match self.fetch().await {
            Ok(set) => {
                let set = Arc::new(set);
                keys.set = Some(Arc::clone(&set));
                Ok(set)
            }
            Err(error) => {
                tracing::warn!(issuer = self.config.issuer_url, %error, "the issuer's keys could not be fetched");
                let old = keys.set.clone();
                old.ok_or_else(|| {
                    let text = "the issuer of this token does not answer: try again in a moment";
                    Denied::Unavailable(text.to_owned())
                })
            }
        }
    }

    async fn fetch(&self) -> Result<JwkSet, String> {
        let issuer = &self.config.issuer_url;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let found: Discovery = self.document(&url).await?;
        if found.issuer != *issuer {
            return Err(format!("{url} is about {}", found.issuer));
        }
        self.document(&found.jwks_uri).await
    }

    async fn document<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let answer = self.http.get(url).send().await.and_then(reqwest::Response::error_for_status);
        let mut answer = answer.map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > DOCUMENT_LIMIT_BYTES {
                return Err(format!("{url} is larger than {DOCUMENT_LIMIT_BYTES} bytes"));
            }
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("{url}: {error}"))
    }
}
