//! Alertmanager's API v2: one alert per incident. It is repeated in every run and ends by itself without repetition.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::pagerduty::description;
use crate::message::{Alert, Message};
use crate::notification::EventKind;
use supra_core::check::{Severity, Status};

/// The name of all alerts; the label `problem` distinguishes them.
const ALERTNAME: &str = "SupraDvrf";
/// 2020-01-01: an earlier clock has not been set.
const CLOCK_SET_S: i64 = 1_577_836_800;

pub(super) fn alerts(message: &Message, every_s: i64, now: Timestamp) -> Value {
    let of_items = || {
        let alert = |item: &crate::message::Item| Alert {
            problem: item.code.clone(),
            item: item.clone(),
            since_s: message.since_s.unwrap_or(message.at_s),
            ended_s: Some(message.at_s).filter(|_| message.event == EventKind::Resolved),
        };
        message.items.iter().map(alert).collect()
    };
    // The message of `dvrf-notify test` has no incident, and neither have waiting messages of an older version.
    let alerts: Vec<Alert> = if message.alerts.is_empty() { of_items() } else { message.alerts.clone() };
    alerts.iter().map(|alert| one(alert, message, every_s, now)).collect()
}

fn one(alert: &Alert, message: &Message, every_s: i64, now: Timestamp) -> Value {
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(now).to_string();
    let now_s = now.as_second();
    // Alertmanager ignores an end in the future if an earlier message had a later one. So the end is the time of
    // recovery, not of sending: a repetition then reaches even a receiver whose clock is behind.
    let end = alert.ended_s.map_or(now_s.saturating_add(every_s.saturating_mul(3)), |ended| ended.min(now_s));
    // Alertmanager refuses an end that is not after the start.
    let start = alert.since_s.min(now_s).min(end.saturating_sub(1));
    let item = &alert.item;
    let mut body = json!({
        "labels": labels(alert, message),
        "annotations": {
            "summary": summary(alert, message),
            "description": description(item),
        },
    });
    // A host whose clock has not been set says nothing about time: Alertmanager then uses its own clock.
    if alert.ended_s.is_some() || now_s >= CLOCK_SET_S {
        body["startsAt"] = json!(at(start));
        body["endsAt"] = json!(at(end));
    }
    if item.link.starts_with("http") {
        body["annotations"]["runbook_url"] = json!(item.link);
        body["generatorURL"] = json!(item.link);
    }
    body
}

/// The headline of a message about this alert alone.
fn summary(alert: &Alert, message: &Message) -> String {
    if message.event == EventKind::Test {
        return message.headline();
    }
    let is_unknown = alert.item.severity == Severity::Unknown;
    let own = Message {
        event: if alert.ended_s.is_some() { EventKind::Resolved } else { EventKind::Firing },
        status: if is_unknown { Status::Unknown } else { Status::Alert },
        severity: Some(alert.item.severity),
        is_unknown,
        lang: message.lang,
        title: message.title.clone(),
        subscription: message.subscription.clone(),
        network: message.network.clone(),
        at_s: alert.ended_s.unwrap_or(message.at_s),
        since_s: Some(alert.since_s),
        items: vec![alert.item.clone()],
        ..Message::default()
    };
    own.headline()
}

/// The labels identify the alert. Usual routes know the severities critical, warning and info.
fn labels(alert: &Alert, message: &Message) -> Map<String, Value> {
    let mut labels = Map::new();
    let mut add = |name: &str, value: &str| labels.insert(name.to_owned(), json!(value));
    let severity = match alert.item.severity {
        Severity::Unknown => Severity::Warning,
        severity => severity,
    };
    add("alertname", ALERTNAME);
    add("code", &alert.item.code);
    add("problem", &alert.problem);
    add("severity", severity.name());
    if alert.item.severity == Severity::Unknown {
        add("status", Severity::Unknown.name());
    }
    add("subscription", &message.subscription);
    if let Some(network) = &message.network {
        add("network", network);
    }
    labels
}
