//! ntfy: the topic is the last part of the URL; a message is published as JSON to the server.

use serde_json::json;

use super::WebhookRequest;
use crate::escape::verbatim;
use crate::message::{Message, plain_command};
use crate::notification::EventKind;
use crate::truncate::truncate;
use dvrf_cli::channel::parse::ntfy_topic;
use supra_core::check::{Severity, Status};

const TITLE: usize = 250;
/// A longer message becomes an attachment.
const MESSAGE_BYTES: usize = 4096;

pub(super) fn publication(message: &Message, url: &str, token: &str) -> WebhookRequest {
    let (server, topic) = ntfy_topic(url).unwrap_or((url, ""));
    let mut body = json!({
        "topic": topic,
        "title": truncate(&message.headline(), TITLE, verbatim),
        "message": text(message),
        "priority": priority(message),
    });
    if let Some(url) = message.runbook() {
        body["click"] = json!(url);
    }
    let request = WebhookRequest::json(&format!("{server}/"), &body);
    if token.is_empty() { request } else { request.authorized("Bearer", token) }
}

/// Steps, facts and footer within the limit, which is in bytes: a unit of UTF-16 has at most three.
fn text(message: &Message) -> String {
    let footer = truncate(&message.footer(), 300, verbatim);
    let within = |units| format!("{}\n\n{footer}", message.body(units, verbatim, plain_command));
    let whole = within(MESSAGE_BYTES - 2 - footer.len());
    if whole.len() <= MESSAGE_BYTES { whole } else { within((MESSAGE_BYTES - 2 - footer.len()) / 3) }
}

/// From 1 to 5; 3 is the default, and 5 sounds longest.
fn priority(message: &Message) -> u8 {
    match (message.event, message.status, message.severity) {
        (EventKind::Resolved | EventKind::Test, ..)
        | (_, Status::Ok, _)
        | (_, Status::Alert, Some(Severity::Info)) => 3,
        (_, Status::Alert, Some(Severity::Critical)) => 5,
        _ => 4,
    }
}
