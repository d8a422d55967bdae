//! Who asks, and what they may do.
//!
//! A door finds out who asks and makes a [`Caller`] of it; the file system asks [`Rules`] before it does anything for that
//! caller. The rules stand in one table (`rules`). Whose a token is, an [`Authenticator`] finds out: from its own signature,
//! from an issuer's keys, or from the API server. Nothing here knows HTTP's requests, files or the store.

mod authenticator;
mod cache;
mod caller;
mod kubernetes;
mod oidc;
mod rules;
mod token;

pub use authenticator::{Authenticator, Authority};
pub use caller::{Caller, Identity};
pub use kubernetes::Kubernetes;
pub use oidc::{Oidc, OidcConfig};
pub use rules::{Act, Denied, Grant, Grants, Rules, masked};
pub use token::{Issued, MIN_KEY_BYTES, Tokens};
