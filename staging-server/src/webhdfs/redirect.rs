use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderMap, HeaderValue, Uri, header};

use percent_encoding::{CONTROLS, utf8_percent_encode};

use crate::{Error, Result};

/// Marks a URL that a client was sent to: its bytes follow. Hadoop's own gateway uses the same word.
pub(super) const DATA: &str = "data";

/// The same request at an address that the client can reach, marked as the one with the data.
pub(super) fn location(public_url: Option<&url::Url>, headers: &HeaderMap, uri: &Uri) -> Result<HeaderValue> {
    let base = match public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => called_by(headers, uri)?,
    };
    // Whoever follows has been told where to; asked again, the place would be told again.
    let query = uri.query().unwrap_or_default().split('&').filter(|pair| !is_noredirect(pair));
    let query = query.collect::<Vec<_>>().join("&");
    // Hadoop's client sends letters beyond ASCII as they are, and Java reads headers as Latin-1.
    let target = format!("{}?{DATA}=true&{query}", uri.path());
    let url = format!("{base}{}", utf8_percent_encode(&target, CONTROLS));
    HeaderValue::try_from(url).map_err(|_| Error::Invalid("this URL cannot be put into a Location header".to_owned()))
}

fn is_noredirect(pair: &str) -> bool {
    pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("noredirect"))
}

/// What the client called this server by: a proxy in between says so, else the request itself.
fn called_by(headers: &HeaderMap, uri: &Uri) -> Result<String> {
    let first = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
    };
    let scheme = first("x-forwarded-proto").or(uri.scheme_str()).unwrap_or("http");
    let host =
        first("x-forwarded-host").or_else(|| first(header::HOST.as_str())).or(uri.authority().map(Authority::as_str));
    let host = host.ok_or_else(|| {
        Error::Invalid("the request has no Host header, so there is no address to redirect to".to_owned())
    })?;
    let scheme: Scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Scheme::HTTP,
        "https" => Scheme::HTTPS,
        _ => return Err(Error::Invalid(format!("X-Forwarded-Proto: {scheme:?} is neither http nor https"))),
    };
    let bad = |_| Error::Invalid(format!("{host:?} is no host name to redirect to"));
    let mut host: Authority = host.parse().map_err(bad)?;
    if let (None, Some(port)) =
        (host.port(), first("x-forwarded-port").filter(|_| headers.contains_key("x-forwarded-host")))
    {
        host = format!("{host}:{port}").parse().map_err(bad)?;
    }
    Ok(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location_of(headers: &[(&'static str, &'static str)], public: Option<&str>) -> String {
        let headers = headers.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_static(v))).collect();
        let public = public.map(|url| url::Url::parse(url).unwrap());
        let uri = "/webhdfs/v1/staging/a/b%20c?op=CREATE&overwrite=true".parse().unwrap();
        location(public.as_ref(), &headers, &uri).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_client_is_sent_to_the_name_that_it_called() {
        let rest = "/webhdfs/v1/staging/a/b%20c?data=true&op=CREATE&overwrite=true";
        assert_eq!(location_of(&[("host", "hearth:10000")], None), format!("http://hearth:10000{rest}"));
        let proxied =
            [("host", "10.0.0.1:10000"), ("x-forwarded-host", "up.example.org"), ("x-forwarded-proto", "https")];
        assert_eq!(location_of(&proxied, None), format!("https://up.example.org{rest}"));
        let ported =
            [("x-forwarded-host", "up.example.org"), ("x-forwarded-port", "8443"), ("x-forwarded-proto", "https")];
        assert_eq!(location_of(&ported, None), format!("https://up.example.org:8443{rest}"));
        assert_eq!(
            location_of(&proxied, Some("https://hearth.example.org/")),
            format!("https://hearth.example.org{rest}")
        );
    }
}
