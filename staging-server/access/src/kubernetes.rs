use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use sha2::{Digest as _, Sha256};

use crate::cache::Cache;
use crate::{Denied, Grant, Grants, Identity};

/// How long a token that was good, or a right that was there, is believed without asking again.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// The same for one that was not: somebody may be about to mend that.
const BAD_FOR: Duration = Duration::from_secs(5);
const ANSWERS: usize = 10_000;
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The API server, asked who somebody is (`TokenReview`) and what that one may do (`SubjectAccessReview`).
///
/// This process needs the cluster role `system:auth-delegator` for it. What is taken from somebody is noticed after a minute.
pub struct Kubernetes {
    client: kube::Client,
    audiences: Vec<String>,
    tokens: Cache<[u8; 32], Option<Identity>>,
    grants: Cache<(Identity, Grant), bool>,
}

impl Kubernetes {
    /// Asks through `client`. A token has to be meant for one of `audiences`; with none, for the API server itself.
    #[must_use]
    pub fn new(client: kube::Client, audiences: Vec<String>) -> Self {
        Self { client, audiences, tokens: Cache::new(ANSWERS), grants: Cache::new(ANSWERS) }
    }

    /// Whose token this is; `None` for one that is not good.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when the API server does not say.
    pub async fn whose(&self, token: &str) -> Result<Option<Identity>, Denied> {
        // Only a digest is kept: a dump of this process's memory shows no tokens.
        let key: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.tokens.get(&key) {
            return Ok(known);
        }
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: Some(token.to_owned()),
                audiences: (!self.audiences.is_empty()).then(|| self.audiences.clone()),
            },
            ..TokenReview::default()
        };
        let status = self.ask(&review).await?.status.unwrap_or_default();
        let meant = status.audiences.unwrap_or_default();
        let for_us = self.audiences.is_empty() || self.audiences.iter().any(|audience| meant.contains(audience));
        let who = status.user.filter(|_| status.authenticated == Some(true) && for_us).and_then(identity);
        self.tokens.put(key, who.clone(), if who.is_some() { GOOD_FOR } else { BAD_FOR });
        Ok(who)
    }

    async fn ask<R>(&self, review: &R) -> Result<R, Denied>
    where
        R: kube::Resource<Scope = k8s_openapi::ClusterResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let api: Api<R> = Api::all(self.client.clone());
        let (parameters, limit) = (PostParams::default(), TIME_LIMIT);
        let failure = match tokio::time::timeout(limit, api.create(&parameters, review)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {limit:?}"),
        };
        let kind = R::kind(&());
        tracing::warn!(kind = &*kind, error = failure, "the API server could not be asked who may do what");
        Err(Denied::Unavailable("the cluster cannot be asked now who may do this: try again in a moment".to_owned()))
    }
}

#[async_trait]
impl Grants for Kubernetes {
    async fn has(&self, who: &Identity, grant: &Grant) -> Result<bool, Denied> {
        let key = (who.clone(), grant.clone());
        if let Some(known) = self.grants.get(&key) {
            return Ok(known);
        }
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(who.name.clone()),
                groups: Some(who.groups.clone()),
                extra: (!who.extra.is_empty()).then(|| who.extra.clone()),
                resource_attributes: Some(attributes(grant)),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let allowed = self.ask(&review).await?.status.is_some_and(|status| status.allowed);
        self.grants.put(key, allowed, if allowed { GOOD_FOR } else { BAD_FOR });
        Ok(allowed)
    }
}

/// A right in the API server's words. Without a namespace it is one in all of them.
fn attributes(grant: &Grant) -> ResourceAttributes {
    let (verb, subresource, namespace) = match grant {
        Grant::CreatePods { namespace } => ("create", None, Some(namespace.clone())),
        Grant::CreateAllPods => ("create", None, None),
        Grant::ReadAllLogs => ("get", Some("log".to_owned()), None),
    };
    ResourceAttributes {
        namespace,
        verb: Some(verb.to_owned()),
        resource: Some("pods".to_owned()),
        subresource,
        ..ResourceAttributes::default()
    }
}

fn identity(user: UserInfo) -> Option<Identity> {
    let extra: BTreeMap<String, Vec<String>> = user.extra.unwrap_or_default();
    Some(Identity { name: user.username?, groups: user.groups.unwrap_or_default(), extra })
}
