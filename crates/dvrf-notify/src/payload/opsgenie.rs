//! Opsgenie's Alert API: the alias maps each of our incidents to one of its alerts.

use serde_json::{Map, Value, json};

use super::WebhookRequest;
use super::pagerduty::is_over;
use crate::escape::verbatim;
use crate::message::{Message, plain_command};
use crate::truncate::truncate;
use supra_core::check::{Severity, Status};
use supra_core::http::Method;

const MESSAGE: usize = 130;
const DESCRIPTION: usize = 15_000;
const ENTITY: usize = 512;

/// Creates an alert, or closes it.
pub(super) fn alert(message: &Message, url: &str, key: &str) -> WebhookRequest {
    let source = if message.host.is_empty() { "dvrf-notify" } else { &message.host };
    if is_over(message) {
        let note = truncate(&message.headline(), ENTITY, verbatim);
        let body = json!({"source": source, "note": note});
        return request(&of_alert(message, url, "close"), &body, key);
    }
    let details: Map<String, Value> = message.numbers.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    let codes: Vec<&str> = message.items.iter().map(|item| item.code.as_str()).collect();
    let body = json!({
        "message": truncate(&message.headline(), MESSAGE, verbatim),
        "alias": alias(message),
        "description": message.body(DESCRIPTION, verbatim, plain_command),
        "entity": truncate(&message.subscription, ENTITY, verbatim),
        "source": source,
        "priority": priority(message),
        "tags": codes,
        "details": details,
    });
    request(&format!("{}/v2/alerts", url.trim_end_matches('/')), &body, key)
}

/// Raises the priority of an alert: creating it once more only counts it.
pub(super) fn priority_of_alert(message: &Message, url: &str, key: &str) -> WebhookRequest {
    let url = of_alert(message, url, "priority");
    WebhookRequest { method: Method::Put, ..request(&url, &json!({"priority": priority(message)}), key) }
}

fn request(url: &str, body: &Value, key: &str) -> WebhookRequest {
    WebhookRequest::json(url, body).authorized("GenieKey", key)
}

fn of_alert(message: &Message, url: &str, action: &str) -> String {
    format!("{}/v2/alerts/{}/{action}?identifierType=alias", url.trim_end_matches('/'), alias(message))
}

fn alias(message: &Message) -> String {
    format!("dvrf-{}", message.incident)
}

fn priority(message: &Message) -> &'static str {
    match (message.status, message.severity) {
        (Status::Alert, Some(Severity::Critical)) => "P1",
        (Status::Ok, _) | (Status::Alert, Some(Severity::Info)) => "P5",
        _ => "P3",
    }
}
