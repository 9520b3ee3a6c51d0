//! HTTP with the TLS roots and proxies of the settings.

use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::http::{Http, Proxies, ProxyError, Roots};

use crate::settings::Settings;
use crate::settings::variables::{self, Variable};

/// Creates an HTTP client with the TLS roots and proxies of the settings.
pub fn client(settings: &Settings, connections: usize) -> Result<Http, Error> {
    Ok(Http::new(connections, &roots(settings)?, proxies(settings)?))
}

/// The certificate authorities that the settings trust.
pub(crate) fn roots(settings: &Settings) -> Result<Roots, Error> {
    Roots::load(settings.text(&variables::TLS_ROOTS), settings.text(&variables::SSL_CERT_FILE))
}

/// The proxies that the environment names; a variable in lower case goes first, as for curl.
pub fn proxies(settings: &Settings) -> Result<Proxies, Error> {
    let first = |choice: &[&'static Variable]| {
        choice.iter().find_map(|variable| Some((*variable, settings.text(variable)?)))
    };
    let wrong = |variable: &Variable, error: ProxyError| {
        Error::new(FailureKind::Config, format!("{} is ***: {error}", variable.name))
    };
    let mut proxies = Proxies::default();
    let (all_lower, all) = (&variables::ALL_PROXY_LOWER, &variables::ALL_PROXY);
    if let Some((variable, proxy)) =
        first(&[&variables::HTTP_PROXY_LOWER, &variables::HTTP_PROXY, all_lower, all])
    {
        proxies = proxies.with_http(proxy).map_err(|error| wrong(variable, error))?;
    }
    if let Some((variable, proxy)) =
        first(&[&variables::HTTPS_PROXY_LOWER, &variables::HTTPS_PROXY, all_lower, all])
    {
        proxies = proxies.with_https(proxy).map_err(|error| wrong(variable, error))?;
    }
    let direct = first(&[&variables::NO_PROXY_LOWER, &variables::NO_PROXY]);
    Ok(proxies.except(direct.map_or("", |(_, list)| list)))
}
