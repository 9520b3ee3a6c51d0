//! Name lookup that is bounded in time and never panics.

use std::net::IpAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

/// Runs ureq's resolver in a thread that can be abandoned at the timeout.
///
/// ureq 3.5 does the same with `thread::spawn`, which panics when the system has no thread to give. A server that
/// runs for weeks must report that as a failed request instead.
#[derive(Debug, Default)]
pub(super) struct BoundedResolver;

impl Resolver for BoundedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        // Without a timeout ureq's resolver starts no thread.
        let unbounded = NextTimeout { after: Duration::NotHappening, ..timeout };
        if is_ip_address(uri.host().unwrap_or_default()) {
            return DefaultResolver::default().resolve(uri, config, unbounded);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let (uri, config) = (uri.clone(), config.clone());
        let look_up = move || {
            // The receiver is gone if the timeout has passed.
            let _ = sender.send(DefaultResolver::default().resolve(&uri, &config, unbounded));
        };
        thread::Builder::new().spawn(look_up).map_err(Error::Io)?;
        receiver.recv_timeout(*timeout.after).unwrap_or_else(|error| {
            Err(match error {
                RecvTimeoutError::Timeout => Error::Timeout(timeout.reason),
                RecvTimeoutError::Disconnected => Error::HostNotFound,
            })
        })
    }
}

fn is_ip_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration as StdDuration, Instant};

    fn resolve(uri: &str, timeout: StdDuration) -> Result<Vec<String>, Error> {
        let timeout = NextTimeout { after: timeout.into(), ..NextTimeout::default() };
        let found = BoundedResolver.resolve(&uri.parse().unwrap(), &Config::default(), timeout)?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn resolves_addresses_and_names() {
        let timeout = StdDuration::from_secs(5);
        assert_eq!(resolve("http://127.0.0.1:81/x", timeout).unwrap(), ["127.0.0.1:81"]);
        assert_eq!(resolve("https://[::1]/x", timeout).unwrap(), ["[::1]:443"]);
        let local = resolve("http://localhost:82", timeout).unwrap();
        assert!(local.iter().any(|address| address == "127.0.0.1:82" || address == "[::1]:82"), "{local:?}");
        assert!(resolve("http://no-such-host.invalid/", timeout).is_err());
    }

    #[test]
    fn gives_up_at_the_timeout() {
        let start = Instant::now();
        assert!(matches!(resolve("http://localhost/", StdDuration::ZERO), Err(Error::Timeout(_)) | Ok(_)));
        assert!(start.elapsed() < StdDuration::from_secs(2));
    }
}
