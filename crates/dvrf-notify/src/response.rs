//! Classifies a receiver's response: accepted, worth another try, a matter of configuration, or refused content. Pure.
//!
//! Only refusals of the content itself are final. Everything else waits in the outbox: a message must not be lost because
//! a proxy, a portal or a token is broken.

use std::time::Duration;

use serde_json::Value;

use dvrf_cli::channel::ChannelKind;
use supra_core::delivery::{Attempt, Disposition};
use supra_core::error::chain;
use supra_core::failure::FailureKind;
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

/// What a response means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Taken,
    /// The same request may succeed in a moment.
    TryAgain,
    /// The address, its credentials or the way to it must be repaired first; says how.
    Repair(&'static str),
    /// The receiver refuses the content.
    Refused,
}

const CHECK_ADDRESS: &str = "check the address and its token, or make a new one";

/// Slack's words for content that it refuses.
const SLACK_CONTENT: [&str; 8] = [
    "invalid_payload",
    "invalid_blocks",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "missing_text_or_fallback_or_attachments",
    "too_many_attachments",
    "invalid_attachments",
];
/// Slack's words for a webhook that does not work any more.
const SLACK_ADDRESS: [&str; 12] = [
    "no_service",
    "no_team",
    "no_active_hooks",
    "invalid_token",
    "token_revoked",
    "team_disabled",
    "channel_not_found",
    "channel_is_archived",
    "user_not_found",
    "action_prohibited",
    "posting_to_general_channel_denied",
    "not_authed",
];

impl WebhookResponse<'_> {
    /// A reason that ends with the body, if there is any.
    fn with_body(&self, reason: &str) -> String {
        match self.printable_body {
            "" => reason.to_owned(),
            // A page says nothing that helps, and much of it.
            _ if self.is_page() => format!("{reason}: a web page instead of an answer"),
            body => format!("{reason}: {body}"),
        }
    }

    /// Whether the body is a web page: of a portal, a proxy or a content delivery network, not of the receiver.
    fn is_page(&self) -> bool {
        let start: String = self.body.trim_start().chars().take(200).collect::<String>().to_ascii_lowercase();
        start.starts_with("<!doctype html") || start.starts_with("<html") || start.contains("<head>")
    }

    fn names(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.body.contains(word))
    }
}

/// Classifies a response to a single request.
pub(crate) fn attempt(kind: ChannelKind, response: WebhookResponse) -> Attempt {
    let status = response.status;
    let json: Option<Value> = serde_json::from_str(response.body).ok();
    let meaning = match status {
        200..=299 => of_success(kind, response, json.as_ref()),
        _ => of_status(kind, response, json.as_ref()),
    };
    let reason = match status {
        // The body and the address that a redirect names may contain a token.
        300..=399 => format!("HTTP {status}: a redirect, which is not followed"),
        200..=299 => {
            response.with_body(&format!("HTTP {status}, but the answer is not that of {}", kind.name()))
        }
        _ => response.with_body(&format!("HTTP {status}")),
    };
    let (disposition, reason) = match meaning {
        Meaning::Taken => (Disposition::Accepted, None),
        Meaning::TryAgain => {
            (Disposition::Retry { after: requested_wait(response, json.as_ref()) }, Some(reason))
        }
        Meaning::Repair(remedy) => {
            let remedy = upgraded_group(json.as_ref()).unwrap_or_else(|| remedy.to_owned());
            (Disposition::Unauthorized, Some(format!("{reason}; {remedy}")))
        }
        Meaning::Refused => (Disposition::Rejected, Some(reason)),
    };
    Attempt { disposition, reason, status: Some(status), tries: 1 }
}

/// The meaning of a status other than success.
fn of_status(kind: ChannelKind, response: WebhookResponse, json: Option<&Value>) -> Meaning {
    match response.status {
        // A receiver that cannot read it now may read it later, whatever the status: proxies have statuses of their own.
        408 | 409 | 421 | 423 | 425 | 429 | 500..=599 => Meaning::TryAgain,
        300..=399 => Meaning::Repair("give the final address"),
        407 => Meaning::Repair("the proxy asks for a password"),
        GONE => Meaning::Repair("the receiver closed this address: make a new one"),
        400 | 422 if response.is_page() => Meaning::TryAgain,
        400 | 422 if is_about_address(kind, response, json) => Meaning::Repair(CHECK_ADDRESS),
        400 | 413 | 422 => Meaning::Refused,
        _ => Meaning::Repair(CHECK_ADDRESS),
    }
}

/// Whether a 400 speaks of the address or its credentials, not of the content.
fn is_about_address(kind: ChannelKind, response: WebhookResponse, json: Option<&Value>) -> bool {
    match kind {
        ChannelKind::Slack => response.names(&SLACK_ADDRESS),
        // Telegram refuses content in a few known sentences; the others are about the chat and the bot.
        ChannelKind::Telegram => json.is_some() && !is_telegram_content(response),
        ChannelKind::Pagerduty => {
            response.body.to_ascii_lowercase().contains("routing") && response.names(&["key"])
        }
        ChannelKind::Opsgenie => response.names(&["Key format", "API key", "apiKey"]),
        // The names of Mattermost's errors; `text` and `parse` are about the content.
        ChannelKind::Mattermost => {
            response.names(&["incoming_webhook."]) && !response.names(&["webhook.text", "webhook.parse"])
        }
        ChannelKind::Rocketchat => {
            response.names(&["invalid-channel", "invalid-room", "error-not-allowed", "not-in-channel"])
        }
        ChannelKind::Matrix => {
            response.names(&["M_INVALID_PARAM", "M_MISSING_TOKEN", "M_UNKNOWN_TOKEN", "M_FORBIDDEN"])
        }
        ChannelKind::Ntfy => response.names(&["topic invalid", "topic is disallowed", "topic name"]),
        // 50035 and 50006 are about the form; 10015 and 50027 are about the webhook.
        ChannelKind::Discord => response.names(&["10015", "50027"]),
        _ => false,
    }
}

fn is_telegram_content(response: WebhookResponse) -> bool {
    response.names(&[
        "can't parse entities",
        "message is too long",
        "message text is empty",
        "must be encoded in UTF-8",
        "MESSAGE_TOO_LONG",
    ])
}

/// The meaning of a success: some receivers put an error into its body, and a portal answers in their place.
fn of_success(kind: ChannelKind, response: WebhookResponse, json: Option<&Value>) -> Meaning {
    let body = response.body;
    let says = |flag: bool| json.is_some_and(|json| json.get("ok") == Some(&Value::Bool(flag)));
    let (is_ok, is_refused) = (|| says(true), || says(false));
    match kind {
        // Relays and home-made receivers answer what they like.
        ChannelKind::Generic => Meaning::Taken,
        // The retired connectors responded with 200 and reported the real status in the text.
        ChannelKind::Teams => match body.split_once("HTTP error ") {
            None => Meaning::Taken,
            Some((_, rest)) => match rest.get(..3).and_then(|code| code.parse().ok()) {
                Some(status) => of_status(kind, WebhookResponse { status, ..response }, json),
                None => Meaning::Taken,
            },
        },
        _ if response.is_page() => Meaning::TryAgain,
        ChannelKind::Slack if body.trim() == "ok" || is_ok() => Meaning::Taken,
        ChannelKind::Slack if response.names(&SLACK_CONTENT) => Meaning::Refused,
        ChannelKind::Slack if response.names(&SLACK_ADDRESS) => Meaning::Repair(CHECK_ADDRESS),
        ChannelKind::Slack if is_refused() => Meaning::TryAgain,
        ChannelKind::Telegram if is_ok() => Meaning::Taken,
        ChannelKind::Telegram => {
            // The body repeats the status that the answer should have had.
            let code = json.and_then(|json| json.get("error_code")?.as_u64());
            match code.and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 300) {
                Some(status) => of_status(kind, WebhookResponse { status, ..response }, json),
                None => Meaning::TryAgain,
            }
        }
        // A homeserver names the event, an ntfy server the message.
        ChannelKind::Matrix if json.is_none_or(|json| json.get("event_id").is_none()) => Meaning::TryAgain,
        ChannelKind::Ntfy if json.is_none_or(|json| json.get("id").is_none()) => Meaning::TryAgain,
        ChannelKind::Rocketchat if json.and_then(|json| json.get("success")) == Some(&Value::Bool(false)) => {
            Meaning::Repair(CHECK_ADDRESS)
        }
        // Servers that are compatible with Slack have words of their own, or none.
        _ => Meaning::Taken,
    }
}

/// What to do when Telegram turned a group into a supergroup, which has another id.
fn upgraded_group(json: Option<&Value>) -> Option<String> {
    let chat = json?.pointer("/parameters/migrate_to_chat_id")?.as_i64()?;
    Some(format!("Telegram made the group a supergroup: set chat={chat}"))
}

/// The wait that a response asks for: the header, else the field of Discord's, Telegram's and Matrix's bodies.
fn requested_wait(response: WebhookResponse, json: Option<&Value>) -> Option<Duration> {
    if let Some(header) = response.retry_after.and_then(retry_after) {
        return Some(header);
    }
    let json = json?;
    if let Some(milliseconds) = json.get("retry_after_ms").and_then(Value::as_u64) {
        return Some(Duration::from_millis(milliseconds));
    }
    let field = json.get("retry_after").or_else(|| json.pointer("/parameters/retry_after"))?;
    // Older versions of Discord's API use milliseconds; a value above 300 is taken for one of theirs.
    let seconds = field.as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)?;
    let seconds = if seconds > 300.0 { seconds / 1000.0 } else { seconds };
    Duration::try_from_secs_f64(seconds).ok()
}

/// Classifies a request that got no response.
pub(crate) fn failed_attempt(error: &HttpError) -> Attempt {
    let (disposition, reason) = match error.kind() {
        FailureKind::Config => (Disposition::Unauthorized, format!("{error}; correct the address")),
        _ => (Disposition::Retry { after: None }, chain(error)),
    };
    Attempt { disposition, reason: Some(reason), status: None, tries: 1 }
}

/// Whether the receiver asked never to be called at this address again.
pub(crate) fn is_gone(attempt: &Attempt) -> bool {
    attempt.status == Some(GONE)
}

#[cfg(test)]
mod tests;
