//! TLS, from files that are read again when they change.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use access::Identity;
use anyhow::{Context as _, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use yasna::{ASN1Result, Tag};

use crate::config::TlsFiles;

/// The pause between two looks whether the files have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const FILE_LIMIT_BYTES: u64 = 1024 * 1024;
/// Object identifiers of X.520.
const COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const ORGANISATION: &[u64] = &[2, 5, 4, 10];

/// What a server shows, and whom it believes.
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    read: Read,
}

/// The files' bytes.
#[derive(PartialEq, Eq)]
struct Read {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// A mark on a request that came over TLS.
#[derive(Clone, Debug)]
pub(crate) struct Secured {
    /// Whose certificate the client showed: its common name, and its organisations as groups, as in Kubernetes.
    pub(crate) subject: Option<Identity>,
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: TlsFiles) -> anyhow::Result<Self> {
        let read = Read::of(&files)?;
        let current = Current { config: read.config()?, read };
        Ok(Self { files, current: RwLock::new(current) })
    }

    /// What takes a new connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).config))
    }

    /// Takes up new files until `stop`. Ones that do not fit together are left, and told: a renewal may be half done.
    pub(crate) async fn keep_fresh(&self, stop: CancellationToken) {
        let mut told = String::new();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
            match self.refresh() {
                Ok(false) => {}
                Ok(true) => tracing::info!("the TLS certificate was read again"),
                Err(error) => {
                    let text = format!("{error:#}");
                    if text != told {
                        tracing::warn!(error = text, "the TLS files cannot be used; the old ones stay");
                    }
                    told = text;
                    continue;
                }
            }
            told.clear();
        }
    }

    fn refresh(&self) -> anyhow::Result<bool> {
        let read = Read::of(&self.files)?;
        if read == self.current.read().unwrap_or_else(PoisonError::into_inner).read {
            return Ok(false);
        }
        let current = Current { config: read.config()?, read };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        Ok(true)
    }
}

impl Read {
    fn of(files: &TlsFiles) -> anyhow::Result<Self> {
        let client_ca = files.client_ca.as_deref().map(bytes).transpose()?;
        Ok(Self { cert: bytes(&files.cert)?, key: bytes(&files.key)?, client_ca })
    }

    fn config(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let chain = certificates(&self.cert).context("--tls-cert")?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).context("--tls-key holds no private key in PEM")?;
        let builder = ServerConfig::builder();
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(authorities) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(authorities).context("--tls-client-ca")? {
                    roots.add(certificate).context("--tls-client-ca")?;
                }
                // Who shows none may still be known by a token.
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build();
                builder.with_client_cert_verifier(verifier.context("--tls-client-ca")?)
            }
        };
        let mut config =
            builder.with_single_cert(chain, key).context("--tls-cert and --tls-key do not fit together")?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl Secured {
    pub(super) fn of(connection: &ServerConnection) -> Self {
        let shown = connection.peer_certificates().and_then(|chain| chain.first());
        Self { subject: shown.and_then(|certificate| subject(certificate)) }
    }
}

fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    let about = || format!("{} cannot be read", file.display());
    if std::fs::metadata(file).with_context(about)?.len() > FILE_LIMIT_BYTES {
        bail!("{} is larger than {FILE_LIMIT_BYTES} bytes", file.display());
    }
    std::fs::read(file).with_context(about)
}

fn certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        bail!("it holds no certificate in PEM");
    }
    Ok(found)
}

/// Whom a certificate is about. Whoever signed it is believed by then.
fn subject(certificate: &[u8]) -> Option<Identity> {
    let mut identity = Identity::default();
    for (kind, value) in subject_parts(certificate).ok()? {
        let Ok(text) = String::from_utf8(value) else { continue };
        match kind.as_slice() {
            COMMON_NAME => identity.name = text,
            ORGANISATION => identity.groups.push(text),
            _ => {}
        }
    }
    (!identity.name.is_empty()).then_some(identity)
}

/// The parts of a certificate's subject: what each is, and its text (RFC 5280, section 4.1).
fn subject_parts(certificate: &[u8]) -> ASN1Result<Vec<(Vec<u64>, Vec<u8>)>> {
    yasna::parse_der(certificate, |reader| {
        reader.read_sequence(|certificate| {
            let parts = certificate.next().read_sequence(|signed| {
                signed.read_optional(|version| version.read_tagged(Tag::context(0), |version| version.read_i64()))?;
                // Serial number, algorithm, issuer and validity.
                for _ in 0..4 {
                    signed.next().read_der()?;
                }
                let mut parts = Vec::new();
                signed.next().read_sequence_of(|set| {
                    set.read_set_of(|part| {
                        part.read_sequence(|part| {
                            let kind = part.next().read_oid()?.components().clone();
                            parts.push((kind, part.next().read_tagged_der()?.value().to_vec()));
                            Ok(())
                        })
                    })
                })?;
                while signed.read_optional(|rest| rest.read_der())?.is_some() {}
                Ok(parts)
            })?;
            // The algorithm again, and the signature.
            certificate.next().read_der()?;
            certificate.next().read_der()?;
            Ok(parts)
        })
    })
}
