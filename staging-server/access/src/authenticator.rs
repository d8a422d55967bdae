use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::token::ISSUER;
use crate::{Caller, Denied, Grant, Grants, Identity, Issued, Kubernetes, Oidc, Tokens};

/// Longer ones are no tokens.
const TOKEN_LIMIT_BYTES: usize = 16 * 1024;

/// Finds out whose a token is: our own, an issuer's, or the cluster's.
pub struct Authenticator {
    /// Makes and reads our own.
    pub tokens: Tokens,
    /// Reads an issuer's.
    pub oidc: Option<Oidc>,
    /// Asks the API server about any other.
    pub kubernetes: Option<Arc<Kubernetes>>,
}

impl Authenticator {
    /// Who sends this token (RFC 6750's `Authorization: Bearer`).
    ///
    /// # Errors
    /// [`Denied::Unauthenticated`] for one that is not good, [`Denied::Unavailable`] when nobody can say.
    pub async fn bearer(&self, token: &str) -> Result<Caller, Denied> {
        let refused = |why: &str| Denied::Unauthenticated(format!("the token is not accepted: {why}; get a new one"));
        if token.len() > TOKEN_LIMIT_BYTES {
            return Err(refused("it is too long"));
        }
        let issuer = issuer(token);
        match (issuer.as_deref(), &self.oidc, &self.kubernetes) {
            (Some(ISSUER), _, _) => self.tokens.read(token).map_err(|error| refused(&error.to_string())),
            (Some(issuer), Some(oidc), _) if oidc.issued(issuer) => {
                oidc.whose(token).await?.map(Caller::Known).map_err(|why| refused(&why))
            }
            (_, _, Some(kubernetes)) => match kubernetes.whose(token).await? {
                Some(identity) => Ok(Caller::Known(identity)),
                None => Err(refused("the cluster does not know it, or its time is over")),
            },
            _ => Err(refused("nobody here knows its issuer")),
        }
    }

    /// A short-lived token of our own for a client that shows `credential`: with its identity if that is a good token,
    /// without any if it is not. A driver that was given no credential is to be able to read what it knows the path of.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when it cannot be found out whose credential it is.
    pub async fn exchange(&self, credential: &str) -> Result<Issued, Denied> {
        // A token of ours is no credential: its bearer could go on for ever without a good one.
        if issuer(credential).as_deref() == Some(ISSUER) {
            return self.issue(&Caller::Anonymous);
        }
        let caller = match self.bearer(credential).await {
            Ok(caller) => caller,
            Err(Denied::Unavailable(why)) => return Err(Denied::Unavailable(why)),
            Err(Denied::Unauthenticated(_) | Denied::Forbidden(_)) => Caller::Anonymous,
        };
        self.issue(&caller)
    }

    fn issue(&self, caller: &Caller) -> Result<Issued, Denied> {
        self.tokens.issue(caller).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Denied::Unavailable("no token can be made now".to_owned())
        })
    }
}

/// Who a token says that made it. It may lie: that only decides who is asked.
fn issuer(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Claims {
        iss: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.iss)
}

/// What somebody may do: all, for those named as administrators; else what the cluster says.
pub struct Authority {
    /// Users who may do everything.
    pub admins: Vec<String>,
    /// Groups whose members may.
    pub admin_groups: Vec<String>,
    /// Who is asked about the others; without it, they may do nothing.
    pub kubernetes: Option<Arc<Kubernetes>>,
}

#[async_trait]
impl Grants for Authority {
    async fn has(&self, who: &Identity, grant: &Grant) -> Result<bool, Denied> {
        if self.admins.contains(&who.name) || who.groups.iter().any(|group| self.admin_groups.contains(group)) {
            return Ok(true);
        }
        match &self.kubernetes {
            Some(kubernetes) => kubernetes.has(who, grant).await,
            None => Ok(false),
        }
    }
}
