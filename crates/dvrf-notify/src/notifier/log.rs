//! Logs the messages that were not delivered.

use std::collections::{BTreeMap, BTreeSet};

use crate::notification::{DeliveryOutcome, Notification};
use dvrf_cli::Session;

/// Logs the messages that were not delivered: each one that was tried, and the others as a number.
pub(crate) fn log(notifications: &[&Notification], session: &Session) {
    let mut others: BTreeMap<(&str, &str, DeliveryOutcome), usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for told in notifications.iter().filter(|told| told.outcome.is_failure()) {
        let Notification { channel, event, outcome, attempts, error, id, .. } = told;
        let error = error.as_deref().unwrap_or_default();
        if *attempts == 0 {
            *others.entry((channel, error, *outcome)).or_default() += 1;
        } else if seen.insert((channel, id)) {
            let (event, what) = (event.name(), what_happened(*outcome));
            let text =
                format!("channel {channel}: the {event} message {what} after {attempts} attempts: {error}");
            session.log("error", &text);
        }
    }
    for told in notifications.iter().filter(|told| told.outcome == DeliveryOutcome::Delivered) {
        // Such as one of several recipients that the mail server refused.
        if let Some(error) = told.error.as_ref().filter(|_| seen.insert((&told.channel, &told.id))) {
            session.log("warning", &format!("channel {}: {error}", told.channel));
        }
    }
    for ((channel, error, outcome), count) in others {
        let messages = if count == 1 { "1 message" } else { &format!("{count} messages") };
        let what = match outcome {
            DeliveryOutcome::Queued if count > 1 => "wait in the outbox",
            DeliveryOutcome::Failed if count > 1 => "were not delivered",
            DeliveryOutcome::Dropped | DeliveryOutcome::Expired if count > 1 => "were given up",
            outcome => what_happened(outcome),
        };
        session.log("error", &format!("channel {channel}: {messages} {what}: {error}"));
    }
}

fn what_happened(outcome: DeliveryOutcome) -> &'static str {
    match outcome {
        DeliveryOutcome::Queued => "waits in the outbox",
        DeliveryOutcome::Expired | DeliveryOutcome::Dropped => "was given up",
        _ => "was not delivered",
    }
}
