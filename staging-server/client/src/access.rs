use std::fmt;

/// A word that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret, without the blanks and line ends that files of secrets so often end with.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Who asks, and whom it trusts.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Sent as `Authorization: Bearer` to the servers of `bearer_hosts`, and to nobody else.
    pub bearer: Option<Secret>,
    /// `host:port`
    pub bearer_hosts: Vec<String>,
    /// `user.name` of WebHDFS.
    pub webhdfs_user: Option<String>,
    /// HDFS's delegation token, in its text form.
    pub webhdfs_delegation: Option<Secret>,
    /// Certificates in PEM to trust, beside those of the system.
    pub certificates_pem: Option<Vec<u8>>,
}
