//! Probes whether the receivers of alerts and metrics accept a connection. Nothing is sent to them.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use dvrf_cli::Session;
use dvrf_cli::channels::ChannelArgs;
use dvrf_cli::settings::variables;
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::http::Endpoint;
use supra_core::secret::redact_url;

use crate::probe::Probes;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) fn probe(args: &ChannelArgs, session: &Session, probes: &mut Probes) {
    let channels = args.resolve(session);
    for problem in &channels.problems {
        probes.wrong(&format!("channel {}", problem.channel), problem.problem.as_str(), problem.fix.as_str());
    }
    for channel in &channels.list {
        connection(&format!("channel {}", channel.name), &channel.endpoint, &channel.shown(), probes);
    }
    if channels.list.is_empty() && channels.problems.is_empty() {
        probes.warning("channels", "none is configured", Some("see docs/notify.md"));
    }
    if let Some(url) = session.settings.text(&variables::PUSH_URL) {
        match Endpoint::parse(url) {
            Ok(endpoint) => connection("push url", &endpoint, &redact_url(url), probes),
            Err(error) => probes.failed("push url", &Failure::new(FailureKind::Config, error.to_string())),
        }
    }
}

fn connection(name: &str, endpoint: &Endpoint, shown: &str, probes: &mut Probes) {
    match connect(endpoint.url.reveal()) {
        Ok(_) => probes.ok(name, format!("{shown} accepts connections; dvrf-notify test sends something")),
        Err(error) => probes.wrong(
            name,
            format!("{shown} cannot be reached: {}", quote(&error.to_string())),
            "check the address, the network and the proxy",
        ),
    }
}

fn connect(url: &str) -> io::Result<TcpStream> {
    let mut addresses = socket_address(url).to_socket_addrs()?;
    let first = addresses.next().ok_or_else(|| io::Error::other("the name has no address"))?;
    TcpStream::connect_timeout(&first, CONNECT_TIMEOUT)
}

/// Returns `HOST:PORT` of a URL, with the default port of its scheme.
fn socket_address(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.rsplit_once(':').is_some_and(|(_, end)| end.parse::<u16>().is_ok()) {
        return authority.to_owned();
    }
    let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    format!("{authority}:{port}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::http("http://h/path", "h:80")]
    #[case::https("HTTPS://h?x", "h:443")]
    #[case::port("https://h:8443/path", "h:8443")]
    #[case::ipv6("http://[::1]/", "[::1]:80")]
    #[case::ipv6_with_port("http://[::1]:9/", "[::1]:9")]
    fn socket_addresses(#[case] url: &str, #[case] expected: &str) {
        assert_eq!(socket_address(url), expected);
    }
}
