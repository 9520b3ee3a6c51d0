//! From a host's name to its addresses, in bounded time, and without a panic where no thread can be had.

use std::net::IpAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

/// ureq's own resolver, asked in a thread only where there is something to wait for. Left alone it takes a thread for
/// an address too, and panics when it gets none.
#[derive(Debug, Default)]
pub(super) struct Names;

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let at_leisure = NextTimeout { after: Duration::NotHappening, ..timeout };
        if is_address(uri.host().unwrap_or_default()) {
            return DefaultResolver::default().resolve(uri, config, at_leisure);
        }
        let (give, take) = mpsc::sync_channel(1);
        let (uri, config) = (uri.clone(), config.clone());
        let look_up = move || {
            // Nobody waits any more when the time ran out.
            let _ = give.send(DefaultResolver::default().resolve(&uri, &config, at_leisure));
        };
        thread::Builder::new().spawn(look_up).map_err(Error::Io)?;
        take.recv_timeout(*timeout.after).unwrap_or_else(|error| {
            Err(match error {
                RecvTimeoutError::Timeout => Error::Timeout(timeout.reason),
                RecvTimeoutError::Disconnected => Error::HostNotFound,
            })
        })
    }
}

fn is_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration as Span, Instant};

    fn resolved(uri: &str, within: Span) -> Result<Vec<String>, Error> {
        let timeout = NextTimeout { after: within.into(), ..NextTimeout::default() };
        let found = Names.resolve(&uri.parse().unwrap(), &Config::default(), timeout)?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn addresses_and_names() {
        let second = Span::from_secs(5);
        assert_eq!(resolved("http://127.0.0.1:81/x", second).unwrap(), ["127.0.0.1:81"]);
        assert_eq!(resolved("https://[::1]/x", second).unwrap(), ["[::1]:443"]);
        let local = resolved("http://localhost:82", second).unwrap();
        assert!(local.iter().any(|address| address == "127.0.0.1:82" || address == "[::1]:82"), "{local:?}");
        assert!(resolved("http://no-such-host.invalid/", second).is_err());
    }

    #[test]
    fn a_name_is_not_waited_for_longer_than_there_is_time() {
        let start = Instant::now();
        assert!(matches!(resolved("http://localhost/", Span::ZERO), Err(Error::Timeout(_)) | Ok(_)));
        assert!(start.elapsed() < Span::from_secs(2));
    }
}
