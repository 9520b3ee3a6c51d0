//! Probes whether the receivers of alerts and metrics accept a connection. Nothing is sent to them.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use dvrf_cli::Session;
use dvrf_cli::channel::args::ChannelArgs;
use dvrf_cli::channel::{Mail, Receiver};
use dvrf_cli::http::proxies;
use dvrf_cli::settings::variables;
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::http::{Endpoint, Proxies};

use crate::probe::Probes;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) fn probe(args: &ChannelArgs, session: &Session, probes: &mut Probes) {
    let channels = args.resolve(session);
    // A malformed proxy is the mistake of every connection; the probe of the chain names it.
    let proxies = proxies(&session.settings).unwrap_or_default();
    for problem in &channels.problems {
        probes.wrong(&format!("channel {}", problem.channel), problem.problem.as_str(), problem.fix.as_str());
    }
    for channel in &channels.list {
        let name = format!("channel {}", channel.name);
        match &channel.receiver {
            Receiver::Http(endpoint) => connection(&name, endpoint, &proxies, probes),
            Receiver::Mail(mail) => mail_server(&name, mail, probes),
        }
    }
    if channels.list.is_empty() && channels.problems.is_empty() {
        probes.warning("channels", "none is configured", Some("see docs/reference/notify.md"));
    }
    if let Some(url) = session.settings.text(&variables::PUSH_URL) {
        match Endpoint::parse(url) {
            Ok(endpoint) => connection("push url", &endpoint, &proxies, probes),
            Err(error) => probes.failed("push url", Failure::new(FailureKind::Config, error.to_string())),
        }
    }
}

/// Probes an address, or the proxy through which it is called.
fn connection(name: &str, endpoint: &Endpoint, proxies: &Proxies, probes: &mut Probes) {
    let proxy = proxies.endpoint_of(endpoint.url.reveal());
    match (connect(&proxy.as_ref().unwrap_or(endpoint).host_and_port()), &proxy) {
        (Ok(_), None) => {
            probes.ok(name, format!("{endpoint} accepts connections; dvrf-notify test sends something"));
        }
        (Ok(_), Some(proxy)) => {
            let found = format!(
                "{endpoint} is called through the proxy {proxy}, which accepts connections; dvrf-notify test sends something"
            );
            probes.ok(name, found);
        }
        (Err(error), proxy) => {
            let through = proxy.as_ref().map(|proxy| format!(" through the proxy {proxy}"));
            let found = format!(
                "{endpoint} cannot be reached{}: {}",
                through.unwrap_or_default(),
                quote(&error.to_string())
            );
            probes.wrong(name, found, "check the address, the network and the proxy");
        }
    }
}

/// Probes a mail server, which is called without a proxy.
fn mail_server(name: &str, mail: &Mail, probes: &mut Probes) {
    match connect(&format!("{}:{}", mail.host, mail.port)) {
        Ok(_) => probes.ok(name, format!("{mail} accepts connections; dvrf-notify test sends something")),
        Err(error) => {
            let found = format!("{mail} cannot be reached: {}", quote(&error.to_string()));
            probes.wrong(
                name,
                found,
                "check server= and the network: a mail server is called without a proxy",
            );
        }
    }
}

fn connect(host_and_port: &str) -> io::Result<TcpStream> {
    let host_and_port = host_and_port.to_owned();
    // The name lookup of the system takes no timeout.
    let mut addresses = within(CONNECT_TIMEOUT, move || host_and_port.to_socket_addrs())?;
    let first = addresses.next().ok_or_else(|| io::Error::other("the name has no address"))?;
    TcpStream::connect_timeout(&first, CONNECT_TIMEOUT)
}

/// Runs the lookup in a thread, which is abandoned at the timeout.
fn within<T: Send + 'static>(
    timeout: Duration,
    look_up: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let run = move || {
        // The receiver is gone if the timeout has passed.
        let _ = sender.send(look_up());
    };
    thread::Builder::new().spawn(run)?;
    receiver.recv_timeout(timeout).unwrap_or_else(|_| {
        let why = format!("the name lookup timed out after {timeout:?}");
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_is_given_up_at_the_timeout() {
        let (end, wait) = mpsc::channel::<()>();
        let hangs = move || wait.recv().map_err(io::Error::other);
        let error = within(Duration::from_millis(20), hangs).unwrap_err();
        assert_eq!(error.to_string(), "the name lookup timed out after 20ms");
        drop(end);
        assert_eq!(within(CONNECT_TIMEOUT, || Ok(7)).unwrap(), 7);
        let failed = within(CONNECT_TIMEOUT, || Err::<(), _>(io::Error::other("no such name")));
        assert_eq!(failed.unwrap_err().to_string(), "no such name");
    }
}
