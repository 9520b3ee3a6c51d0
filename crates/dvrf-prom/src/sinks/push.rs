//! Pushes metrics to a Pushgateway group, or to any URL as the old script did. The URL is a secret.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use supra_core::error::{Error, chain};
use supra_core::failure::{FailureKind, quote};
use supra_core::http::{Answer, Call, Endpoint, Http, HttpError, Method, UrlError};
use supra_core::retry::{Backoff, retry_after};
use supra_core::secret::{Redactor, Secret};

/// The media type of text format 0.0.4. A Pushgateway does not read OpenMetrics.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// A response body is only read for the reason of a refusal.
const BODY_BYTES_MAX: u64 = 64 << 10;
/// A transient failure is retried: the server may safely receive the same body twice.
const ATTEMPTS_MAX: u32 = 4;

/// A server to push to.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    endpoint: Endpoint,
    /// The endpoint's URL, or that of a group under it.
    url: Secret,
    /// The URL as it was given, so that a response that echoes it can be redacted.
    given: Secret,
}

impl Destination {
    /// Parses a URL.
    pub(crate) fn new(url: &Secret) -> Result<Self, UrlError> {
        let endpoint = Endpoint::parse(url.reveal())?;
        Ok(Self { url: endpoint.url.clone(), given: url.clone(), endpoint })
    }

    /// The group of a job and its labels under a Pushgateway's base URL.
    #[must_use]
    pub(crate) fn group<'a>(
        &self,
        job: &'a str,
        grouping: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut url = self.endpoint.url.reveal().trim_end_matches('/').to_owned();
        if !url.ends_with("/metrics") {
            url.push_str("/metrics");
        }
        for (name, value) in [("job", job)].into_iter().chain(grouping) {
            url.push_str(&segment(name, value));
        }
        Self { url: Secret::new(&url), ..self.clone() }
    }

    /// Scheme and host, for messages.
    pub(crate) fn shown(&self) -> String {
        self.endpoint.to_string()
    }
}

/// Formats `/name/value`. A value that a path cannot hold, such as a slash or an empty text, becomes `/name@base64/…`.
fn segment(name: &str, value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~:,.".contains(&byte);
    // A segment of dots would be resolved as a relative path.
    if value.bytes().all(plain) && !value.bytes().all(|byte| byte == b'.') {
        return format!("/{name}/{value}");
    }
    let encoded = URL_SAFE_NO_PAD.encode(value);
    format!("/{name}@base64/{}", if encoded.is_empty() { "=" } else { &encoded })
}

/// Sends the body, and retries transient failures until `timeout` has passed.
pub(crate) fn push(
    http: &Http,
    destination: &Destination,
    method: Method,
    body: &[u8],
    timeout: Duration,
) -> Result<(), Error> {
    let start = Instant::now();
    let mut backoff = Backoff::default();
    let mut attempt = 1;
    loop {
        let remaining = timeout.saturating_sub(start.elapsed());
        let result = http.send(&Call {
            method,
            url: destination.url.reveal(),
            headers: &destination.endpoint.headers,
            body,
            content_type: CONTENT_TYPE,
            timeout: remaining,
            body_bytes_max: BODY_BYTES_MAX,
        });
        let (why, wait) = match &result {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
            Ok(answer) => (refusal(destination, answer), wait_after_response(answer, &mut backoff)),
            Err(error) => (chain(error), wait_after_error(error, &mut backoff)),
        };
        let remaining = timeout.saturating_sub(start.elapsed());
        match wait.filter(|wait| attempt < ATTEMPTS_MAX && *wait < remaining) {
            Some(wait) => std::thread::sleep(wait),
            None => return Err(failure(destination, method, attempt, &why, result.ok().as_ref())),
        }
        attempt += 1;
    }
}

/// The wait before the next attempt; `None` where the refusal is final.
fn wait_after_response(answer: &Answer, backoff: &mut Backoff) -> Option<Duration> {
    let is_transient = answer.status == 429 || (500..600).contains(&answer.status);
    let requested = || answer.header("Retry-After").and_then(retry_after);
    is_transient.then(|| requested().unwrap_or_else(|| backoff.next_wait()))
}

fn wait_after_error(error: &HttpError, backoff: &mut Backoff) -> Option<Duration> {
    (error.kind() == FailureKind::Unreachable).then(|| backoff.next_wait())
}

fn refusal(destination: &Destination, answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let body = quote(&Redactor::new([destination.given.reveal()]).redact(&body));
    let colon = if body.is_empty() { "" } else { ": " };
    format!("status {}{colon}{body}", answer.status)
}

fn failure(
    destination: &Destination,
    method: Method,
    attempts: u32,
    why: &str,
    answer: Option<&Answer>,
) -> Error {
    let verb = match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    };
    let times = if attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() };
    let message = format!("{verb} to {} failed{times}: {why}", destination.shown());
    let hint = match answer.map(|answer| answer.status) {
        Some(300..=399) => {
            "the server redirects: give the address it redirects to, a redirect would lose the body"
        }
        Some(400) => {
            "the server found the metrics inconsistent with others it holds: use another job or grouping"
        }
        Some(401 | 403) => "give user and password in the push URL",
        Some(404 | 405) => "for a Pushgateway give its base URL and --push-job",
        Some(_) => "the server is in trouble: the next run pushes again",
        None => "is the push URL right, and is the server up?",
    };
    Error::new(FailureKind::Output, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::job_alone("http://h:9091", "dvrf", &[], "/job/dvrf")]
    #[case::metrics_in_the_url("http://h:9091/metrics/", "dvrf", &[("instance", "a.b:1")], "/job/dvrf/instance/a.b:1")]
    #[case::slashes("http://h:9091/", "a/b", &[("path", "/var/tmp")], "/job@base64/YS9i/path@base64/L3Zhci90bXA")]
    #[case::empty_value("http://h:9091", "dvrf", &[("instance", "")], "/job/dvrf/instance@base64/=")]
    #[case::dots("http://h:9091", "..", &[("x", "é?")], "/job@base64/Li4/x@base64/w6k_")]
    fn groups_are_paths(
        #[case] base: &str,
        #[case] job: &str,
        #[case] labels: &[(&str, &str)],
        #[case] path: &str,
    ) {
        let group = Destination::new(&Secret::new(base)).unwrap().group(job, labels.iter().copied());
        assert_eq!(group.url.reveal(), format!("http://h:9091/metrics{path}"));
    }
}
