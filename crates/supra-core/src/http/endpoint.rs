//! A URL that can be called: parsed once, without its credentials, and safe to show.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use ureq::http::Uri;
use ureq::http::uri::Authority;

use crate::secret::Secret;

/// An HTTP or HTTPS URL. `Display` shows only scheme, host and port, because user, path and query may hold keys.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The URL without user and password.
    pub url: Secret,
    /// Basic authentication, if the URL has a user or password.
    pub headers: Vec<(String, Secret)>,
    host: String,
    port: u16,
    redacted: String,
}

/// Why a text is not a usable URL. The messages do not quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("the URL does not begin with http:// or https://")]
    Scheme,
    /// A blank, a control character or one outside ASCII.
    #[error("the URL contains a space or another character that must be percent-encoded")]
    Character,
    /// No host.
    #[error("the URL has no host")]
    Host,
    /// A port above 65535 or one that is not a number.
    #[error("the port in the URL is not a number up to 65535")]
    Port,
    /// Anything else that RFC 3986 does not allow.
    #[error("the URL is malformed")]
    Malformed,
}

impl Endpoint {
    /// Parses a URL as a user writes it; surrounding whitespace is ignored.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "http" => 80,
            "https" => 443,
            _ => return Err(UrlError::Scheme),
        };
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Character);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (credentials, host_and_port) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(credentials, rest)| (Some(credentials), rest));
        if host_and_port.is_empty() {
            return Err(UrlError::Host);
        }
        let url = format!("{scheme}://{host_and_port}{path}");
        let uri: Uri = url.parse().map_err(|_| UrlError::Malformed)?;
        let parsed = uri.authority().filter(|found| !found.host().is_empty()).ok_or(UrlError::Host)?;
        let basic = |credentials: &str| {
            // A user without a password has an empty one.
            let colon = if credentials.contains(':') { "" } else { ":" };
            let decoded = percent_decode_str(credentials).chain(colon.bytes());
            let encoded = STANDARD.encode(decoded.collect::<Vec<u8>>());
            ("Authorization".to_owned(), Secret::new(&format!("Basic {encoded}")))
        };
        let hidden = if credentials.is_some() || !path.trim_matches('/').is_empty() { "/***" } else { "" };
        Ok(Self {
            host: parsed.host().to_owned(),
            port: port(parsed)?.unwrap_or(default_port),
            url: Secret::new(&url),
            headers: credentials.map(basic).into_iter().collect(),
            redacted: format!("{scheme}://{host_and_port}{hidden}"),
        })
    }

    /// Host and port as a socket address takes them; an IPv6 host has brackets.
    pub fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The port that is given. `Authority::port` returns `None` both for a missing and for an invalid one.
fn port(authority: &Authority) -> Result<Option<u16>, UrlError> {
    match authority.as_str()[authority.host().len()..].strip_prefix(':') {
        None | Some("") => Ok(None),
        Some(_) => authority.port_u16().map(Some).ok_or(UrlError::Port),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

/// Scheme, host and port of a URL; `***` for a text that is not an HTTP URL.
pub fn redact_url(url: &str) -> String {
    Endpoint::parse(url).map_or_else(|_| "***".to_owned(), |endpoint| endpoint.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_become_a_header() {
        let found = Endpoint::parse("https://me:p%40ss@h/x?y=1\n").unwrap();
        assert_eq!(found.url.reveal(), "https://h/x?y=1");
        assert_eq!(found.headers[0].1.reveal(), "Basic bWU6cEBzcw==");
        assert!(!format!("{found:?} {found}").contains("p%40ss"));
        let without_password = Endpoint::parse("https://key@h/").unwrap();
        assert_eq!(without_password.headers[0].1.reveal(), "Basic a2V5Og==");
    }

    #[test]
    fn hosts_and_ports() {
        for (url, address) in [
            ("http://h", "h:80"),
            ("HTTPS://h/x", "h:443"),
            ("http://u:1@h:8080?x", "h:8080"),
            ("http://[::1]:9/x", "[::1]:9"),
            ("https://[::1]", "[::1]:443"),
            ("http://h:/x", "h:80"),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap().host_and_port(), address, "{url}");
        }
    }

    #[test]
    fn invalid_urls_are_refused() {
        for (url, error) in [
            ("h:9091/metrics", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("http://h/a b", UrlError::Character),
            ("http://h/\u{e9}", UrlError::Character),
            ("http://", UrlError::Host),
            ("http://user@/x", UrlError::Host),
            ("http://:80/x", UrlError::Host),
            ("http://h:99999/x", UrlError::Port),
            ("http://h:x", UrlError::Port),
            ("http://[::1/x", UrlError::Malformed),
            ("http://a\"b/x", UrlError::Malformed),
            ("http://h/<x>", UrlError::Malformed),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap_err(), error, "{url}");
        }
    }

    #[test]
    fn urls_keep_only_the_host() {
        for (url, shown) in [
            ("https://rpc.example:8080", "https://rpc.example:8080"),
            ("https://rpc.example/", "https://rpc.example"),
            ("https://rpc.example/v1/key123", "https://rpc.example/***"),
            ("https://user:pw@rpc.example", "https://rpc.example/***"),
            ("https://rpc.example?key=1", "https://rpc.example/***"),
            ("no-scheme/secret", "***"),
            ("http://a b/secret", "***"),
        ] {
            assert_eq!(redact_url(url), shown, "{url}");
        }
    }
}
