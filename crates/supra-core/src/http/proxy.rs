//! Which proxy a URL is called through, and requests for `http://` URLs through one.
//!
//! ureq opens a CONNECT tunnel for every URL, which proxies such as Squid refuse for port 80; a request for an `http://`
//! URL is therefore sent to the proxy itself, with the whole URL in its first line (RFC 9112, 3.2.2).

use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::http::Uri;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, TcpConnector, Transport,
};
use ureq::{Error, Proxy, ProxyProtocol};

use super::{Endpoint, redact_url};

/// The proxies of a run, as the variables `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` name them.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    direct: Vec<Direct>,
}

/// Why a text is not a proxy. The message does not quote it, because it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// A SOCKS proxy.
    #[error("SOCKS proxies are not supported; a proxy is written http://HOST:PORT")]
    Socks,
    /// Anything else.
    #[error("a proxy is written http://HOST:PORT or http://USER:PASSWORD@HOST:PORT")]
    Malformed,
}

/// Hosts that are called without a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Direct {
    All,
    /// A host and what is below it, on one port or all.
    Host(String, Option<u16>),
    /// An IP network with the length of its prefix.
    Network(IpAddr, u32),
}

impl Proxies {
    /// Calls `http://` URLs through this proxy.
    pub fn with_http(self, proxy: &str) -> Result<Self, ProxyError> {
        Ok(Self { http: Some(parse(proxy)?), ..self })
    }

    /// Calls `https://` URLs through this proxy.
    pub fn with_https(self, proxy: &str) -> Result<Self, ProxyError> {
        Ok(Self { https: Some(parse(proxy)?), ..self })
    }

    /// Calls the hosts of a list directly.
    ///
    /// The list is read as curl reads it: separated by commas or blanks; a host includes its subdomains, with or without
    /// a leading dot; `*` is every host; an IP address may be a network, `10.0.0.0/8`; a port restricts an entry to it.
    #[must_use]
    pub fn except(self, no_proxy: &str) -> Self {
        let entries = no_proxy.split(|c: char| c == ',' || c.is_whitespace());
        Self { direct: entries.filter(|entry| !entry.is_empty()).map(Direct::parse).collect(), ..self }
    }

    /// The proxy through which a URL is called, without its credentials.
    pub fn endpoint_of(&self, url: &str) -> Option<Endpoint> {
        Endpoint::parse(&shown(self.of(url)?)).ok()
    }

    /// The proxy through which a URL is called.
    pub(super) fn of(&self, url: &str) -> Option<&Proxy> {
        let uri: Uri = url.parse().ok()?;
        let is_https = uri.scheme_str() == Some("https");
        let proxy = if is_https { &self.https } else { &self.http }.as_ref()?;
        let host = uri.host()?.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let is_direct = self.direct.iter().any(|entry| entry.matches(&host, port));
        (!is_direct).then_some(proxy)
    }
}

fn parse(text: &str) -> Result<Proxy, ProxyError> {
    let text = text.trim();
    let scheme = text.split_once("://").map_or("http", |(scheme, _)| scheme).to_ascii_lowercase();
    if scheme.starts_with("socks") {
        return Err(ProxyError::Socks);
    }
    let proxy = Proxy::new(text).map_err(|_| ProxyError::Malformed)?;
    let is_usable = matches!(scheme.as_str(), "http" | "https") && !proxy.host().is_empty();
    if is_usable { Ok(proxy) } else { Err(ProxyError::Malformed) }
}

/// The proxy without its credentials.
pub(super) fn shown(proxy: &Proxy) -> String {
    redact_url(&proxy.uri().to_string()).trim_end_matches("/***").to_owned()
}

impl Direct {
    fn parse(entry: &str) -> Self {
        if entry == "*" {
            return Self::All;
        }
        let bare = entry.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Self::Network(address, 128);
        }
        if let Some((address, length)) = bare.split_once('/')
            && let (Ok(address), Ok(length)) = (address.trim_end_matches(']').parse(), length.parse())
        {
            return Self::Network(address, length);
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
            _ => (entry, None),
        };
        let host = host.trim_start_matches(['*', '.', '[']).trim_end_matches(['.', ']']);
        Self::Host(host.to_ascii_lowercase(), port)
    }

    fn matches(&self, host: &str, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Host(name, only) => {
                only.is_none_or(|only| only == port)
                    && host
                        .strip_suffix(name.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Self::Network(network, length) => {
                host.parse::<IpAddr>().is_ok_and(|address| is_within(address, *network, *length))
            }
        }
    }
}

/// Whether the first `length` bits of an address are those of the network.
fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let (difference, bits) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits() ^ b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits(), 128),
        _ => return false,
    };
    difference.checked_shr(bits - length.min(bits)).unwrap_or(0) == 0
}

/// Connects through a proxy where one applies: for `http://` URLs without a tunnel.
#[derive(Debug, Default)]
pub(super) struct ProxyConnector {
    default: DefaultConnector,
}

impl Connector<()> for ProxyConnector {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        let proxy = details.config.proxy().filter(|proxy| {
            proxy.protocol() == ProxyProtocol::Http && details.uri.scheme_str() == Some("http")
        });
        // A proxy itself is reached by the same way when a tunnel is made.
        let Some(proxy) = proxy.filter(|proxy| proxy.uri().authority() != details.uri.authority()) else {
            return self.default.connect(details, chained);
        };
        let to_proxy = ConnectionDetails {
            uri: proxy.uri(),
            addrs: details.resolver.resolve(proxy.uri(), details.config, details.timeout)?,
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let Some(connection) = Connector::<()>::connect(&TcpConnector::default(), &to_proxy, None)? else {
            return Ok(None);
        };
        let authority = details.uri.authority().map(ToString::to_string).unwrap_or_default();
        let credentials = proxy.username().map(|user| {
            let pair = format!("{user}:{}", proxy.password().unwrap_or_default());
            format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair))
        });
        Ok(Some(Box::new(ForwardedRequest {
            connection: Box::new(connection),
            prefix: Some(format!("http://{authority}")),
            header: credentials.unwrap_or_default(),
        })))
    }
}

/// A connection to a proxy for one request, whose first line gets the whole URL.
struct ForwardedRequest {
    connection: Box<dyn Transport>,
    /// What stands before the path; `None` once the first line has been sent.
    prefix: Option<String>,
    header: String,
}

impl fmt::Debug for ForwardedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardedRequest").finish_non_exhaustive()
    }
}

impl Transport for ForwardedRequest {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.connection.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let Some(prefix) = self.prefix.take() else {
            return self.connection.transmit_output(amount, timeout);
        };
        let output = self.connection.buffers().output();
        let head = forwarded(output.get(..amount).unwrap_or_default(), &prefix, &self.header);
        let space = output.get_mut(..head.len()).ok_or(Error::ConnectionFailed)?;
        space.copy_from_slice(&head);
        self.connection.transmit_output(head.len(), timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.connection.await_input(timeout)
    }

    /// The next request needs another first line.
    fn is_open(&mut self) -> bool {
        false
    }
}

/// `GET /path HTTP/1.1…` with the whole URL and a header after the first line.
fn forwarded(head: &[u8], prefix: &str, header: &str) -> Vec<u8> {
    let method = head.iter().position(|byte| *byte == b' ').map_or(0, |space| space + 1);
    let line = head.windows(2).position(|pair| pair == b"\r\n").map_or(head.len(), |end| end + 2);
    let (first, rest) = head.split_at(line.max(method));
    let (method, path) = first.split_at(method);
    [method, prefix.as_bytes(), path, header.as_bytes(), rest].concat()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn proxies(no_proxy: &str) -> Proxies {
        let both = Proxies::default().with_http("http://plain:1").unwrap().with_https("http://secure:2");
        both.unwrap().except(no_proxy)
    }

    #[rstest]
    #[case("http://node.example/x", "", Some("plain"))]
    #[case("https://node.example/x", "", Some("secure"))]
    #[case("https://node.example/x", "*", None)]
    #[case("https://node.example/x", "other.example node.example", None)]
    #[case("https://node.example/x", " example ,", None)]
    #[case("https://node.example/x", ".example", None)]
    #[case("https://NODE.example./x", "*.Example.", None)]
    #[case("https://node.example/x", "de.example", Some("secure"))]
    #[case("https://node.example/x", "node.example:443", None)]
    #[case("https://node.example/x", "node.example:8443", Some("secure"))]
    #[case("http://10.1.2.3:8080/x", "10.0.0.0/8", None)]
    #[case("http://11.1.2.3:8080/x", "10.0.0.0/8", Some("plain"))]
    #[case("http://10.1.2.3/x", "10.1.2.3", None)]
    #[case("http://10.1.2.3/x", "0.0.0.0/0", None)]
    #[case("http://[fd00::5]/x", "fd00::/8", None)]
    #[case("http://[fd00::5]/x", "[fd00::5]", None)]
    #[case("http://[fe00::5]/x", "fd00::/8,10.0.0.0/8", Some("plain"))]
    fn hosts_without_a_proxy(#[case] url: &str, #[case] no_proxy: &str, #[case] host: Option<&str>) {
        let proxies = proxies(no_proxy);
        assert_eq!(proxies.of(url).map(Proxy::host), host);
    }

    #[test]
    fn the_other_kind_of_url_has_no_proxy() {
        let only_https = Proxies::default().with_https("p:3128").unwrap();
        assert!(only_https.of("http://h/").is_none());
        assert!(only_https.of("https://h/").is_some());
    }

    #[rstest]
    #[case("http://user:pa%20ss@p.example:3128", Ok("http://p.example:3128"))]
    #[case("p.example:3128", Ok("http://p.example:3128"))]
    #[case("socks5://p:1080", Err(ProxyError::Socks))]
    #[case("socks5h://p:1080", Err(ProxyError::Socks))]
    #[case("ftp://p:21", Err(ProxyError::Malformed))]
    #[case("http://", Err(ProxyError::Malformed))]
    #[case("not a proxy", Err(ProxyError::Malformed))]
    fn texts_of_proxies(#[case] text: &str, #[case] expected: Result<&str, ProxyError>) {
        assert_eq!(parse(text).map(|proxy| shown(&proxy)), expected.map(str::to_owned));
    }

    #[test]
    fn the_first_line_gets_the_whole_url() {
        let head = b"POST /rpc/v3/view?a=1 HTTP/1.1\r\nHost: h:80\r\n\r\n{\"a\": 1}";
        let sent = forwarded(head, "http://h:80", "Proxy-Authorization: Basic eA==\r\n");
        assert_eq!(
            String::from_utf8(sent).unwrap(),
            "POST http://h:80/rpc/v3/view?a=1 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nHost: h:80\r\n\r\n{\"a\": 1}"
        );
    }
}
