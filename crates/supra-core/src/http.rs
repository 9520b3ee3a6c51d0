//! HTTP with bounds: one blocking agent, a time and a size for every call, no redirect followed, no URL in an error.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::failure::quote;
use crate::secret::Secret;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Ask or send.
    Post,
    /// Replace.
    Put,
    /// Remove.
    Delete,
}

/// One call.
#[derive(Debug)]
pub struct Call<'a> {
    /// What is done.
    pub method: Method,
    /// Where to; never shown.
    pub url: &'a str,
    /// Headers, which may hold keys.
    pub headers: &'a [(String, Secret)],
    /// The body of a POST or a PUT.
    pub body: &'a [u8],
    /// The media type of the body.
    pub content_type: &'static str,
    /// When to give up, from connecting to the last byte.
    pub timeout: Duration,
    /// The longest answer that is read.
    pub body_bytes_max: u64,
}

/// An answer of any status.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    /// A header's value, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A place that can be called: a URL without user and password, and the header they became.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where to.
    pub url: Secret,
    /// Basic authentication, where the URL had it.
    pub headers: Vec<(String, Secret)>,
}

/// Why a text is no URL that can be called. None of these quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("the URL does not begin with http:// or https://")]
    Scheme,
    /// A character that cannot stand in a URL.
    #[error("the URL contains a space or another character that must be percent-encoded")]
    Character,
    /// Nowhere to call.
    #[error("the URL has no host")]
    Host,
}

impl Endpoint {
    /// Reads a URL as it was given.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(UrlError::Scheme);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Character);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (credentials, host) = authority.rsplit_once('@').map_or((None, authority), |(c, h)| (Some(c), h));
        if host.is_empty() {
            return Err(UrlError::Host);
        }
        let basic = |credentials: &str| {
            let encoded = STANDARD.encode(percent_decoded(credentials));
            ("Authorization".to_owned(), Secret::new(&format!("Basic {encoded}")))
        };
        Ok(Self {
            url: Secret::new(&format!("{scheme}://{host}{path}")),
            headers: credentials.map(basic).into_iter().collect(),
        })
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let hex = others.get(..2).filter(|_| *first == b'%').and_then(|two| std::str::from_utf8(two).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    bytes
}

/// Why there is no answer. None of these quotes the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The time ran out.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// No connection, or it broke.
    #[error("{0}")]
    Connection(String),
    /// More bytes than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLong(u64),
    /// The URL or a header cannot be sent.
    #[error("{0}")]
    BadCall(&'static str),
}

/// The agent; it keeps connections for the calls of one run.
#[derive(Debug, Clone)]
pub struct Http {
    agent: ureq::Agent,
}

impl Http {
    /// An agent that keeps up to `connections` per host.
    pub fn new(connections: usize) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .user_agent(concat!("dvrf/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent }
    }

    /// Sends one call and reads its whole answer.
    pub fn send(&self, call: &Call) -> Result<Answer, HttpError> {
        let result = match call.method {
            Method::Get => self.prepare(self.agent.get(call.url), call).call(),
            Method::Delete => self.prepare(self.agent.delete(call.url), call).call(),
            Method::Post => self.prepare_body(self.agent.post(call.url), call).send(call.body),
            Method::Put => self.prepare_body(self.agent.put(call.url), call).send(call.body),
        };
        let mut response = result.map_err(|error| explain(&error, call))?;
        let body = response.body_mut().with_config().limit(call.body_bytes_max).read_to_vec();
        let body = body.map_err(|error| explain(&error, call))?;
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    fn prepare_body<B>(&self, request: ureq::RequestBuilder<B>, call: &Call) -> ureq::RequestBuilder<B> {
        self.prepare(request, call).header("Content-Type", call.content_type)
    }

    #[expect(clippy::unused_self, reason = "reads as a step of `send`")]
    fn prepare<B>(&self, request: ureq::RequestBuilder<B>, call: &Call) -> ureq::RequestBuilder<B> {
        let request =
            request.config().timeout_global(Some(call.timeout)).build().header("Accept", "application/json");
        call.headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name.as_str(), value.reveal()))
    }
}

fn explain(error: &ureq::Error, call: &Call) -> HttpError {
    use ureq::Error;
    match error {
        Error::Timeout(_) => HttpError::Timeout(call.timeout),
        Error::BodyExceedsLimit(_) => HttpError::TooLong(call.body_bytes_max),
        Error::Io(cause) if cause.kind() == std::io::ErrorKind::TimedOut => HttpError::Timeout(call.timeout),
        // The operating system's own words name no URL: a refused connection, a name that cannot be looked up.
        Error::Io(cause) => {
            HttpError::Connection(format!("the connection failed: {}", quote(&cause.to_string())))
        }
        Error::HostNotFound => HttpError::Connection("the host name is not known".to_owned()),
        Error::ConnectionFailed => HttpError::Connection("no connection".to_owned()),
        Error::Tls(_) | Error::Rustls(_) => HttpError::Connection("the TLS handshake failed".to_owned()),
        Error::Protocol(_) => HttpError::Connection("the answer is not HTTP".to_owned()),
        Error::BadUri(_) => HttpError::BadCall("the URL is malformed"),
        Error::Http(_) => HttpError::BadCall("the URL or a header is malformed"),
        // ureq's own text may quote the URL.
        _ => HttpError::Connection("the request failed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_url() {
        let found = Endpoint::parse("https://me:p%40ss@h/x?y=1\n").unwrap();
        assert_eq!(found.url.reveal(), "https://h/x?y=1");
        assert_eq!(found.headers[0].1.reveal(), "Basic bWU6cEBzcw==");
        assert!(!format!("{found:?}").contains("p%40ss"));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for (url, error) in [
            ("h:9091/metrics", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("http://h/a b", UrlError::Character),
            ("http://h/\u{e9}", UrlError::Character),
            ("http://", UrlError::Host),
            ("http://user@/x", UrlError::Host),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap_err(), error, "{url}");
        }
    }
}
