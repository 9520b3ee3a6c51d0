//! Blocking HTTP client. Every call has a timeout and a size limit; redirects are not followed; errors quote no URL.

mod endpoint;
mod proxy;
mod resolver;

use std::io;
use std::path::Path;
use std::time::Duration;

use rustls::CertificateError;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::secret::Secret;
pub use endpoint::{Endpoint, UrlError, redact_url};
use proxy::ProxyConnector;
pub use proxy::{Proxies, ProxyError};
use resolver::BoundedResolver;

/// The HTTP method of a [`Call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

/// An HTTP request and the limits for its response.
#[derive(Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The URL. It may hold keys and is not part of any error.
    pub url: &'a str,
    /// Additional headers.
    pub headers: &'a [(String, Secret)],
    /// The body of a POST or a PUT.
    pub body: &'a [u8],
    /// The media type of the body.
    pub content_type: &'static str,
    /// The time from the name lookup to the last byte of the response.
    pub timeout: Duration,
    /// The largest response body in bytes.
    pub body_bytes_max: u64,
}

/// A complete response, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    /// Returns a header's value; `None` if it is missing or not ASCII text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there is no response. The messages do not quote the URL.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The timeout passed.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection could not be made, or it broke.
    #[error("{0}")]
    Connection(&'static str),
    /// The operating system or TLS reported why the connection failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// The server's certificate is not trusted.
    #[error("the server's certificate is refused: {}{}", certificate_fault(.0), certificate_hint(.0))]
    Certificate(CertificateError),
    /// The body exceeds the limit in bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(u64),
    /// The URL or a header cannot be sent.
    #[error("{0}")]
    BadCall(&'static str),
    /// A request through a proxy failed; the text is the proxy without credentials.
    #[error("through the proxy {0}")]
    Proxy(String, #[source] Box<HttpError>),
}

impl HttpError {
    /// The kind of failure that the error is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Timeout(_) => FailureKind::Timeout,
            Self::Connection(_) | Self::Io(_) | Self::Certificate(_) => FailureKind::Unreachable,
            Self::TooLong(_) => FailureKind::Undecodable,
            Self::BadCall(_) => FailureKind::Config,
            Self::Proxy(_, inner) => inner.kind(),
        }
    }
}

/// The certificate authorities that are trusted; by default Mozilla's, which are built in.
#[derive(Debug, Clone)]
pub struct Roots(RootCerts);

/// The largest PEM file in bytes; a bundle of all public authorities has about 250 kB.
const ROOTS_BYTES_MAX: u64 = 4 << 20;

impl Default for Roots {
    fn default() -> Self {
        Self(RootCerts::WebPki)
    }
}

impl Roots {
    /// Loads the authorities that a setting names:
    ///
    /// - `FILE`: those of a PEM file and no others,
    /// - `system`: those of the system's certificate store,
    /// - `+FILE`: those of a PEM file beside the usual ones, `system+FILE`: beside those of the system.
    ///
    /// The usual ones, also without a setting, are those of `ssl_cert_file` where it is given, else Mozilla's. The
    /// system's store is where OpenSSL has it, or what the variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    ///
    /// # Errors
    /// If a file or the system's store cannot be read or holds no certificate.
    pub fn load(setting: Option<&str>, ssl_cert_file: Option<&str>) -> Result<Self, Error> {
        let usual = || ssl_cert_file.map(|file| pem_file("SSL_CERT_FILE", file)).transpose();
        let Some(setting) = setting else {
            return Ok(usual()?.map_or_else(Self::default, |roots| Self(RootCerts::from(roots))));
        };
        let (base, file) = match (setting.strip_prefix('+'), setting.strip_prefix("system")) {
            (Some(file), _) => (usual()?.unwrap_or_else(mozilla), Some(file)),
            (_, Some("")) => (system()?, None),
            (_, Some(rest)) if rest.starts_with('+') => (system()?, rest.get(1..)),
            _ => (Vec::new(), Some(setting)),
        };
        let added = file.map(|file| pem_file("DVRF_TLS_ROOTS", file)).transpose()?;
        Ok(Self(RootCerts::from([base, added.unwrap_or_default()].concat())))
    }
}

impl Roots {
    /// The trusted authorities as certificates in DER, for TLS that is not HTTPS.
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        match &self.0 {
            RootCerts::Specific(list) => list.iter().map(|root| root.der().to_vec()).collect(),
            _ => mozilla().iter().map(|root| root.der().to_vec()).collect(),
        }
    }
}

/// Mozilla's authorities as certificates, to which others can be added.
fn mozilla() -> Vec<Certificate<'static>> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root)).collect()
}

fn system() -> Result<Vec<Certificate<'static>>, Error> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why = found.errors.first().map(|error| format!(": {}", quote(&error.to_string())));
        let message = format!("the system's certificate store cannot be used{}", why.unwrap_or_default());
        return Err(Error::new(FailureKind::Config, message).with_hint(
            "install the package ca-certificates, or name a PEM file in DVRF_TLS_ROOTS or SSL_CERT_FILE",
        ));
    }
    Ok(found.certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect())
}

/// The certificates of a PEM file that a setting names.
fn pem_file(setting: &str, file: &str) -> Result<Vec<Certificate<'static>>, Error> {
    let wrong = |why: &str| {
        Error::new(FailureKind::Config, format!("the TLS roots {} {why}", quote(file))).with_hint(format!(
            "{setting} names a PEM file of certificates; DVRF_TLS_ROOTS also takes system, +FILE and system+FILE"
        ))
    };
    let text = crate::file::read(Path::new(file), ROOTS_BYTES_MAX)
        .map_err(|error| wrong("cannot be read").with_source(error))?;
    let mut certificates = Vec::new();
    // A byte-order mark would hide the first certificate.
    for item in parse_pem(text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text)) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(PemItem::PrivateKey(_)) => return Err(wrong("hold a private key")),
            Ok(_) => {}
            Err(_) => return Err(wrong("are not PEM")),
        }
    }
    if certificates.is_empty() {
        return Err(wrong("hold no certificate"));
    }
    Ok(certificates)
}

/// An HTTP client that keeps connections open between calls.
#[derive(Debug, Clone)]
pub struct Http {
    agent: ureq::Agent,
    proxies: Proxies,
    roots: Roots,
}

impl Http {
    /// Creates a client that keeps up to `connections` open. Certificates are always verified against `roots`.
    pub fn new(connections: usize, roots: &Roots, proxies: Proxies) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots.0.clone()).build())
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .user_agent(concat!("dvrf/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = ureq::Agent::with_parts(config, ProxyConnector::default(), BoundedResolver);
        Self { agent, proxies, roots: roots.clone() }
    }

    /// The certificate authorities that the client trusts.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Sends a request and reads the whole response.
    pub fn send(&self, call: &Call) -> Result<Answer, HttpError> {
        let result = match call.method {
            Method::Get => self.prepare(self.agent.get(call.url), call).call(),
            Method::Delete => self.prepare(self.agent.delete(call.url), call).call(),
            Method::Post => self.prepare_body(self.agent.post(call.url), call).send(call.body),
            Method::Put => self.prepare_body(self.agent.put(call.url), call).send(call.body),
        };
        let failed = |error| match self.proxies.of(call.url) {
            None => http_error(error, call),
            Some(proxy) => HttpError::Proxy(proxy::shown(proxy), Box::new(http_error(error, call))),
        };
        let mut response = result.map_err(failed)?;
        let body = response.body_mut().with_config().limit(call.body_bytes_max).read_to_vec();
        let body = body.map_err(failed)?;
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    fn prepare_body<B>(&self, request: ureq::RequestBuilder<B>, call: &Call) -> ureq::RequestBuilder<B> {
        self.prepare(request, call).header("Content-Type", call.content_type)
    }

    fn prepare<B>(&self, request: ureq::RequestBuilder<B>, call: &Call) -> ureq::RequestBuilder<B> {
        let proxy = self.proxies.of(call.url).cloned();
        let request = request.config().timeout_global(Some(call.timeout)).proxy(proxy).build();
        let request = request.header("Accept", "application/json");
        call.headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name.as_str(), value.reveal()))
    }
}

/// What the user can tell from a failure of TLS; `None` if it says nothing that helps.
fn tls_error(error: &rustls::Error) -> Option<HttpError> {
    match error {
        rustls::Error::InvalidCertificate(why) => Some(HttpError::Certificate(why.clone())),
        // What a plain HTTP server answers to a handshake.
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            Some(HttpError::Connection("the port does not speak TLS: if it serves plain HTTP, write http://"))
        }
        _ => None,
    }
}

/// Whether a certificate is its own authority, which rustls only says in its text.
fn is_self_signed(why: &CertificateError) -> bool {
    why.to_string().contains("CaUsedAsEndEntity")
}

fn certificate_hint(why: &CertificateError) -> &'static str {
    if matches!(why, CertificateError::UnknownIssuer) || is_self_signed(why) {
        "; DVRF_TLS_ROOTS=+FILE adds an authority of your own, DVRF_TLS_ROOTS=system trusts the system's"
    } else {
        ""
    }
}

fn certificate_fault(why: &CertificateError) -> String {
    if is_self_signed(why) { "it is self-signed".to_owned() } else { quote(&why.to_string()) }
}

fn http_error(error: ureq::Error, call: &Call) -> HttpError {
    use ureq::Error;
    match error {
        Error::Timeout(_) => HttpError::Timeout(call.timeout),
        Error::BodyExceedsLimit(_) => HttpError::TooLong(call.body_bytes_max),
        Error::Io(cause) if cause.kind() == io::ErrorKind::TimedOut => HttpError::Timeout(call.timeout),
        Error::Io(cause)
            if cause.kind() == io::ErrorKind::UnexpectedEof && call.url.starts_with("http://") =>
        {
            HttpError::Connection("the server closed the connection: if the port speaks TLS, write https://")
        }
        Error::Io(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => HttpError::Connection(
            "the server closed the connection: if the port serves plain HTTP, write http://",
        ),
        // The operating system's messages contain no URL.
        Error::Io(cause) => {
            let tls = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            tls.and_then(tls_error).unwrap_or(HttpError::Io(cause))
        }
        Error::ConnectProxyFailed(_) => HttpError::Connection("the proxy refused the connection"),
        Error::HostNotFound => HttpError::Connection("the host name is not known"),
        Error::ConnectionFailed => HttpError::Connection("no connection"),
        Error::Rustls(cause) => {
            tls_error(&cause).unwrap_or(HttpError::Connection("the TLS handshake failed"))
        }
        Error::Tls(_) => HttpError::Connection("the TLS handshake failed"),
        Error::Protocol(_) if call.url.starts_with("http://") => {
            HttpError::Connection("the answer is not HTTP: if the port speaks TLS, write https://")
        }
        Error::Protocol(_) => HttpError::Connection("the answer is not HTTP"),
        Error::BadUri(_) => HttpError::BadCall("the URL is malformed"),
        Error::Http(_) => HttpError::BadCall("the URL or a header is malformed"),
        // ureq's message may quote the URL.
        _ => HttpError::Connection("the request failed"),
    }
}

#[cfg(test)]
mod tests;
