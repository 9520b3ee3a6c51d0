//! Which channels are notified of what.

use std::cmp::Reverse;

use crate::alert_state::{AlertEvent, AlertState, Incident};
use crate::message::{Alert, Item};
use crate::notification::EventKind;
use dvrf_cli::channel::{Channel, ChannelKind, Level};

/// The alerts of an Alertmanager whose level they reach: the current ones, and those that ended a short time ago.
pub(super) fn alerts(state: &AlertState, min: Level) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for (problem, incident) in &state.incidents {
        let since_s = incident.since_s;
        let alert =
            |item: &Item, ended_s| Alert { problem: problem.clone(), item: item.clone(), since_s, ended_s };
        let is_known = incident.is_open || incident.ended_s.is_some();
        alerts.extend(incident.alert.iter().filter(|_| is_known).map(|item| alert(item, incident.ended_s)));
        alerts.extend(incident.earlier.iter().map(|earlier| alert(&earlier.item, Some(earlier.ended_s))));
    }
    alerts.retain(|alert| Level::From(alert.item.severity) >= min);
    alerts.sort_by_key(|alert| Reverse(alert.item.severity));
    alerts
}

/// Whether a channel is notified of incidents. Pings and Alertmanager are sent the state of every run instead.
pub(super) fn is_told(channel: &Channel) -> bool {
    !matches!(channel.kind, ChannelKind::Ping | ChannelKind::Alertmanager)
}

/// Whether a channel is to know of an incident by now: one with `after` only when it has lasted that long and nobody works
/// on it.
pub(super) fn is_due(channel: &Channel, incident: &Incident, is_acknowledged: bool, now_s: i64) -> bool {
    let age_s = now_s.saturating_sub(incident.since_s);
    channel.after_s == 0
        || incident.channels.contains(&channel.name)
        || !is_acknowledged && age_s >= channel.after_s
}

pub(super) fn has_not_taken(channel: &Channel, incident: &Incident) -> bool {
    Level::From(incident.gravity.severity) >= channel.min && !incident.channels.contains(&channel.name)
}

/// Whether a channel is notified of an event. Of an end or an improvement, only the channels that received the alert are.
pub(super) fn is_notified(
    channel: &Channel,
    event: &AlertEvent,
    incident: &Incident,
    state: &AlertState,
) -> bool {
    let reaches = Level::From(incident.gravity.severity) >= channel.min;
    let knows =
        || incident.channels.contains(&channel.name) || state.outbox.is_waiting(&channel.name, &event.key);
    match event.kind {
        _ if !is_told(channel) => false,
        EventKind::Resolved => channel.resolved && knows(),
        // A pager is not called by an improvement; below its level, its incident is over.
        EventKind::Better if channel.kind.is_pager() => !reaches && channel.resolved && knows(),
        EventKind::Better => knows(),
        _ => reaches,
    }
}
