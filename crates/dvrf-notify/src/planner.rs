//! Plans the messages of a run: which channels are notified of a verdict, given the alert state. Pure.

use serde_json::Value;

use super::alert_state::{AlertEvent, AlertRules, AlertState, alerting};
use super::message::{Message, MessageTemplate, numbers};
use super::outbox::OutboxEntry;
use crate::notification::EventKind;
use dvrf_cli::channel::{Channel, ChannelKind, Level};
use supra_core::check::{Checks, Finding, Policy, Severity, Status};
use supra_core::stable_id::stable_id;
use supra_core::state::State;

/// How long a resolved alert is repeated to Alertmanager: a single message may reach only one of its replicas.
const RESOLVED_REPEAT_S: i64 = 15 * 60;

/// A verdict on a subscription.
#[derive(Debug, Clone, Copy)]
pub struct Verdict<'a> {
    /// The identity of the subscription, the same in every run.
    pub key: &'a str,
    /// The name of the subscription.
    pub name: &'a str,
    /// The verdict's status and findings.
    pub checks: &'a Checks,
    /// The typed state, if it was read.
    pub state: Option<&'a State>,
    /// The record, if a channel attaches it.
    pub record: Option<&'a Value>,
    /// The time of the verdict, in seconds since 1970.
    pub now_s: i64,
}

/// Plans messages for the channels of a run.
#[derive(Debug, Clone, Copy)]
pub struct Planner<'a> {
    /// The channels.
    pub channels: &'a [Channel],
    /// The title, language and links of messages.
    pub template: &'a MessageTemplate,
    /// The policy, from which some of the messages' numbers come.
    pub policy: &'a Policy,
    /// When alerts are sent.
    pub rules: &'a AlertRules,
    /// Whether Slack messages contain the record.
    pub include_json: bool,
}

/// The findings that explain a verdict.
fn reasons(checks: &Checks) -> Vec<Finding> {
    match checks.status {
        Status::Ok => Vec::new(),
        Status::Alert => alerting(checks),
        Status::Unknown => {
            checks.findings.iter().filter(|finding| finding.severity == Severity::Unknown).cloned().collect()
        }
    }
}

impl Planner<'_> {
    /// Plans a run without alert state: the verdict is sent to every channel whose level it reaches.
    pub fn report(&self, verdict: &Verdict, run: &str) -> (Message, Vec<OutboxEntry>) {
        let mut message = self.template.message(verdict.name, verdict.checks, &reasons(verdict.checks));
        message.event = EventKind::Report;
        message.id = stable_id(&[verdict.key, "report", run]);
        message.incident = stable_id(&[verdict.key, "incident"]);
        message.at_s = verdict.now_s;
        message.numbers = numbers(verdict.checks, verdict.state, None, self.policy);
        let level = Level::of(verdict.checks.status, verdict.checks.severity);
        let is_notified = |channel: &&Channel| match channel.kind {
            ChannelKind::Ping => false,
            // PagerDuty resolves the incident that an earlier run may have opened.
            ChannelKind::Pagerduty if level == Level::Ok => true,
            ChannelKind::Alertmanager => !message.items.is_empty() && level >= channel.min,
            _ => level >= channel.min,
        };
        let channels = self.channels.iter().filter(is_notified);
        let entries = channels.map(|channel| self.entry(channel, &message, verdict)).collect();
        (message, entries)
    }

    /// Plans a run with alert state: applies the verdict, and adds the messages of its events to the outbox. Returns the
    /// messages.
    pub fn update(&self, state: &mut AlertState, verdict: &Verdict) -> Vec<Message> {
        let events = state.step(verdict.checks, verdict.now_s, self.rules);
        let requests = verdict.state.and_then(|state| state.lottery.rng_request_count);
        let hours_left =
            state.request_history.hours_left(requests, verdict.checks.requests_left, verdict.now_s);
        let numbers = numbers(verdict.checks, verdict.state, hours_left, self.policy);
        let mut messages = Vec::new();
        for event in &events {
            let mut message = self.message(state, verdict, event);
            message.numbers.clone_from(&numbers);
            for channel in self.channels.iter().filter(|channel| is_notified(channel, event)) {
                state.add_channel(event, &channel.name);
                state.outbox.push(self.entry(channel, &message, verdict), channel.kind);
            }
            messages.push(message);
        }
        self.refresh_alertmanagers(state, verdict, &numbers);
        messages
    }

    fn message(&self, state: &mut AlertState, verdict: &Verdict, event: &AlertEvent) -> Message {
        let findings = match (event.kind, event.is_unknown, &state.incident) {
            (EventKind::Resolved, ..) => event.findings.clone(),
            // All findings of the incident, not only those of this run.
            (_, false, Some(incident)) => incident.findings.clone(),
            _ => reasons(verdict.checks),
        };
        let mut message = self.template.message(verdict.name, verdict.checks, &findings);
        state.sequence = state.sequence.saturating_add(1);
        let (since, sequence) = (event.since_s.to_string(), state.sequence.to_string());
        // These words are part of the ids that receivers already know.
        let subject = if event.is_unknown { "blind" } else { "incident" };
        message.id = stable_id(&[verdict.key, event.kind.name(), &since, &sequence]);
        message.incident = stable_id(&[verdict.key, subject, &since]);
        message.event = event.kind;
        message.is_unknown = event.is_unknown;
        message.severity = Some(event.severity);
        message.status = match event.kind {
            EventKind::Resolved => Status::Ok,
            _ if event.is_unknown => Status::Unknown,
            _ => Status::Alert,
        };
        message.at_s = verdict.now_s;
        message.since_s = Some(event.since_s);
        message
    }

    /// Sends the current alerts to Alertmanager in every run: it drops an alert that is not repeated.
    fn refresh_alertmanagers(&self, state: &mut AlertState, verdict: &Verdict, numbers: &[(String, String)]) {
        let mut channels =
            self.channels.iter().filter(|channel| channel.kind == ChannelKind::Alertmanager).peekable();
        if channels.peek().is_none() {
            return;
        }
        // An incident and an unknown status can be open together: one request contains both.
        let mut merged: Option<Message> = None;
        for event in &current_alerts(state, verdict) {
            let mut message = self.message(state, verdict, event);
            message.numbers = numbers.to_vec();
            if let (EventKind::Resolved, Some(resolved)) = (event.kind, &state.resolved) {
                message.at_s = resolved.at_s;
            }
            match &mut merged {
                Some(first) => first.items.extend(message.items),
                None => merged = Some(message),
            }
        }
        let Some(message) = merged else { return };
        let level = Level::of(message.status, message.severity);
        for channel in channels.filter(|channel| message.event == EventKind::Resolved || level >= channel.min)
        {
            state.outbox.push(self.entry(channel, &message, verdict), channel.kind);
        }
    }

    /// Whether any channel attaches the record.
    pub fn needs_record(&self) -> bool {
        self.channels.iter().any(|channel| self.attaches_record(channel))
    }

    fn attaches_record(&self, channel: &Channel) -> bool {
        channel.kind == ChannelKind::Generic || (self.include_json && channel.kind == ChannelKind::Slack)
    }

    fn entry(&self, channel: &Channel, message: &Message, verdict: &Verdict) -> OutboxEntry {
        let record = verdict.record.filter(|_| self.attaches_record(channel)).cloned();
        OutboxEntry {
            channel: channel.name.clone(),
            message: Message { record, ..message.clone() },
            queued_at_s: verdict.now_s,
            not_before_s: None,
        }
    }
}

/// The open alerts, or else the resolved one while it is still repeated.
fn current_alerts(state: &mut AlertState, verdict: &Verdict) -> Vec<AlertEvent> {
    let alert = |kind, severity, since_s, is_unknown, findings| AlertEvent {
        kind,
        is_unknown,
        severity,
        since_s,
        channels: None,
        findings,
    };
    let mut alerts = Vec::new();
    if let Some(incident) = &state.incident {
        let (since_s, findings) = (incident.alert.since_s, incident.findings.clone());
        alerts.push(alert(EventKind::Reminder, incident.severity, since_s, false, findings));
    }
    if let Some(unknown) = &state.unknown {
        let findings = reasons(verdict.checks);
        alerts.push(alert(EventKind::Reminder, Severity::Unknown, unknown.since_s, true, findings));
    }
    if let (None, Some(resolved)) = (&state.incident, &state.resolved) {
        if verdict.now_s.saturating_sub(resolved.at_s) <= RESOLVED_REPEAT_S {
            let incident = &resolved.incident;
            let (since_s, findings) = (incident.alert.since_s, incident.findings.clone());
            alerts.push(alert(EventKind::Resolved, incident.severity, since_s, false, findings));
        } else {
            state.resolved = None;
        }
    }
    alerts
}

/// Whether a channel is notified of an event. Of a resolved alert, only the channels that received the alert are.
fn is_notified(channel: &Channel, event: &AlertEvent) -> bool {
    match (channel.kind, &event.channels) {
        // Pings and Alertmanager are sent the state of every run instead.
        (ChannelKind::Ping | ChannelKind::Alertmanager, _) => false,
        (_, Some(channels)) => channel.resolved && channels.contains(&channel.name),
        (_, None) => Level::From(event.severity) >= channel.min,
    }
}

#[cfg(test)]
mod tests;
