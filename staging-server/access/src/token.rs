use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::{Caller, Identity};

/// Who makes these tokens, as they say themselves.
pub(crate) const ISSUER: &str = "hearth";
/// The least that a key must have.
pub const MIN_KEY_BYTES: usize = 32;

/// Makes and reads access tokens: who somebody is, signed with HMAC-SHA256, for a short time.
///
/// Every replica has to have the same key.
pub struct Tokens {
    sign: EncodingKey,
    verify: DecodingKey,
    lifetime: Duration,
}

/// A token, and how long it is good for.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// From now on.
    pub lifetime: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    exp: u64,
    /// None: somebody of whom nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    extra: BTreeMap<String, Vec<String>>,
}

impl Tokens {
    /// Signs with `key`, of at least [`MIN_KEY_BYTES`]; its tokens are good for `lifetime`.
    #[must_use]
    pub fn new(key: &[u8], lifetime: Duration) -> Self {
        Self { sign: EncodingKey::from_secret(key), verify: DecodingKey::from_secret(key), lifetime }
    }

    /// A token that says who `caller` is.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn issue(&self, caller: &Caller) -> Result<Issued, jsonwebtoken::errors::Error> {
        let exp = jsonwebtoken::get_current_timestamp() + self.lifetime.as_secs();
        let who = match caller {
            Caller::Anonymous => None,
            Caller::Known(identity) => Some(identity.clone()),
        };
        let (sub, groups, extra) = match who {
            None => (None, Vec::new(), BTreeMap::new()),
            Some(Identity { name, groups, extra }) => (Some(name), groups, extra),
        };
        let claims = Claims { iss: ISSUER.to_owned(), exp, sub, groups, extra };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.sign)?;
        Ok(Issued { token, lifetime: self.lifetime })
    }

    /// Who a token says that its bearer is.
    ///
    /// # Errors
    /// When it is not one of ours, or its time is over.
    pub fn read(&self, token: &str) -> Result<Caller, jsonwebtoken::errors::Error> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.leeway = 0;
        let Claims { sub, groups, extra, .. } = decode::<Claims>(token, &self.verify, &validation)?.claims;
        Ok(sub.map_or(Caller::Anonymous, |name| Caller::Known(Identity { name, groups, extra })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = &[7; MIN_KEY_BYTES];

    #[test]
    fn a_token_says_who_it_was_made_for_until_its_time_is_over() {
        let tokens = Tokens::new(KEY, Duration::from_secs(600));
        let extra = BTreeMap::from([("authentication.kubernetes.io/pod-name".to_owned(), vec!["driver".to_owned()])]);
        let ann = Caller::Known(Identity { name: "ann".into(), groups: vec!["team".into()], extra });
        for caller in [ann, Caller::Anonymous] {
            let issued = tokens.issue(&caller).unwrap();
            assert_eq!(tokens.read(&issued.token).unwrap(), caller);
            assert_eq!(issued.lifetime, Duration::from_secs(600));
        }
    }

    #[test]
    fn a_token_of_another_key_another_algorithm_or_another_time_is_none() {
        let tokens = Tokens::new(KEY, Duration::from_secs(600));
        let other = Tokens::new(&[8; MIN_KEY_BYTES], Duration::from_secs(600)).issue(&Caller::named("ann")).unwrap();
        assert!(tokens.read(&other.token).is_err());
        let claims =
            Claims { iss: ISSUER.into(), exp: 1, sub: Some("ann".into()), groups: vec![], extra: BTreeMap::new() };
        let old = encode(&Header::new(Algorithm::HS256), &claims, &tokens.sign).unwrap();
        assert!(tokens.read(&old).is_err());
        let claims = Claims { exp: u64::MAX / 2, ..claims };
        let longer = encode(&Header::new(Algorithm::HS512), &claims, &tokens.sign).unwrap();
        assert!(tokens.read(&longer).is_err());
        let foreign = Claims { iss: "else".into(), ..claims };
        assert!(tokens.read(&encode(&Header::new(Algorithm::HS256), &foreign, &tokens.sign).unwrap()).is_err());
        for text in ["", "none", "a.b.c", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJoZWFydGgiLCJleHAiOjk5OTk5OTk5OTl9."] {
            assert!(tokens.read(text).is_err(), "{text}");
        }
    }
}
