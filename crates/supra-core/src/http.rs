//! HTTP with bounds: one blocking agent, a time and a size for every call, no redirect followed, no URL in an error.

use std::time::Duration;

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
