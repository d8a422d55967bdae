//! Finds out who asks, before any door: by token, client certificate, or the word of a trusted proxy.

mod identify;
mod oauth2;

use std::net::SocketAddr;
use std::sync::Arc;

use ::access::{Authenticator, Authority, Kubernetes, Oidc, Rules, Tokens};
use anyhow::{Context as _, bail};
use axum::{Router, middleware};

use crate::config;
use identify::Identify;

/// Who may do what, and how it is found out who asks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Access {
    /// What the staging server's paths need.
    pub(crate) rules: Rules,
    identify: Arc<Identify>,
}

impl Access {
    /// What `config` says, for servers that listen at `addresses`.
    pub(crate) async fn build(config: &config::Access, addresses: &[SocketAddr]) -> anyhow::Result<Self> {
        let beyond = addresses.iter().find(|address| !address.ip().is_loopback());
        let guarded = config.guarded.unwrap_or(beyond.is_some());
        if let (false, Some(address)) = (guarded, beyond) {
            tracing::warn!("--access open: whoever reaches {address} may read, write and delete everything");
        }
        let key = match &config.token_key {
            Some(key) => key.clone(),
            None => random_key()?,
        };
        let tokens = Tokens::new(&key, config.token_lifetime);
        let (mut oidc, mut kubernetes) = (None, None);
        if guarded {
            oidc = config.oidc.clone().map(Oidc::new).transpose()?;
            kubernetes = cluster(config, beyond).await?;
        }
        let authority = Authority {
            admins: config.admin_users.clone(),
            admin_groups: config.admin_groups.clone(),
            kubernetes: kubernetes.clone(),
        };
        let rules = if guarded { Rules::guarded(Arc::new(authority)) } else { Rules::open() };
        let identify = Identify {
            guarded,
            proxies: config.trusted_proxies.clone(),
            user_header: config.user_header.clone(),
            groups_header: config.groups_header.clone(),
            authenticator: Authenticator { tokens, oidc, kubernetes },
        };
        Ok(Self { rules, identify: Arc::new(identify) })
    }

    /// `router`, told who asks. Its own rules say what that one may.
    pub(crate) fn around(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(Arc::clone(&self.identify), identify::identify))
    }

    /// `router`, which answers only those who are known, where access is guarded.
    pub(crate) fn around_known(&self, router: Router) -> Router {
        let known = middleware::from_fn_with_state(Arc::clone(&self.identify), identify::require_known);
        self.around(router.layer(known))
    }

    /// Where stock clients get a token: `POST /oauth2/token`.
    pub(crate) fn tokens(&self) -> Router {
        oauth2::router(Arc::clone(&self.identify))
    }
}

/// The cluster that knows whose a token is. Without another way to know anybody, there has to be one.
async fn cluster(config: &config::Access, beyond: Option<&SocketAddr>) -> anyhow::Result<Option<Arc<Kubernetes>>> {
    let other_ways = config.oidc.is_some() || config.user_header.is_some() || config.client_certificates;
    if config.kubernetes == Some(false) {
        if !other_ways {
            bail!("--access guarded without Kubernetes needs --oidc-issuer-url, --tls-client-ca or --user-header");
        }
        return Ok(None);
    }
    match kube::Client::try_default().await {
        Ok(client) => Ok(Some(Arc::new(Kubernetes::new(client, config.token_audiences.clone())))),
        Err(_) if config.kubernetes.is_none() && other_ways => Ok(None),
        Err(error) => Err(error).with_context(|| {
            let why = beyond.map(|address| format!("{address} is not on loopback, so ")).unwrap_or_default();
            format!(
                "{why}callers have to be known, and there is no Kubernetes to ask about them: run in a pod or give a \
                 kubeconfig, or --oidc-issuer-url, --tls-client-ca or --user-header, or say --access open"
            )
        }),
    }
}

/// A key for one process. Replicas need one that all of them have.
fn random_key() -> anyhow::Result<Vec<u8>> {
    let mut key = vec![0; ::access::MIN_KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("the system has no random numbers: {error}"))?;
    Ok(key)
}
