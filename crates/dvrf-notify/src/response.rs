//! Classifies a receiver's response: accepted, worth another try, or refused. Pure.

use std::time::Duration;

use serde_json::Value;

use dvrf_cli::channel::ChannelKind;
use supra_core::delivery::{Attempt, Disposition};
use supra_core::http::HttpError;
use supra_core::retry::retry_after;

const GONE: u16 = 410;

/// The parts of an HTTP response that decide about a delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WebhookResponse<'a> {
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<&'a str>,
    /// The body as received; it may contain secrets.
    pub body: &'a str,
    /// The body in a form that is safe to print.
    pub printable_body: &'a str,
}

impl WebhookResponse<'_> {
    /// A reason that ends with the body, if there is any.
    fn with_body(&self, reason: &str) -> String {
        match self.printable_body {
            "" => reason.to_owned(),
            body => format!("{reason}: {body}"),
        }
    }
}

/// Classifies a response to a single request.
pub(crate) fn attempt(kind: ChannelKind, response: WebhookResponse) -> Attempt {
    let status = response.status;
    let json: Option<Value> = serde_json::from_str(response.body).ok();
    let by_status = || Some(response.with_body(&format!("HTTP {status}")));
    let (disposition, reason) = match status {
        200..=299 => success(kind, response, json.as_ref()),
        408 | 425 | 429 | 500 | 502 | 503 | 504 => {
            (Disposition::Retry { after: requested_wait(response, json.as_ref()) }, by_status())
        }
        // The body and the address that a redirect names may contain a token.
        300..=399 => {
            (Disposition::Unauthorized, Some(format!("HTTP {status}: a redirect, which is not followed")))
        }
        401 | 403 | 404 | 405 | GONE => (Disposition::Unauthorized, by_status()),
        _ => (Disposition::Rejected, by_status()),
    };
    Attempt { disposition, reason, status: Some(status), tries: 1 }
}

/// Classifies a response with a status of success: some receivers put an error into its body.
fn success(
    kind: ChannelKind,
    response: WebhookResponse,
    json: Option<&Value>,
) -> (Disposition, Option<String>) {
    let body = response.body;
    let is_ok = || json.is_some_and(|json| json.get("ok") == Some(&Value::Bool(true)));
    let rejected = |reason: &str| (Disposition::Rejected, Some(response.with_body(reason)));
    match kind {
        ChannelKind::Slack if body.trim() != "ok" && !is_ok() => {
            rejected("HTTP 200, but the answer is not `ok`")
        }
        ChannelKind::Telegram if !is_ok() => rejected("HTTP 200, but the answer is not `ok: true`"),
        // The retired connectors responded with 200 and reported throttling in the text.
        ChannelKind::Teams if body.contains("HTTP error 429") => {
            (Disposition::Retry { after: None }, Some("the answer says 429".to_owned()))
        }
        ChannelKind::Teams if body.contains("HTTP error") => rejected("HTTP 200, but the answer is an error"),
        _ => (Disposition::Accepted, None),
    }
}

/// The wait that a response asks for: the header, else the field of Discord's and Telegram's bodies.
fn requested_wait(response: WebhookResponse, json: Option<&Value>) -> Option<Duration> {
    if let Some(header) = response.retry_after.and_then(retry_after) {
        return Some(header);
    }
    let json = json?;
    let field = json.get("retry_after").or_else(|| json.pointer("/parameters/retry_after"))?;
    // Older versions of Discord's API use milliseconds; a value above 300 is taken for one of theirs.
    let seconds = field.as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)?;
    let seconds = if seconds > 300.0 { seconds / 1000.0 } else { seconds };
    Duration::try_from_secs_f64(seconds).ok()
}

/// Classifies a request that got no response.
pub(crate) fn failed_attempt(error: &HttpError) -> Attempt {
    let disposition = match error {
        HttpError::Timeout(_) | HttpError::Connection(_) | HttpError::TooLong(_) => {
            Disposition::Retry { after: None }
        }
        HttpError::BadCall(_) => Disposition::Unauthorized,
    };
    Attempt { disposition, reason: Some(error.to_string()), status: None, tries: 1 }
}

/// Whether the receiver asked never to be called at this address again.
pub(crate) fn is_gone(attempt: &Attempt) -> bool {
    attempt.status == Some(GONE)
}

/// How to correct the address of an unauthorized attempt.
pub(crate) fn address_remedy(attempt: &Attempt) -> &'static str {
    match attempt.status {
        None => "correct the address",
        Some(300..=399) => "give the final address",
        Some(GONE) => "the receiver closed this address: make a new one",
        Some(_) => "check the address and its token, or make a new one",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn response<'a>(status: u16, retry_after: Option<&'a str>, body: &'a str) -> WebhookResponse<'a> {
        WebhookResponse { status, retry_after, body, printable_body: "printable" }
    }

    #[rstest]
    #[case::slack(ChannelKind::Slack, 200, "ok")]
    #[case::slack_json(ChannelKind::Slack, 200, "{\"ok\":true}")]
    #[case::teams_workflow(ChannelKind::Teams, 202, "")]
    #[case::teams_connector(ChannelKind::Teams, 200, "1")]
    #[case::discord(ChannelKind::Discord, 204, "")]
    #[case::telegram(ChannelKind::Telegram, 200, "{\"ok\":true}")]
    #[case::pagerduty(ChannelKind::Pagerduty, 202, "{\"status\":\"success\"}")]
    #[case::alertmanager(ChannelKind::Alertmanager, 200, "")]
    #[case::generic(ChannelKind::Generic, 206, "whatever")]
    #[case::ping(ChannelKind::Ping, 200, "OK")]
    fn accepted(#[case] kind: ChannelKind, #[case] status: u16, #[case] body: &str) {
        let attempt = attempt(kind, response(status, None, body));
        assert_eq!((attempt.disposition, attempt.reason), (Disposition::Accepted, None));
    }

    #[rstest]
    #[case::slack_error(
        ChannelKind::Slack,
        200,
        "invalid_payload",
        "HTTP 200, but the answer is not `ok`: printable"
    )]
    #[case::slack_empty(ChannelKind::Slack, 200, "", "HTTP 200, but the answer is not `ok`: printable")]
    #[case::slack_blocks(ChannelKind::Slack, 400, "invalid_blocks", "HTTP 400: printable")]
    #[case::telegram(
        ChannelKind::Telegram,
        200,
        "{\"ok\":false}",
        "HTTP 200, but the answer is not `ok: true`: printable"
    )]
    #[case::teams(
        ChannelKind::Teams,
        200,
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400",
        "HTTP 200, but the answer is an error: printable"
    )]
    #[case::too_large(ChannelKind::Generic, 413, "", "HTTP 413: printable")]
    #[case::unprocessable(ChannelKind::Generic, 422, "", "HTTP 422: printable")]
    #[case::not_implemented(ChannelKind::Generic, 501, "", "HTTP 501: printable")]
    fn rejected(#[case] kind: ChannelKind, #[case] status: u16, #[case] body: &str, #[case] reason: &str) {
        let attempt = attempt(kind, response(status, None, body));
        assert_eq!((attempt.disposition, attempt.reason.as_deref()), (Disposition::Rejected, Some(reason)));
    }

    #[rstest]
    fn transient_statuses_are_retried(#[values(408, 425, 429, 500, 502, 503, 504)] status: u16) {
        let attempt = attempt(ChannelKind::Generic, response(status, None, ""));
        assert_eq!(attempt.disposition, Disposition::Retry { after: None });
        assert_eq!(attempt.status, Some(status));
    }

    #[rstest]
    #[case::header_seconds(ChannelKind::Slack, 429, Some("7"), "", Some(7000))]
    #[case::header_past_date(ChannelKind::Slack, 503, Some("Wed, 21 Oct 2015 07:28:00 GMT"), "", Some(0))]
    #[case::discord_seconds(ChannelKind::Discord, 429, None, "{\"retry_after\": 1.5}", Some(1500))]
    #[case::discord_milliseconds(ChannelKind::Discord, 429, None, "{\"retry_after\": 64000}", Some(64_000))]
    #[case::header_before_body(ChannelKind::Discord, 429, Some("2"), "{\"retry_after\": 9}", Some(2000))]
    #[case::telegram(ChannelKind::Telegram, 429, None, "{\"parameters\":{\"retry_after\":3}}", Some(3000))]
    #[case::negative(ChannelKind::Discord, 429, None, "{\"retry_after\": -1}", None)]
    #[case::teams_text(
        ChannelKind::Teams,
        200,
        None,
        "Microsoft Teams endpoint returned HTTP error 429",
        None
    )]
    fn requested_waits(
        #[case] kind: ChannelKind,
        #[case] status: u16,
        #[case] header: Option<&str>,
        #[case] body: &str,
        #[case] milliseconds: Option<u64>,
    ) {
        let after = milliseconds.map(Duration::from_millis);
        assert_eq!(attempt(kind, response(status, header, body)).disposition, Disposition::Retry { after });
    }

    #[rstest]
    fn refused_addresses(#[values(301, 302, 307, 401, 403, 404, 405, 410)] status: u16) {
        let attempt = attempt(ChannelKind::Slack, response(status, None, "x"));
        assert_eq!(attempt.disposition, Disposition::Unauthorized);
        assert_eq!(is_gone(&attempt), status == 410);
    }

    #[test]
    fn a_redirect_does_not_show_its_body() {
        let attempt = attempt(ChannelKind::Slack, response(302, None, "https://h/SECRET"));
        assert_eq!(attempt.reason.as_deref(), Some("HTTP 302: a redirect, which is not followed"));
        assert_eq!(address_remedy(&attempt), "give the final address");
    }
}
