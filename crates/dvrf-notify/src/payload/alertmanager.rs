//! Alertmanager's API v2: one alert per finding. It is repeated in every run and ends by itself without repetition.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::message::{Item, Message};
use crate::notification::EventKind;
use supra_core::check::Status;

/// The name of all alerts; the label `code` distinguishes them.
const ALERTNAME: &str = "SupraDvrf";

pub(super) fn alerts(message: &Message, every_s: i64, now: Timestamp) -> Value {
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(now).to_string();
    let now_s = now.as_second();
    let is_resolved = message.event == EventKind::Resolved
        || message.status == Status::Ok && message.event != EventKind::Test;
    // Alertmanager ignores an end in the future if an earlier message had a later one. So the end is the time of
    // recovery, not of sending: a repetition then reaches even a receiver whose clock is behind.
    let end =
        if is_resolved { message.at_s.min(now_s) } else { now_s.saturating_add(every_s.saturating_mul(3)) };
    // Alertmanager refuses an end that is not after the start.
    let start = message.since_s.unwrap_or(message.at_s).min(now_s).min(end.saturating_sub(1));
    let alert = |item: &Item| {
        let mut labels = json!({
            "alertname": ALERTNAME,
            "code": item.code,
            "severity": item.severity.name(),
            "subscription": message.subscription,
        });
        if let Some(network) = &message.network {
            labels["network"] = json!(network);
        }
        let mut alert = json!({
            "labels": labels,
            "annotations": {
                "summary": message.headline(),
                "description": format!("{} {}", item.sentence, item.remedy),
                "runbook_url": item.link,
            },
            "startsAt": at(start),
            "endsAt": at(end),
        });
        if item.link.starts_with("http") {
            alert["generatorURL"] = json!(item.link);
        }
        alert
    };
    message.items.iter().map(alert).collect()
}
