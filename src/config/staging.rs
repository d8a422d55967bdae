//! The staging server's settings.

use std::net::SocketAddr;
use std::time::Duration;

use storage::ObjectPath;

use super::layers::Layers;
use super::settings::Section::Staging as Own;
use super::values;

/// What an operator can say of the staging server.
#[derive(Debug)]
pub(crate) struct Staging {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<url::Url>,
    pub(crate) max_upload_bytes: u64,
    pub(crate) max_uploads: usize,
    pub(crate) max_namespace_uploads: usize,
    pub(crate) max_namespace_upload_rate: usize,
    pub(crate) max_namespace_bytes: Option<u64>,
    /// How long event logs that are being written are waited for at the end; `None`: as long as it takes.
    pub(crate) event_log_drain_timeout: Option<Duration>,
    /// How long an upload is kept that nobody reads.
    pub(crate) first_use_timeout: Vec<PathTime>,
    /// How long one is kept since it was read last.
    pub(crate) lifetime: Vec<PathTime>,
    /// The pause between two sweeps; `None`: this process does not sweep.
    pub(crate) sweep_interval: Option<Duration>,
    pub(crate) sweep_grace: Duration,
    /// Whether an upload stays as long as the driver that names it.
    pub(crate) upload_owners: bool,
    /// How long it stays afterwards.
    pub(crate) owner_grace: Duration,
}

/// A time (`None`: for ever) for all below a path of `/staging`; the root is for all.
pub(crate) type PathTime = (ObjectPath, Option<Duration>);

pub(super) fn read(layers: &mut Layers<'_>) -> Option<Staging> {
    let listen = layers.one_with(Own, "listen", values::address);
    let public_url = layers.one_with(Own, "public-url", values::base_url);
    let max_upload_bytes = layers.one_with(Own, "max-upload-size", values::size_bytes);
    let max_uploads = layers.one_with(Own, "max-uploads", values::positive);
    let max_namespace_uploads = layers.one_with(Own, "max-namespace-uploads", values::positive);
    let max_namespace_upload_rate = layers.one_with(Own, "max-namespace-upload-rate", values::positive);
    let max_namespace_bytes = layers.one_with(Own, "max-namespace-size", values::size_bytes);
    let event_log_drain_timeout = layers.one_with(Own, "event-log-drain-timeout", values::duration_or_off);
    let first_use_timeout = layers.many_with(Own, "first-use-timeout", path_time);
    let lifetime = layers.many_with(Own, "upload-lifetime", path_time);
    let sweep_interval = layers.one_with(Own, "sweep-interval", |text| match text {
        "off" => Ok(None),
        text => values::age(text).map(Some),
    });
    let sweep_grace = layers.one_with(Own, "sweep-grace", values::age);
    let upload_owners = layers.one_with(Own, "upload-owners", |text| match text {
        "off" => Ok(false),
        "kubernetes" => Ok(true),
        _ => Err("there are kubernetes and off".to_owned()),
    });
    let owner_grace = layers.one_with(Own, "owner-grace", values::age);
    Some(Staging {
        listen: listen?,
        public_url,
        max_upload_bytes: max_upload_bytes?,
        max_uploads: max_uploads?,
        max_namespace_uploads: max_namespace_uploads?,
        max_namespace_upload_rate: max_namespace_upload_rate?,
        max_namespace_bytes,
        event_log_drain_timeout: event_log_drain_timeout?,
        first_use_timeout,
        lifetime,
        sweep_interval: sweep_interval?,
        sweep_grace: sweep_grace?,
        upload_owners: upload_owners?,
        owner_grace: owner_grace?,
    })
}

/// `TIME`, or `NAMESPACE=TIME`, or `NAMESPACE/PATH=TIME`; the time may be `off`.
fn path_time(text: &str) -> Result<PathTime, String> {
    let (path, time) = text.rsplit_once('=').unwrap_or(("", text));
    let path = ObjectPath::parse(path).map_err(|error| error.to_string())?;
    let time = match time {
        "off" => None,
        time => Some(values::age(time).map_err(|error| format!("{error}; or off, for uploads that stay for ever"))?),
    };
    Ok((path, time))
}
