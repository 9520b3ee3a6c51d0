//! Applies the results of deliveries to the alert state. Pure.

use crate::alert_state::{AlertState, Incident};
use crate::message::Message;
use crate::notification::{DeliveryOutcome, EventKind, Notification};
use crate::outbox::OutboxEntry;
use crate::response::is_gone;
use dvrf_cli::channel::Channel;
use supra_core::delivery::{Attempt, Disposition};

/// The longest wait that a receiver can ask for, in seconds.
const HOLD_S_MAX: i64 = 3600;

/// Applies the result of sending a waiting message; returns its outcome if it was not accepted.
pub(crate) fn apply(
    state: &mut AlertState,
    channel: &Channel,
    id: &str,
    attempt: &Attempt,
    now_s: i64,
    expire_after_s: i64,
) -> DeliveryOutcome {
    let name = channel.name.as_str();
    let is_it = |entry: &&OutboxEntry| entry.channel == name && entry.message.id == id;
    let Some(message) = state.outbox.iter().find(is_it).map(|entry| entry.message.clone()) else {
        return DeliveryOutcome::Queued;
    };
    match attempt.disposition {
        Disposition::Accepted => {
            state.outbox.remove(name, id);
            state.closed.remove(name);
            if let Some(incident) = incident(state, &message) {
                // A pager's incident ends when it falls below the pager's level.
                let is_over = channel.kind.is_pager() && message.event == EventKind::Better;
                if is_over {
                    incident.channels.remove(name);
                } else if message.event.is_alert() {
                    incident.channels.insert(name.to_owned());
                }
            }
        }
        Disposition::Rejected => {
            state.outbox.remove(name, id);
            if let Some(incident) = incident(state, &message) {
                incident.refused.insert(name.to_owned());
            }
            drop_needless_end(state, name, &message);
        }
        Disposition::Retry { after } => {
            if let Some(after) = after {
                let wait_s = i64::try_from(after.as_secs()).unwrap_or(HOLD_S_MAX).min(HOLD_S_MAX);
                state.outbox.hold(name, now_s.saturating_add(wait_s));
            }
            return expire(state, name, &message, now_s, expire_after_s);
        }
        Disposition::Unauthorized => {
            if is_gone(attempt) {
                state.closed.insert(name.to_owned(), channel.address_hash());
            }
            return expire(state, name, &message, now_s, expire_after_s);
        }
    }
    DeliveryOutcome::Queued
}

/// The incident that a message is about, unless another one of the same problem has begun since.
fn incident<'a>(state: &'a mut AlertState, message: &Message) -> Option<&'a mut Incident> {
    state
        .incidents
        .get_mut(&message.problem)
        .filter(|incident| Some(incident.since_s) == message.since_s || incident.is_open)
}

/// Gives a message up that was tried for too long. The end of an alert that a channel has is never given up.
fn expire(
    state: &mut AlertState,
    channel: &str,
    message: &Message,
    now_s: i64,
    expire_after_s: i64,
) -> DeliveryOutcome {
    if message.event == EventKind::Resolved
        || !state.outbox.expire(channel, &message.id, now_s, expire_after_s)
    {
        return DeliveryOutcome::Queued;
    }
    drop_needless_end(state, channel, message);
    DeliveryOutcome::Expired
}

/// A channel that never got an alert does not get its end.
fn drop_needless_end(state: &mut AlertState, channel: &str, message: &Message) {
    let knows = incident(state, message).is_some_and(|incident| incident.channels.contains(channel));
    if !knows && !message.problem.is_empty() {
        state.outbox.drop_resolved(channel, message);
    }
}

/// The result of a message that was sent; `undelivered` is the outcome if it was neither accepted nor refused.
pub(crate) fn notification(
    channel: &Channel,
    message: &Message,
    attempt: &Attempt,
    undelivered: DeliveryOutcome,
) -> Notification {
    let outcome = match attempt.disposition {
        Disposition::Accepted => DeliveryOutcome::Delivered,
        Disposition::Rejected => DeliveryOutcome::Rejected,
        Disposition::Retry { .. } | Disposition::Unauthorized => undelivered,
    };
    Notification {
        channel: channel.name.clone(),
        id: message.id.clone(),
        event: message.event,
        outcome,
        attempts: attempt.tries,
        status: attempt.status,
        error: attempt.reason.clone(),
    }
}

/// The result of a message that was not sent in this run.
pub(crate) fn unsent(entry: &OutboxEntry, outcome: DeliveryOutcome, why: Option<&str>) -> Notification {
    Notification {
        channel: entry.channel.clone(),
        id: entry.message.id.clone(),
        event: entry.message.event,
        outcome,
        attempts: 0,
        status: None,
        error: why.map(str::to_owned),
    }
}
