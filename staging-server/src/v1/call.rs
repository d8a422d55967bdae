use access::{Act, Caller};
use axum::extract::Request;
use axum::http::request::Parts;
use storage::{ObjectPath, Sha256Digest};

use crate::tree::{Native, check_namespace};
use crate::{Error, Result, Staging};

/// What the path of everything of a namespace begins with.
pub(super) const NAMESPACES: &str = "/v1/namespaces/";

/// One request, and what its path names.
pub(super) struct Call {
    pub(super) staging: Staging,
    pub(super) namespace: String,
    /// What follows the namespace, decoded: `blobs`, say, and a digest.
    pub(super) rest: Vec<String>,
    pub(super) head: Parts,
}

impl Call {
    /// Reads a request's path, and asks whether its caller may.
    pub(super) async fn new(staging: Staging, request: Request, act: Act) -> Result<(Self, axum::body::Body)> {
        let (head, body) = request.into_parts();
        let call = Self::unguarded(staging, head)?;
        let caller: Caller = call.head.extensions.get().cloned().unwrap_or_default();
        let rules = &call.staging.config().rules;
        rules.check(&caller, act, &call.guarded_by()).await?;
        Ok((call, body))
    }

    /// Reads a request's path.
    pub(super) fn unguarded(staging: Staging, head: Parts) -> Result<Self> {
        let inside = head.uri.path().strip_prefix(NAMESPACES).unwrap_or_default();
        let mut parts = inside.split('/').map(|part| {
            let decoded = percent_encoding::percent_decode_str(part).decode_utf8();
            decoded.map(|part| part.into_owned()).map_err(|_| Error::Invalid("the path is not UTF-8".to_owned()))
        });
        let namespace = parts.next().unwrap_or_else(|| Ok(String::new()))?;
        let rest = parts.collect::<Result<Vec<_>>>()?;
        // So that no part of it leads elsewhere.
        check_namespace("v1/namespaces", &ObjectPath::parse(&namespace)?)?;
        if namespace.contains('/') {
            return Err(Error::Invalid(format!("{namespace:?} is not a Kubernetes namespace")));
        }
        Ok(Self { staging, namespace, rest, head })
    }

    /// The path whose rules hold: a manifest's name, as a folder's, can be a key to what it names.
    fn guarded_by(&self) -> String {
        match self.rest.as_slice() {
            [kind, name, ..] if kind == "manifests" && !name.contains('/') => {
                format!("/staging/{}/{name}/artifact", self.namespace)
            }
            _ => format!("/staging/{}/{}", self.namespace, self.rest.first().map_or("v1", String::as_str)),
        }
    }

    pub(super) fn native(&self) -> &Native {
        self.staging.files().native()
    }

    /// What the path names behind `blobs`, `uploads` or `manifests`.
    pub(super) fn name(&self) -> &str {
        self.rest.get(1).map_or("", String::as_str)
    }

    pub(super) fn digest(&self) -> Result<Sha256Digest> {
        digest(self.name())
    }

    /// Who calls, where that is known.
    pub(super) fn owner(&self) -> Option<String> {
        match self.head.extensions.get() {
            Some(Caller::Known(identity)) => Some(identity.name.clone()),
            Some(Caller::Anonymous) | None => None,
        }
    }
}

/// Reads `sha256:` and 64 digits.
pub(super) fn digest(text: &str) -> Result<Sha256Digest> {
    let digits = text.strip_prefix("sha256:").and_then(|digits| digits.parse().ok());
    digits.ok_or_else(|| {
        Error::Invalid(format!("{text:?} is no digest: write sha256: and 64 lower-case hexadecimal digits"))
    })
}

/// A task's answer: what changes things goes on to its end also when its client does not wait for it.
pub(super) async fn behind<T: Send + 'static>(
    staging: &Staging,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    staging.uploads().spawn(work).await.map_err(|_| Error::Interrupted)?
}
