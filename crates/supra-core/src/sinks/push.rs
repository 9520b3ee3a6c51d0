//! Metrics sent to a server: a Pushgateway group, or any URL as the old script did. The URL is a secret.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::failure::{Failure, FailureKind, quote};
use crate::http::{Answer, Call, Http, HttpError, Method};
use crate::retry::{Backoff, retry_after};
use crate::secret::{Secret, redact_url};

/// The media type of text format 0.0.4; a Pushgateway reads no OpenMetrics.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// An answer says at most why it refused.
const BODY_BYTES_MAX: u64 = 64 << 10;
/// The same body twice does no harm, so a passing fault is tried again within the time given.
const ATTEMPTS_MAX: u32 = 4;

/// A server to push to.
#[derive(Debug, Clone)]
pub struct Destination {
    url: Secret,
    headers: Vec<(String, Secret)>,
    shown: String,
}

/// Why a destination cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// Another scheme, or none.
    #[error("a URL that begins with http:// or https:// is needed")]
    Scheme,
    /// A character that cannot stand in a URL.
    #[error("a URL without spaces and control characters is needed")]
    Character,
    /// The job of a group may not be empty.
    #[error("the name of the job must not be empty")]
    Job,
}

impl Destination {
    /// A URL as given. User and password in it become a header.
    pub fn new(url: &Secret) -> Result<Self, DestinationError> {
        let text = url.reveal().trim();
        let (scheme, rest) = text.split_once("://").ok_or(DestinationError::Scheme)?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(DestinationError::Scheme);
        }
        if rest.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(DestinationError::Character);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (credentials, host) = authority.rsplit_once('@').map_or((None, authority), |(c, h)| (Some(c), h));
        let basic = |credentials: &str| {
            let encoded = STANDARD.encode(percent_decoded(credentials));
            ("Authorization".to_owned(), Secret::new(&format!("Basic {encoded}")))
        };
        Ok(Self {
            url: Secret::new(&format!("{scheme}://{host}{path}")),
            headers: credentials.map(basic).into_iter().collect(),
            shown: redact_url(text),
        })
    }

    /// The group of a job and its labels under a Pushgateway's base URL.
    pub fn group(&self, job: &str, grouping: &[(String, String)]) -> Result<Self, DestinationError> {
        if job.is_empty() {
            return Err(DestinationError::Job);
        }
        let mut url = self.url.reveal().trim_end_matches('/').to_owned();
        if !url.ends_with("/metrics") {
            url.push_str("/metrics");
        }
        for (name, value) in
            [("job", job)].into_iter().chain(grouping.iter().map(|(n, v)| (n.as_str(), v.as_str())))
        {
            url.push_str(&segment(name, value));
        }
        Ok(Self { url: Secret::new(&url), ..self.clone() })
    }

    /// Scheme and host, for messages.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// `/name/value`, or `/name@base64/…` for what cannot stand in a path: a slash, nothing, or anything unusual.
fn segment(name: &str, value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~:,.".contains(&byte);
    // A segment of dots alone would be resolved away on its way.
    if value.bytes().all(plain) && !value.bytes().all(|byte| byte == b'.') {
        return format!("/{name}/{value}");
    }
    let encoded = URL_SAFE_NO_PAD.encode(value);
    format!("/{name}@base64/{}", if encoded.is_empty() { "=" } else { &encoded })
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

/// Sends the body, again after a passing fault, for no longer than `total` in all.
pub fn push(destination: &Destination, method: Method, body: &[u8], total: Duration) -> Result<(), Failure> {
    let http = Http::new(1);
    let start = Instant::now();
    let mut backoff = Backoff::new(u64::from(std::process::id()));
    let mut attempt = 1;
    loop {
        let timeout = total.saturating_sub(start.elapsed());
        let result = http.send(&Call {
            method,
            url: destination.url.reveal(),
            headers: &destination.headers,
            body,
            content_type: CONTENT_TYPE,
            timeout,
            body_bytes_max: BODY_BYTES_MAX,
        });
        let (why, wait) = match &result {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
            Ok(answer) => (refusal(answer), wait_after(answer, &mut backoff)),
            Err(error) => (error.to_string(), wait_without_answer(error, &mut backoff)),
        };
        let left = total.saturating_sub(start.elapsed());
        match wait.filter(|wait| attempt < ATTEMPTS_MAX && *wait < left) {
            Some(wait) => std::thread::sleep(wait),
            None => return Err(failure(destination, method, attempt, &why, result.ok().as_ref())),
        }
        attempt += 1;
    }
}

/// How long to wait before trying again; `None` where it is no use.
fn wait_after(answer: &Answer, backoff: &mut Backoff) -> Option<Duration> {
    let passing = answer.status == 429 || (500..600).contains(&answer.status);
    let said = || answer.header("Retry-After").and_then(retry_after);
    passing.then(|| said().unwrap_or_else(|| backoff.next_wait()))
}

fn wait_without_answer(error: &HttpError, backoff: &mut Backoff) -> Option<Duration> {
    matches!(error, HttpError::Connection(_)).then(|| backoff.next_wait())
}

fn refusal(answer: &Answer) -> String {
    let body = quote(&String::from_utf8_lossy(&answer.body));
    let colon = if body.is_empty() { "" } else { ": " };
    format!("status {}{colon}{body}", answer.status)
}

fn failure(
    destination: &Destination,
    method: Method,
    attempts: u32,
    why: &str,
    answer: Option<&Answer>,
) -> Failure {
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
    Failure::new(FailureKind::Output, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(url: &str) -> Result<Destination, DestinationError> {
        Destination::new(&Secret::new(url))
    }

    #[test]
    fn groups_are_paths() {
        let group = |base: &str, job: &str, labels: &[(&str, &str)]| {
            let labels: Vec<_> = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            destination(base).unwrap().group(job, &labels).map(|group| group.url.reveal().to_owned())
        };
        let at = |path: &str| Ok(format!("http://h:9091/metrics{path}"));
        assert_eq!(group("http://h:9091", "dvrf", &[]), at("/job/dvrf"));
        assert_eq!(
            group("http://h:9091/metrics/", "dvrf", &[("instance", "a.b:1")]),
            at("/job/dvrf/instance/a.b:1")
        );
        assert_eq!(
            group("http://h:9091/", "a/b", &[("path", "/var/tmp")]),
            at("/job@base64/YS9i/path@base64/L3Zhci90bXA")
        );
        assert_eq!(group("http://h:9091", "dvrf", &[("instance", "")]), at("/job/dvrf/instance@base64/="));
        assert_eq!(group("http://h:9091", "..", &[("x", "é?")]), at("/job@base64/Li4/x@base64/w6k_"));
        assert_eq!(group("http://h:9091", "", &[]), Err(DestinationError::Job));
    }

    #[test]
    fn credentials_leave_the_url() {
        let found = destination("https://me:p%40ss@h/x?y=1\n").unwrap();
        assert_eq!(found.url.reveal(), "https://h/x?y=1");
        assert_eq!(found.headers[0].1.reveal(), "Basic bWU6cEBzcw==");
        assert_eq!(found.shown(), "https://h/***");
        assert!(!format!("{found:?}").contains("p%40ss"));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for (url, error) in [
            ("h:9091/metrics", DestinationError::Scheme),
            ("file:///etc/passwd", DestinationError::Scheme),
            ("http://h/a b", DestinationError::Character),
            ("http://", DestinationError::Character),
        ] {
            assert_eq!(destination(url).unwrap_err(), error, "{url}");
        }
    }
}
