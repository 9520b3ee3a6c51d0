//! PagerDuty's Events API v2: the `dedup_key` maps each of our incidents to one of theirs.

use serde_json::{Map, Value, json};

use crate::escape::verbatim;
use crate::message::{Item, Message};
use crate::notification::EventKind;
use crate::truncate::truncate;
use supra_core::check::{Severity, Status};

/// The longest summary that PagerDuty accepts.
const SUMMARY: usize = 1024;

/// What a finding says, and what to do, in one text.
pub(super) fn description(item: &Item) -> String {
    let mut steps = item.steps().into_iter().map(|(number, step)| format!("{number}{step}"));
    // The command is the first step's.
    let lines = [Some(item.sentence.clone()), steps.next(), item.command.clone()];
    let lines = lines.into_iter().flatten().chain(steps).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a message ends the incident at a pager.
pub(super) fn is_over(message: &Message) -> bool {
    // An improvement is sent to a pager only when it falls below the pager's level.
    matches!(message.event, EventKind::Resolved | EventKind::Better)
        || (message.event == EventKind::Report && message.status == Status::Ok)
}

pub(super) fn event(message: &Message, key: &str) -> Value {
    let dedup_key = format!("dvrf-{}", message.incident);
    if is_over(message) {
        return json!({"routing_key": key, "event_action": "resolve", "dedup_key": dedup_key});
    }
    let severity = match (message.status, message.severity) {
        (Status::Alert, Some(Severity::Critical)) => "critical",
        (Status::Ok, _) | (Status::Alert, Some(Severity::Info)) => "info",
        _ => "warning",
    };
    let mut details = Map::new();
    for (label, value) in &message.numbers {
        details.insert(label.clone(), Value::String(value.clone()));
    }
    for item in &message.items {
        details.insert(item.code.clone(), Value::String(description(item)));
    }
    let first = message.items.first();
    let summary = match first {
        Some(item) if !item.cause.is_empty() => format!("{}: {}", message.headline(), item.cause),
        _ => message.headline(),
    };
    let mut event = json!({
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "payload": {
            "summary": truncate(&summary, SUMMARY, verbatim),
            "source": message.subscription,
            "severity": severity,
            "timestamp": jiff::Timestamp::from_second(message.at_s).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string(),
            "component": "supra-dvrf",
            "group": message.network,
            "class": first.map(|item| item.code.as_str()),
            "custom_details": details,
        },
    });
    // PagerDuty accepts only absolute links.
    if let Some(link) = message.runbook() {
        event["links"] = json!([{"href": link, "text": "runbook"}]);
    }
    event
}
