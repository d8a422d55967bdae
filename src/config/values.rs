//! How single values are read.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use storage::StoreUrl;

/// `HOST:PORT`; a name is looked up.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let hint = "write HOST:PORT, for example 0.0.0.0:10000";
    if !text.contains(':') {
        return Err(hint.to_owned());
    }
    let mut found = text.to_socket_addrs().map_err(|e| format!("{e}; {hint}"))?;
    found.next().ok_or_else(|| hint.to_owned())
}

/// A time with a unit: `500ms`, `10s`, `5m`, `2h`, `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|e| format!("{e}; write a number and a unit, such as 500ms, 10s, 5m or 7d"))
}

/// How old something may get: a time that is not nothing.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => {
            Err("that is the age of everything, and all would be deleted; leave it out to delete nothing".to_owned())
        }
        age => Ok(age),
    }
}

/// A moment, or how long ago it was.
pub(super) fn since(text: &str) -> Result<SystemTime, String> {
    let ago = humantime::parse_duration(text).ok().and_then(|ago| SystemTime::now().checked_sub(ago));
    ago.map_or_else(|| humantime::parse_rfc3339_weak(text), Ok)
        .map_err(|e| format!("{e}; write a moment, such as 2026-01-02T03:04:05Z, or how long ago, such as 15m"))
}

/// A time with a unit, or `off`.
pub(super) fn duration_or_off(text: &str) -> Result<Option<Duration>, String> {
    if text == "off" { Ok(None) } else { duration(text).map(Some).map_err(|e| format!("{e}; or off")) }
}

/// A store that something is to be read from: a folder has to be there.
pub(super) fn store_to_read(text: &str) -> Result<StoreUrl, String> {
    let url = StoreUrl::parse(text).map_err(|error| error.to_string())?;
    match url.as_folder() {
        Some(folder) if !folder.is_dir() => Err(format!("there is no folder {}", folder.display())),
        _ => Ok(url),
    }
}

/// A number from 1 on.
pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a number from 1 on".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// The start of a URL's path: with a slash before it and none behind.
pub(super) fn path_prefix(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    if text.starts_with('/') && !text.starts_with("//") && text.chars().all(plain) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("write a path such as /spark-history".to_owned())
    }
}

/// `true` or `false`.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "there are true and false".to_owned())
}

/// An address, or a network in CIDR notation.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let alone = text.parse::<IpAddr>().map(IpNet::from);
    alone
        .or_else(|_| text.parse())
        .map_err(|_| "write an address such as 10.0.0.7, or a network such as 10.0.0.0/8".to_owned())
}

/// The URL of an issuer of tokens, just as it stands in them.
pub(super) fn issuer(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(text.to_owned()),
        _ => Err("write https://HOST, just as it stands in the tokens".to_owned()),
    }
}

/// A number of bytes: a plain one, or with `KiB`, `MiB`, `GiB` or `TiB` (Spark's `k`, `m`, `g`, `t` too).
pub(super) fn size_bytes(text: &str) -> Result<u64, String> {
    let wrong = || "write a number of bytes, or one with KiB, MiB, GiB or TiB, such as 512MiB".to_owned();
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "t" | "tib" => 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// An `http://` or `https://` URL without a path or a query.
pub(super) fn base_url(text: &str) -> Result<url::Url, String> {
    let hint = "write http://HOST:PORT or https://HOST";
    let url = url::Url::parse(text).map_err(|e| format!("{e}; {hint}"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && bare { Ok(url) } else { Err(hint.to_owned()) }
}

/// An `http://` or `https://` URL, which may have a path.
pub(super) fn site_url(text: &str) -> Result<url::Url, String> {
    let hint = "write http://HOST:PORT or https://HOST/PATH";
    let url = url::Url::parse(text).map_err(|e| format!("{e}; {hint}"))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && plain { Ok(url) } else { Err(hint.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_no_age() {
        assert_eq!(age("7d"), Ok(Duration::from_secs(7 * 24 * 3600)));
        assert!(age("0s").unwrap_err().contains("leave it out to delete nothing"));
        assert!(age("0").is_err() && age("off").is_err());
    }

    #[test]
    fn sizes_are_read_with_and_without_a_unit() {
        assert_eq!(size_bytes("17"), Ok(17));
        assert_eq!(size_bytes("2 KiB"), Ok(2048));
        assert_eq!(size_bytes("5g"), Ok(5 << 30));
        assert!(size_bytes("5 parsecs").is_err());
        assert!(size_bytes("99999999999999999999").is_err());
        assert!(size_bytes("18446744073709551615k").is_err());
    }
}
