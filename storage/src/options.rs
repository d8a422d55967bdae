use std::fmt;

/// How a store is reached, where that is neither in its URL nor in the environment.
///
/// What is `None` is looked for where the cloud's own tools look for it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// Where an S3 or OSS server is: `http://` or `https://`, a host, perhaps a port.
    pub endpoint: Option<String>,
    /// Where requests to S3 are signed for.
    pub region: Option<String>,
    /// Whether the bucket is a part of the endpoint's host name. Without a word on it, it is a part of the path.
    pub virtual_hosted: Option<bool>,
    /// Ask S3 without a signature, as for a public bucket.
    pub anonymous: bool,
    /// Keys of S3 and OSS.
    pub access_key: Option<AccessKey>,
    /// The file of a service account's key, for Google Cloud Storage.
    pub service_account_file: Option<String>,
    /// Who asks Azure Blob Storage.
    pub azure: Option<AzureIdentity>,
    /// The account of an `az://` URL, which names none.
    pub azure_account: Option<String>,
}

/// A key of S3 or OSS.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its name.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The token that comes with a key that lasts a while.
    pub session_token: Option<String>,
}

/// Who asks Azure Blob Storage.
#[derive(Clone, PartialEq, Eq)]
pub enum AzureIdentity {
    /// Who holds the account's key.
    AccountKey(String),
    /// Who holds a shared access signature.
    SharedAccessSignature(String),
    /// An application of a tenant, by its secret.
    ClientSecret {
        /// The tenant's id.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// Its secret.
        client_secret: String,
    },
}

// None of these three is ever printed with what is secret in it.

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("virtual_hosted", &self.virtual_hosted)
            .field("anonymous", &self.anonymous)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for AzureIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccountKey(_) => "AccountKey",
            Self::SharedAccessSignature(_) => "SharedAccessSignature",
            Self::ClientSecret { .. } => "ClientSecret",
        })
    }
}
