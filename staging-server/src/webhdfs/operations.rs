use access::Act;
use axum::http::Method;

use super::parameters::invalid;
use crate::{Error, Result};

/// What this server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Open,
    GetFileStatus,
    ListStatus,
    ListStatusBatch,
    GetContentSummary,
    GetHomeDirectory,
    GetTrashRoot,
    CheckAccess,
    GetServerDefaults,
    GetStatus,
    GetFileBlockLocations,
    Create,
    MakeDirectories,
    Rename,
    SetPermission,
    SetOwner,
    SetTimes,
    SetReplication,
    Append,
    Concat,
    Truncate,
    Delete,
    GetTrashRoots,
}

use Operation as O;

/// Every operation of the protocol: its name, the method that it is sent with, and what it is here. The others are those
/// that a file system over an object store does not have.
const OPERATIONS: &[(&str, &str, Option<Operation>)] = &[
    ("OPEN", "GET", Some(O::Open)),
    ("GETFILESTATUS", "GET", Some(O::GetFileStatus)),
    // There are no links, so what a link is, is what it is.
    ("GETFILELINKSTATUS", "GET", Some(O::GetFileStatus)),
    ("LISTSTATUS", "GET", Some(O::ListStatus)),
    ("LISTSTATUS_BATCH", "GET", Some(O::ListStatusBatch)),
    ("GETCONTENTSUMMARY", "GET", Some(O::GetContentSummary)),
    ("GETHOMEDIRECTORY", "GET", Some(O::GetHomeDirectory)),
    ("GETTRASHROOT", "GET", Some(O::GetTrashRoot)),
    ("CHECKACCESS", "GET", Some(O::CheckAccess)),
    ("GETSERVERDEFAULTS", "GET", Some(O::GetServerDefaults)),
    ("GETSTATUS", "GET", Some(O::GetStatus)),
    ("GETFILEBLOCKLOCATIONS", "GET", Some(O::GetFileBlockLocations)),
    ("GET_BLOCK_LOCATIONS", "GET", None),
    ("GETACLSTATUS", "GET", None),
    ("GETALLSTORAGEPOLICY", "GET", None),
    ("GETDELEGATIONTOKEN", "GET", None),
    ("GETECCODECS", "GET", None),
    ("GETECPOLICIES", "GET", None),
    ("GETECPOLICY", "GET", None),
    ("GETFILECHECKSUM", "GET", None),
    ("GETLINKTARGET", "GET", None),
    ("GETQUOTAUSAGE", "GET", None),
    ("GETSNAPSHOTDIFF", "GET", None),
    ("GETSNAPSHOTDIFFLISTING", "GET", None),
    ("GETSNAPSHOTLIST", "GET", None),
    ("GETSNAPSHOTTABLEDIRECTORYLIST", "GET", None),
    ("GETSTORAGEPOLICY", "GET", None),
    ("GETTRASHROOTS", "GET", Some(O::GetTrashRoots)),
    ("GETXATTRS", "GET", None),
    ("LISTXATTRS", "GET", None),
    ("CREATE", "PUT", Some(O::Create)),
    ("MKDIRS", "PUT", Some(O::MakeDirectories)),
    ("RENAME", "PUT", Some(O::Rename)),
    ("SETPERMISSION", "PUT", Some(O::SetPermission)),
    ("SETOWNER", "PUT", Some(O::SetOwner)),
    ("SETTIMES", "PUT", Some(O::SetTimes)),
    ("SETREPLICATION", "PUT", Some(O::SetReplication)),
    ("ALLOWSNAPSHOT", "PUT", None),
    ("CANCELDELEGATIONTOKEN", "PUT", None),
    ("CREATESNAPSHOT", "PUT", None),
    ("CREATESYMLINK", "PUT", None),
    ("DISABLEECPOLICY", "PUT", None),
    ("DISALLOWSNAPSHOT", "PUT", None),
    ("ENABLEECPOLICY", "PUT", None),
    ("MODIFYACLENTRIES", "PUT", None),
    ("REMOVEACL", "PUT", None),
    ("REMOVEACLENTRIES", "PUT", None),
    ("REMOVEDEFAULTACL", "PUT", None),
    ("REMOVEXATTR", "PUT", None),
    ("RENAMESNAPSHOT", "PUT", None),
    ("RENEWDELEGATIONTOKEN", "PUT", None),
    ("SATISFYSTORAGEPOLICY", "PUT", None),
    ("SETACL", "PUT", None),
    ("SETECPOLICY", "PUT", None),
    ("SETQUOTA", "PUT", None),
    ("SETQUOTABYSTORAGETYPE", "PUT", None),
    ("SETSTORAGEPOLICY", "PUT", None),
    ("SETXATTR", "PUT", None),
    ("APPEND", "POST", Some(O::Append)),
    ("CONCAT", "POST", Some(O::Concat)),
    ("TRUNCATE", "POST", Some(O::Truncate)),
    ("UNSETECPOLICY", "POST", None),
    ("UNSETSTORAGEPOLICY", "POST", None),
    ("DELETE", "DELETE", Some(O::Delete)),
    ("DELETESNAPSHOT", "DELETE", None),
];

impl Operation {
    /// What it does to its path; `None` for one that has nothing to do with any. `CHECKACCESS` asks whether a caller may do
    /// `fsaction`, such as `rw-`.
    pub(super) fn act(self, fsaction: Option<&str>) -> Option<Act> {
        Some(match self {
            Self::GetHomeDirectory
            | Self::GetServerDefaults
            | Self::GetStatus
            | Self::GetTrashRoot
            | Self::GetTrashRoots => {
                return None;
            }
            Self::GetFileStatus | Self::GetFileBlockLocations => Act::Look,
            Self::CheckAccess => match fsaction.unwrap_or_default() {
                action if action.contains('w') => Act::Write,
                action if action.contains('r') => Act::Read,
                _ => Act::Look,
            },
            Self::Open => Act::Read,
            Self::ListStatus | Self::ListStatusBatch | Self::GetContentSummary => Act::List,
            Self::Create
            | Self::MakeDirectories
            | Self::Rename
            | Self::SetPermission
            | Self::SetOwner
            | Self::SetTimes
            | Self::SetReplication
            | Self::Append
            | Self::Concat
            | Self::Truncate
            | Self::Delete => Act::Write,
        })
    }

    /// What `op=` asks for.
    pub(super) fn parse(op: Option<&str>, method: &Method) -> Result<Self> {
        // HDFS's own word for no operation is NULL.
        let Some(op) = op.filter(|op| !op.eq_ignore_ascii_case("NULL")) else {
            return Err(Error::Unsupported(
                "Required param op is missing: this is WebHDFS, ask as in …?op=LISTSTATUS".to_owned(),
            ));
        };
        let known = OPERATIONS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(op));
        let (name, expected, operation) = known.ok_or_else(|| invalid("op", op, "no such operation is known here"))?;
        let sent = if *method == Method::HEAD { "GET" } else { method.as_str() };
        if sent != *expected {
            return Err(Error::WrongMethod { operation: name, expected, got: method.to_string() });
        }
        operation.ok_or_else(|| {
            Error::Unsupported(format!(
                "{name} is not supported: Hearth keeps files in an object store, which has no such thing"
            ))
        })
    }
}
