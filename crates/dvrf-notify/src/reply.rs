//! What a receiver's answer means: taken, try again, or never. Pure; one function over status, headers and body.

use std::time::Duration;

use serde_json::Value;

use dvrf_cli::channel::ChannelKind;
use supra_core::http::HttpError;
use supra_core::retry::retry_after;

/// The meaning of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It was taken.
    Taken,
    /// Not now.
    Again {
        /// Why.
        why: String,
        /// How long the receiver asks us to wait.
        after: Option<Duration>,
    },
    /// This message never, others perhaps: its content was refused.
    Refused {
        /// Why.
        why: String,
    },
    /// Nothing at this address: the address, or the right to use it, is wrong.
    NoEntry {
        /// Why.
        why: String,
        /// What to do.
        fix: &'static str,
        /// Whether the receiver asked never to be called again.
        gone: bool,
    },
}

/// The answer as far as it matters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply<'a> {
    /// The status.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<&'a str>,
    /// The body, made safe to show only by the caller.
    pub body: &'a str,
}

/// Reads an answer.
pub(crate) fn meaning(kind: ChannelKind, reply: Reply) -> Meaning {
    let why = || match reply.body.trim() {
        "" => format!("HTTP {}", reply.status),
        body => format!("HTTP {}: {body}", reply.status),
    };
    let json: Option<Value> = serde_json::from_str(reply.body).ok();
    match reply.status {
        200..=299 => taken(kind, reply.body, json.as_ref()).unwrap_or(Meaning::Taken),
        408 | 425 | 429 | 500 | 502 | 503 | 504 => {
            Meaning::Again { why: why(), after: wait(reply, json.as_ref()) }
        }
        300..=399 => Meaning::NoEntry {
            why: format!("HTTP {}: a redirect, which is not followed", reply.status),
            fix: "give the final address",
            gone: false,
        },
        410 => Meaning::NoEntry {
            why: why(),
            fix: "the receiver closed this address: make a new one",
            gone: true,
        },
        401 | 403 | 404 | 405 => Meaning::NoEntry {
            why: why(),
            fix: "check the address and its token, or make a new one",
            gone: false,
        },
        _ => Meaning::Refused { why: why() },
    }
}

/// The time that the answer asks for: the header, else the field that Discord and Telegram have in the body.
fn wait(reply: Reply, json: Option<&Value>) -> Option<Duration> {
    if let Some(header) = reply.retry_after.and_then(retry_after) {
        return Some(header);
    }
    let json = json?;
    let field = json.get("retry_after").or_else(|| json.pointer("/parameters/retry_after"))?;
    // Older Discord answers are in milliseconds; more than five minutes in seconds is one of those.
    let seconds = field.as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)?;
    let seconds = if seconds > 300.0 { seconds / 1000.0 } else { seconds };
    Duration::try_from_secs_f64(seconds).ok()
}

/// What a good status hides.
fn taken(kind: ChannelKind, body: &str, json: Option<&Value>) -> Option<Meaning> {
    let says_ok = || json.is_some_and(|json| json.get("ok") == Some(&Value::Bool(true)));
    let refused = |what: &str| Some(Meaning::Refused { why: format!("{what}: {}", body.trim()) });
    match kind {
        ChannelKind::Slack if body.trim() != "ok" && !says_ok() => {
            refused("HTTP 200, but the answer is not `ok`")
        }
        ChannelKind::Telegram if !says_ok() => refused("HTTP 200, but the answer is not `ok: true`"),
        // The retired connectors answered 200 and put the throttling into the text.
        ChannelKind::Teams if body.contains("HTTP error 429") => {
            Some(Meaning::Again { why: "the answer says 429".to_owned(), after: None })
        }
        ChannelKind::Teams if body.contains("HTTP error") => refused("HTTP 200, but the answer is an error"),
        _ => None,
    }
}

/// Reads the lack of an answer.
pub(crate) fn no_answer(error: &HttpError) -> Meaning {
    let why = error.to_string();
    match error {
        HttpError::Timeout(_) | HttpError::Connection(_) | HttpError::TooLong(_) => {
            Meaning::Again { why, after: None }
        }
        HttpError::BadCall(_) => Meaning::NoEntry { why, fix: "correct the address", gone: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ChannelKind, status: u16, header: Option<&str>, body: &str) -> Meaning {
        meaning(kind, Reply { status, retry_after: header, body })
    }

    #[test]
    fn taken_or_not() {
        for (kind, status, body, taken) in [
            (ChannelKind::Slack, 200, "ok", true),
            (ChannelKind::Slack, 200, "{\"ok\":true}", true),
            (ChannelKind::Slack, 200, "invalid_payload", false),
            (ChannelKind::Slack, 200, "", false),
            (ChannelKind::Teams, 202, "", true),
            (ChannelKind::Teams, 200, "1", true),
            (
                ChannelKind::Teams,
                200,
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400",
                false,
            ),
            (ChannelKind::Discord, 204, "", true),
            (ChannelKind::Telegram, 200, "{\"ok\":true}", true),
            (ChannelKind::Telegram, 200, "{\"ok\":false}", false),
            (ChannelKind::Pagerduty, 202, "{\"status\":\"success\"}", true),
            (ChannelKind::Alertmanager, 200, "", true),
            (ChannelKind::Generic, 206, "whatever", true),
            (ChannelKind::Ping, 200, "OK", true),
        ] {
            assert_eq!(of(kind, status, None, body) == Meaning::Taken, taken, "{kind:?} {status} {body}");
        }
    }

    #[test]
    fn again_with_the_time_asked_for() {
        let again = |kind, status, header, body| match of(kind, status, header, body) {
            Meaning::Again { after, .. } => after,
            other => panic!("{other:?}"),
        };
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(again(ChannelKind::Generic, status, None, ""), None);
        }
        assert_eq!(again(ChannelKind::Slack, 429, Some("7"), ""), Some(Duration::from_secs(7)));
        assert_eq!(
            again(ChannelKind::Slack, 503, Some("Wed, 21 Oct 2015 07:28:00 GMT"), ""),
            Some(Duration::ZERO)
        );
        assert_eq!(
            again(ChannelKind::Discord, 429, None, "{\"retry_after\": 1.5}"),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            again(ChannelKind::Discord, 429, None, "{\"retry_after\": 64000}"),
            Some(Duration::from_secs(64))
        );
        assert_eq!(
            again(ChannelKind::Discord, 429, Some("2"), "{\"retry_after\": 9}"),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            again(ChannelKind::Telegram, 429, None, "{\"parameters\":{\"retry_after\":3}}"),
            Some(Duration::from_secs(3))
        );
        assert_eq!(again(ChannelKind::Discord, 429, None, "{\"retry_after\": -1}"), None);
        assert_eq!(
            again(ChannelKind::Teams, 200, None, "Microsoft Teams endpoint returned HTTP error 429"),
            None
        );
    }

    #[test]
    fn never() {
        for status in [301, 302, 307, 401, 403, 404, 405] {
            let Meaning::NoEntry { gone: false, .. } = of(ChannelKind::Slack, status, None, "x") else {
                panic!("{status}")
            };
        }
        let Meaning::NoEntry { gone: true, .. } = of(ChannelKind::Generic, 410, None, "") else { panic!() };
        for status in [400, 413, 422, 501] {
            let Meaning::Refused { .. } = of(ChannelKind::Slack, status, None, "invalid_blocks") else {
                panic!("{status}")
            };
        }
        // The address a redirect points to may hold a token.
        let Meaning::NoEntry { why, .. } = of(ChannelKind::Slack, 302, None, "https://h/SECRET") else {
            panic!()
        };
        assert!(!why.contains("SECRET"));
    }
}
